"""A school's group chat: a robot's address of 企业微信's form, and the kinds of notices that it hears.

The address is given by a school admin, so it is treated as a stranger's: https only, hosts from a list, no private
addresses, no redirects, short timeouts (see `call`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.decision import FieldError
from zutuan.errors import Invalid
from zutuan.jobs import Away, GiveUp, Task, enqueue
from zutuan.notices import sentences
from zutuan.notices.call import Unreachable, post_json
from zutuan.notices.kinds import all_kinds, kind_of
from zutuan.notices.models import GroupChat
from zutuan.notices.permissions import allow, chat_subject
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

if TYPE_CHECKING:
    from zutuan.desk import Desk

TOPIC = "notice.group"
TRIES = 5
LONGEST_ADDRESS = 400
# What the robot answers when it is asked too often, and when nobody knows its key.
TOO_OFTEN, UNKNOWN_KEY = 45009, 93000


def check_address(address: str, hosts: tuple[str, ...]) -> FieldError | None:
    """Whether that may be called at all. Pure."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return FieldError("address", "bad_group_address", {})
    plain = parts.scheme == "https" and port in (None, 443) and not parts.username and not parts.password
    if not plain or not parts.hostname or parts.fragment or len(address) > LONGEST_ADDRESS or not address.isascii():
        return FieldError("address", "bad_group_address", {})
    if parts.hostname not in hosts:
        return FieldError("address", "unknown_group_host", {"hosts": hosts})
    return None


def group_kinds() -> list[str]:
    """The kinds that a group chat may hear."""
    return [kind.name for kind in all_kinds() if kind.group]


def chat_of(session: Session, school_id: int) -> GroupChat | None:
    return session.scalar(sa.select(GroupChat).where(GroupChat.school_id == school_id))


def set_chat(session: Session, actor: Actor, school_id: int, data: dict[str, Any], hosts: tuple[str, ...]) -> GroupChat:
    """Give the school its group chat, or change which kinds it hears. Without an address the one before stays."""
    allow.require(actor, "group_chat.write", chat_subject(school_id))
    chat = chat_of(session, school_id)
    if data["address"] or chat is None:
        wrong = check_address(data["address"], hosts)
        if wrong is not None:
            raise Invalid(errors=[wrong])
    if chat is None:
        chat = GroupChat(school_id=school_id, address="", changed_at=actor.now)
        session.add(chat)
    chat.address = data["address"] or chat.address
    chat.kinds = [name for name in group_kinds() if name in data["kinds"]]
    chat.changed_at, chat.changed_by = actor.now, actor.person_id
    session.flush()
    changed = ["kinds", *(["address"] if data["address"] else [])]
    audit(
        session, actor, "group_chat.set", Subject("group_chat", chat.id), now=actor.now, school_id=school_id,
        kinds=chat.kinds, changed=changed,
    )  # fmt: skip
    return chat


def end_chat(session: Session, actor: Actor, school_id: int) -> None:
    """Forget the group chat and its address."""
    allow.require(actor, "group_chat.write", chat_subject(school_id))
    chat = chat_of(session, school_id)
    if chat is None:
        return
    session.delete(chat)
    audit(session, actor, "group_chat.end", Subject("group_chat", chat.id), now=actor.now, school_id=school_id)


# --- telling it -------------------------------------------------------------------------------------------------


def pass_on(session: Session, school_id: int, told: dict[str, Any]) -> None:
    """Ask for the school's group chat to hear of it, where the school chose this kind; once for each event."""
    chat = chat_of(session, school_id)
    kind = kind_of(told["kind"])
    if chat is None or not kind.group or kind.name not in chat.kinds:
        return
    payload = {"school": school_id, **{name: told[name] for name in ("kind", "params", "link")}}
    key = f"{TOPIC}:{school_id}:{told['kind']}:{told['key']}"
    enqueue(session, TOPIC, payload, datetime.fromisoformat(told["at"]), key=key[:160])


def send_to_group(desk: Desk, task: Task) -> None:
    """The errand: as the school wants it now. What the robot refuses is tried a few times."""
    told = task.payload
    with desk.database.read() as session:
        chat = chat_of(session, told["school"])
    if chat is None or kind_of(told["kind"]).name not in chat.kinds:
        return
    if check_address(chat.address, desk.config.webhook_hosts) is not None:
        raise GiveUp("this host is not allowed any more")
    with desk.speaking("zh"):
        said = sentences.sentence(desk.features, told["kind"], told["params"])
    content = f"{said}\n{desk.config.url}{told['link']}" if told["link"] else said
    try:
        answer = post_json(chat.address, {"msgtype": "text", "text": {"content": content[:2000]}})
    except Unreachable as error:
        if task.attempts >= TRIES:
            raise GiveUp(str(error)) from None
        raise
    code = answer.get("errcode", 0)
    if code == TOO_OFTEN:
        raise Away("the robot was asked too often")
    if code:
        raise (
            GiveUp(f"the robot answered {int(code)}")
            if code == UNKNOWN_KEY or task.attempts >= TRIES
            else Unreachable("refused")
        )
