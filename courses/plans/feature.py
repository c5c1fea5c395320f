"""Term plans, as the kernel registers them."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from courses.catalogue import hooks
from courses.plans import errors as errors
from courses.plans import notices, policies, queries, services
from courses.plans.api import plans_api
from courses.plans.demo import load
from courses.plans.pages import blueprint
from courses.plans.permissions import allow
from zutuan.feature import Card, Feature, NavEntry
from zutuan.sharing.actor import Actor

hooks.once(hooks.term_plans, services.rounds_for)
hooks.once(hooks.submission_rules, services.against_submitting)
hooks.once(hooks.admission_rules, services.against_admitting)
hooks.once(hooks.review_dates, queries.review_dates)


def _concerned(actor: Actor) -> bool:
    return actor.holds(["cluster_admin", "registrar", "secretary", "school_admin", "teacher"])


def cards(session: Session, actor: Actor) -> list[Card]:
    """What the term asks of whom it concerns, by when."""
    plans, running = queries.current(session, actor), queries.running(session, actor)
    found = [Card("plans/_card.html", {"plans": plans}, column="side", order=20)] if plans else []
    return [*found, Card("plans/_running.html", {"running": running}, order=25)] if running else found


FEATURE = Feature(
    name="plans",
    pages=(blueprint,),
    api=(plans_api,),
    permissions=allow,
    nav=(NavEntry("plans.mine", _l("选课安排"), "clock", "term", shown=_concerned, order=30, more_only=True),),
    cards=cards,
    notices=notices.TEXTS,
    notice_kinds=notices.KINDS,
    policies=(policies.STRICT,),
    demo=load,
    demo_order=50,
)
