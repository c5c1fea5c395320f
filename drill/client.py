"""The API as somebody sees it who holds a personal token."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.test import TestResponse


class Api:
    """An authenticated JSON client. Paths may leave out `/api/v1`."""

    def __init__(self, app: Flask, token: str | None) -> None:
        self.client = app.test_client(use_cookies=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def request(self, method: str, path: str, json: Any = None, **kw: Any) -> TestResponse:
        full = path if path.startswith("/api/") else f"/api/v1{path}"
        headers = {**self.headers, **kw.pop("headers", {})}
        if json is not None:
            kw["json"] = json
        return self.client.open(full, method=method, headers=headers, **kw)

    def get(self, path: str, **kw: Any) -> TestResponse:
        return self.request("GET", path, **kw)

    def post(self, path: str, json: Any = None, **kw: Any) -> TestResponse:
        return self.request("POST", path, json, **kw)

    def patch(self, path: str, json: Any = None, **kw: Any) -> TestResponse:
        return self.request("PATCH", path, json, **kw)

    def put(self, path: str, json: Any = None, **kw: Any) -> TestResponse:
        return self.request("PUT", path, json, **kw)

    def delete(self, path: str, **kw: Any) -> TestResponse:
        return self.request("DELETE", path, **kw)
