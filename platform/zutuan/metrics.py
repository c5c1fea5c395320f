"""What is counted while the platform runs. `/metrics` (`operations/`) shows it; nothing here names a person.

Every label has few values: routes are templates, never addresses; methods and codes come from fixed lists. Several
server processes count into files of one folder (`PROMETHEUS_MULTIPROC_DIR`, set by `zutuan serve`), so that whichever
of them is asked answers for all.
"""

from __future__ import annotations

from zutuan.operations import metrics_folder

metrics_folder.from_environment()  # prometheus_client looks for its folder when it is imported, and never again

from prometheus_client import Counter, Gauge, Histogram  # noqa: E402

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter("zutuan_requests", "Answers", ["route", "method", "status"])
SECONDS = Histogram("zutuan_request_seconds", "Time on the server", ["route", "method"], buckets=BUCKETS)
REFUSALS = Counter("zutuan_refusals", "Answers that refuse, by their stable code", ["code"])
SIGN_IN_FAILURES = Counter("zutuan_sign_in_failures", "Sign-ins that failed, by the status answered", ["status"])
ROUNDS = Counter("zutuan_worker_rounds", "Rounds of the worker")
WORK = Counter("zutuan_worker_messages", "Outbox messages handled, by topic and result", ["topic", "result"])
PERIODIC_FAILURES = Counter("zutuan_worker_periodic_failures", "Periodic work that failed")
CONNECTIONS = Gauge(
    "zutuan_database_connections_in_use", "Database connections checked out of the pools", multiprocess_mode="livesum"
)


def method(name: str) -> str:
    """The label of a method; anybody may send any word."""
    return name if name in METHODS else "OTHER"
