"""Writing term plans. What follows a plan moves with it, in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from courses.admission.queries import TermKey
from courses.catalogue import hooks, windows
from courses.catalogue.models import Course, Offering
from courses.catalogue.rules import Rounds
from courses.catalogue.services import new_edition
from courses.plans import notices, policies, queries, rules
from courses.plans.models import TermPlan
from courses.plans.permissions import allow
from zutuan.calendar.models import Term
from zutuan.clock import clock
from zutuan.clusters.models import Cluster
from zutuan.decision import Refusal
from zutuan.errors import Invalid, Refused, Stale, insist
from zutuan.policies import services as policy_values
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit, fetch

DATES = (*(f"{stage}_{end}" for stage in rules.STAGES for end in ("from", "until")), "teaching_starts", "grades_due")
FIELDS = (*DATES, "note")


@dataclass(frozen=True)
class Move:
    """An offering whose rounds the plan changes, or whose own dates leave it."""

    offering_id: int
    code: str
    title_zh: str
    school: str
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]


@dataclass
class Effects:
    """What publishing or changing a plan does to offerings: `moves` follow it, `strays` keep dates outside it."""

    moves: list[Move] = field(default_factory=list)
    strays: list[Move] = field(default_factory=list)

    @property
    def any(self) -> bool:
        return bool(self.moves or self.strays)


def create(session: Session, actor: Actor, cluster_id: int, data: dict[str, Any]) -> TermPlan:
    """A draft, seen by the cluster's admins only."""
    fetch(session, Cluster, cluster_id)
    allow.require(actor, "plan.create", Subject("cluster", cluster_id, cluster_id=cluster_id))
    plan = TermPlan(
        cluster_id=cluster_id, academic_year=data["academic_year"], number=data["number"], created_at=actor.now,
        updated_at=actor.now, **{name: data.get(name) for name in FIELDS},
    )  # fmt: skip
    _check(plan)
    session.add(plan)
    try:
        session.flush()
    except IntegrityError as error:
        raise Refused("plan_exists") from error
    _audit(session, actor, "plan.create", plan)
    return plan


def _check(plan: TermPlan) -> None:
    errors = rules.check_plan(plan.spans, plan.teaching_starts, plan.grades_due)
    if errors:
        raise Invalid(errors=errors)


def hold(session: Session, plan: TermPlan) -> None:
    """Nobody begins to follow the plan, or narrows it, until the commit. Raises Stale when it is no longer what was read."""
    read = plan.version
    held = sa.select(TermPlan).where(TermPlan.id == plan.id).with_for_update(of=TermPlan)
    if session.scalars(held.execution_options(populate_existing=True)).one().version != read:
        raise Stale


def update(session: Session, actor: Actor, plan: TermPlan, data: dict[str, Any]) -> Effects:
    """Change its dates; of a published one every offering that follows it moves along, and those concerned are told."""
    allow.require(actor, "plan.edit", queries.subject(actor, plan))
    hold(session, plan)
    with session.no_autoflush:
        changed = [name for name in FIELDS if name in data and getattr(plan, name) != data[name]]
        for name in changed:
            setattr(plan, name, data[name])
        _check(plan)
    if not changed:
        return Effects()
    plan.updated_at = actor.now
    session.flush()
    effects = _carry_out(session, actor, plan) if plan.state == "published" else Effects()
    _audit(session, actor, "plan.edit", plan, fields=changed, moved=[each.offering_id for each in effects.moves][:50])
    if plan.state == "published" and set(changed) & set(DATES):
        notices.changed(session, plan, _ids(effects), actor.now)
    return effects


def publish(session: Session, actor: Actor, plan: TermPlan) -> Effects:
    """From now on offerings may follow it, and none may be given dates outside it."""
    allow.require(actor, "plan.publish", queries.subject(actor, plan))
    hold(session, plan)
    insist(rules.may_publish(plan.state))
    plan.state, plan.published_at, plan.updated_at = "published", actor.now, actor.now
    session.flush()
    effects = _carry_out(session, actor, plan)
    _audit(session, actor, "plan.publish", plan, outside=[each.offering_id for each in effects.strays][:50])
    notices.published(session, plan, _ids(effects), actor.now)
    return effects


