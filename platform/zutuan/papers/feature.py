"""Papers, as the kernel registers them."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.clusters.hooks import SuccessionHook
from zutuan.feature import Feature, NavEntry, Problem
from zutuan.papers import errors as errors
from zutuan.papers import rules, services
from zutuan.papers.api import api
from zutuan.papers.models import Paper
from zutuan.papers.pages import blueprint
from zutuan.papers.permissions import allow
from zutuan.people.hooks import PeopleHook


def papers_are_what_was_issued(session: Session) -> list[Problem]:
    """What a paper shows is what it showed when it was issued."""
    rows = session.execute(sa.select(Paper.id, Paper.content, Paper.digest).execution_options(yield_per=500))
    return [
        Problem("papers_are_what_was_issued", f"paper {id_}", "its content does not match its digest")
        for id_, content, digest in rows
        if rules.digest(content) != digest
    ]


FEATURE = Feature(
    name="papers",
    pages=(blueprint,),
    api=(api,),
    permissions=allow,
    succession=SuccessionHook(stays={"paper.school_id"}),
    public=frozenset({"papers.ask", "papers.verify"}),
    nav=(NavEntry("papers.papers", _l("证明"), "shield-check", order=60, more_only=True),),
    checks=(papers_are_what_was_issued,),
    people=PeopleHook({"paper.person_id": _l("证明")}, strip=services.strip),
)
