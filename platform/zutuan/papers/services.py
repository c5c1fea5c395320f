"""Issuing papers and taking them back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session, joinedload

from zutuan.clock import local
from zutuan.db import insert_or
from zutuan.errors import Denial, Hidden, NotFound, Refused
from zutuan.paging import Key, Page, fetch_page
from zutuan.papers import pdf, rules
from zutuan.papers.fonts import fonts_for
from zutuan.papers.models import Paper, PaperSubject
from zutuan.papers.permissions import allow, subject
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit

_SAME = ["subject_type", "subject_id", "kind", "school_id", "digest"]
_STANDS = sa.text("revoked_at IS NULL")
AT_ONCE = 50  # files that one bundle holds: each takes a third of a second to draw
# Why a paper whose time is over shows nothing any more: written down once, in the language of papers.
KEPT_LONG_ENOUGH = "学校规定的保存期限已满，内容已删除。"


@dataclass(frozen=True)
class Draft:
    """A paper that a feature has decided to issue: `content` is {title, text, facts: [[label, value]], school}, and where
    it needs more, tables: [{heads, rows, widths, title?, numbers?: columns of figures}], after (a note below them),
    orientation (portrait or landscape), language (zh or en), signatures: [label], private: labels of
    facts that the public page masks. `shows`: what else it speaks of than `about`; `lapse` of any of it takes the paper
    back. `replaces`: why papers of its kind about the same are taken back that show nothing which this one does not; empty:
    they stand beside it."""

    kind: str
    person_id: int
    school_id: int
    about: Subject
    content: dict[str, Any]
    shows: tuple[Subject, ...] = ()
    replaces: str = ""


def issue(session: Session, actor: Actor, draft: Draft) -> Paper:
    """Give the paper out; the feature has asked its permission table before. The same paper asked for again is the one
    that stands. Raises Refused when a character could not be printed."""
    standing = _standing(session, draft)
    if standing is not None:
        return standing
    number = rules.new_number(local(actor.now).year, secrets.randbelow)
    _needed, missing = fonts_for(pdf.texts_of(draft.content, words_of(number, draft.content, actor.now)))
    if missing:
        raise Refused("no_glyph", chars=[f"{char} (U+{ord(char):04X})" for char in missing[:10]])
    paper = _insert(session, actor, draft, number)
    if paper is None:  # somebody else has issued it meanwhile
        return issue(session, actor, draft)
    session.add_all(PaperSubject(paper_id=paper.id, subject_type=each.type, subject_id=each.id) for each in draft.shows)
    if draft.replaces:
        _replace(session, actor, draft, paper)
    audit(
        session, actor, "paper.issue", Subject("paper", paper.id), now=actor.now, school_id=draft.school_id,
        kind=draft.kind, about=draft.about.id,
    )  # fmt: skip
    return paper


def _insert(session: Session, actor: Actor, draft: Draft, number: str) -> Paper | None:
    """None where the same paper stands: of several asked for at once, the database lets one in and the rest wait."""
    values = {
        "number": number, "kind": draft.kind, "person_id": draft.person_id, "school_id": draft.school_id,
        "subject_type": draft.about.type, "subject_id": draft.about.id, "content": draft.content,
        "digest": rules.digest(draft.content), "issued_at": actor.now, "issued_by": actor.person_id, "revoke_reason": "",
    }  # fmt: skip
    new = insert_or(session, Paper).values(**values)
    new = new.on_conflict_do_nothing(index_elements=_SAME, index_where=_STANDS)
    # past the session, which takes any INSERT for a change that somebody has to answer for
    made = session.connection().execute(new.returning(Paper.id)).scalar()
    return None if made is None else session.get_one(Paper, made)


def _replace(session: Session, actor: Actor, draft: Draft, paper: Paper) -> None:
    """Take back the older ones that show no more than this one."""
    shown = {(each.type, each.id) for each in draft.shows}
    of = {each.id: each for each in session.scalars(_alike(draft).where(Paper.id != paper.id).order_by(Paper.id))}
    p = PaperSubject
    also = sa.select(p.paper_id, p.subject_type, p.subject_id).where(p.paper_id.in_(of))
    more = {id_ for id_, *subject in session.execute(also) if tuple(subject) not in shown} if of else set()
    for id_, each in of.items():
        if id_ not in more:
            _take_back(session, actor, each, draft.replaces, actor.now)


def _alike(draft: Draft) -> sa.Select[Paper]:
    """Papers of that kind about the same that stand."""
    return sa.select(Paper).where(
        Paper.subject_type == draft.about.type, Paper.subject_id == draft.about.id, Paper.kind == draft.kind,
        Paper.school_id == draft.school_id, Paper.revoked_at.is_(None),
    )  # fmt: skip


def _standing(session: Session, draft: Draft) -> Paper | None:
    query = _alike(draft).where(Paper.digest == rules.digest(draft.content))
    return session.scalars(query.order_by(Paper.id.desc()).limit(1)).first()


def words_of(number: str, content: dict[str, Any], at: datetime) -> pdf.Words:
    """What stands around the content: in the paper's language, whatever their reader has chosen."""
    with force_locale(pdf.language_of(content)):
        return pdf.Words(
            number=_("编号 %(number)s", number=number),
            page=_("第 {page} 页，共 {pages} 页"),
            verify=_("扫码或在下面的网址核对本证明："),
            school=content["school"],
            dated=_("开具日期 %(day)s", day=local(at).date()),
            signatures=tuple(content.get("signatures", (_("经办人（签字）"), _("盖章")))),
        )


