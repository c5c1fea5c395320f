"""What kinds of file are taken: one allow-list. The content decides with the ending; what the client claims never does."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

import puremagic

HEAD = 64 * 1024
TAIL = 66 * 1024  # where a zip lists what it holds


@dataclass(frozen=True)
class Media:
    """A kind of file: its type, and what its content must look like. `magic` are endings as puremagic knows them;
    `holds` is what a zip of this kind lists; `text` is for what has no mark of its own."""

    type: str
    magic: frozenset[str] = frozenset()
    holds: bytes = b""
    text: bool = False


def _magic(type_: str, *endings: str) -> Media:
    return Media(type_, frozenset(endings))


def _zip(type_: str, holds: bytes) -> Media:
    return Media(type_, frozenset({".zip", ".docx", ".epub"}), holds=holds)


_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_OLD_OFFICE = frozenset({".doc", ".xls", ".ppt", ".msi"})

DOCUMENTS: dict[str, Media] = {
    "pdf": _magic("application/pdf", ".pdf"),
    "docx": _zip(_OPEN_XML + "wordprocessingml.document", b"word/"),
    "xlsx": _zip(_OPEN_XML + "spreadsheetml.sheet", b"xl/"),
    "pptx": _zip(_OPEN_XML + "presentationml.presentation", b"ppt/"),
    "odt": _zip("application/vnd.oasis.opendocument.text", b"opendocument.text"),
    "ods": _zip("application/vnd.oasis.opendocument.spreadsheet", b"opendocument.spreadsheet"),
    "odp": _zip("application/vnd.oasis.opendocument.presentation", b"opendocument.presentation"),
    "doc": Media("application/msword", _OLD_OFFICE),
    "xls": Media("application/vnd.ms-excel", _OLD_OFFICE),
    "ppt": Media("application/vnd.ms-powerpoint", _OLD_OFFICE),
    "wps": Media("application/vnd.ms-works", _OLD_OFFICE),
    "rtf": _magic("application/rtf", ".rtf"),
    "epub": _zip("application/epub+zip", b"application/epub+zip"),
    "txt": Media("text/plain", text=True),
    "md": Media("text/markdown", text=True),
    "csv": Media("text/csv", text=True),
    "tsv": Media("text/tab-separated-values", text=True),
    "bib": Media("application/x-bibtex", text=True),
    "ris": Media("application/x-research-info-systems", text=True),
    "srt": Media("application/x-subrip", text=True),
    "vtt": Media("text/vtt", text=True),
}
IMAGES: dict[str, Media] = {
    "png": _magic("image/png", ".png"),
    "jpg": _magic("image/jpeg", ".jpg"),
    "jpeg": _magic("image/jpeg", ".jpg"),
    "gif": _magic("image/gif", ".gif"),
    "webp": _magic("image/webp", ".webp"),
}
RECORDINGS: dict[str, Media] = {
    "mp3": _magic("audio/mpeg", ".mp3", ".mpga"),
    "m4a": _magic("audio/mp4", ".m4a", ".mp4"),
    "wav": _magic("audio/wav", ".wav"),
    "ogg": _magic("audio/ogg", ".ogg", ".oga"),
    "mp4": _magic("video/mp4", ".mp4", ".m4v"),
    "webm": _magic("video/webm", ".webm"),
}
BUNDLES: dict[str, Media] = {
    "zip": _magic("application/zip", ".zip", ".docx"),
    "7z": _magic("application/x-7z-compressed", ".7z"),
    "rar": _magic("application/vnd.rar", ".rar"),
}
# What a file is for → what may be that, by its ending.
PURPOSES: dict[str, dict[str, Media]] = {
    "attachment": DOCUMENTS | IMAGES | RECORDINGS | BUNDLES,
    "document": DOCUMENTS,
    "image": IMAGES,
}
_MARKUP = re.compile(rb"(?i)<\s*(!doctype\s+html|html|head|body|script|svg|iframe|xml|\?xml)\b")


def ending_of(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def expected(name: str, purpose: str) -> Media | None:
    """What a file of this name would be, or None where such files are not taken."""
    return PURPOSES[purpose].get(ending_of(name))


def fits(media: Media, head: bytes, tail: bytes) -> bool:
    """Whether the content is what its ending says. `head` and `tail` are its first and last bytes."""
    if media.text:
        return _is_text(head)
    seen = {match.extension for match in _matches(head)}
    if head[4:8] == b"ftyp":
        seen.add(".mp4")  # puremagic knows only some of the brands of ISO base media
    return bool(seen & media.magic) and (not media.holds or media.holds in head or media.holds in tail)


def _matches(head: bytes) -> list[puremagic.PureMagicWithConfidence]:
    try:
        return puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return []


def _is_text(head: bytes) -> bool:
    """Readable text without binary controls, and no page that a browser could be talked into showing."""
    if _MARKUP.search(head[:4096]) or re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]", _without_mark(head)):
        return False
    return any(_decodes(head, encoding) for encoding in ("utf-8-sig", "gb18030", "utf-16"))


def _without_mark(head: bytes) -> bytes:
    """UTF-16 is full of zero bytes that are text all the same; only with its mark is it taken for that."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace").encode()
    return head


def _decodes(head: bytes, encoding: str) -> bool:
    if encoding == "utf-16" and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return False
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)  # the head may end within a character
    except UnicodeDecodeError:
        return False
    return True
