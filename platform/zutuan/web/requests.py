"""One request: who asks, which session it works in, and the single commit at its outer edge."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import sqlalchemy as sa
from flask import Flask, Response, current_app, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from zutuan.clock import clock
from zutuan.config import Config
from zutuan.db import Database, insert_or, is_collision, is_taken, run_after_commit
from zutuan.errors import Refused, Stale, Unauthenticated, ZutuanError
from zutuan.sharing.actor import Actor
from zutuan.storage.services import Files
from zutuan.web import receiving
from zutuan.web.models import IdempotencyKey

SAFE = ("GET", "HEAD", "OPTIONS")
_KEY = re.compile(r"[\x21-\x7e]{1,100}")
_KEPT_HEADERS = ("Location", "ETag", "Content-Type")


def database() -> Database:
    return cast(Database, current_app.extensions["zutuan"].database)


def config() -> Config:
    return cast(Config, current_app.extensions["zutuan"].config)


def files() -> Files:
    return cast(Files, current_app.extensions["zutuan"].files)


def db() -> Session:
    """The request's session: reading for safe methods, one writing transaction for the others."""
    if "session" not in g:
        g.session = database().session(writes=request.method not in SAFE)
    return cast(Session, g.session)


def reading() -> Session:
    """A session that never takes the write lock; for safe methods the request's own."""
    if request.method in SAFE:
        return db()
    if "reading" not in g:
        g.reading = database().session(writes=False)
    return cast(Session, g.reading)


def maybe_actor() -> Actor | None:
    from flask_login import current_user

    return cast("Actor | None", getattr(current_user, "actor", None))


def actor() -> Actor:
    found = maybe_actor()
    if found is None:
        raise Unauthenticated
    return found


def is_api() -> bool:
    return request.path.startswith("/api/")


def close_sessions(_error: BaseException | None = None) -> None:
    for name in ("session", "reading"):
        session = g.pop(name, None)
        if session is not None:
            session.close()


@contextmanager
def _mapped_errors() -> Iterator[None]:
    """What the database refuses is the caller's answer: 409 or 412, never a crash."""
    try:
        yield
    except StaleDataError as error:  # a transition names no version: it only came second
        raise (Stale() if "If-Match" in request.headers else Refused("busy")) from error
    except IntegrityError as error:
        raise Refused("time_taken" if is_taken(error) else "conflict") from error
    except DBAPIError as error:
        if is_collision(error):
            raise Refused("busy") from error
        raise


class ZutuanApp(Flask):
    """Flask whose views run inside one transaction: committed when the answer is a success, else rolled back."""

    def dispatch_request(self) -> ResponseReturnValue:
        if request.method in SAFE or request.routing_exception is not None:
            return super().dispatch_request()
        with _mapped_errors():
            try:
                return self._transaction()
            except DBAPIError as error:
                if not is_collision(error):
                    raise
                close_sessions()
                return self._transaction()  # one retry: the other writer is done by now

    def _transaction(self) -> Response:
        key = _idempotency_key()
        if "reading" in g:
            g.pop("reading").close()
        if key is not None:
            kept = _claim(key)
            if kept is not None:
                db().rollback()
                return kept
        response = self.make_response(super().dispatch_request())
        if "session" in g:
            session = db()
            if response.status_code >= 400:
                session.rollback()
            else:
                if key is not None:
                    _keep(key, response)
                session.commit()
                run_after_commit(session)
        return response


def _idempotency_key() -> tuple[int, str, str, str] | None:
    """(actor, route, key, hash of the body), where the request carries a key and is somebody's."""
    raw = request.headers.get("Idempotency-Key")
    if raw is not None and not _KEY.fullmatch(raw):
        raise ZutuanError("idempotency_key_bad")
    if raw is None and not is_api() and request.mimetype != "multipart/form-data":
        raw = request.form.get("idempotency_key") or None
        raw = raw if raw and _KEY.fullmatch(raw) else None
    who = maybe_actor()
    if raw is None or who is None or request.method != "POST":
        return None
    return who.person_id, request.path[:200], raw, _digest(_body())


def _digest(body: bytes) -> str:
    """Keyed, since a body may hold a password."""
    return hmac.digest(str(current_app.secret_key).encode(), body, "sha256").hex()


def _body() -> bytes:
    streamed = receiving.fingerprint()
    if streamed is not None:
        return streamed
    if is_api():
        return request.get_data(cache=True)
    pairs = sorted((k, v) for k, values in request.form.lists() for v in values if k != "csrf_token")
    return repr(pairs).encode()


def _claim(key: tuple[int, str, str, str]) -> Response | None:
    """Take the key in this transaction (a twin waits for us here), or answer what was answered before."""
    actor_id, route, text, body_hash = key
    session = db()
    values = {"actor_id": actor_id, "route": route, "key": text, "body_hash": body_hash, "created_at": clock.now()}
    fresh = insert_or(session, IdempotencyKey).values(**values, status=0, headers={}, body="").on_conflict_do_nothing()
    if session.scalar(fresh.returning(IdempotencyKey.id)) is not None:
        return None
    row = session.scalars(_row(key)).one()
    if row.body_hash != body_hash:
        raise ZutuanError("idempotency_mismatch")
    response = Response(row.body, row.status)
    response.headers.update(row.headers)
    response.headers["Idempotent-Replayed"] = "true"
    return response


def shown_once(secret: str) -> str:
    """A secret of this answer only: where the answer is kept for a repeated request, it is kept without it."""
    g.setdefault("shown_once", []).append(secret)
    return secret


def _row(key: tuple[int, str, str, str]) -> sa.Select[IdempotencyKey]:
    actor_id, route, text, _ = key
    table = IdempotencyKey
    return sa.select(table).where(table.actor_id == actor_id, table.route == route, table.key == text)


def _keep(key: tuple[int, str, str, str], response: Response) -> None:
    row = db().scalars(_row(key)).first()
    if row is None:  # a preview, which has taken everything back: asked again, it is made again
        return
    row.status, row.body = response.status_code, response.get_data(as_text=True)
    for secret in g.get("shown_once", ()):
        row.body = row.body.replace(secret, "")
    row.headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
