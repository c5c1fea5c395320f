"""Writing what a roster changes, in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clusters.models import Department
from zutuan.db import chunks, mark_audited
from zutuan.importing import Plan
from zutuan.people import roster_rules as rules
from zutuan.people.models import Affiliation, Person, Proposal
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent


class RosterWriter:
    """Writes a plan with few, large statements: a school has tens of thousands of people, and one writer holds the lock."""

    def __init__(self, session: Session, actor: Actor | None, school_id: int, now: datetime) -> None:
        self.session, self.actor, self.school_id, self.now = session, actor, school_id, now
        self.audits: list[dict[str, Any]] = []

    def write(self, plan: Plan) -> None:
        self.departments = self._departments([*plan.created, *plan.updated])
        self._create(plan.created)
        self._update(plan.updated)
        self._propose(plan.proposed)
        if self.audits:
            event: Any = AuditEvent.__table__
            self.session.execute(event.insert(), self.audits)
        mark_audited(self.session)

    def _departments(self, outcomes: Sequence[rules.Create | rules.Update]) -> dict[str, int]:
        d = Department
        known = dict(self.session.execute(sa.select(d.name, d.id).where(d.school_id == self.school_id)).tuples().all())
        named = dict.fromkeys(each.facts["department"] for each in outcomes if each.facts.get("department"))
        for name in named:
            if name not in known:
                department = Department(school_id=self.school_id, name=name)
                self.session.add(department)
                self.session.flush()
                known[name] = department.id
        return known

    def _create(self, created: Sequence[rules.Create]) -> None:
        people = [{"name": new.name, "email": new.email, "created_at": self.now} for new in created]
        if not people:
            return
        # By Core, in parts: the unit of work puts rows in order with a cost that grows with their square.
        person: Any = Person.__table__
        insert = person.insert().returning(person.c.id, sort_by_parameter_order=True)
        ids = [id_ for part in chunks(people, 500) for id_ in self.session.scalars(insert, part)]
        affiliation: Any = Affiliation.__table__
        self.session.execute(
            affiliation.insert(),
            [
                {"person_id": id_, "school_id": self.school_id, "number": new.number, "from_": self.now,
                 "until": None if new.facts.get("standing", "active") in rules.STAYS else self.now,
                 "department_id": self.departments.get(new.facts.get("department", "")), **_columns(new.facts, full=True)}
                for id_, new in zip(ids, created, strict=True)
            ],
        )  # fmt: skip
        for id_ in ids:
            self._audit("person.create", id_)

    def _update(self, updated: Sequence[rules.Update]) -> None:
        """At the start of a year everybody changes: one statement for all rows with the same columns."""
        changes: dict[tuple[type[Any], tuple[str, ...]], list[dict[str, Any]]] = {}
        for change in updated:
            values: dict[str, Any] = _columns(change.facts, full=False)
            if "department" in change.facts:
                values["department_id"] = self.departments[change.facts["department"]]
            if change.reopen or change.leaves:
                values["until"] = None if change.reopen else self.now
            own = {name: said for name, said in (("name", change.name), ("email", change.email)) if said}
            for table, id_, said in (
                (Affiliation, change.known.affiliation_id, values), (Person, change.known.person_id, own),
            ):  # fmt: skip
                if said:
                    changes.setdefault((table, tuple(sorted(said))), []).append({"row": id_, **said})
            self._audit("affiliation.update", change.known.person_id, fields=sorted({*change.facts, *own}))
        for (table, _), rows in changes.items():
            core: Any = table.__table__
            named: dict[str, Any] = {name: sa.bindparam(name) for name in rows[0] if name != "row"}
            self.session.connection().execute(core.update().where(core.c.id == sa.bindparam("row")).values(named), rows)

    def _propose(self, proposed: Sequence[rules.Propose]) -> None:
        for each in proposed:
            if each.before is not None:
                self.session.get_one(Proposal, each.before.id).values = dict(each.values)
            else:
                self.session.add(
                    Proposal(
                        person_id=each.account.person_id, school_id=self.school_id, number=each.number,
                        values=dict(each.values), proposed_at=self.now,
                        proposed_by=self.actor.person_id if self.actor else None,
                    )
                )  # fmt: skip
            self._audit("affiliation.propose", each.account.person_id)

    def _audit(self, action: str, person_id: int, **detail: Any) -> None:
        belongs = self.actor.at(self.school_id) if self.actor else None
        self.audits.append(
            {
                "at": self.now, "actor_id": self.actor.person_id if self.actor else None,
                "affiliation_id": belongs.affiliation_id if belongs else None, "action": action,
                "subject_type": "person", "subject_id": person_id, "school_id": self.school_id, "detail": detail,
                "request_id": self.actor.request_id if self.actor else "",
            }
        )  # fmt: skip


def _columns(facts: Mapping[str, str], *, full: bool) -> dict[str, Any]:
    """The affiliation's own columns of these facts; `full` fills in the empty ones, so that all rows are alike."""
    empty = dict.fromkeys(("major", "grade", "class_name", "level", "programme"), "") | {"standing": "active"}
    said = {name: value for name, value in facts.items() if name != "department"}
    return {**empty, **said} if full else said
