"""What features that are built on this one put on its pages; each says so once, when it is registered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from courses.catalogue.hooks import once as once
from courses.catalogue.models import Offering
from courses.enrolment.models import Enrolment
from zutuan.sharing.actor import Actor


@dataclass(frozen=True)
class Link:
    """A way on. `export`: a download of what the page lists, which takes the page's filters along; `download`: another
    file."""

    label: str
    url: str
    export: bool = False
    download: bool = False


# at the head of a class's roster, and of one enrolment
roster_links: list[Callable[[Session, Actor, Offering], list[Link]]] = []
enrolment_links: list[Callable[[Session, Actor, Enrolment], list[Link]]] = []


def of_roster(session: Session, actor: Actor, offering: Offering) -> list[Link]:
    return [link for each in roster_links for link in each(session, actor, offering)]


def of_enrolment(session: Session, actor: Actor, enrolment: Enrolment) -> list[Link]:
    return [link for each in enrolment_links for link in each(session, actor, enrolment)]
