#!/usr/bin/env python3
"""Recompute a draw of Zutuan (组团抽签) from its published statement. 用公布的抽签说明重新计算结果。

    python3 recompute.py statement.json

Needs nothing but Python 3.10 or later, and no network. It checks that the seed is the one that was committed to before wishing
began, and that the wishes are those whose digest was published when wishing closed, draws again, and compares. It ends with 0 when everything is equal, with 1 when anything differs.

It is written apart from the platform's own code on purpose: two programs that agree are harder to get wrong.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

ALGORITHM = "zutuan-turns-1"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def wishes_digest(entrants: list[Any]) -> str:
    """Of [ticket, seats wanted, wishes] of everybody, in the order of their tickets, as JSON without spaces."""
    rows = [[row["ticket"], row["most"], row["wishes"]] for row in sorted(entrants, key=lambda row: str(row["ticket"]))]
    return sha256(json.dumps(rows, separators=(",", ":")))


def nearness(scope: str) -> int:
    """A school's own seats are taken first, then those of its role in a cluster, then the general ones."""
    return 0 if scope.startswith("school:") else 2 if scope == "all" else 1


def pools_for(lot: dict[str, Any], scopes: list[str]) -> list[dict[str, Any]]:
    mine = [pool for pool in lot["pools"] if pool["scope"] == "all" or pool["scope"] in scopes]
    return sorted(mine, key=lambda pool: (nearness(pool["scope"]), pool["id"]))


class Entrant:
    def __init__(self, row: dict[str, Any], seed: str) -> None:
        self.ticket, self.wishes, self.scopes = row["ticket"], row["wishes"], row["scopes"]
        self.most, self.cap, self.barred = row["most"], row["cap"], row["barred"]
        self.credits = Decimal(row["had"])
        self.number = sha256(seed + ":" + self.ticket)
        self.got: list[int] = []

    def place(self) -> tuple[Decimal, str, str]:
        return (self.credits, self.number, self.ticket)

    def against(self, lot: dict[str, Any]) -> str | None:
        """Why this entrant cannot have that lot, whatever seats are left."""
        if lot["id"] in self.got:
            return "already_enrolled"
        if lot["id"] in self.barred:
            return "barred"
        if len(self.got) >= self.most:
            return "enough"
        if any(each in lot["excludes"] for each in self.got):
            return "time_clash"
        if self.cap and self.credits + Decimal(lot["credits"]) > self.cap:
            return "credit_cap"
        return None

    def ask(self, lots: dict[int, Any], left: dict[int, int]) -> tuple[int, int, int] | None:
        """Take the first wish that can be had now: (lot, pool, rank), or None."""
        for rank, id_ in enumerate(self.wishes, 1):
            lot = lots.get(id_)
            if lot is None or self.against(lot):
                continue
            for pool in pools_for(lot, self.scopes):
                if left[pool["id"]] > 0:
                    left[pool["id"]] -= 1
                    self.got.append(id_)
                    self.credits += Decimal(lot["credits"])
                    return id_, pool["id"], rank
        return None

    def missed(self, lots: dict[int, Any]) -> dict[str, str]:
        found = {}
        for id_ in self.wishes:
            if id_ not in self.got:
                found[str(id_)] = self.why_not(lots[id_]) if id_ in lots else "not_drawn_for"
        return found

    def why_not(self, lot: dict[str, Any]) -> str:
        return self.against(lot) or ("seats_gone" if pools_for(lot, self.scopes) else "no_seats_for_school")


def draw(lots: list[Any], entrants: list[Any], seed: str) -> dict[str, Any]:
    """Turn by turn, until a turn gives none. In each turn everybody asks once, those first who have the fewest credits so
    far, then by lottery number."""
    known = {lot["id"]: lot for lot in lots}
    left = {pool["id"]: pool["left"] for lot in lots for pool in lot["pools"]}
    asking = [Entrant(row, seed) for row in entrants]
    won: list[dict[str, Any]] = []
    turn = 0
    while True:
        turn, before = turn + 1, len(won)
        for entrant in sorted(asking, key=Entrant.place):
            got = entrant.ask(known, left)
            if got:
                won.append({"turn": turn, "ticket": entrant.ticket, "lot": got[0], "pool": got[1], "rank": got[2]})
        if len(won) == before:
            break
    missed = {entrant.ticket: entrant.missed(known) for entrant in asking}
    return {"won": won, "missed": {ticket: why for ticket, why in missed.items() if why}}


def differences(statement: Any) -> list[str]:
    """What does not agree, each in a sentence; an empty list when everything is equal."""
    try:
        return list(_differences(statement))
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        return [f"this is no whole statement of a draw: {type(error).__name__} {error}"]


def _differences(statement: Any) -> Iterator[str]:
    if statement["algorithm"] != ALGORITHM:
        yield f"the statement is of another algorithm: {statement['algorithm']}"
        return
    seed, public = statement["seed"], statement["public_value"]
    if sha256("zutuan-draw:" + seed) != statement["commitment"]:
        yield "the seed is not the one that was committed to"
    inputs = statement["lots"], statement["entrants"]
    tickets = [each["ticket"] for each in inputs[1]]
    if len(set(tickets)) != len(tickets):
        yield "a ticket is there twice"
    if wishes_digest(inputs[1]) != statement["wishes_digest"]:
        yield "the wishes are not those of the moment when wishing closed"
    again, said = draw(inputs[0], inputs[1], seed + ":" + public if public else seed), statement["result"]
    for n, (mine, theirs) in enumerate(zip(again["won"], said["won"], strict=False), 1):
        if mine != theirs:
            yield f"seat {n}: recomputed {json.dumps(mine)}, stated {json.dumps(theirs)}"
            break
    if len(again["won"]) != len(said["won"]):
        yield f"seats given: recomputed {len(again['won'])}, stated {len(said['won'])}"
    for ticket in sorted(set(again["missed"]) | set(said["missed"])):
        if again["missed"].get(ticket) != said["missed"].get(ticket):
            yield f"what ticket {ticket} missed differs"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write(str(__doc__))
        return 2
    with open(arguments[0], encoding="utf-8") as file:
        statement = json.load(file)
    found = differences(statement)
    for each in found:
        sys.stdout.write(f"DIFFERS 不一致: {each}\n")
    if not found:
        seats, entrants = len(statement["result"]["won"]), len(statement["entrants"])
        sys.stdout.write(f"EQUAL 一致: {seats} seats, {entrants} entrants\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
