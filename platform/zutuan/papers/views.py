"""A paper as pages and API show it."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Sequence
from typing import IO, Any, cast

from flask import Response, send_file

from zutuan.papers import services
from zutuan.papers.models import Paper
from zutuan.web.requests import config

_OWN = (
    "id", "number", "kind", "school", "person", "content", "digest", "issued_at", "revoked_at", "revoke_reason",
)  # fmt: skip
_NO_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f]')
# For the file alone: whatever a viewer makes of it, it runs nothing and asks nobody.
FILE_CSP = "default-src 'none'; sandbox"


def verify_url(paper: Paper) -> str:
    """What the QR code opens: by ZUTUAN_URL, never by the Host header."""
    return f"{config().url}/verify/{paper.number}"


def paper(value: Paper) -> dict[str, Any]:
    return {**{name: getattr(value, name) for name in _OWN}, "verify_url": verify_url(value)}


def file(value: Paper) -> Response:
    """The PDF as a download."""
    response = Response(services.as_pdf(value, verify_url(value)), mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{value.number}.pdf"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def bundle(values: Sequence[Paper]) -> Response:
    """Several PDFs as one .zip, each called after whom it is for."""
    kept = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=1024**2))  # noqa: SIM115  (closed by the answer)
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_STORED) as packed:
        for each in values:
            name = _NO_NAME.sub(" ", each.person.name)
            packed.writestr(f"{name}-{each.number}.pdf", services.as_pdf(each, verify_url(each)))
    kept.seek(0)
    response = send_file(kept, mimetype="application/zip", as_attachment=True, download_name="papers.zip", max_age=0)
    response.headers["Cache-Control"] = "private, no-store"
    return response
