"""Draws as schemas dump them and pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue.labels import term_named
from courses.catalogue.models import Offering
from courses.enrolment import facts, many, rules, wanted
from courses.enrolment import views as enrolment
from courses.enrolment.many import Ask
from courses.lottery import assembling, queries
from courses.lottery.models import Draw, Wish, WishList
from courses.lottery.rules import Figures, excludes
from zutuan.clock import clock
from zutuan.clusters.models import Cluster, School
from zutuan.db import padded
from zutuan.sharing.actor import Actor, Belongs
from zutuan.web.texts import form_moment

STATE = {
    "draft": (_l("草稿"), "warn"),
    "published": (_l("已公布"), "info"),
    "drawn": (_l("已抽签"), "good"),
    "cancelled": (_l("已取消"), "bad"),
}
# Why a wish was not got.
MISSED = {
    "seats_gone": _l("名额已被排在前面的同学抽中"),
    "no_seats_for_school": _l("没有给贵校的名额"),
    "enough": _l("已抽中您想要的门数"),
    "time_clash": _l("与您抽中的另一个教学班时间冲突，或是同一门课"),
    "credit_cap": _l("抽中会超过本校的跨校选课学分上限"),
    "not_drawn_for": _l("教学班已不参加抽签"),
}
# What a rule stood against at the moment of the draw.
BARRED = {
    "already_enrolled": _l("您已经选了这个教学班"),
    "in_other_class": _l("您已在这门课程的另一个教学班"),
    "already_passed": _l("您已经修完这门课程"),
    "prerequisite_missing": _l("先修课程还没有修完"),
    "not_your_grade": _l("不面向您的年级"),
    "not_your_major": _l("不面向您的专业"),
    "not_in_standing": _l("抽签时您不是在读状态"),
    "not_a_student": _l("抽签时您已不是该校学生"),
    "not_shared_with_you": _l("课程没有向您的学校共享"),
    "not_admitted": _l("贵校没有把课程列入可选课程"),
    "own_school_course": _l("这是本校的课程"),
    "offering_closed": _l("教学班不接受选课"),
    "time_clash": _l("与您的课表时间冲突"),
    "exam_clash": _l("与您的考试时间冲突"),
    "travel_clash": _l("来不及往返校区"),
}


def term(draw: Draw) -> str:
    return term_named(draw.academic_year, draw.number)


def stage(draw: Draw) -> tuple[str, Any]:
    """(tone, words) of where it stands now."""
    if draw.state != "published":
        words, tone = STATE[draw.state]
        return tone, words
    now = clock.now()
    if now < draw.opens:
        return "", _l("等待填报")
    return ("warn", _l("填报中")) if now < draw.closes else ("info", _l("等待抽签"))


def outcome(wish: Wish) -> tuple[str, str]:
    """(tone, words) of what became of a wish."""
    if wish.outcome == "won":
        return "good", _("抽中")
    code = wish.outcome.removeprefix("barred:")
    words = BARRED.get(code) if wish.outcome.startswith("barred:") else MISSED.get(code)
    return "", str(words or _("没有抽中"))


def values(draw: Draw) -> dict[str, Any]:
    """What the form shows."""
    own = ("academic_year", "number", "most", "note", "public_source", "version")
    moments = {"opens": form_moment(draw.opens), "closes": form_moment(draw.closes)}
    return {**moments, **{name: getattr(draw, name) for name in own}}


def scope_names(session: Session, content: Mapping[str, Any]) -> dict[str, str]:
    """Pool scope of a statement → the school or the cluster it is kept for."""
    parts = [pool["scope"].split(":") for each in content["lots"] for pool in each["pools"]]
    names: dict[str, str] = {}
    for kind, table in (("school", School), ("cluster", Cluster)):
        ids = sorted({int(part[1]) for part in parts if part[0] == kind})
        rows = session.execute(sa.select(table.id, table.name).where(table.id.in_(padded(ids)))) if ids else ()
        names |= {f"{kind}:{id_}": name for id_, name in rows}
    return {":".join(part): names[":".join(part[:2])] for part in parts if len(part) > 1}


# --- what a student looks at -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A class that is drawn for. `left`: seats that this student could get; `reasons`: what stands against them now;
    `apart`: ranks of their other wishes that nobody gets beside it."""

    offering: Offering
    left: int
    reasons: Sequence[dict[str, str]]
    rank: int = 0
    apart: tuple[int, ...] = ()
    wished: tuple[int, int] = (0, 0)


