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
from zutuan.db import chunks
from zutuan.decision import Refusal
from zutuan.fields import Text, bad
from zutuan.importing import Column, Difference, Import, Plan, Record, RowError, Seen
from zutuan.people import roster_rules as rules
from zutuan.people import roster_words as words
from zutuan.people.models import Affiliation, Person, Proposal, RoleAssignment
from zutuan.people.roster_writing import RosterWriter
from zutuan.people.rules import normal_email
from zutuan.people.services import ones_own
from zutuan.sharing.actor import Actor


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
        RosterWriter(session, actor, school_id, now).write(plan)

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
        elsewhere = self._elsewhere()
        a, p, d, r = Affiliation, Person, Department, RoleAssignment
        # People who hold or will hold a role: a roster never says which mailbox opens such an account.
        holds = sa.select(r.id).where(r.person_id == p.id, sa.or_(r.until.is_(None), r.until > self.now)).exists()
        rows = self.session.execute(
            sa.select(
                a.id, a.number, a.kind, a.major, a.grade, a.class_name, a.level, a.programme, a.standing, a.until,
                p.id, p.name, p.email, sa.or_(p.password_hash.is_not(None), holds), p.state, d.name,
            )
            .join(p, p.id == a.person_id).outerjoin(d, d.id == a.department_id).where(a.school_id == self.school_id)
        )  # fmt: skip
        here: dict[int, str] = {}
        for id_, number, kind, major, grade, class_name, level, programme, standing, until, person_id, *rest in rows:
            name, email, own, state, department = rest
            facts = {
                "kind": kind, "department": department or "", "major": major, "grade": grade, "class_name": class_name,
                "level": level, "programme": programme, "standing": standing,
            }  # fmt: skip
            ended = until is not None and until <= self.now
            shared, closed = person_id in elsewhere, state == "closed"
            found.by_number[number] = rules.Known(id_, person_id, name, email, facts, ended, shared, own, closed)
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
            self.session.scalars(
                query.where(a.school_id == self.school_id, b.school_id.not_in(ones_own(self.school_id)))
            )
        )

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
