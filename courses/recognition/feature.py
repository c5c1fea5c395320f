"""Recognition, as the kernel registers it."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue import hooks
from courses.recognition import changes, notices, policies, queries
from courses.recognition import errors as errors
from courses.recognition.api import recognitions_api, requests_api
from courses.recognition.demo import load
from courses.recognition.pages import blueprint
from courses.recognition.permissions import allow
from courses.recognition.table_import import RECOGNITIONS
from zutuan.feature import Feature, NavEntry, Todo
from zutuan.sharing.actor import Actor

hooks.once(hooks.counts_as, queries.counts_as)
hooks.once(hooks.counts_filters, queries.counting)


def _reads(actor: Actor) -> bool:
    return bool(allow.schools(actor, "recognition.read"))


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Students who wait for the registrar's word."""
    if not allow.schools(actor, "recognition.answer"):
        return []
    count, since = queries.WAITING.of(session, actor)
    if not count:
        return []
    note = _("学生请本校说明外校课程认定为什么")
    return [
        Todo(count, _("学分认定申请"), note, url_for("recognition.requests"), _("去答复"), since=since, accent=True)
    ]


FEATURE = Feature(
    name="recognition",
    pages=(blueprint,),
    api=(recognitions_api, requests_api),
    permissions=allow,
    nav=(
        NavEntry(
            "recognition.recognitions",
            _l("学分认定"),
            "shield-check",
            "outgoing",
            shown=_reads,
            order=28,
            more_only=True,
        ),
    ),
    todos=todos,
    waits=(queries.WAITING,),
    notices=notices.TEXTS,
    notice_kinds=notices.KINDS,
    policies=policies.ALL,
    imports=(RECOGNITIONS,),
    demo=load,
    demo_order=55,
    people=changes.PEOPLE,
    succession=changes.SUCCESSION,
)
