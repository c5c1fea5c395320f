"""Pure decisions about files: names, ranges, what a piece may add. (RFC 9110 section 14, RFC 6266, tus 1.0.)"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from zutuan.decision import Refusal

MAX_NAME = 200
# Devices of Windows: a download of that name would open none of our files there, but the printer.
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?")
_FORBIDDEN = re.compile(r'[/\\:*?"<>|]')
# Signs that look like a slash, a colon or a dot-dot, and so could make a name look like another place.
_LOOKALIKES = frozenset("∕⁄⧸⧵﹨＼／：․‥…⁚")
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


def name_refusal(name: str) -> Refusal | None:
    """Why this is no name for a file, or None. `name` is in NFC and without surrounding space."""
    if len(name) > MAX_NAME:
        return Refusal("too_long", {"max": MAX_NAME})
    if any(unicodedata.category(char) in _INVISIBLE for char in name):
        return Refusal("name_invisible")
    if _FORBIDDEN.search(name) or any(char in _LOOKALIKES for char in name):
        return Refusal("name_path")
    if name.strip(". ") == "":
        return Refusal("name_dots")
    if _RESERVED.fullmatch(name):
        return Refusal("name_reserved")
    if name.startswith(".") or name.endswith("."):
        return Refusal("name_dot_at_end")
    return None


def disposition(name: str) -> str:
    """`Content-Disposition` of a download: the name in UTF-8, and for old clients what of it is ASCII (RFC 6266)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9 ._()-]", "", plain).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if not plain.rpartition(".")[0]:
        plain = f"file.{ending}" if dot and stem and ending.isascii() and ending.isalnum() else "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


# --- ranges -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Whole:
    """All of it: no range was asked for, or not in a way that we must honour."""


@dataclass(frozen=True)
class Span:
    """Bytes [start, stop)."""

    start: int
    stop: int


@dataclass(frozen=True)
class Beyond:
    """Nothing of what was asked for exists: 416."""


_RANGE = re.compile(r"(?i)bytes=[ \t]*([0-9]{0,18})[ \t]*-[ \t]*([0-9]{0,18})[ \t]*,?[ \t]*")


def wanted_range(header: str | None, size: int) -> Whole | Span | Beyond:
    """What a `Range` header asks of `size` bytes. Other units, several ranges and nonsense get all of it, as they may."""
    match = _RANGE.fullmatch(header.strip()) if header and len(header) < 200 else None
    if match is None or (match[1] == match[2] == ""):
        return Whole()
    if match[1] == "":  # the last so many
        last = int(match[2])
        return Span(max(size - last, 0), size) if last and size else Beyond()
    start, stop = int(match[1]), int(match[2]) + 1 if match[2] else size
    if match[2] and stop <= start:
        return Whole()  # not a valid range: to be ignored
    return Span(start, min(stop, size)) if start < size else Beyond()


# --- uploads ----------------------------------------------------------------------------------------------------

KEEP = timedelta(hours=24)
LEASE = timedelta(seconds=60)
MAX_PARTS = 2000


@dataclass(frozen=True)
class Progress:
    """An upload as the rule sees it."""

    state: str
    offset: int
    length: int
    parts: int
    expires_at: datetime
    writer_until: datetime | None = None


def may_add(upload: Progress, offset: int, size: int, now: datetime) -> Refusal | None:
    """Whether a request may add `size` bytes at `offset` now."""
    if upload.state != "open" or upload.expires_at <= now:
        return Refusal("upload_over")
    if offset != upload.offset:
        return Refusal("upload_offset", {"offset": upload.offset})
    if offset + size > upload.length:
        return Refusal("upload_too_long", {"length": upload.length})
    if upload.writer_until is not None and upload.writer_until > now:
        return Refusal("upload_busy")
    if upload.parts >= MAX_PARTS:
        return Refusal("upload_too_many_parts")
    return None


def within_quota(used: int, wanted: int, limit: int) -> Refusal | None:
    """Whether a person's own files and uploads may grow by so many bytes."""
    return Refusal("files_quota", {"limit": megabytes(limit)}) if used + wanted > limit else None


def megabytes(size: int) -> str:
    return f"{size // 1024**2} MB"


def metadata_of(header: str) -> Mapping[str, str] | None:
    """`Upload-Metadata` of tus as text by name; None where it is not well formed."""
    import base64
    import binascii

    found: dict[str, str] = {}
    for pair in header.split(",") if header.strip() else ():
        name, _, coded = pair.strip().partition(" ")
        if not name or name in found or len(found) > 20:
            return None
        try:
            found[name] = base64.b64decode(coded.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
    return found
