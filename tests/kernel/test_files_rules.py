"""Names, ranges, kinds of file: pure decisions, on whatever comes."""

from __future__ import annotations

import io
import unicodedata
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError
from werkzeug.http import parse_options_header

from zutuan.storage import media, rules
from zutuan.storage.rules import Beyond, Span, Whole, wanted_range
from zutuan.storage.schemas import FileName

GOOD = (
    "讲义.pdf",
    "第 1 章（上）.docx",
    "a.b.c.txt",
    "报告-v2_final.pdf",
    "Übung.pdf",
    "名" * 196 + ".pdf",
    "café.pdf",
    "con1.txt",
)
BAD = {
    "../../etc/passwd": "name_path", "..\\x.pdf": "name_path", "/etc/passwd": "name_path", "C:\\a.pdf": "name_path",
    "a/b.pdf": "name_path", "a:b.pdf": "name_path", 'a"b.pdf': "name_path", "a∕b.pdf": "name_path", "‥/a": "name_path",
    "invoice\u202efdp.exe": "name_invisible", "a\u200fb.pdf": "name_invisible", "a\u2066b.pdf": "name_invisible",
    "a\x00.pdf": "name_invisible", "a\nb.pdf": "name_invisible", "a\r\nSet-Cookie: x.pdf": "name_invisible",
    "a\u200bb.pdf": "name_invisible", "a\ue000.pdf": "name_invisible",
    "x" * 300 + ".pdf": "too_long", "名" * 201: "too_long", "": "required", "   ": "required",
    ".": "name_dots", "..": "name_dots", ". .": "name_dots", ".htaccess": "name_dot_at_end", "a.": "name_dot_at_end",
    "CON": "name_reserved", "nul.txt": "name_reserved", "Lpt1.pdf": "name_reserved", "COM¹.txt": "name_reserved",
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_names_of_people_are_taken_as_they_are(name: str) -> None:
    assert FileName().deserialize(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(("name", "code"), BAD.items())
def test_names_that_are_no_names(name: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        FileName().deserialize(name)
    assert refused.value.messages == [code]


@given(st.text(max_size=300))
def test_a_name_that_is_taken_is_harmless(name: str) -> None:
    try:
        taken = FileName().deserialize(name)
    except ValidationError:
        return
    assert 0 < len(taken) <= rules.MAX_NAME and taken == taken.strip() and taken not in (".", "..")
    assert not set(taken) & set('/\\:*?"<>|\r\n\0')
    assert FileName().deserialize(taken) == taken
    header = rules.disposition(taken)
    assert header.isascii() and header.isprintable()
    kind, options = parse_options_header(header)
    assert (kind, options["filename"]) == ("attachment", taken)


# --- ranges -----------------------------------------------------------------------------------------------------

CASES = {
    None: Whole(), "": Whole(), "bytes=0-0": Span(0, 1), "bytes=0-": Span(0, 100), "bytes=99-": Span(99, 100),
    "bytes=-1": Span(99, 100), "bytes=-100": Span(0, 100), "bytes=-500": Span(0, 100), "bytes=90-500": Span(90, 100),
    "bytes=100-": Beyond(), "bytes=100-200": Beyond(), "bytes=-0": Beyond(), "bytes=5-4": Whole(), "bytes=-": Whole(),
    "bytes=a-b": Whole(), "items=0-5": Whole(), "bytes=0-1,3-4": Whole(), "BYTES=1-2": Span(1, 3),
    "bytes= 1 - 2 ": Span(1, 3), "bytes=١-٢": Whole(), "bytes=1-2;": Whole(), "bytes=+1-2": Whole(),
    "bytes=0-" + "9" * 18: Span(0, 100), "bytes=0-" + "9" * 19: Whole(), "bytes=0-1," * 1000: Whole(),
}  # fmt: skip


@pytest.mark.parametrize(("header", "expected"), CASES.items())
def test_ranges_of_rfc_9110(header: str | None, expected: Whole | Span | Beyond) -> None:
    assert wanted_range(header, 100) == expected


@given(st.integers(0, 10**12), st.one_of(st.none(), st.integers(0, 10**13)), st.integers(1, 10**12))
def test_a_range_is_what_slicing_gives(start: int, last: int | None, size: int) -> None:
    found = wanted_range(f"bytes={start}-{'' if last is None else last}", size)
    if last is not None and last < start:
        assert found == Whole()
    elif start >= size:
        assert found == Beyond()
    else:
        assert found == Span(start, size if last is None else min(last + 1, size))


@given(st.text(max_size=60), st.integers(0, 1000))
def test_any_header_is_answered_within_the_file(header: str, size: int) -> None:
    for text in (header, f"bytes={header}"):
        found = wanted_range(text, size)
        assert not isinstance(found, Span) or 0 <= found.start < found.stop <= size


# --- kinds of file ----------------------------------------------------------------------------------------------


def zipped(*names: str, mimetype: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        if mimetype:
            file.writestr("mimetype", mimetype)
        for name in names:
            file.writestr(name, "x")
    return out.getvalue()


PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
WHAT = {
    "a.pdf": PDF, "a.docx": zipped("[Content_Types].xml", "word/document.xml"), "wps.docx": zipped("x", "word/d.xml"),
    "a.xlsx": zipped("[Content_Types].xml", "xl/workbook.xml"), "a.pptx": zipped("_rels/.rels", "ppt/p.xml"),
    "a.odt": zipped("content.xml", mimetype="application/vnd.oasis.opendocument.text"),
    "a.epub": zipped("META-INF/container.xml", mimetype="application/epub+zip"), "a.zip": zipped("a"), "a.doc": OLE,
    "a.xls": OLE, "a.ppt": OLE, "a.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a.jpg": b"\xff\xd8\xff\xe1\0\0Exif\0\0",
    "a.JPEG": b"\xff\xd8\xff\xdb" + bytes(30), "a.gif": b"GIF89a" + bytes(20),
    "a.webp": b"RIFF\x24\0\0\0WEBPVP8 " + bytes(20), "a.mp3": b"ID3\x03" + bytes(30), "a.txt": "你好".encode(),
    "gbk.txt": "你好，世界。教学大纲".encode("gbk"), "a.csv": "姓名,学号\n张三,1\n".encode("utf-8-sig"),
    "a.mp4": b"\0\0\0\x20ftypiso5" + bytes(30), "a.m4a": b"\0\0\0\x20ftypM4A " + bytes(30),
    "a.7z": b"7z\xbc\xaf'\x1c\0\4", "a.rar": b"Rar!\x1a\x07\x01\0", "a.rtf": b"{\\rtf1\\ansi",
    "u.txt": "你好".encode("utf-16"), "a.wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(20), "a.md": b"# a < b > c\n",
}  # fmt: skip
LIES = {
    "a.pdf": b"MZ\x90\0\3\0\0\0" + bytes(100), "b.pdf": b"<!DOCTYPE html><html>", "c.pdf": "你好".encode(),
    "a.png": PDF, "a.docx": zipped("a"), "b.docx": zipped("[Content_Types].xml", "xl/workbook.xml"), "a.txt": PDF + bytes(9),
    "a.csv": zipped("a"), "b.txt": b"<html><script>alert(1)</script>", "c.txt": b'<?xml version="1.0"?><svg onload="x">',
    "a.md": b"hello\n<SCRIPT>alert(1)</SCRIPT>", "a.jpg": b"GIF89a" + bytes(20), "a.zip": b"\x7fELF" + bytes(50),
    "a.doc": PDF, "d.txt": b"\x7fELF\x02\x01\x01" + bytes(50), "a.mp4": b"\x1aE\xdf\xa3webm",
}  # fmt: skip


@pytest.mark.parametrize("name", WHAT)
def test_content_that_is_what_its_name_says(name: str) -> None:
    kind = media.expected(name, "attachment")
    assert kind is not None and media.fits(kind, WHAT[name], WHAT[name])


@pytest.mark.parametrize("name", LIES)
def test_content_that_is_something_else(name: str) -> None:
    kind = media.expected(name, "attachment")
    assert kind is not None and not media.fits(kind, LIES[name], LIES[name])


@pytest.mark.parametrize(
    "name", ["a.html", "a.htm", "a.svg", "a.xhtml", "a.exe", "a.js", "a.xml", "a", "pdf", "a.pdf.exe"]
)
def test_what_is_not_taken_at_all(name: str) -> None:
    assert media.expected(name, "attachment") is None


@given(st.binary(max_size=300))
def test_any_bytes_are_judged(head: bytes) -> None:
    for kind in media.PURPOSES["attachment"].values():
        media.fits(kind, head, head)


def test_nothing_that_a_browser_would_run_is_served() -> None:
    types = {kind.type for table in media.PURPOSES.values() for kind in table.values()}
    assert not [each for each in types if "html" in each or "script" in each or "svg" in each or each[-3:] == "xml"]


@given(st.dictionaries(st.sampled_from(["filename", "item_id", "x"]), st.text(max_size=20), max_size=3))
def test_metadata_of_tus_is_read_back(pairs: dict[str, str]) -> None:
    import base64

    header = ",".join(f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in pairs.items())
    assert rules.metadata_of(header) == pairs


@pytest.mark.parametrize("header", ["filename !!!", "filename YQ==,filename YQ==", ",", "filename //8="])
def test_metadata_that_is_none(header: str) -> None:
    assert rules.metadata_of(header) is None
