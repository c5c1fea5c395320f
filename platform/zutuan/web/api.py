"""The shell of the JSON API: parsing, versions, lists, openapi.json. Views parse, call a service, and dump."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import orjson
from flask import Flask, Request, Response, request
from flask.json.provider import JSONProvider
from flask_smorest import Api as SmorestApi
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import RAISE, ValidationError, fields, pre_load
from webargs.flaskparser import FlaskParser

from zutuan.errors import Invalid, Stale, ZutuanError
from zutuan.fields import Schema, Text, Whole, field_errors
from zutuan.paging import MAX_LIMIT

View = TypeVar("View", bound=Callable[..., Any])


class Json(JSONProvider):
    """orjson behind Flask's `app.json`."""

    def dumps(self, obj: Any, **_kw: Any) -> str:
        return orjson.dumps(obj, default=str).decode()

    def loads(self, s: str | bytes, **_kw: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = orjson.dumps(self._prepare_response_obj(args, kwargs), default=str)
        return Response(body, mimetype="application/json")


class Parser(FlaskParser):
    """Reads input against a schema; what does not fit is `Invalid`, naming each field."""

    DEFAULT_UNKNOWN_BY_LOCATION = {**FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "json": RAISE, "query": RAISE}

    def load_json(self, req: Request, schema: Any) -> Any:
        raw = req.get_data(cache=True)
        if not raw:
            return {}
        if not req.is_json:
            raise ZutuanErrorWithStatus(415, "unsupported_media_type")
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ZutuanError("not_json") from error

    def handle_error(self, error: ValidationError, req: Request, schema: Any, **_kw: Any) -> Any:
        messages = cast("dict[str, Any]", error.messages)
        raise Invalid(errors=[found for inner in messages.values() for found in field_errors(inner)])


class ZutuanErrorWithStatus(ZutuanError):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status


class Blueprint(SmorestBlueprint):
    ARGUMENTS_PARSER = Parser()


class Api(SmorestApi):
    """flask-smorest without its own error pages: `web/problems.py` has the only ones."""

    def _register_error_handlers(self) -> None:
        """Nothing."""

    def _register_responses(self) -> None:
        """Every answer that is no success is a problem, and says so in its content type too."""
        super()._register_responses()
        self.spec.components.schema("Problem", _PROBLEM)
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for response in self.spec.components.responses_lazy.values():
            if "content" in response:
                response["content"] = content


_FIELD_PROBLEM = {
    "type": "object",
    "required": ["field", "code", "message"],
    "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "urn:zutuan:problem: and the code"},
        "title": {"type": "string", "description": "a sentence in the reader's language"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "stable"},
        "detail": {"type": "string", "description": "what would cure it"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": _FIELD_PROBLEM, "description": "the fields that do not fit"},
    },
}


_SPEC_OPTIONS = {
    "info": {
        "description": "组团 Zutuan: shared courses and cross-school electives of teacher-education clusters. "
        "Errors are application/problem+json with a stable `code`; lists are {items, next, total}."
    },
    "security": [{"bearer": []}, {"cookie": []}],
    "components": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "a personal token"},
            "cookie": {
                "type": "apiKey",
                "in": "cookie",
                "name": "zutuan",
                "description": "with X-CSRF-Token on writes",
            },
        }
    },
}


def make_api(app: Flask) -> Api:
    app.json = Json(app)
    app.config.update(
        API_TITLE="Zutuan",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS=_SPEC_OPTIONS,
    )
    return Api(app)


# --- lists ------------------------------------------------------------------------------------------------------


class ListQuery(Schema):
    """`limit` and `cursor` of every list."""

    limit = Whole(1, MAX_LIMIT, load_default=50)
    cursor = Text(600, load_default=None)


@cache
def _query_class(schema: type[Schema]) -> type[Schema]:
    def convert(self: Any, data: Any, **_kw: Any) -> dict[str, Any]:
        numbers = {name for name, field in self.load_fields.items() if isinstance(field, fields.Integer)}
        return {
            name: int(value) if name in numbers and re.fullmatch(r"-?[0-9]{1,18}", str(value)) else value
            for name, value in dict(data).items()
        }

    return type(schema.__name__, (schema,), {"convert": pre_load(convert), "__module__": schema.__module__})


def query_schema(schema: type[Schema]) -> Schema:
    """A query's schema: whole numbers arrive as text there."""
    return _query_class(schema)()


@cache
def _list_of(item: type[Schema]) -> type[Schema]:
    name = item.__name__.removesuffix("Out") + "List"
    parts = {
        "items": fields.List(fields.Nested(item)),
        "next": fields.String(allow_none=True),
        "total": fields.Integer(allow_none=True),
    }
    return type(name, (Schema,), parts)


def listing(item: type[Schema]) -> Schema:
    """{"items": […], "next": cursor or null, "total": n or null}."""
    return _list_of(item)()


# --- versions ---------------------------------------------------------------------------------------------------


def etag(version: int) -> str:
    return f'"v{version}"'


def require_match(version: int) -> None:
    """PATCH, PUT and DELETE name the version they change: 428 without, 412 when it is stale."""
    if "If-Match" not in request.headers:
        raise ZutuanErrorWithStatus(428, "precondition_needed")
    if not request.if_match.contains(f"v{version}"):
        raise Stale


def tagged(version: int) -> dict[str, str]:
    """Headers of an answer that shows this version."""
    return {"ETag": etag(version)}


IF_MATCH = {
    "in": "header", "name": "If-Match", "required": True, "schema": {"type": "string"},
    "description": "the ETag of the version that is changed",
}  # fmt: skip
IDEMPOTENCY = {
    "in": "header", "name": "Idempotency-Key", "required": False, "schema": {"type": "string", "maxLength": 100},
    "description": "the same key and body give the same answer once",
}  # fmt: skip
