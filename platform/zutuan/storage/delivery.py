"""How a download is answered: with the way to its bytes, never with the bytes (they would occupy a thread).

S3 hands them out itself under an address we sign; a proxy that knows X-Accel-Redirect takes them from the directory;
else our own file server does (`server.py`).
"""

from __future__ import annotations

from flask import Response, g, request

from zutuan.clock import clock
from zutuan.storage import links, rules
from zutuan.storage.backends import Shown
from zutuan.storage.models import StoredFile
from zutuan.web.requests import config, files


def answer(file: StoredFile) -> Response:
    """To GET and HEAD of a file that this person may read."""
    if request.if_none_match.contains(file.sha256):
        return Response(status=304, headers={"ETag": f'"{file.sha256}"'})
    g.policy = links.GUARDS["Content-Security-Policy"]
    response = _head(file) if request.method == "HEAD" else _content(file)
    response.headers.update({"ETag": f'"{file.sha256}"', "Accept-Ranges": "bytes"})
    return response


def _head(file: StoredFile) -> Response:
    response = Response(mimetype=file.media_type, headers=links.headers_of(file.name, file.sha256))
    response.content_length = file.size
    return response


def _content(file: StoredFile) -> Response:
    prefix = config().accel
    if prefix:
        response = Response(mimetype=file.media_type, headers=links.headers_of(file.name, file.sha256))
        response.headers["X-Accel-Redirect"] = f"{prefix}/{file.key}"
        return response
    shown = Shown(file.media_type, rules.disposition(file.name))
    address = files().storage.address(file.key, shown, links.SECONDS)
    return Response(status=302, headers={"Location": address or _own_address(file)})


def _own_address(file: StoredFile) -> str:
    until = int(clock.now().timestamp()) + links.SECONDS
    link = links.Link(file.key, file.media_type, file.name, file.sha256, until)
    return config().files_address + links.sign(config().secret, link)
