"""Reading term plans, and what has been submitted for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload, load_only, selectinload

from courses.admission import queries as admission
from courses.admission.queries import TermKey
from courses.catalogue import windows
from courses.catalogue.hooks import ReviewDates
from courses.catalogue.models import ENDED, Course, Offering
from courses.plans import rules
from courses.plans.models import TermPlan
from courses.plans.permissions import allow
from zutuan.calendar.models import Term
from zutuan.clock import clock, local
from zutuan.clusters.models import Cluster, Membership, School
from zutuan.errors import Denial, Hidden
from zutuan.sharing import services as sharing
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import SharedItem
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import fetch


def subject(actor: Actor, plan: TermPlan) -> Subject:
    anyone = {"anyone": frozenset({actor.person_id})}
    return Subject("term_plan", plan.id, cluster_id=plan.cluster_id, persons=anyone)


def view_plan(session: Session, actor: Actor, cluster_id: int, plan_id: int) -> TermPlan:
    """The plan, or 404: a draft is its cluster's admins' only."""
    plan = fetch(session, TermPlan, plan_id, joinedload(TermPlan.cluster))
    action = "plan.read" if plan.state == "published" else "plan.read_draft"
    if plan.cluster_id != cluster_id or not allow.may(actor, action, subject(actor, plan)):
        raise Hidden(Denial(action, "term_plan", plan_id))
    return plan


def of_cluster(session: Session, actor: Actor, cluster_id: int) -> list[TermPlan]:
    """The cluster's plans that the actor sees, the latest term first."""
    fetch(session, Cluster, cluster_id)
    query = sa.select(TermPlan).where(TermPlan.cluster_id == cluster_id).options(joinedload(TermPlan.cluster))
    found = session.scalars(query.order_by(TermPlan.academic_year.desc(), TermPlan.number.desc()))
    drafts = allow.may(actor, "plan.read_draft", Subject("cluster", cluster_id, cluster_id=cluster_id))
    return [plan for plan in found if drafts or plan.state == "published"]


def administered(actor: Actor) -> list[int]:
    """The clusters whose plans the actor makes."""
    return sorted({held.cluster_id for held in actor.roles if held.role == "cluster_admin" and held.cluster_id})


def mine(session: Session, actor: Actor) -> list[TermPlan]:
    """The plans of the clusters that the actor's schools belong to or the actor runs, the latest term first."""
    runs = administered(actor)
    clusters = sorted({*runs, *(member.cluster_id for member in actor.memberships)})
    shown = sa.or_(TermPlan.state == "published", TermPlan.cluster_id.in_(runs))
    query = sa.select(TermPlan).where(TermPlan.cluster_id.in_(clusters), shown).options(joinedload(TermPlan.cluster))
    return list(session.scalars(query.order_by(TermPlan.academic_year.desc(), TermPlan.number.desc(), TermPlan.id)))


def current(session: Session, actor: Actor) -> list[TermPlan]:
    """The published ones that are not over, for the workbench."""
    clusters = sorted({member.cluster_id for member in actor.memberships})
    query = sa.select(TermPlan).where(TermPlan.cluster_id.in_(clusters), TermPlan.state == "published")
    query = query.where(TermPlan.grades_due >= local(actor.now).date()).options(joinedload(TermPlan.cluster))
    return list(session.scalars(query.order_by(TermPlan.main_from).limit(2)))


def running(session: Session, actor: Actor) -> list[tuple[Cluster, list[TermPlan]]]:
    """The clusters that the actor runs, each with its plans that are not over, drafts too."""
    ids = administered(actor)
    if not ids:
        return []
    query = sa.select(TermPlan).where(TermPlan.cluster_id.in_(ids), TermPlan.grades_due >= local(actor.now).date())
    plans = list(session.scalars(query.order_by(TermPlan.main_from)))
    clusters = session.scalars(sa.select(Cluster).where(Cluster.id.in_(ids)).order_by(Cluster.id))
    return [(each, [plan for plan in plans if plan.cluster_id == each.id]) for each in clusters]


def plans_of_school(
    session: Session, school_id: int, term: Term | TermKey, now: datetime, *, hold: bool = True
) -> list[TermPlan]:
    """The published plans of the school's clusters for that term; `hold`: they stay as they are until the commit."""
    p, m = TermPlan, Membership
    query = (
        sa.select(p)
        .join(m, m.cluster_id == p.cluster_id)
        .where(m.school_id == school_id, m.open_at(now), p.state == "published")
        .where(p.academic_year == term.academic_year, p.number == term.number)
        .order_by(p.cluster_id)
    )
    return list(session.scalars(query.with_for_update(read=True, of=p) if hold else query))


