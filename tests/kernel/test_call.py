"""Calling an address that somebody typed: TLS to a public host, no redirect, nothing endless."""

from __future__ import annotations

import http.server
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zutuan.notices import call
from zutuan.notices.call import Unreachable, is_public, post_json


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True), ("2606:4700:4700::1111", True), ("127.0.0.1", False), ("10.1.2.3", False), ("0.0.0.0", False),
        ("169.254.169.254", False), ("192.168.1.1", False), ("100.64.0.1", False), ("::1", False), ("fe80::1", False),
        ("fd00::1", False), ("::ffff:127.0.0.1", False), ("2002:7f00:1::", False), ("224.0.0.1", False), ("::", False),
        ("64:ff9b::7f00:1", False), ("64:ff9b::1.1.1.1", True), ("64:ff9b:1::a00:1", False), ("::127.0.0.1", False),
        ("fec0::1", False), ("ff0e::1", False), ("2001:0:7f00:1::1", False), ("::ffff:1.1.1.1", True),
    ],
)  # fmt: skip
def test_what_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_name_of_this_machine_is_not_called() -> None:
    with pytest.raises(Unreachable, match="not a public address"):
        post_json("https://localhost/x?key=secret", {})


class Robot(http.server.BaseHTTPRequestHandler):
    heard: list[Any] = []  # noqa: RUF012

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((self.path, self.headers["Host"], json.loads(raw)))
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "https://127.0.0.1/inside")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write({"/long": b"x" * 100_000, "/list": b"[]", "/text": b"no"}.get(self.path, b'{"errcode":0}'))

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def robot(tmp_path: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate: apt-get install openssl")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
         "-subj", "/CN=robot.example", "-addext", "subjectAltName=DNS:robot.example"],
        check=True, capture_output=True,
    )  # fmt: skip
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Robot)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    trusting = ssl.create_default_context(cafile=str(cert))
    Robot.heard.clear()
    yield server.server_address[1], trusting
    server.shutdown()


def test_the_robot_is_told(robot: tuple[int, ssl.SSLContext]) -> None:
    port, context = robot

    def ask(path: str, trusted: ssl.SSLContext | None = context) -> dict[str, Any]:
        url = f"https://robot.example:{port}{path}"
        return post_json(url, {"a": "你好"}, resolve=lambda _host, _port: "127.0.0.1", context=trusted)

    assert ask("/send?key=k") == {"errcode": 0} and ask("/list") == {}
    assert Robot.heard[0] == ("/send?key=k", f"robot.example:{port}", {"a": "你好"})
    for path, why in (("/moved?key=secret", "HTTP 302"), ("/long", "HTTP 200"), ("/text", "no JSON")):
        with pytest.raises(Unreachable, match=why) as error:
            ask(path)
        assert "secret" not in str(error.value)
    assert len(Robot.heard) == 5, "the redirect was not followed"
    with pytest.raises(Unreachable, match="SSLCertVerificationError"):
        ask("/send", None)


def test_a_host_with_one_private_address_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(0, 0, 0, "", ("1.1.1.1", 443)), (0, 0, 0, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(call.socket, "getaddrinfo", lambda *_a, **_k: both)
    with pytest.raises(Unreachable, match="not a public address"):
        post_json("https://robot.example/", {})
