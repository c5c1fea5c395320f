"""A paper read back as somebody who holds it does: its words, and the address in its QR code."""

from __future__ import annotations

import io

import pypdf
import pypdfium2
import zxingcpp

BLANK = dict.fromkeys(map(ord, " \n\x00"))  # pypdf reads the two bytes of a code as two characters at times


def words_of(raw: bytes) -> str:
    reader = pypdf.PdfReader(io.BytesIO(raw))
    return "".join(page.extract_text() for page in reader.pages).translate(BLANK)


def scanned(raw: bytes) -> str:
    document = pypdfium2.PdfDocument(raw)
    (code,) = zxingcpp.read_barcodes(document[len(document) - 1].render(scale=3).to_pil())
    return str(code.text)
