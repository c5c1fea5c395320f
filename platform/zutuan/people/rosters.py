"""Rosters: what a school's list of people changes, row by row; written in bulk, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from marshmallow import fields
from sqlalchemy.orm import Session

from zutuan.clusters.models import Department, FormerName, School
from zutuan.db import chunks, mark_audited
from zutuan.decision import Refusal
from zutuan.fields import Text, bad
from zutuan.importing import Column, Difference, Import, Plan, Record, RowError, Seen
from zutuan.people import roster_rules as rules
from zutuan.people import roster_words as words
from zutuan.people.models import Affiliation, Person, Proposal, RoleAssignment
from zutuan.people.rules import normal_email
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import AuditEvent


class Word(fields.Field[str]):
    """One of a set of codes, by the code or by what schools call it; an empty cell says nothing."""

    def __init__(self, known: Mapping[str, Sequence[str]], **kw: Any) -> None:
        self.known = {said: code for code, titles in known.items() for said in (code, *titles)}
        self.choices = tuple(titles[0] for titles in known.values())
        super().__init__(**kw)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        text = str(value).strip()
        if not text:
            return ""
        if text not in self.known:
            raise bad("not_a_choice", choices=self.choices)
        return self.known[text]


class Email(fields.Field[str]):
    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        text = str(value).strip()
        if text in ("", "-", "无", "/"):
            return ""
        email = normal_email(text)
        if isinstance(email, Refusal):
            raise bad(email.code)
        return email


class Number(Text):
    """学工号: text without spaces in it, as the school writes it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kw: Any) -> str:
        text = super()._deserialize(value, attr, data, **kw)
        if not all(char.isalnum() or char in "-_./" for char in text):
            raise bad("bad_number")
        return text


COLUMNS = (
    Column("number", Number(40), words.NUMBER, needed=True),
    Column("name", Text(60), words.NAME, needed=True),
    Column("email", Email(), words.EMAIL),
    Column("kind", Word(words.KIND_WORDS), words.KIND),
    Column("department", Text(60, min=0), words.DEPARTMENT),
    Column("major", Text(60, min=0), words.MAJOR),
    Column("grade", Text(10, min=0), words.GRADE),
    Column("class_name", Text(60, min=0), words.CLASS_NAME),
    Column("level", Text(20, min=0), words.LEVEL),
    Column("programme", Text(20, min=0), words.PROGRAMME),
    Column("standing", Word(words.STANDING_WORDS), words.STANDING),
    Column("school", Text(60, min=0), words.SCHOOL),
)


def roster_import(school_id: int) -> Import:
    """The import of a school's people. It ends nobody whom the file does not name."""

    def plan(session: Session, records: Sequence[Record], now: datetime) -> Plan:
        return _Planner(session, school_id, now).plan(records)

    def apply(session: Session, actor: Actor | None, plan: Plan, now: datetime) -> None:
        _Writer(session, actor, school_id, now).write(plan)

    return Import("people", COLUMNS, plan, apply, extra=True)


# --- planning ---------------------------------------------------------------------------------------------------


@dataclass
class _Directory:
    """What the platform knows that the rows may speak of."""

    names: frozenset[str]
    by_number: dict[str, rules.Known] = field(default_factory=dict)
    by_email: dict[str, rules.Account] = field(default_factory=dict)
    proposals: dict[str, rules.Proposed] = field(default_factory=dict)


