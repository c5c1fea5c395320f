"""Freezing figures: the only thing that is written here."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from courses.flows import figures, queries, rules
from courses.flows.counting import Scope
from courses.flows.models import FigureFreeze, FrozenFigure, FrozenValue
from courses.flows.permissions import allow
from courses.flows.rules import TermKey
from zutuan.clusters.models import Cluster, School
from zutuan.errors import Refused
from zutuan.sharing.actor import Actor
from zutuan.sharing.permissions import Subject
from zutuan.sharing.services import audit, fetch

Places = dict[rules.Cell, list[int]]


def freeze(session: Session, actor: Actor, cluster_id: int, data: dict[str, Any]) -> FigureFreeze:
    """Keep the term's figures as they are now, with what they mean and the rows that they count. Each figure is made of
    the very rows that are kept with it. Raises Refused where the name is taken in that term, or nothing is to be kept."""
    cluster = fetch(session, Cluster, cluster_id)
    allow.require(actor, "flows.freeze", queries.subject(cluster_id))
    scope = Scope(cluster_id, TermKey(data["academic_year"], data["number"]), data["plan_code"])
    made = _begin(session, actor, cluster, data)
    values, ids = _count(session, scope)
    if not values:
        raise Refused("nothing_to_freeze")
    session.add_all(_described(made.id))
    session.flush()
    _write(session, made.id, values, ids)
    subject = Subject("figure_freeze", made.id)
    audit(session, actor, "flows.freeze", subject, now=actor.now, cluster=cluster_id, term=scope.term.text)
    return made


def _begin(session: Session, actor: Actor, cluster: Cluster, data: dict[str, Any]) -> FigureFreeze:
    """The head comes first: of two at once the second is refused before anything is counted."""
    made = FigureFreeze(
        cluster_id=cluster.id, cluster_name=cluster.name, academic_year=data["academic_year"], number=data["number"],
        name=data["name"], note=data["note"], plan_code=data["plan_code"], platform=_platform(),
        made_by=actor.person_id, frozen_at=actor.now,
    )  # fmt: skip
    session.add(made)
    try:
        session.flush()
    except IntegrityError as error:
        raise Refused("freeze_exists", name=data["name"]) from error
    return made


def _platform() -> str:
    try:
        return version("zutuan")
    except PackageNotFoundError:
        return ""


def _count(session: Session, scope: Scope) -> tuple[dict[rules.Cell, Decimal | None], Places]:
    """Every cell that has rows, and at the narrowest ones their ids."""
    values: dict[rules.Cell, Decimal | None] = {}
    ids: Places = {}
    for figure in figures.FIGURES:
        if figure.how == "share":
            continue
        cells, rows = rules.gather(figures.rows(session, figure, scope), figure.measure)
        values |= {(figure.key, home, host): value for (home, host), value in cells.items()}
        ids |= {(figure.key, home, host): found for (home, host), found in rows.items()}
    figures.add_shares(values)
    for figure in figures.FIGURES:
        if figure.how == "share":
            of_whole = {cell: found for cell, found in ids.items() if cell[0] == figure.whole}
            ids |= {(figure.key, home, host): found for (_whole, home, host), found in of_whole.items()}
    return values, ids


def _described(freeze_id: int) -> list[FrozenFigure]:
    said = {locale: _in(locale) for locale in ("zh", "en")}
    return [
        FrozenFigure(
            freeze_id=freeze_id, figure=figure.key, plan_code=figure.plan,
            **{f"{name}_{locale}": said[locale][figure.key][name] for locale in said for name in said[locale][figure.key]},
        )
        for figure in figures.FIGURES
    ]  # fmt: skip


def _in(locale: str) -> dict[str, dict[str, str]]:
    """Figure → its words in that language."""
    with force_locale(locale):
        return {
            each.key: {"title": str(each.title), "unit": str(each.unit), "definition": str(each.definition)}
            for each in figures.FIGURES
        }


def _write(
    session: Session, freeze_id: int, values: Mapping[rules.Cell, Decimal | None], ids: Mapping[rules.Cell, list[int]]
) -> None:
    named = {id_ for _figure, *pair in values for id_ in pair if id_ is not None}
    names = dict(session.execute(sa.select(School.id, School.name).where(School.id.in_(named))).tuples().all())
    rows = [
        {
            "freeze_id": freeze_id, "figure": figure, "home_id": home, "host_id": host, "value": value,
            "home_name": names.get(home, "") if home else "", "host_name": names.get(host, "") if host else "",
            "rows": sorted(ids[figure, home, host]) if (figure, home, host) in ids else None,
        }
        for (figure, home, host), value in values.items()
    ]  # fmt: skip
    session.execute(sa.insert(FrozenValue), rows)
