"""Notices and choices when two persons become one (the survivor's stay where both have the same), and a group chat when
its school is taken over (it hears nothing more)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, aliased

from zutuan.clusters.hooks import SuccessionHook
from zutuan.notices.models import GroupChat, Notice, NoticeChoice
from zutuan.people.hooks import PeopleHook
from zutuan.sharing.actor import Actor


def _prepare(session: Session, kept: int, gone: int, now: datetime) -> None:
    own = aliased(Notice)
    heard = sa.select(own.dedupe_key).where(own.person_id == kept)
    session.execute(sa.delete(Notice).where(Notice.person_id == gone, Notice.dedupe_key.in_(heard)))
    chosen = aliased(NoticeChoice)
    kinds = sa.select(chosen.kind).where(chosen.person_id == kept)
    session.execute(sa.delete(NoticeChoice).where(NoticeChoice.person_id == gone, NoticeChoice.kind.in_(kinds)))


HOOK = PeopleHook({"notice.person_id": _l("通知"), "notice_choice.person_id": _l("通知设置")}, prepare=_prepare)


def _pass_on(
    session: Session, _actor: Actor | None, old_id: int, _new: int, _departments: Mapping[int, int], _now: datetime
) -> dict[str, int]:
    session.execute(sa.delete(GroupChat).where(GroupChat.school_id == old_id))
    return {}


SUCCESSION = SuccessionHook(moves={"group_chat.school_id"}, pass_on=_pass_on)