class _Planner:
    def __init__(self, session: Session, school_id: int, now: datetime) -> None:
        self.session, self.school_id, self.now = session, school_id, now

    def plan(self, records: Sequence[Record]) -> Plan:
        known, seen, plan = self._directory(records), Seen(), Plan()
        school = self.session.get_one(School, self.school_id)
        if school.successor_id is not None:
            plan.errors.append(RowError(0, "", "school_succeeded", {"school": school.name}))
            return plan
        stripped = {number.lstrip("0"): number for number in known.by_number}
        matched = renamed = 0
        for record in records:
            mistake = self._mistake(record, known, seen, stripped)
            if mistake is not None:
                plan.errors.append(mistake)
                continue
            values, number = record.values, record.values["number"]
            here, account = known.by_number.get(number), known.by_email.get(values.get("email") or "")
            outcome = rules.decide(values, here, account, known.proposals.get(number))
            matched += here is not None
            renamed += isinstance(outcome, rules.Update) and outcome.name is not None
            _note(plan, record.line, outcome, number, values["name"])
        if rules.strangers(matched, renamed):
            said = {"matched": matched, "renamed": renamed}
            plan.errors.append(RowError(0, "", "roster_of_other_school", said))
        return plan

    def _mistake(self, record: Record, known: _Directory, seen: Seen, stripped: Mapping[str, str]) -> RowError | None:
        number, email, school = (record.values.get(name) or "" for name in ("number", "email", "school"))
        if school and school not in known.names:
            return RowError(record.line, "school", "other_school", {"school": school})
        again = seen.again(record.line, "number", number) or (email and seen.again(record.line, "email", email))
        if again:
            return again
        whole = None if number in known.by_number else rules.lost_zeros(number, stripped)
        return RowError(record.line, "number", "number_lost_zeros", {"number": whole}) if whole else None

    def _directory(self, records: Sequence[Record]) -> _Directory:
        school = self.session.get_one(School, self.school_id)
        former = self.session.scalars(sa.select(FormerName.name).where(FormerName.school_id == self.school_id))
        found = _Directory(frozenset(name for name in (school.name, school.code, *former) if name))
        elsewhere, trusted = self._elsewhere(), self._trusted()
        a, p, d = Affiliation, Person, Department
        rows = self.session.execute(
            sa.select(
                a.id, a.number, a.kind, a.major, a.grade, a.class_name, a.level, a.programme, a.standing, a.until,
                p.id, p.name, p.email, p.password_hash, d.name,
            )
            .join(p, p.id == a.person_id).outerjoin(d, d.id == a.department_id).where(a.school_id == self.school_id)
        )  # fmt: skip
        here: dict[int, str] = {}
        for id_, number, kind, major, grade, class_name, level, programme, standing, until, person_id, *rest in rows:
            name, email, password, department = rest
            facts = {
                "kind": kind, "department": department or "", "major": major, "grade": grade, "class_name": class_name,
                "level": level, "programme": programme, "standing": standing,
            }  # fmt: skip
            ended = until is not None and until <= self.now
            shared, own = person_id in elsewhere, password is not None or person_id in trusted
            found.by_number[number] = rules.Known(id_, person_id, name, email, facts, ended, shared, own)
            here[person_id] = number
        found.by_email = self._accounts({record.values.get("email") or "" for record in records} - {""}, here)
        q = Proposal
        for row in self.session.scalars(sa.select(q).where(q.school_id == self.school_id, q.state != "accepted")):
            found.proposals[row.number] = rules.Proposed(row.id, row.person_id, row.state, row.values)
        return found

    def _elsewhere(self) -> frozenset[int]:
        """People of the school whose account is used at another one too."""
        a, b = sa.orm.aliased(Affiliation), sa.orm.aliased(Affiliation)
        query = sa.select(a.person_id).join(b, b.person_id == a.person_id).distinct()
        return frozenset(
            self.session.scalars(query.where(a.school_id == self.school_id, b.school_id != self.school_id))
        )

    def _trusted(self) -> frozenset[int]:
        """People who hold or will hold a role: a roster never says which mailbox opens such an account."""
        a, r = Affiliation, RoleAssignment
        query = sa.select(r.person_id).join(a, a.person_id == r.person_id).where(a.school_id == self.school_id)
        return frozenset(self.session.scalars(query.where(sa.or_(r.until.is_(None), r.until > self.now))))

    def _accounts(self, emails: Iterable[str], here: Mapping[int, str]) -> dict[str, rules.Account]:
        found = {}
        for part in chunks(sorted(emails)):
            query = sa.select(Person.id, Person.name, Person.email).where(Person.email.in_(part))
            for id_, name, email in self.session.execute(query):
                found[email or ""] = rules.Account(id_, name, here.get(id_))
        return found


def _note(plan: Plan, line: int, outcome: rules.Outcome, number: str, name: str) -> None:
    """Put one row's outcome where it belongs."""
    label = f"{number} {name}"
    if isinstance(outcome, rules.Mistake):
        plan.errors.append(RowError(line, outcome.column, outcome.code, outcome.params))
    elif isinstance(outcome, rules.Create):
        plan.created.append(outcome)
        said = {**outcome.facts, **({"email": outcome.email} if outcome.email else {})}
        plan.differences.append(Difference(line, "created", label, tuple((k, "", v) for k, v in said.items())))
    elif isinstance(outcome, rules.Propose):
        plan.proposed.append(outcome)
        plan.differences.append(
            Difference(line, "proposed", label, tuple((k, "", v) for k, v in outcome.values.items()))
        )
    elif isinstance(outcome, rules.Update):
        plan.updated.append(outcome)
        plan.differences.append(Difference(line, "updated", label, _changes(outcome)))
    else:
        plan.unchanged += 1
        if outcome.kept:
            plan.differences.append(Difference(line, "kept", label, (("email", *outcome.kept),)))


def _changes(update: rules.Update) -> tuple[tuple[str, str, str], ...]:
    found = [(name, update.known.facts.get(name, ""), said) for name, said in update.facts.items()]
    if update.name:
        found.insert(0, ("name", update.known.name, update.name))
    if update.email:
        found.append(("email", "", update.email))
    if update.reopen and "standing" not in update.facts:
        found.append(("standing", "left", update.known.facts["standing"]))
    return tuple(found)


# --- writing ----------------------------------------------------------------------------------------------------


class _Writer:
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