def _ids(effects: Effects) -> list[int]:
    return [each.offering_id for each in (*effects.moves, *effects.strays)]


def _carry_out(session: Session, actor: Actor, plan: TermPlan) -> Effects:
    """Bring those that follow to the plan; who is about to take a seat there is told to look again."""
    effects = Effects()
    moved, plans = [], dict[int, list[TermPlan]]()
    for offering in queries.offerings(session, plan, actor.now):
        school_id = offering.course.school_id
        if school_id not in plans:
            plans[school_id] = queries.plans_of_school(session, school_id, offering.term, actor.now)
        if _chosen(session, offering.course, plans[school_id]) is not plan:
            continue
        before = windows.rounds_of(offering) or [("main", offering.enrol_from, offering.enrol_until)]
        if offering.follows_plan:
            windows.follow(offering, plan.rounds)
            if windows.rounds_of(offering) != before:
                effects.moves.append(_move(offering, before, windows.rounds_of(offering)))
                moved.append(offering)
        elif windows.strays(offering, plan.rounds):
            effects.strays.append(_move(offering, before, plan.rounds))
    new_edition(session, moved)
    for offering in moved:
        offering.updated_at = actor.now
        session.flush()
        for told in hooks.more_seats:
            told(session, actor, offering)
    return effects


def _move(offering: Offering, before: Rounds, after: Rounds) -> Move:
    item = offering.course.item
    return Move(offering.id, offering.code, item.title_zh, item.owner.name, _spelled(before), _spelled(after))


def _spelled(rounds: Rounds) -> list[dict[str, Any]]:
    return [{"kind": kind, "opens": opens, "closes": closes} for kind, opens, closes in rounds]


def _audit(session: Session, actor: Actor, action: str, plan: TermPlan, **detail: Any) -> None:
    audit(session, actor, action, Subject("term_plan", plan.id), now=actor.now, cluster=plan.cluster_id, **detail)


# --- what an offering keeps to ----------------------------------------------------------------------------------


def rounds_for(session: Session, course: Course, term: Term, *, hold: bool) -> Rounds | None:
    """The hook of the catalogue: the rounds of the course's plan in that term."""
    plan = _plan_of(session, course, term, hold=hold)
    return plan.rounds if plan is not None else None


def _plan_of(session: Session, course: Course, term: Term, *, hold: bool) -> TermPlan | None:
    return _chosen(session, course, queries.plans_of_school(session, course.school_id, term, clock.now(), hold=hold))


def against_submitting(session: Session, course: Course, term: Term, *, hold: bool) -> Refusal | None:
    """The hook of the catalogue: what the course's plan says against handing in a class of that term now, where the
    cluster keeps to its dates."""
    plan, now = _plan_of(session, course, term, hold=hold), clock.now()
    if plan is None or not policy_values.of_cluster(session, policies.STRICT.key, plan.cluster_id, now):
        return None
    return rules.may_submit(plan.span("submission"), now)


def against_admitting(session: Session, course_ids: Sequence[int], year: str, number: int) -> dict[int, Refusal]:
    """The hook of admission: by the plan that each course keeps to."""
    courses = session.scalars(sa.select(Course).where(Course.id.in_(course_ids)).options(joinedload(Course.item)))
    plans = dict[int, list[TermPlan]]()
    found = {}
    for course in courses:
        if course.school_id not in plans:
            term = TermKey(year, number)
            plans[course.school_id] = queries.plans_of_school(session, course.school_id, term, clock.now())
        plan = _chosen(session, course, plans[course.school_id])
        said = rules.may_admit(plan.spans, clock.now()) if plan is not None else None
        if said is not None:
            found[course.id] = said
    return found


def _chosen(session: Session, course: Course, found: Sequence[TermPlan]) -> TermPlan | None:
    """Of several clusters' plans the one of a cluster that the course is shared with; else the first cluster's."""
    if len(found) < 2:
        return next(iter(found), None)
    shared = {scope.split(":")[1] for scope in sharing.audience(session, course.item, clock.now()) if ":" in scope}
    return next((plan for plan in found if str(plan.cluster_id) in shared), found[0])
