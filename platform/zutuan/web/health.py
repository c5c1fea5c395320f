"""`/healthz`: the process is alive. `/readyz`: the database is reached and of this version; files as degraded."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, current_app
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.sansio.response import Response

from zutuan.migrate import current_revision, head_revision
from zutuan.web.requests import database, files

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    return current_app.json.response({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> Response:
    checks = {"database": _database(), "storage": _storage()}
    down = checks["database"] != "ok"
    status = "unavailable" if down else ("ok" if set(checks.values()) == {"ok"} else "degraded")
    response = current_app.json.response({"status": status, "checks": checks})
    response.status_code = 503 if down else 200
    return response


def _database() -> str:
    try:
        with database().engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
            return "ok" if current_revision(connection) == head_revision() else "migration needed"
    except SQLAlchemyError:
        return "unreachable"


def _storage() -> str:
    return "ok" if files().storage.reachable() else "degraded"
