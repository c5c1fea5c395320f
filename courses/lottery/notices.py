"""Who hears of a draw: registrars when it is announced, and everybody who wished what came of it, once each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue.labels import term_named
from courses.lottery.models import Draw, WishList
from zutuan.clusters.models import Membership
from zutuan.notices.kinds import NoticeKind
from zutuan.notices.services import tell
from zutuan.people.roles import holders
from zutuan.sharing.actor import Actor
from zutuan.sharing.services import clusters_of
from zutuan.web.texts import english, stamp

if TYPE_CHECKING:
    from courses.lottery.assembling import Assembled


def _params(draw: Draw) -> dict[str, Any]:
    return {
        "of": draw.owner.name, "year": draw.academic_year, "number": draw.number, "opens": draw.opens.isoformat(),
        "closes": draw.closes.isoformat(),
    }  # fmt: skip


def _link(draw: Draw) -> str:
    return f"/draws/{draw.id}"


def published(session: Session, draw: Draw, now: datetime) -> None:
    """The registrars of the schools whose students may wish."""
    clusters = [draw.cluster_id] if draw.cluster_id else sorted(clusters_of(session, draw.school_id or 0, now))
    m = Membership
    schools = session.scalars(sa.select(m.school_id).where(m.cluster_id.in_(clusters), m.open_at(now)).distinct())
    people = {person for school in schools.all() for person in holders(session, "registrar", school, now)}
    tell(session, people, "draw.published", f"draw:{draw.id}:published", _params(draw), _link(draw), now)


def _wishers(session: Session, draw: Draw) -> Sequence[int]:
    return session.scalars(sa.select(WishList.person_id).where(WishList.draw_id == draw.id)).all()


def extended(session: Session, draw: Draw, now: datetime) -> None:
    """Who has wished may think again for longer."""
    key = f"draw:{draw.id}:closes:{draw.closes.isoformat()}"
    tell(session, _wishers(session, draw), "draw.extended", key, _params(draw), _link(draw), now)


def cancelled(session: Session, draw: Draw, reason: str, now: datetime) -> None:
    params = {**_params(draw), "reason": reason}
    tell(session, _wishers(session, draw), "draw.cancelled", f"draw:{draw.id}:cancelled", params, _link(draw), now)


def drawn(
    session: Session, draw: Draw, found: Assembled, outcomes: Mapping[tuple[int, int], str], now: datetime
) -> None:  # fmt: skip
    """What each of them got, and how many of their wishes not."""
    about = _params(draw)
    for each in found.lists:
        said = [(wish.offering_id, outcomes[each.id, wish.offering_id]) for wish in each.wishes]
        got = [found.offered[id_] for id_, code in said if code == "won"]
        titles = {"zh": [one.title_zh for one in got], "en": [one.title_en or one.title_zh for one in got]}
        params = {**about, **titles, "missed": len(said) - len(got)}
        kind = "draw.won" if got else "draw.missed"
        tell(session, [each.person_id], kind, f"draw:{draw.id}:drawn", params, _link(draw), now)


# --- sentences ---------------------------------------------------------------------------------------------------


def _words(p: Mapping[str, Any]) -> dict[str, str]:
    return {
        "of": p["of"],
        "term": term_named(p["year"], p["number"]),
        "opens": stamp(datetime.fromisoformat(p["opens"])),
        "closes": stamp(datetime.fromisoformat(p["closes"])),
    }


def _titles(p: Mapping[str, Any]) -> str:
    return str(_("、")).join(str(_("「%(title)s」", title=each)) for each in p["en" if english() else "zh"])


def _studies(actor: Actor) -> bool:
    return actor.holds(["student"])


def _runs(actor: Actor) -> bool:
    return actor.holds(["cluster_admin", "registrar"])


KINDS = (
    NoticeKind(
        "draw.mine",
        _l("抽签的结果"),
        ("draw.won", "draw.missed", "draw.cancelled", "draw.extended"),
        "now",
        True,
        concerns=_studies,
    ),
    NoticeKind("draw.dates", _l("抽签的安排"), ("draw.published",), "digest", True, concerns=_runs),
)
TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "draw.published": lambda p: _(
        "%(of)s公布了%(term)s抽签：%(opens)s 至 %(closes)s 填报志愿，请通知学生。", **_words(p)
    ),
    "draw.won": lambda p: (
        _("%(of)s抽签结果：您抽中了%(titles)s。", of=p["of"], titles=_titles(p))
        if not p["missed"]
        else _("%(of)s抽签结果：您抽中了%(titles)s，另有 %(n)s 个志愿没有抽中。", of=p["of"], titles=_titles(p), n=p["missed"])
    ),
    "draw.missed": lambda p: _("%(of)s抽签结果：您的 %(n)s 个志愿都没有抽中，可以查看原因。", of=p["of"], n=p["missed"]),
    "draw.extended": lambda p: _("%(of)s%(term)s抽签的志愿填报延长到 %(closes)s，截止之前可以改志愿。", **_words(p)),
    "draw.cancelled": lambda p: _(
        "%(of)s%(term)s抽签已取消：%(reason)s 这些教学班改为先到先得。", **_words(p), reason=p["reason"]
    ),
}  # fmt: skip