def rows(session: Session, actor: Actor, draw: Draw, home: Belongs | None, mine: WishList | None) -> list[Row]:
    """Every class that the actor sees, as it stands for them; as many statements for many as for few."""
    lots = queries.seen_lots(session, actor, draw)
    ranks = {each.offering_id: each.rank for each in mine.wishes} if mine else {}
    against, apart = _against(session, actor, lots, home), _apart(session, ranks, actor)
    scopes = facts.school_scopes(home.school_id, facts.clusters_of(actor, home.school_id)) if home else None
    return [
        Row(
            each, _left(each, scopes), against.get(each.id, ()), ranks.get(each.id, 0),
            tuple(sorted(ranks[other] for other in apart.get(each.id, ()))),
        )
        for each in lots
    ]  # fmt: skip


def _left(offering: Offering, scopes: frozenset[str] | None) -> int:
    pools = facts.pools(offering)
    mine = pools if scopes is None else rules.pools_for(pools, scopes)
    return sum(max(pool.left, 0) for pool in mine)


def _against(
    session: Session, actor: Actor, lots: Sequence[Offering], home: Belongs | None
) -> Mapping[int, list[dict[str, str]]]:  # fmt: skip
    if home is None or not lots:
        return {}
    ids = [each.id for each in lots]
    asks = [Ask(id_, actor.person_id, home.affiliation_id, id_) for id_ in ids]
    person = sa.literal(actor.person_id, sa.BigInteger).label("person_id")
    pairs = sa.select(Offering.id.label("key"), person, Offering.id.label("offering_id")).where(Offering.id.in_(ids))
    look = many.look(session, asks, pairs, actor.now)
    return {id_: enrolment.refusals(found) for id_, found in look.against.items()}


def _apart(session: Session, ranks: Mapping[int, int], actor: Actor) -> Mapping[int, frozenset[int]]:
    """Which of the wishes exclude each other."""
    if len(ranks) < 2:
        return {}
    offered = sorted(wanted.read_some(session, list(ranks)).values(), key=lambda each: each.id)
    return excludes(assembling.meets(session, offered, actor.now))


# --- the API -----------------------------------------------------------------------------------------------------


def lot(row: Row) -> dict[str, Any]:
    offering, course = row.offering, row.offering.course
    return {
        "offering_id": offering.id, "class_code": offering.code, "course": course, "school": course.item.owner,
        "credits": course.credits, "seats_left": row.left, "reasons": row.reasons,
    }  # fmt: skip


def wishes(draw: Draw, mine: WishList | None) -> dict[str, Any]:
    if mine is None:
        return {"ticket": "", "most": 1, "wishes": [], "version": 0}
    own = ("offering_id", "rank", "outcome", "place", "rivals", "enrolment_id")
    listed = [{**{name: getattr(each, name) for name in own}, "course": each.offering.course} for each in mine.wishes]
    return {"ticket": mine.ticket, "most": mine.most, "wishes": listed, "version": mine.version}


def figures(value: Figures) -> dict[str, Any]:
    names = ("seats", "wishes", "first_wishes", "given")
    whole = ("lots", "seats", "lists", "wishes", "given", "with_seat", "without")
    return {
        **{name: getattr(value, name) for name in whole},
        "ranks": [{"rank": rank, "seats": count} for rank, count in value.ranks.items()],
        "per_lot": [
            {"offering_id": id_, **dict(zip(names, counts, strict=True))} for id_, counts in value.per_lot.items()
        ],
    }
