"""The published statement of a draw: everything that the result follows from, under tickets. Pure.

Whoever has it can draw again with `recompute.py`, which is written apart from `rules`; both are held together by tests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from courses.enrolment.rules import Pool
from courses.lottery.rules import ALGORITHM, Drawn, Entrant, Lot, Won, commitment


def wishes_digest(lists: Iterable[tuple[str, int, Sequence[int]]]) -> str:
    """SHA-256 of all lists (ticket, how many seats are wanted, wishes from the first) in the order of their tickets, as
    JSON without spaces: one other wish in one of them, or one list more or less, gives another number."""
    rows = [[ticket, most, list(wishes)] for ticket, most, wishes in sorted(lists, key=lambda each: each[0])]
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def build(
    about: Mapping[str, Any], seed: str, public_value: str, lots: Sequence[Lot], names: Mapping[int, Mapping[str, str]],
    entrants: Sequence[Entrant], drawn: Drawn, *, sealed: str,
) -> dict[str, Any]:  # fmt: skip
    """`about`: which draw, when; `names`: lot → what it is called there; `sealed`: the digest of the wishes that was
    published when wishing closed."""
    return {
        "algorithm": ALGORITHM,
        "draw": {key: value.isoformat() if isinstance(value, datetime) else value for key, value in about.items()},
        "seed": seed,
        "public_value": public_value,
        "commitment": commitment(seed),
        "wishes_digest": sealed,
        "lots": [_lot(each, names.get(each.id, {})) for each in lots],
        "entrants": [_entrant(each) for each in entrants],
        "result": {
            "won": [
                {"turn": won.turn, "ticket": won.ticket, "lot": won.lot, "pool": won.pool, "rank": won.rank}
                for won in drawn.won
            ],
            "missed": {
                ticket: {str(lot): code for lot, code in sorted(why.items())}
                for ticket, why in sorted(drawn.missed.items())
            },
        },
    }


def _lot(lot: Lot, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": lot.id,
        **names,
        "credits": plain(lot.credits),
        "pools": [{"id": pool.id, "scope": pool.scope, "left": max(pool.left, 0)} for pool in lot.pools],
        "excludes": sorted(lot.excludes),
    }


def _entrant(entrant: Entrant) -> dict[str, Any]:
    return {
        "ticket": entrant.ticket, "wishes": list(entrant.wishes), "scopes": sorted(entrant.scopes), "most": entrant.most,
        "had": plain(entrant.had), "cap": entrant.cap, "barred": sorted(entrant.barred),
    }  # fmt: skip


def plain(value: Decimal) -> str:
    """2, 2.5: the same text however it was written."""
    return f"{value.normalize():f}"


def read(content: Mapping[str, Any]) -> tuple[list[Lot], list[Entrant], Drawn]:
    """The plain values of a statement."""
    lots = [
        Lot(
            each["id"], Decimal(each["credits"]),
            tuple(Pool(pool["id"], pool["scope"], pool["left"]) for pool in each["pools"]), frozenset(each["excludes"]),
        )
        for each in content["lots"]
    ]  # fmt: skip
    entrants = [
        Entrant(
            each["ticket"], tuple(each["wishes"]), frozenset(each["scopes"]), each["most"], Decimal(each["had"]),
            each["cap"], frozenset(each["barred"]),
        )
        for each in content["entrants"]
    ]  # fmt: skip
    result = content["result"]
    missed = {ticket: {int(lot): why for lot, why in all_.items()} for ticket, all_ in result["missed"].items()}
    return lots, entrants, Drawn(tuple(Won(**each) for each in result["won"]), missed)


def text(content: Mapping[str, Any]) -> str:
    """As a file that people can read as well."""
    return json.dumps(content, ensure_ascii=False, indent=1)


@cache
def program() -> str:
    """The program that anybody recomputes with, as it is handed out."""
    return resources.files("courses.lottery").joinpath("recompute.py").read_text(encoding="utf-8")
