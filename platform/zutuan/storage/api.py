"""`/files` and `/uploads` (tus 1.0: core, creation, checksum, expiration, termination)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from flask import Response, request
from flask.views import MethodView
from marshmallow import ValidationError
from werkzeug.http import http_date

from zutuan.errors import Invalid, ZutuanError
from zutuan.fields import field_errors
from zutuan.paging import Key, fetch_page
from zutuan.storage import delivery, errors, rules, schemas, services, uploads
from zutuan.storage.intake import keep_received, received
from zutuan.storage.models import StoredFile, Upload
from zutuan.storage.services import NewFile
from zutuan.web import receiving
from zutuan.web.api import (
    IDEMPOTENCY,
    IF_MATCH,
    Blueprint,
    ListQuery,
    ZutuanErrorWithStatus,
    listing,
    query_schema,
    require_match,
    tagged,
)  # fmt: skip
from zutuan.web.requests import actor, database, db, files

files_api = Blueprint("api-files", __name__, url_prefix="/api/v1/files", description="files")
uploads_api = Blueprint("api-uploads", __name__, url_prefix="/api/v1/uploads", description="resumable uploads (tus)")

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY = {
    "required": True,
    "content": {
        "application/octet-stream": _BINARY,
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"}, "name": {"type": "string"},
                    "purpose": {"type": "string"}, "item_id": {"type": "integer"}, "aspect": {"type": "string"},
                    "sha256": {"type": "string"},
                },
            }
        },
    },
}  # fmt: skip


# --- files ------------------------------------------------------------------------------------------------------


class FilesQuery(schemas.FileQuery, ListQuery):
    """Of an item, or your own; newest first."""


@files_api.route("")
class Files(MethodView):
    @files_api.arguments(query_schema(FilesQuery), location="query")
    @files_api.response(200, listing(schemas.FileOut))
    def get(self, query: dict[str, Any]) -> Any:
        """Files of an item, or your own, newest first."""
        found = services.files_of(db(), files(), actor(), query["item_id"], query["aspect"])
        order = [Key(StoredFile.id, descending=True)]
        return fetch_page(db(), found, order, query["cursor"], query["limit"])

    @files_api.response(201, schemas.FileOut)
    @files_api.doc(parameters=[IDEMPOTENCY, *schemas.in_query(schemas.FileIn)], requestBody=_BODY)
    def post(self) -> Any:
        """Store a file: its bytes as the body with the facts in the query, or all as multipart/form-data."""
        got = received()
        file = services.store(db(), files(), actor(), got.new, got.content)
        keep_received(db())
        return file, {"Location": f"/api/v1/files/{file.id}", **tagged(file.version)}


@files_api.route("/<id:file_id>")
class File(MethodView):
    @files_api.response(200, schemas.FileOut)
    def get(self, file_id: int) -> Any:
        """What is known about a file."""
        file = services.readable(db(), files(), actor(), file_id)
        return file, tagged(file.version)

    @files_api.response(204)
    @files_api.doc(parameters=[IF_MATCH])
    def delete(self, file_id: int) -> None:
        """Delete a file: gone at once for everybody."""
        require_match(services.readable(db(), files(), actor(), file_id).version)
        services.delete(db(), files(), actor(), file_id)


@files_api.route("/<id:file_id>/content")
class FileContent(MethodView):
    @files_api.response(302, description="to the bytes: GET it with the same Range and If-Range headers")
    @files_api.alt_response(200, description="with X-Accel-Redirect, for the proxy in front")
    @files_api.alt_response(304, description="you have it")
    def get(self, file_id: int) -> Any:
        """A file's bytes. HEAD says how many, of what type, and their SHA-256 (ETag)."""
        return delivery.answer(services.readable(db(), files(), actor(), file_id))


# --- resumable uploads ------------------------------------------------------------------------------------------

VERSION = "1.0.0"
ALGORITHMS = ("sha1", "sha256")
_WHOLE = re.compile(r"[0-9]{1,18}")


def _header(name: str, required: bool = True, description: str = "") -> dict[str, Any]:
    return {
        "in": "header", "name": name, "required": required, "schema": {"type": "string"}, "description": description,
    }  # fmt: skip


_TUS = _header("Tus-Resumable", False, "1.0.0")


@uploads_api.before_request
def _protocol() -> None:
    if request.headers.get("Tus-Resumable", VERSION) != VERSION:
        raise errors.OtherProtocol


