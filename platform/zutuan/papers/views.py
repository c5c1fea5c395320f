"""A paper as pages and API show it."""

from __future__ import annotations

from typing import Any

from flask import Response

from zutuan.papers import services
from zutuan.papers.models import Paper
from zutuan.web.requests import config

_OWN = (
    "id", "number", "kind", "school", "person", "content", "digest", "issued_at", "revoked_at", "revoke_reason",
)  # fmt: skip
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
