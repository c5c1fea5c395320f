"""The file server: hands out the directory's content under signed addresses, on a port of its own.

A download that is read slowly costs it a socket and a buffer, no thread: granian's event loops wait, and reading a file
takes a thread only for the moment of one read. So any number of stalled downloads leaves the pages alone.
"""

from __future__ import annotations

import os
from pathlib import Path

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from zutuan.beside import end_with
from zutuan.clock import clock
from zutuan.config import Config, load
from zutuan.storage import links, rules
from zutuan.storage.backends import Directory


class Download(FileResponse):
    """A file as `rules.wanted_range` reads the request: what is no valid single range gets all of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.stat_result is not None
        size = self.stat_result.st_size
        asked = Request(scope).headers
        if asked.get("if-none-match") in (self.headers["etag"], "*"):
            kept = {name: self.headers[name] for name in ("etag", "cache-control")}
            await Response(status_code=304, headers=kept)(scope, receive, send)
            return
        wanted = rules.wanted_range(asked.get("range"), size)
        if isinstance(wanted, rules.Beyond) and asked.get("if-range") in (None, self.headers["etag"]):
            refused = {**links.GUARDS, "Content-Range": f"bytes */{size}"}
            await PlainTextResponse("416", 416, headers=refused)(scope, receive, send)
            return
        await super().__call__(_with_range(scope, wanted), receive, send)


def _with_range(scope: Scope, wanted: rules.Whole | rules.Span | rules.Beyond) -> Scope:
    """The request with its range in the one form that leaves nothing to interpret, or without it."""
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"range"]
    if isinstance(wanted, rules.Span):
        headers.append((b"range", f"bytes={wanted.start}-{wanted.stop - 1}".encode()))
    return {**scope, "headers": headers}


def make_server(config: Config) -> Starlette:
    directory = Directory(config.files.resolve())

    async def download(request: Request) -> Response:
        try:
            link = links.read(config.secret, request.path_params["token"], clock.now())
        except links.BadLink:
            return PlainTextResponse(
                "这个下载地址已经过期，请回到原来的页面重新下载。\nThis address has expired; please go back and download again.\n",
                403,
                headers=links.GUARDS,
            )
        path = directory.path(link.key)
        stat = await anyio.to_thread.run_sync(_stat, path)
        if stat is None:
            return PlainTextResponse("404\n", 404, headers=links.GUARDS)
        return Download(
            path, headers=links.headers_of(link.name, link.sha256), media_type=link.media_type, stat_result=stat
        )  # fmt: skip

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok", headers=links.GUARDS)

    return Starlette(
        routes=[
            Route(f"{links.PATH}/{{token}}/{{name:path}}", download, methods=["GET", "HEAD"]),
            Route("/healthz", alive),
        ]
    )


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def application() -> Starlette:
    """What granian runs (a factory), in a process that ends with its server."""
    end_with(os.getppid())
    return make_server(load())
