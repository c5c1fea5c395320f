"""Who asked for what, when, from where: kept for the time the law wants (《网络安全法》第二十一条: at least six months).

Files, one a day, not a table: every page would else be a write, and SQLite has one writer. A line is one `write` to a
file opened for appending, which the system keeps whole among any number of processes; a thread brings it to the disk
within a second, so no request waits for that. What is logged is the route's template with the numbers in the address,
never the address itself: it may hold the secret of a feed or of a one-use link.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, request, session
from prometheus_client import Counter

from zutuan.clock import clock, local
from zutuan.config import Config, ConfigError
from zutuan.people.services import actor_of_session
from zutuan.sharing.actor import Actor
from zutuan.web.auth import bearer
from zutuan.web.requests import database

log = structlog.get_logger()

FAILURES = Counter("zutuan_access_log_failures", "Lines of the access log that could not be written")
SYNC_SECONDS = 1.0
SIGN_INS = frozenset({"people.sign_in_post", "people.demo_sign_in", "api-session.Session"})
_NAME = re.compile(r"access-(\d{4}-\d{2}-\d{2})\.jsonl")


# --- files ------------------------------------------------------------------------------------------------------


def path_of(folder: Path, day: date) -> Path:
    return folder / f"access-{day.isoformat()}.jsonl"


def files(folder: Path) -> list[tuple[date, Path]]:
    """(Shanghai day, file), the oldest first."""
    found = [(_NAME.fullmatch(path.name), path) for path in folder.glob("access-*.jsonl")]
    return sorted((date.fromisoformat(match[1]), path) for match, path in found if match)


class AccessLog:
    """Appends lines to the day's file; a new day begins a new one and removes those past their time."""

    def __init__(self, folder: Path, days: int) -> None:
        self.folder, self.days = folder, days
        self._lock = threading.Lock()
        self._day: date | None = None
        self._file = -1
        self._unsynced = threading.Event()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        threading.Thread(target=self._sync, name="zutuan-access-log", daemon=True).start()

    def write(self, entry: dict[str, Any]) -> None:
        """Never fails: what cannot be written is said in the log and counted."""
        now = clock.now()
        line = orjson.dumps({"at": now.isoformat(timespec="milliseconds"), **entry}) + b"\n"
        try:
            with self._lock:
                self._turn_to(local(now).date())
                os.write(self._file, line)
            self._unsynced.set()
        except OSError as error:
            FAILURES.inc()
            log.error("access_log.failed", error=str(error))

    def _turn_to(self, day: date) -> None:
        if day == self._day:
            return
        path = path_of(self.folder, day)
        fresh = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        size = os.fstat(fresh).st_size
        if size and os.pread(fresh, 1, size - 1) != b"\n":  # the machine stopped in the middle of a line
            os.write(fresh, b"\n")
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
        self._file, self._day = fresh, day
        self._forget(day)

    def _forget(self, today: date) -> None:
        for day, path in files(self.folder):
            if day < today - timedelta(days=self.days):
                path.unlink(missing_ok=True)

    def _sync(self) -> None:
        while True:
            self._unsynced.wait()
            self._unsynced.clear()
            with self._lock:
                handle = os.dup(self._file) if self._file >= 0 else -1
            try:
                if handle >= 0:
                    os.fsync(handle)
            except OSError as error:
                FAILURES.inc()
                log.error("access_log.failed", error=str(error))
            finally:
                if handle >= 0:
                    os.close(handle)
            threading.Event().wait(SYNC_SECONDS)


def search(
    folder: Path, since: datetime, until: datetime, person: int | None = None, address: str | None = None
) -> Iterator[dict[str, Any]]:
    """Lines of [since, until), the oldest day first; a line that a crash has cut is passed over."""
    for day, path in files(folder):
        if not local(since).date() <= day <= local(until).date():
            continue
        with path.open("rb") as file:
            for line in file:
                entry = _parsed(line)
                if entry is None or not since <= datetime.fromisoformat(entry["at"]) < until:
                    continue
                if person in (None, entry.get("person")) and address in (None, entry.get("address")):
                    yield entry


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) and "at" in entry else None


# --- requests ---------------------------------------------------------------------------------------------------


def register(app: Flask, config: Config) -> None:
    """Log every request of somebody who is signed in, or tries to be. Tests log only where they name a folder."""
    if config.mode == "test" and config.access_logs == Config.access_logs:
        return
    try:
        kept = AccessLog(config.access_logs, config.access_log_days)
        if not os.access(config.access_logs, os.W_OK):
            raise PermissionError(13, "not writable", str(config.access_logs))
    except OSError as error:
        raise ConfigError(f"ZUTUAN_ACCESS_LOGS: {error}") from error

    def note(response: Response) -> Response:
        if request.endpoint == "static":
            return response
        signing_in = request.method == "POST" and request.endpoint in SIGN_INS
        who = _signed_in(signing_in)
        if who is not None or signing_in:
            kept.write(_entry(who, response.status_code, signing_in))
        return response

    app.after_request(note)


def _signed_in(signing_in: bool) -> Actor | None:
    """Whoever was signed in when the request came; for one who has just signed in, who that is."""
    if signing_in and "sid" in session:
        with database().read() as reading:
            return actor_of_session(reading, session["sid"], clock.now(), g.get("request_id", ""))
    return getattr(
        g.get("_login_user"), "actor", None
    )  # past Flask-Login: asking it would load the visitor of a static file


def _entry(who: Actor | None, status: int, signing_in: bool) -> dict[str, Any]:
    numbers = {name: value for name, value in (request.view_args or {}).items() if isinstance(value, int)}
    return {
        "person": who.person_id if who else None,
        "address": request.remote_addr or "",
        "method": request.method[:10],
        "route": request.url_rule.rule if request.url_rule else None,
        "ids": numbers,
        "status": status,
        "by": "sign-in" if signing_in else ("token" if bearer() is not None else "cookie"),
        "request": g.get("request_id", ""),
    }
