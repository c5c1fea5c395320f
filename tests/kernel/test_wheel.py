"""What the image does, proved without an engine: build the wheel, install it in a clean environment outside the
checkout, migrate, start, answer `/readyz`, on both databases."""

from __future__ import annotations

import os
import re
import shutil
import signal
import site
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import SECRET
from support.postgres import _free_port

ROOT = Path(__file__).parents[2]
SOURCES = ("pyproject.toml", "README.md", "platform", "courses", "migrations")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what the Dockerfile copies, without any network."""
    source = tmp_path_factory.mktemp("source")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q", "-w"]
    subprocess.run([*command, source / "dist", source], check=True, cwd=source)
    (built,) = (source / "dist").glob("zutuan-*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment's folder of commands. It sees the libraries that are installed here, and of ours the wheel only."""
    place = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    ours = Path(sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)}))
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "-q", "--target"]
    subprocess.run([*command, ours, wheel], check=True)
    # As text, not by `site`: an editable install's own .pth file is then not read.
    (ours / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    script = place / "bin" / "zutuan"
    script.write_text(f"#!{place}/bin/python\nfrom zutuan.cli import main\nif __name__ == '__main__':\n    main()\n")
    script.chmod(0o755)
    return place / "bin"


def environment(url: str, folder: Path) -> dict[str, str]:
    """Nothing of this process's but the bare necessities: no PYTHONPATH above all."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    settings = {"DATABASE": url, "SECRET": SECRET, "FILES": folder / "files", "ACCESS_LOGS": folder / "access"}
    return {**kept, "TMPDIR": str(folder), **{f"ZUTUAN_{name}": str(value) for name, value in settings.items()}}


def fetch(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def server(installed: Path, empty_url: str, tmp_path: Path) -> Iterator[int]:
    """Migrated and started as in the image; answers its port."""
    (tmp_path / "files").mkdir()
    env, port = environment(empty_url, tmp_path), _free_port()
    where = subprocess.run(
        [installed / "python", "-c", "import zutuan, courses; print(zutuan.__file__, courses.__file__)"],
        env=env, cwd=tmp_path, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert str(ROOT) not in where and where.count(str(installed.parent)) == 2
    refused = subprocess.run(
        [installed / "zutuan", "serve"],
        env={**env, "ZUTUAN_SECRET": ""},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert refused.returncode != 0 and b"ZUTUAN_SECRET" in refused.stderr
    subprocess.run(
        [installed / "zutuan", "db", "upgrade"], env=env, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL
    )
    command = [installed / "zutuan", "serve", "--port", str(port), "--workers", "1"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=env, cwd=tmp_path, stdout=log, stderr=log)
    try:
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def test_the_wheel_runs_outside_the_checkout(server: int, tmp_path: Path) -> None:
    last, answer = time.monotonic() + 90, (0, "")
    while answer[0] != 200 and time.monotonic() < last:
        try:
            answer = fetch(server, "/readyz")
        except OSError:
            time.sleep(0.1)
    assert answer == (200, '{"status":"ok","checks":{"database":"ok","storage":"ok"}}'), (tmp_path / "log").read_text()
    status, page = fetch(server, "/sign-in")
    assert status == 200 and "登录" in page
    links = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(links) >= 4 and {fetch(server, link)[0] for link in links} == {200}
    assert fetch(server, "/api/openapi.json")[0] == 200 and fetch(server, "/metrics")[0] == 200


def test_the_wheel_carries_everything_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as parts:
        names = {name for name in parts.namelist() if ".dist-info/" not in name}
    tops = {"zutuan": ROOT / "platform", "courses": ROOT}
    for top, base in tops.items():
        files = {
            p.relative_to(base).as_posix()
            for p in (base / top).rglob("*")
            if p.is_file() and "__pycache__" not in p.parts
        }
        assert files <= names, files - names
    for path in (ROOT / "migrations").rglob("*.py"):
        assert (
            f"zutuan/_migrations/{path.relative_to(ROOT / 'migrations').as_posix()}" in names
            or "__pycache__" in path.parts
        )
    assert [name for name in names if re.search(r"(^|/)(tests|bench|var|\.env)(/|$)|\.db$|\.pyc$", name)] == []
    assert not any(name.startswith("platform/") for name in names)
