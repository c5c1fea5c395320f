"""Every error becomes an answer here, once: problem+json (RFC 9457) for the API, a page that helps for people."""

from __future__ import annotations

from typing import Any, cast

import structlog
from flask import Flask, Response, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from zutuan.decision import FieldError
from zutuan.errors import Forbidden, Hidden, TooMany, Unauthenticated, ZutuanError, known_codes, say
from zutuan.sharing.services import audit_denial
from zutuan.web.requests import close_sessions, database, is_api, maybe_actor

log = structlog.get_logger()

# An answer is never many times larger than the question.
MOST_ERRORS = 100
LONGEST_NAME = 80
_HTTP_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    428: "precondition_needed",
}


def field_message(error: FieldError) -> str:
    """The sentence of one bad field, with its cure."""
    code = error.code if error.code in known_codes() else "field_invalid"
    return " ".join(part for part in say(code, error.params) if part)


def answer(
    status: int, code: str, params: dict[str, Any] | None = None, errors: list[FieldError] | None = None
) -> Response:
    text, cure = say(code, params)
    if is_api():
        return _problem(status, code, text, cure, errors or [])
    return _page(status, code, text, cure, errors or [])


def _problem(status: int, code: str, text: str, cure: str, errors: list[FieldError]) -> Response:
    body: dict[str, Any] = {
        "type": f"urn:zutuan:problem:{code}",
        "title": text,
        "status": status,
        "code": code,
        "request_id": g.get("request_id", ""),
    }
    if cure:
        body["detail"] = cure
    if errors:
        body["errors"] = [
            {"field": e.field[:LONGEST_NAME], "code": e.code, "message": field_message(e)} for e in errors[:MOST_ERRORS]
        ]
    response = cast(Response, current_app.json.response(body))
    response.status_code = status
    response.headers["Content-Type"] = "application/problem+json"
    return response


def _page(status: int, code: str, text: str, cure: str, errors: list[FieldError]) -> Response:
    links = [{"url": url_for("web.home"), "label": _("回到工作台")}]
    details = [f"{error.field}{_('：')}{field_message(error)}" for error in errors]
    html = render_template(
        "errors.html", code=status, title=text, detail=" ".join([cure, *details]).strip(), cure="", links=links,
        request_id=g.get("request_id", ""),
    )  # fmt: skip
    return Response(html, status, mimetype="text/html")


def note_refusal(error: ZutuanError) -> None:
    """For the metrics: which rule said no."""
    g.setdefault("refusals", []).append(error.code)


def _zutuan(error: ZutuanError) -> ResponseReturnValue:
    close_sessions()
    note_refusal(error)
    if isinstance(error, (Hidden, Forbidden)):
        _write_denial(error)
    if isinstance(error, Unauthenticated) and not is_api() and error.code == "sign_in_needed":
        target = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("people.sign_in", next=target))
    status = {"idempotency_mismatch": 422, "precondition_needed": 428}.get(error.code, error.status)
    response = answer(status, error.code, error.params, error.errors)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.params["seconds"])
    return response


def _write_denial(error: Hidden | Forbidden) -> None:
    """In a transaction of its own: the request's has been rolled back."""
    who = maybe_actor()
    if who is not None:
        with database().write() as session:
            audit_denial(session, who, error.denial)


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code is not None and 300 <= error.code < 400:
        return error.get_response()
    close_sessions()
    status = error.code or 500
    if isinstance(error, RequestEntityTooLarge):
        limit = (request.max_content_length or 0) // 1024
        return answer(413, "too_large", {"limit": f"{limit} KB" if limit <= 1024 else f"{limit // 1024} MB"})
    code = _HTTP_CODES.get(status, "internal" if status >= 500 else "bad_request")
    response = answer(status, code)
    if status == 405 and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]
    return response


def _csrf(_error: CSRFError) -> ResponseReturnValue:
    close_sessions()
    return answer(400, "csrf")


def _no_database(error: Exception) -> ResponseReturnValue:
    close_sessions()
    log.error("database.unreachable", error=type(error).__name__)
    if is_api():
        return answer(503, "unavailable")
    return Response(" ".join(say("unavailable")), 503, mimetype="text/plain")


def _crash(_error: Exception) -> ResponseReturnValue:
    close_sessions()
    log.exception("request.crashed")
    try:
        return answer(500, "internal")
    except Exception:  # the error page itself must not depend on what broke
        return Response("500", 500, mimetype="text/plain")


def register(app: Flask) -> None:
    app.register_error_handler(ZutuanError, _zutuan)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _no_database)
    app.register_error_handler(InterfaceError, _no_database)
    app.register_error_handler(Exception, _crash)
