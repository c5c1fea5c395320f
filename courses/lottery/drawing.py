"""Drawing: trying it out, and the one time that counts. All of it in one transaction, or nothing."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Offering
from courses.enrolment import enrolling, recognised, seats
from courses.enrolment.models import Enrolment
from courses.lottery import notices, queries, rules, sealing, statement
from courses.lottery.assembling import Assembled, assemble
from courses.lottery.models import Draw, DrawLot, DrawStatement, Wish
from courses.lottery.permissions import allow
from courses.lottery.rules import Drawn, Figures
from zutuan.db import insert_plain, padded
from zutuan.decision import Refusal
from zutuan.errors import Refused, insist
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit


def try_out(session: Session, actor: Actor, draw: Draw) -> Figures:
    """What a draw of the wishes of now would come to, with a seed that is thrown away. Nothing is kept but that it was
    asked."""
    allow.require(actor, "draw.try", queries.subject(session, actor, draw))
    insist(None if draw.state == "published" else rules.may_run(draw.state, draw.closes, actor.now, "", ""))
    found = assemble(session, draw, actor.now, hold=False)
    insist(rules.check_draw(found.lots, found.entrants))
    drawn = rules.draw(found.lots, found.entrants, secrets.token_hex(16))
    audit(session, actor, "draw.try", Subject("draw", draw.id), now=actor.now, school_id=draw.school_id)
    return rules.figures(found.lots, found.entrants, drawn)


def run(session: Session, actor: Actor, draw: Draw, public_value: str = "") -> Draw:
    """Draw, give the seats, publish the statement, tell everybody. Raises Refused when it was drawn before, however many
    try at once."""
    allow.require(actor, "draw.run", queries.subject(session, actor, draw))
    insist(rules.may_run(draw.state, draw.closes, actor.now, draw.public_source, public_value))
    sealing.seal(session, draw, actor.now)
    _claim(session, draw, actor, public_value)
    found = assemble(session, draw, actor.now, hold=True)
    insist(rules.check_draw(found.lots, found.entrants))
    insist(None if sealing.digest(found.lists) == draw.wishes_digest else Refusal("wishes_altered"))
    seed = rules.whole_seed(draw.seed, draw.public_value)
    drawn = rules.draw(found.lots, found.entrants, seed)
    made = _place(session, found, drawn, actor.now)
    _publish(session, draw, found, drawn)
    outcomes = _outcomes(found, drawn)
    _write_outcomes(session, found, outcomes, rules.places(found.lots, found.entrants, seed), made)
    notices.drawn(session, draw, found, outcomes, actor.now)
    audit(
        session, actor, "draw.run", Subject("draw", draw.id), now=actor.now, school_id=draw.school_id,
        cluster=draw.cluster_id, lists=len(found.lists), given=len(drawn.won),
    )  # fmt: skip
    return draw


def _claim(session: Session, draw: Draw, actor: Actor, public_value: str) -> None:
    """Only one can: the others wait here for the commit, and then find it drawn."""
    session.flush()
    drawn = {"state": "drawn", "drawn_at": actor.now, "updated_at": actor.now, "public_value": public_value}
    table: Any = Draw.__table__
    claim = sa.update(table).where(table.c.id == draw.id, table.c.state == "published", table.c.closes <= actor.now)
    session.info["changed"] = True
    if session.connection().execute(claim.values(**drawn, version=table.c.version + 1)).rowcount != 1:
        raise Refused("drawn_already")
    session.refresh(draw)


# --- the seats ---------------------------------------------------------------------------------------------------


def _place(session: Session, found: Assembled, drawn: Drawn, now: datetime) -> dict[tuple[str, int], Enrolment]:
    """(ticket, lot) → the enrolment that holds the seat; the schools are asked as of any other."""
    by_ticket = {each.ticket: each for each in found.lists}
    seats.take_many(session, Counter(won.pool for won in drawn.won))
    made = {}
    for won in drawn.won:
        student = found.look.students[by_ticket[won.ticket].person_id]
        assert student.home is not None, "without an affiliation everything is barred"
        offering = found.offered[won.lot]
        made[won.ticket, won.lot] = enrolling.place(session, student.actor, offering, student.home, won.pool)
    recognised.begin(session, list(made.values()), now)
    return made


def _publish(session: Session, draw: Draw, found: Assembled, drawn: Drawn) -> None:
    about = {
        "id": draw.id, "of": draw.owner.name, "academic_year": draw.academic_year, "number": draw.number,
        "opens": draw.opens, "closes": draw.closes, "drawn_at": draw.drawn_at, "public_source": draw.public_source,
    }  # fmt: skip
    classes = sa.select(Offering.id, Offering.code).where(Offering.id.in_(padded(sorted(found.offered))))
    names = {
        id_: {"code": found.offered[id_].code, "class": code, "school": found.offered[id_].school_name}
        for id_, code in session.execute(classes)
    }
    plain = found.lots, names, found.entrants, drawn
    content = statement.build(about, draw.seed, draw.public_value, *plain, sealed=draw.wishes_digest)
    session.add_all(DrawLot(draw_id=draw.id, offering_id=each.id) for each in found.lots)
    insert_plain(session, DrawStatement, draw_id=draw.id, content=content, created_at=draw.drawn_at)


Outcomes = Mapping[tuple[int, int], str]


def _outcomes(found: Assembled, drawn: Drawn) -> dict[tuple[int, int], str]:
    """(list, offering) → `won`, or why not. What barred a wish is told to its owner only."""
    won = {(each.ticket, each.lot) for each in drawn.won}
    said = {}
    for each in found.lists:
        for wish in each.wishes:
            code = drawn.missed.get(each.ticket, {}).get(wish.offering_id, "")
            if (each.ticket, wish.offering_id) in won:
                code = "won"
            elif code == "barred":
                code = f"barred:{found.barred[each.id, wish.offering_id]}"
            said[each.id, wish.offering_id] = code
    return said


def _write_outcomes(
    session: Session, found: Assembled, outcomes: Outcomes, places: Mapping[tuple[str, int], tuple[int, int]],
    made: Mapping[tuple[str, int], Enrolment],
) -> None:  # fmt: skip
    rows: list[dict[str, Any]] = []
    for each in found.lists:
        for wish in each.wishes:
            place, rivals = places.get((each.ticket, wish.offering_id), (None, None))
            enrolment = made.get((each.ticket, wish.offering_id))
            rows.append({
                "id": wish.id, "outcome": outcomes[each.id, wish.offering_id], "place": place, "rivals": rivals,
                "enrolment_id": enrolment.id if enrolment else None,
            })  # fmt: skip
    session.execute(sa.update(Wish), rows)
