"""选课证明: that a student of one school is enrolled in a course of another."""

from __future__ import annotations

from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from courses.catalogue import labels
from courses.enrolment import policies, queries
from courses.enrolment.models import Enrolment
from courses.enrolment.permissions import allow
from zutuan.clock import local
from zutuan.clusters.models import School
from zutuan.errors import Refused
from zutuan.papers import rules
from zutuan.papers.models import Paper
from zutuan.papers.services import Draft, issue
from zutuan.policies import services as policy_values
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.web.texts import credit

KIND = "enrolment.certificate"
CERTIFIED = ("enrolled", "completed")


def about(enrolment_id: int) -> Subject:
    return Subject("enrolment", enrolment_id)


def may_certify(session: Session, actor: Actor, enrolment: Enrolment) -> bool:
    """Whether the actor could issue it now, for what is offered on the page."""
    return queries.combined(enrolment) in CERTIFIED and issuing_school(session, actor, enrolment) is not None


def issuing_school(session: Session, actor: Actor, enrolment: Enrolment) -> School | None:
    """In whose name the actor may issue it: a registrar in their school's, the home school's first; the student in the
    home school's, where its policy lets students."""
    subject = queries.subject(enrolment)
    if allow.may(actor, "enrolment.certify_home", subject):
        return enrolment.home_school
    if allow.may(actor, "enrolment.certify_host", subject):
        return enrolment.host_school
    own = allow.may(actor, "enrolment.certify_own", subject)
    key, school_id = policies.OWN_CERTIFICATE.key, enrolment.home_school_id
    return enrolment.home_school if own and policy_values.value(session, key, school_id, actor.now) else None


def certify(session: Session, actor: Actor, enrolment_id: int) -> Paper:
    """Issue the certificate, or answer the one that stands and says the same."""
    enrolment = queries.view_enrolment(session, actor, enrolment_id)
    school = issuing_school(session, actor, enrolment)
    if school is None:
        allow.require(actor, "enrolment.certify_home", queries.subject(enrolment))
    assert school is not None
    # Held until the commit: who withdraws at the same moment waits, and then takes this paper back too.
    session.refresh(enrolment, ["home_state", "host_state", "version"], with_for_update=True)
    if queries.combined(enrolment) not in CERTIFIED:
        raise Refused("not_enrolled_yet")
    draft = Draft(KIND, enrolment.person_id, school.id, about(enrolment.id), content(enrolment, school))
    return issue(session, actor, draft)


def content(enrolment: Enrolment, school: School) -> dict[str, Any]:
    """What the paper shows: in Chinese, whatever language its issuer reads. No date of today's, so that asking again
    for what has not changed gives the same paper."""
    offering, course = enrolment.offering, enrolment.offering.course
    with force_locale("zh"):
        text = _(
            "兹证明%(home)s学生%(name)s已选修%(host)s开设的课程《%(title)s》，由两校确认。",
            home=enrolment.home_school.name, name=enrolment.person.name, host=enrolment.host_school.name,
            title=course.item.title_zh,
        )  # fmt: skip
        facts = [
            [_("姓名"), enrolment.person.name],
            [_("学工号"), rules.masked(enrolment.affiliation.number)],
            [_("所在学校"), enrolment.home_school.name],
            [_("课程"), _("%(title)s（课程代码 %(code)s）", title=course.item.title_zh, code=course.code)],
            [_("学分"), credit(course.credits)],
            [_("开课学校"), enrolment.host_school.name],
            [_("学期"), labels.term(offering.term)],
            [_("状态"), _("已选上") if queries.combined(enrolment) == "enrolled" else _("已修完")],
            [_("选课日期"), local(enrolment.created_at).strftime("%Y-%m-%d")],
        ]
        return {"title": _("选课证明"), "text": text, "facts": facts, "school": school.name}
