"""Enrolment, as the kernel registers it."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue import hooks
from courses.enrolment import (
    changes,
    checks,
    date_notices,
    notices,
    policies,
    queries,
    recognised,
    seats,
    services,
    timing,
)
from courses.enrolment import errors as errors
from courses.enrolment.api import enrolments_api, mine_api, offering_api, time_api
from courses.enrolment.demo import load
from courses.enrolment.pages import blueprint
from courses.enrolment.permissions import allow
from courses.recognition import hooks as answers
from zutuan.clock import at_shanghai, local
from zutuan.feature import Card, Feature, NavEntry, Todo
from zutuan.sharing.actor import Actor
from zutuan.web.texts import title as title_of

RECENT = 5
hooks.once(hooks.more_seats, services.seats_changed)
hooks.once(hooks.dates_changed, date_notices.changed)
hooks.once(answers.answered, recognised.fill)


def _studies(actor: Actor) -> bool:
    return bool(allow.schools(actor, "enrolment.create"))


def _approves(actor: Actor) -> bool:
    return bool(allow.schools(actor, "enrolment.review"))


def _only_reads(actor: Actor) -> bool:
    return not _approves(actor) and bool(allow.schools(actor, "enrolment.list_home"))


def todos(session: Session, actor: Actor) -> list[Todo]:
    """What waits for a registrar, a secretary, or a teacher who chooses the students."""
    return [*(_approvals(session, actor) if _approves(actor) else []), *_choosing(session, actor)]


def _approvals(session: Session, actor: Actor) -> list[Todo]:
    found = []
    count, since = queries.WAITING.of(session, actor)
    if count:
        title, note = _("选课等待审核"), _("本校学生选修外校课程，逾期未审会自动释放名额")
        found.append(Todo(count, title, note, url_for("enrolment.approvals"), _("去审核"), since=since, accent=True))
    gone = queries.out_of_standing(session, actor)
    if gone:
        note = _("休学、毕业、退学等学生还占着名额，请逐项核对")
        found.append(
            Todo(gone, _("学籍异动的选课"), note, url_for("enrolment.approvals", state="standing"), _("去核对"))
        )
    return found


def _choosing(session: Session, actor: Actor) -> list[Todo]:
    asked = queries.to_choose(session, actor) if actor.holds(["teacher"]) else []
    return [
        Todo(
            count, _("学生等待挑选"), title_of(offering.course.item),
            url_for("enrolment.roster", offering_id=offering.id, state="requested"), _("去挑选"), accent=True,
        )
        for offering, count in asked
    ]  # fmt: skip


def cards(session: Session, actor: Actor) -> list[Card]:
    found = []
    if _studies(actor):
        mine = queries.recent(session, actor, RECENT)
        places = {each.id: services.place(session, each, actor.now) for each in mine if each.host_state == "queued"}
        found.append(Card("enrolment/_mine.html", {"enrolments": mine, "places": places}, order=10))
    if _studies(actor) or actor.holds(["teacher"]):
        today = local(actor.now).date()
        starts = at_shanghai(today)
        slots = queries.busy_between(session, actor, starts, starts + timedelta(days=1))
        context = {"slots": slots, "day": today.strftime("%m-%d")}
        found.append(Card("enrolment/_today.html", context, column="side", order=10))
    return found


FEATURE = Feature(
    name="enrolment",
    pages=(blueprint,),
    api=(offering_api, enrolments_api, mine_api, time_api),
    permissions=allow,
    nav=(
        NavEntry("enrolment.mine", _l("我的选课"), "check2-square", shown=_studies, order=15),
        NavEntry(
            "enrolment.approvals",
            _l("选课审核"),
            "clipboard-check",
            "outgoing",
            shown=_approves,
            waits=queries.WAITING,
            order=5,
        ),
        NavEntry("enrolment.approvals", _l("跨校选课"), "clipboard-check", "outgoing", shown=_only_reads, order=25),
    ),
    todos=todos,
    cards=cards,
    handlers={
        notices.TOPIC: recognised.follow_up,
        recognised.TOPIC: recognised.look_again,
        seats.TOPIC: seats.hand_on_later,
    },
    notices={**notices.TEXTS, **date_notices.TEXTS},
    notice_kinds=(*notices.KINDS, *date_notices.KINDS),
    periodic=(services.expire_due,),
    policies=policies.ALL,
    demo=load,
    demo_order=60,
    calendar=(timing.HOOK,),
    checks=(checks.seats_add_up, checks.nobody_sits_in_what_is_closed, recognised.answers_are_of_their_school),
    people=changes.PEOPLE,
    succession=changes.SUCCESSION,
)