def review_dates(session: Session, school_id: int, year: str, number: int) -> list[ReviewDates]:
    """The hook of admission: when the home school is to look at what is offered, cluster by cluster."""
    found = plans_of_school(session, school_id, TermKey(year, number), clock.now(), hold=False)
    return [
        ReviewDates(plan.cluster.name, plan.review_from, plan.review_until, rules.enrolling_ends(plan.spans))
        for plan in found
        if plan.review_from is not None and plan.review_until is not None
    ]


def _matching(plan: TermPlan, now: datetime) -> sa.Select[Offering]:
    """Offerings of the cluster's members of now in the term of that year and number."""
    members = sa.select(Membership.school_id).where(Membership.cluster_id == plan.cluster_id, Membership.open_at(now))
    return (
        sa.select(Offering)
        .join(Course, Course.id == Offering.course_id)
        .join(SharedItem, SharedItem.id == Course.id)
        .join(Term, Term.id == Offering.term_id)
        .where(Term.academic_year == plan.academic_year, Term.number == plan.number, Course.school_id.in_(members))
        .options(
            joinedload(Offering.term), selectinload(Offering.rounds), selectinload(Offering.pools),
            joinedload(Offering.course).joinedload(Course.item).joinedload(SharedItem.owner),
        )
        .order_by(Course.school_id, Course.code, Offering.id)
    )  # fmt: skip


def offerings(session: Session, plan: TermPlan, now: datetime) -> list[Offering]:
    """All that the plan may concern, drafts too."""
    return list(session.scalars(_matching(plan, now).where(Offering.state.not_in(ENDED))))


# --- what has been submitted ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Submission:
    """One published offering; `fits`: it follows the plan, is narrower, or has dates outside it."""

    offering: Offering
    fits: str

    @property
    def seats(self) -> int:
        return sum(pool.wanted for pool in self.offering.pools)


@dataclass(frozen=True)
class Review:
    """本校审核 of one home school: what of the others' submitted courses it has admitted, what it has not looked at yet,
    and what it decided after the plan's date. `state`: `rules.review_state`."""

    state: str
    courses: int = 0
    admitted: int = 0
    undecided: int = 0
    late: int = 0


@dataclass(frozen=True)
class Line:
    """What one school has submitted."""

    school: School
    rows: Sequence[Submission]
    has_term: bool
    review: Review

    @property
    def courses(self) -> int:
        return len({row.offering.course_id for row in self.rows})

    @property
    def seats(self) -> int:
        return sum(row.seats for row in self.rows)

    @property
    def taken(self) -> int:
        return sum(row.offering.taken for row in self.rows)

    @property
    def following(self) -> int:
        return self.count("follows")

    def count(self, fits: str) -> int:
        return sum(row.fits == fits for row in self.rows)


def submissions(session: Session, actor: Actor, plan: TermPlan) -> list[Submission]:
    """What the cluster's schools have published for the term and shared with it, school by school: the same for everyone
    who may ask."""
    allow.require(actor, "plan.submissions", subject(actor, plan))
    query = _matching(plan, actor.now).where(Offering.state == "published", SharedItem.state == "published")
    query = query.where(sharing.shared_with_cluster(plan.cluster_id, actor.now))
    return [Submission(each, _fits(each, plan)) for each in session.scalars(query)]


def _fits(offering: Offering, plan: TermPlan) -> str:
    if offering.follows_plan:
        return "follows"
    return "outside" if windows.strays(offering, plan.rounds) else "narrower"


def board(session: Session, actor: Actor, plan: TermPlan) -> list[Line]:
    """Every member school, those that have submitted nothing too."""
    rows = submissions(session, actor, plan)
    m, here = Membership, sa.and_(Term.academic_year == plan.academic_year, Term.number == plan.number)
    query = (
        sa.select(School, Term.id)
        .join(m, m.school_id == School.id)
        .outerjoin(Term, sa.and_(Term.school_id == School.id, here))
        .where(m.cluster_id == plan.cluster_id, m.open_at(actor.now))
        .options(load_only(School.name))
        .order_by(School.id)
    )
    return [
        Line(
            school,
            [row for row in rows if row.offering.course.school_id == school.id],
            term is not None,
            _review(session, school.id, plan, sorted({row.offering.course_id for row in rows}), actor.now),
        )
        for school, term in session.execute(query)
    ]


def _review(session: Session, school_id: int, plan: TermPlan, courses: Sequence[int], now: datetime) -> Review:
    """Of these courses those that are shared with the school."""
    picks, until = admission.way(session, school_id, now) == "picked", plan.review_until
    if not picks:
        return Review(rules.review_state(picks=False, undecided=0, until=until, now=now))
    shared = admission.shared(session, school_id, courses, now)
    term = TermKey(plan.academic_year, plan.number)
    said = [each for each in admission.words(session, school_id, term) if each.course_id in shared]
    undecided = len(shared) - len(said)
    return Review(
        rules.review_state(picks=True, undecided=undecided, until=until, now=now),
        len(shared), sum(each.admitted for each in said), undecided,
        sum(until is not None and each.decided_at >= until for each in said),
    )  # fmt: skip
