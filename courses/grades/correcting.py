"""成绩更正: a confirmed row is changed only so, asked by the teacher and decided by the registrar; both are kept."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from courses.enrolment.models import Enrolment
from courses.grades import confirming, notices, queries, rules, steps
from courses.grades.models import GradeCorrection, GradeEntry, GradeSheet
from courses.grades.permissions import allow
from courses.grades.schemes import Judged, Written, judge
from zutuan.decision import FieldError, Refusal
from zutuan.errors import Denial, Hidden, Invalid, NotFound, Refused, insist
from zutuan.sharing.actor import Actor

_KEPT = ("parts", "scale", "grade", "mark")


def said(entry: GradeEntry) -> dict[str, Any]:
    """The row as it stands."""
    return {name: dict(entry.parts) if name == "parts" else getattr(entry, name) for name in _KEPT}


def view_entry(session: Session, actor: Actor, entry_id: int) -> GradeEntry:
    """A row of a sheet that the actor may read; else 404."""
    entry = session.get(GradeEntry, entry_id)
    if entry is None:
        raise NotFound
    queries.view_sheet(session, actor, entry.sheet_id, "grades.ask_correction")
    return entry


def ask(session: Session, actor: Actor, entry_id: int, written: Written, reason: str) -> GradeCorrection:
    """The teacher asks for another grade in a confirmed row, and says why."""
    entry, sheet = _held(session, actor, entry_id, "grades.ask_correction")
    insist_step = rules.sheet_step(sheet.state, "correct", "staff")
    insist(insist_step if isinstance(insist_step, Refusal) else None)
    judged = _judged(session, actor, sheet, written)
    if not reason:
        raise Invalid.field("reason", "why_needed")
    before, grade = queries.grade_of(entry), judged.grade
    assert before is not None and grade is not None
    insist(rules.may_correct(before, grade))
    after = _after(entry, judged)
    if after == said(entry):
        raise Refused("nothing_to_correct")
    made = GradeCorrection(
        entry_id=entry.id, before=said(entry), after=after, reason=reason, state="asked", asked_by=actor.person_id,
        asked_at=actor.now,
    )  # fmt: skip
    session.add(made)
    try:
        session.flush()
    except IntegrityError as error:  # the partial unique index: one at a time
        raise Refused("correction_open") from error
    steps.write_down(session, actor, "grades.correction_ask", sheet, correction=made.id, entry=entry.id)
    notices.correction(session, sheet, made, "asked", actor.now)
    return made


def _judged(session: Session, actor: Actor, sheet: GradeSheet, written: Written) -> Judged:
    found = judge(queries.scheme_of(session, sheet.offering, actor.now), written)
    if isinstance(found, dict):
        raise Invalid(errors=[FieldError(name, each.code, each.params) for name, each in found.items()])
    if found.grade is None:
        raise Invalid.field("grade", "no_grade_written")
    return found


def _after(entry: GradeEntry, judged: Judged) -> dict[str, Any]:
    draft = GradeEntry(scale=judged.grade.scale if judged.grade else entry.scale)
    steps.put(draft, judged)
    return said(draft)


def _held(session: Session, actor: Actor, entry_id: int, action: str) -> tuple[GradeEntry, GradeSheet]:
    """The row, its sheet held against everybody else until the commit."""
    sheet_id = view_entry(session, actor, entry_id).sheet_id
    sheet = queries.view_sheet(session, actor, sheet_id, action, hold=True)
    entry = session.get_one(GradeEntry, entry_id, populate_existing=True)
    return entry, sheet


# --- deciding ---------------------------------------------------------------------------------------------------


def view(session: Session, actor: Actor, correction_id: int) -> GradeCorrection:
    """The correction, for whoever may read its sheet; else 404."""
    found = session.get(GradeCorrection, correction_id, options=[joinedload(GradeCorrection.entry)])
    if found is None:
        raise NotFound
    sheet = queries.view_sheet(session, actor, found.entry.sheet_id, "grades.decide_correction")
    if not allow.may(actor, "grades.read", queries.sheet_subject(sheet)):
        raise Hidden(Denial("grades.decide_correction", "grade_correction", correction_id))
    return found


def decide(session: Session, actor: Actor, correction_id: int, event: str, decision: str = "") -> GradeCorrection:
    """`approve` or `deny` (with why) by the registrar, or `withdraw` by the teachers who may ask."""
    who = "staff" if event == "withdraw" else "registrar"
    action = "grades.withdraw_correction" if event == "withdraw" else "grades.decide_correction"
    entry, sheet = _held(session, actor, view(session, actor, correction_id).entry_id, action)
    found = session.get_one(GradeCorrection, correction_id, populate_existing=True)
    state = rules.correction_step(found.state, event, who)
    if isinstance(state, Refusal):
        raise Refused.because(state)
    insist(rules.four_eyes(actor.person_id, found.asked_by) if event != "withdraw" else None)
    if event == "deny" and not decision:
        raise Invalid.field("reason", "why_needed")
    found.state, found.decision = state, decision
    found.decided_by, found.decided_at = actor.person_id, actor.now
    if event == "approve":
        _carry_out(session, actor, entry, found)
    steps.write_down(session, actor, f"grades.correction_{event}", sheet, correction=found.id, entry=entry.id)
    notices.correction(session, sheet, found, state, actor.now)
    session.flush()
    return found


def _carry_out(session: Session, actor: Actor, entry: GradeEntry, found: GradeCorrection) -> None:
    enrolment = session.scalar(
        sa.select(Enrolment).where(Enrolment.id == entry.enrolment_id, queries.ENROLLED)
        .with_for_update(of=Enrolment).execution_options(populate_existing=True)
    )  # fmt: skip
    if enrolment is None:  # a deferred student who has left before
        raise Refused("not_on_sheet")
    for name in _KEPT:
        setattr(entry, name, found.after[name])
    entry.entered_by, entry.entered_at = found.asked_by, actor.now
    session.flush()
    confirming.make_count(session, actor, [enrolment])
