"""One markdown table per database, ready for the README."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from statistics import mean

from bench.client import Samples, percentile
from bench.databases import Target

GOAL_MS = 50
PERCENTS = (50, 95, 99)
PACKAGES = ("flask", "sqlalchemy", "psycopg", "granian")
HEAD = (
    "page", "n", "server, 1 client", "seen, 1 client", "server, 4 clients", "seen, 4 clients", "requests/s, 4 clients",
    "kB", "SQL", "main query alone",
)  # fmt: skip


@dataclass
class Line:
    """What was measured of one page (or of the bare view, which has no SQL)."""

    name: str
    alone: Samples
    together: Samples
    together_seconds: float
    statements: float | None = None
    query: Sequence[float] = ()


def machine(now: datetime) -> str:
    """Processor, memory, system, versions, date."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, {versions}; {now:%Y-%m-%d}"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def table(target: Target, lines: Sequence[Line], data: str) -> str:
    """Times are p50 / p95 / p99 in milliseconds."""
    rows = [f"| {' | '.join(_cells(line))} |" for line in lines]
    head = [f"| {' | '.join(HEAD)} |", "|---|" + "---:|" * (len(HEAD) - 1)]
    return "\n".join(
        [f"**{target.about}** · {data} · times are p50 / p95 / p99 in ms", "", *head, *rows, "", _verdict(lines)]
    )


def _cells(line: Line) -> list[str]:
    n = min(len(line.alone.server), len(line.together.server))
    rate = len(line.together.server) / line.together_seconds
    return [
        line.name, str(n), _times(line.alone.server), _times(line.alone.client), _times(line.together.server),
        _times(line.together.client), f"{rate:.0f}", f"{mean(line.alone.size) / 1000:.1f}",
        "–" if line.statements is None else f"{line.statements:.1f}", _times(line.query) if line.query else "–",
    ]  # fmt: skip


def _times(values: Sequence[float]) -> str:
    return " / ".join(f"{percentile(values, percent):.1f}" for percent in PERCENTS)


def _verdict(lines: Sequence[Line]) -> str:
    """Which pages hold the goal, with one client and with four."""
    pages = [line for line in lines if line.statements is not None]
    alone = [line.name for line in pages if percentile(line.alone.server, 95) >= GOAL_MS]
    together = [line.name for line in pages if percentile(line.together.server, 95) >= GOAL_MS]
    return f"{_sentence(len(pages), alone, 'one client')} {_sentence(len(pages), together, 'four at once')}"


def _sentence(total: int, slow: Sequence[str], clients: str) -> str:
    rest = f", all but {'; '.join(slow)}" if slow else ""
    return f"p95 < {GOAL_MS} ms on the server with {clients}: {total - len(slow)} of {total} pages{rest}."
