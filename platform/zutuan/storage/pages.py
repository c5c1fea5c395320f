"""The address of a download on pages: the same answer as the API's, its refusals as pages."""

from __future__ import annotations

from flask import Blueprint, Response

from zutuan.storage import delivery, services
from zutuan.web.requests import actor, db, files

blueprint = Blueprint("files", __name__)


@blueprint.get("/files/<id:file_id>")
def download(file_id: int) -> Response:
    return delivery.answer(services.readable(db(), files(), actor(), file_id))
