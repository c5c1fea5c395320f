"""Calling an address that somebody typed: to a public host, once, without following it anywhere else."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson

TIMEOUT_SECONDS = 10.0
LONGEST_ANSWER = 64 * 1024


class Unreachable(Exception):
    """It could not be called, or did not answer as it should. The text holds nothing of the address's secret."""


def is_public(address: str) -> bool:
    """Neither this machine nor its neighbourhood, by whatever spelling (`::ffff:127.0.0.1`, 6to4, NAT64). Of IPv6 only
    what is given out to the internet (2000::/3) and the ways to IPv4 that hold a public address."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv4Address):
        return found.is_global and not found.is_multicast
    inside = found.ipv4_mapped or found.sixtofour or _translated(found)
    if inside is not None:
        return is_public(str(inside))
    return found in _INTERNET and found.is_global


_INTERNET, _NAT64 = ipaddress.IPv6Network("2000::/3"), ipaddress.IPv6Network("64:ff9b::/96")


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


class _Pinned(http.client.HTTPSConnection):
    """Connects to the one address that was checked: a name that answers differently the next time gets nowhere."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=TIMEOUT_SECONDS, context=context)
        self._address, self._tls = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), TIMEOUT_SECONDS)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def _resolve(host: str, port: int) -> str:
    """An address of the host, when all of its addresses are public."""
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not found or not all(is_public(address) for address in found):
        raise Unreachable("not a public address")
    return found[0]


def post_json(
    url: str,
    body: dict[str, Any],
    *,
    resolve: Callable[[str, int], str] = _resolve,
    context: ssl.SSLContext | None = None,
) -> dict[str, Any]:
    """POST the body, answer the JSON object that comes back. Raises Unreachable for anything else, redirects included."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection = _Pinned(host, port, resolve(host, port), context or ssl.create_default_context())
        try:
            connection.request("POST", target, orjson.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            raw = response.read(LONGEST_ANSWER + 1)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(type(error).__name__) from None
    if response.status != 200 or len(raw) > LONGEST_ANSWER:
        raise Unreachable(f"HTTP {response.status}")
    try:
        answer = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Unreachable("no JSON") from None
    return answer if isinstance(answer, dict) else {}
