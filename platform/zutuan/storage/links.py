"""Short-lived signed addresses of the file server: one file, one presentation, a few minutes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer

from zutuan.storage import rules
from zutuan.storage.backends import checked

PATH = "/-/files"
SECONDS = 300
_SALT = "zutuan file address"


# No content of a user is ever a page of ours: it is saved, not shown, and its type is not guessed.
GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}


def headers_of(name: str, sha256: str) -> dict[str, str]:
    """What every answer with a file's content says, whoever sends it."""
    return {
        "Content-Disposition": rules.disposition(name), "ETag": f'"{sha256}"', "Accept-Ranges": "bytes", **GUARDS,
    }  # fmt: skip


@dataclass(frozen=True)
class Link:
    """What an address grants, and until when (seconds since 1970)."""

    key: str
    media_type: str
    name: str
    sha256: str
    until: int


class BadLink(Exception):
    """Not signed by us, or its time is over."""


def sign(secret: str, link: Link) -> str:
    """The path on the file server. The name at its end is for people's eyes only."""
    token = str(URLSafeSerializer(secret, salt=_SALT).dumps(asdict(link)))
    return f"{PATH}/{token}/{quote(link.name, safe='')}"


def read(secret: str, token: str, now: datetime) -> Link:
    """What the token grants now. Raises BadLink."""
    try:
        link = Link(**URLSafeSerializer(secret, salt=_SALT).loads(token))
        checked(link.key)
    except (BadData, TypeError, ValueError) as error:
        raise BadLink from error
    if link.until < now.timestamp():
        raise BadLink
    return link