def as_pdf(paper: Paper, url: str) -> bytes:
    """The file; the same bytes each time, as long as the fonts are the same."""
    return pdf.render(paper.content, words_of(paper.number, paper.content, paper.issued_at), url, paper.issued_at)


def revoke(session: Session, actor: Actor, paper_id: int, reason: str) -> Paper:
    """Take a paper back; whoever checks it is told so from now on."""
    paper = view(session, actor, paper_id)
    allow.require(actor, "paper.revoke", subject(paper))
    session.refresh(paper, ["revoked_at"], with_for_update=True)
    if paper.revoked_at is not None:
        raise Refused("paper_revoked")
    _take_back(session, actor, paper, reason, actor.now)
    return paper


def lapse(session: Session, actor: Actor | None, about: Subject, now: datetime) -> None:
    """What the papers about this say is no longer true: they are taken back. (Pages say so where there is no reason.)"""
    also = sa.select(PaperSubject.paper_id).where(_speaks_of(PaperSubject, about))
    query = sa.select(Paper).where(sa.or_(_speaks_of(Paper, about), Paper.id.in_(also)))
    for paper in session.scalars(query.where(Paper.revoked_at.is_(None)).order_by(Paper.id)):
        _take_back(session, actor, paper, "", now)


def _speaks_of(table: type[Paper] | type[PaperSubject], about: Subject) -> sa.ColumnElement[bool]:
    return sa.and_(table.subject_type == about.type, table.subject_id == about.id)


def _take_back(session: Session, actor: Actor | None, paper: Paper, reason: str, now: datetime) -> None:
    paper.revoked_at, paper.revoke_reason = now, reason
    paper.revoked_by = actor.person_id if actor else None
    about = Subject("paper", paper.id)
    audit(session, actor, "paper.revoke", about, now=now, school_id=paper.school_id)


def strip(session: Session, person_id: int, now: datetime) -> None:
    """The time of keeping is over: what stood on the person's papers goes, their numbers stay and say so."""
    for paper in session.scalars(sa.select(Paper).where(Paper.person_id == person_id)):
        paper.content = {"title": paper.content["title"], "text": "", "facts": [], "school": paper.content["school"]}
        paper.digest = rules.digest(paper.content)
        paper.revoked_at, paper.revoke_reason = paper.revoked_at or now, KEPT_LONG_ENOUGH


# --- reading ----------------------------------------------------------------------------------------------------


def view(session: Session, actor: Actor, paper_id: int) -> Paper:
    """The paper, or 404 for whoever has nothing to do with it."""
    paper = session.get(Paper, paper_id, options=[joinedload(Paper.school), joinedload(Paper.person)])
    if paper is None:
        raise NotFound
    if not allow.may(actor, "paper.read", subject(paper)):
        raise Hidden(Denial("paper.read", "paper", paper_id))
    return paper


def bundle(session: Session, actor: Actor, ids: Sequence[int]) -> list[Paper]:
    """Several papers at once; as one of them, 404 for whoever may not see them all."""
    if len(ids) > AT_ONCE:
        raise Refused("too_many_papers", max=AT_ONCE)
    return [view(session, actor, each) for each in ids]


def verify(session: Session, text: str) -> Paper | None:
    """The paper of that number, for anybody who has it."""
    number = rules.read_number(text)
    return session.scalar(sa.select(Paper).where(Paper.number == number)) if number else None


def papers_of(session: Session, actor: Actor, query: dict[str, Any]) -> Page:
    """The actor's own papers, or (`side` school) those that their schools issued; newest first."""
    found = sa.select(Paper).options(joinedload(Paper.school), joinedload(Paper.person))
    if query["side"] == "school":
        found = found.where(allow.clause(actor, "paper.list_school", {"school": Paper.school_id}))
    else:
        found = found.where(Paper.person_id == actor.person_id)
    return fetch_page(session, found, [Key(Paper.id, descending=True)], query["cursor"], query["limit"])


def of_subject(session: Session, actor: Actor, about: Subject) -> list[Paper]:
    """The papers about this that the actor may see, newest first."""
    mine = {"school": Paper.school_id, "self": lambda person_id: Paper.person_id == person_id}
    query = sa.select(Paper).where(Paper.subject_type == about.type, Paper.subject_id == about.id)
    return list(session.scalars(query.where(allow.clause(actor, "paper.read", mine)).order_by(Paper.id.desc())))