@uploads_api.after_request
def _tell(response: Response) -> Response:
    response.headers["Tus-Resumable"] = VERSION
    if request.method == "OPTIONS" or response.status_code == 412:
        response.headers["Tus-Version"] = VERSION
    if request.method == "OPTIONS":
        response.headers["Tus-Extension"] = "creation,checksum,expiration,termination"
        response.headers["Tus-Max-Size"] = str(files().max_size)
        response.headers["Tus-Checksum-Algorithm"] = ",".join(ALGORITHMS)
    return response


def _length_header(name: str, code: str) -> int:
    value = request.headers.get(name, "")
    if not _WHOLE.fullmatch(value):
        raise ZutuanError(code)
    return int(value)


def _announced() -> NewFile:
    found = rules.metadata_of(request.headers.get("Upload-Metadata", ""))
    if found is None:
        raise ZutuanError("upload_metadata")
    known = {"filename": "name", "name": "name"}
    ignored = {"filetype", "type", "relativePath"}  # clients send them by themselves; we look at the content
    texts = {known.get(name, name): text for name, text in found.items() if name not in ignored}
    try:
        return NewFile(**schemas.FileIn().load(schemas.typed(texts)))
    except ValidationError as error:
        raise Invalid(errors=field_errors(error.messages)) from error


def _state(upload: Upload) -> dict[str, str]:
    found = {
        "Upload-Offset": str(upload.offset_), "Upload-Length": str(upload.length), "Cache-Control": "no-store",
    }  # fmt: skip
    if upload.state == "open":
        found["Upload-Expires"] = http_date(upload.expires_at)
    return found


def _checksum() -> tuple[str, bytes] | None:
    """`Upload-Checksum`: the algorithm and the digest of this request's body."""
    given = request.headers.get("Upload-Checksum")
    if given is None:
        return None
    algorithm, _, coded = given.partition(" ")
    if algorithm not in ALGORITHMS:
        raise ZutuanError("checksum_algorithm", choices=ALGORITHMS)
    try:
        return algorithm, base64.b64decode(coded, validate=True)
    except binascii.Error as error:
        raise ZutuanError("piece_checksum") from error


def _until_it_stalls() -> Iterator[bytes]:
    """For a resumable upload a client that stalls is like one that is gone: what came is kept."""
    try:
        yield from receiving.body_chunks()
    except errors.Stalled:
        return


@uploads_api.route("")
class Uploads(MethodView):
    @uploads_api.response(201, schemas.UploadOut)
    @uploads_api.doc(parameters=[
        _TUS, IDEMPOTENCY, _header("Upload-Length", description="bytes of the whole file"),
        _header("Upload-Metadata", description="filename (or name), purpose, item_id, aspect, sha256; each in base64"),
    ])  # fmt: skip
    def post(self) -> Any:
        """Begin a resumable upload; PATCH its Location."""
        length = _length_header("Upload-Length", "upload_length")
        upload = uploads.create(db(), files(), actor(), _announced(), length)
        return upload, {"Location": f"/api/v1/uploads/{upload.id}", **_state(upload)}


@uploads_api.route("/<id:upload_id>")
class OneUpload(MethodView):
    @uploads_api.response(200, schemas.UploadOut)
    @uploads_api.doc(parameters=[_TUS])
    def get(self, upload_id: int) -> Any:
        """How far an upload has come. HEAD says it in headers, as tus wants."""
        upload = uploads.own(db(), actor(), upload_id)
        return upload, _state(upload)

    @uploads_api.response(204)
    @uploads_api.doc(
        parameters=[_TUS, _header("Upload-Offset"), _header("Upload-Checksum", False, "sha256 (or sha1), base64")],
        requestBody={"required": True, "content": {"application/offset+octet-stream": _BINARY}},
    )
    def patch(self, upload_id: int) -> Any:
        """Add the next bytes. The last ones make it a file: Content-Location says which."""
        if request.mimetype != "application/offset+octet-stream":
            raise ZutuanErrorWithStatus(415, "offset_media_type")
        offset = _length_header("Upload-Offset", "upload_offset_missing")
        piece = uploads.Piece(offset, request.content_length or 0, _until_it_stalls(), _checksum())
        reached, file_id = uploads.add(database(), files(), actor(), upload_id, piece)
        response = Response(status=204, headers={"Upload-Offset": str(reached)})
        if file_id is not None:
            response.headers["Content-Location"] = f"/api/v1/files/{file_id}"
        return response

    @uploads_api.response(204)
    @uploads_api.doc(parameters=[_TUS])
    def delete(self, upload_id: int) -> None:
        """Give an upload up; what had come is removed."""
        uploads.end(db(), actor(), upload_id)


receiving.STREAMED[("PATCH", "api-uploads.OneUpload")] = None
receiving.STREAMED[("POST", "api-files.Files")] = lambda: received().fingerprint
