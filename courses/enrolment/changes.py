"""Enrolments when persons merge, leave a school or are forgotten, and when a school is taken over."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue.models import Offering
from courses.catalogue.services import teaching_ends
from courses.enrolment.models import Enrolment, EnrolmentEvent
from zutuan.calendar.models import Term
from zutuan.clusters.hooks import SuccessionHook
from zutuan.decision import Refusal
from zutuan.people.hooks import Clash, Holding, PeopleHook
from zutuan.sharing.models import SharedItem
from zutuan.web.texts import title


def _clashes(session: Session, kept: int, gone: int, now: datetime) -> list[Clash]:
    """Both hold a seat in the same offering, or wait for one: one of the two has to be given back first."""
    e = Enrolment
    both = sa.select(e.offering_id).where(e.person_id.in_((kept, gone)), e.active()).group_by(e.offering_id)
    query = (
        sa.select(SharedItem.title_zh, Offering.code)
        .join(Offering, Offering.course_id == SharedItem.id)
        .where(Offering.id.in_(both.having(sa.func.count() > 1))).order_by(Offering.id)
    )  # fmt: skip
    return [
        Clash("merge_both_enrolled", {"title": name, "number": code}, stops=True)
        for name, code in session.execute(query)
    ]


def _held(session: Session, *where: sa.ColumnElement[bool], now: datetime) -> list[Enrolment]:
    """Seats in teaching that is not over."""
    query = sa.select(Enrolment, Term).join(Offering, Offering.id == Enrolment.offering_id)
    rows = session.execute(query.join(Term, Term.id == Offering.term_id).where(Enrolment.holds_seat(), *where))
    return [enrolment for enrolment, term in rows if teaching_ends(term) > now]


def _holdings(session: Session, person_id: int, school_id: int, now: datetime) -> list[Holding]:
    mine = (Enrolment.person_id == person_id, Enrolment.home_school_id == school_id)
    return [
        Holding(_("选课"), title(each.offering.course.item), f"/enrolments/{each.id}")
        for each in _held(session, *mine, now=now)
    ]


def _strip(session: Session, person_id: int, now: datetime) -> None:
    """The words that were written about them go; that a seat was taken stays, of nobody any more."""
    mine = sa.select(Enrolment.id).where(Enrolment.person_id == person_id)
    quiet = {"synchronize_session": False}
    words = sa.update(EnrolmentEvent).where(EnrolmentEvent.enrolment_id.in_(mine)).values(note="")
    session.execute(words.execution_options(**quiet))
    reasons = sa.update(Enrolment).where(Enrolment.person_id == person_id).values(reason="", statement="")
    session.execute(reasons.execution_options(**quiet))


PEOPLE = PeopleHook({"enrolment.person_id": _l("选课")}, _clashes, holdings=_holdings, strip=_strip)


def _running(session: Session, old_id: int, new_id: int, now: datetime) -> list[Refusal]:
    """A school is taken over between terms: an enrolment has a home and a host to its end."""
    here = sa.or_(Enrolment.home_school_id == old_id, Enrolment.host_school_id == old_id)
    count = len(_held(session, here, now=now))
    return [Refusal("succession_enrolments", {"count": count})] if count else []


# Who sent whom, and where: that stays true.
SUCCESSION = SuccessionHook(
    stays={"enrolment.home_school_id", "enrolment.host_school_id", "enrolment.home_department_id"}, against=_running
)
