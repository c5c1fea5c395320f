"""The host's teacher works through those who ask to be chosen: several at once, each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from courses.catalogue.models import Offering
from courses.enrolment import deciding
from courses.enrolment.models import Enrolment
from zutuan.decision import Refusal
from zutuan.errors import NotFound, Refused
from zutuan.people.models import Person
from zutuan.sharing.actor import Actor


@dataclass(frozen=True)
class Outcome:
    """What became of one request; `refused`: why it stands as it stood."""

    enrolment_id: int
    student: str
    refused: Refusal | None = None


def choose_each(
    session: Session, actor: Actor, offering: Offering, ids: Sequence[int], event: str, reason: str = ""
) -> list[Outcome]:
    """`approve` or `deny` (with one `reason` for all) requests for a seat in this offering, in the order of their ids. What
    a rule refuses is left as it was and said of that row; the others stand. Raises NotFound when one is not of the
    offering, and Forbidden as a whole."""
    deciding.insist_many(ids, event, reason)
    query = sa.select(Enrolment.id, Person.name).join(Person, Person.id == Enrolment.person_id)
    rows = session.execute(query.where(Enrolment.offering_id == offering.id, Enrolment.id.in_(ids)))
    names = {id_: name for id_, name in rows}
    if len(names) != len(ids):
        raise NotFound
    return [Outcome(id_, names[id_], _one(session, actor, id_, event, reason)) for id_ in ids]


def _one(session: Session, actor: Actor, enrolment_id: int, event: str, reason: str) -> Refusal | None:
    try:
        with session.begin_nested():
            if event == "deny":
                deciding.deny(session, actor, enrolment_id, reason)
            else:
                deciding.approve(session, actor, enrolment_id)
    except Refused as error:
        return Refusal(error.code, error.params)
    return None
