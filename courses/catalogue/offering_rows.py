"""Rows of the offering form: seat pools, rounds and single dates, all of them, so that saving loses none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask import request
from flask_babel import gettext as _
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from courses.catalogue import labels, queries
from courses.catalogue.models import ROUNDS, Course, Offering
from courses.catalogue.schemas import OfferingFields
from zutuan.clock import clock
from zutuan.clusters.models import Cluster, Membership, School
from zutuan.clusters.words import ROLE_WORDS
from zutuan.errors import Invalid
from zutuan.fields import Schema, field_errors, from_form
from zutuan.sharing import scopes
from zutuan.sharing.services import clusters_of
from zutuan.web.texts import form_moment

EMPTY_POOLS, EMPTY_DATES = 3, 2
GENERAL = "all"
Rows = list[dict[str, Any]]


# --- what the form sends ----------------------------------------------------------------------------------------


def sent(schema: Schema) -> dict[str, Any]:
    """The offering form as its schema's data. Raises Invalid."""
    try:
        data: dict[str, Any] = schema.load(_typed(schema))
    except ValidationError as error:
        raise Invalid(errors=field_errors(error.messages)) from error
    return data


def _typed(schema: Schema) -> dict[str, Any]:
    """A round without times is not held, a pool row without seats and a date without a time are not filled in; a form
    without any pool row says nothing of them. With rounds the one window is theirs."""
    typed = from_form(schema, request.form)
    typed["rounds"] = [each for each in typed["rounds"] if each.get("opens") or each.get("closes")]
    typed["dates"] = [each for each in typed["dates"] if each.get("starts") or each.get("ends") or _said(each)]
    if any(name.startswith("pools-") for name in request.form):
        typed["pools"] = [each for each in typed["pools"] if each.get("scope")]
        if not typed["pools"]:
            raise Invalid.field("pools", "required")
    else:
        del typed["pools"]
    if typed["rounds"]:
        typed.pop("enrol_from", None)
        typed.pop("enrol_until", None)
    return typed


def _said(row: Mapping[str, Any]) -> bool:
    return bool(row.get("place") or row.get("note"))


# --- what the form shows ----------------------------------------------------------------------------------------


def empty() -> dict[str, Any]:
    return {
        "pools": _filled([{"scope": GENERAL, "seats": 40}], EMPTY_POOLS),
        "rounds": _rounds({}), "dates": _filled([], EMPTY_DATES), "waitlist": True, "seats_by": "first_come",
    }  # fmt: skip


def values(offering: Offering) -> dict[str, Any]:
    rounds = {each.kind: (form_moment(each.opens), form_moment(each.closes)) for each in offering.rounds}
    pools: Rows = [{"scope": pool.scope, "seats": pool.wanted} for pool in offering.pools if pool.wanted or pool.taken]
    dates: Rows = [
        {"kind": d.kind, "starts": form_moment(d.starts), "ends": form_moment(d.ends), "place": d.place, "note": d.note}
        for d in offering.dates
    ]
    return {
        "pools": _filled(pools, EMPTY_POOLS), "rounds": _rounds(rounds), "dates": _filled(dates, EMPTY_DATES),
        **({"enrol_from": "", "enrol_until": ""} if rounds else {}),
        "for_grades": _("、").join(offering.for_grades), "for_majors": _("、").join(offering.for_majors),
    }  # fmt: skip


def typed() -> dict[str, Any]:
    """What was typed, as it was typed."""
    rows = from_form(OfferingFields(), request.form)
    rows["dates"] = [each for each in rows["dates"] if each.get("starts") or each.get("ends") or _said(each)]
    shown = {name: [_plain(row, name, n) for n, row in enumerate(rows[name])] for name in ("pools", "dates", "rounds")}
    rounds = {each.get("kind", ""): (each.get("opens", ""), each.get("closes", "")) for each in shown["rounds"]}
    return {
        "pools": _filled(shown["pools"], EMPTY_POOLS), "dates": _filled(shown["dates"], EMPTY_DATES),
        "rounds": _rounds(rounds), "waitlist": "waitlist" in request.form,
    }  # fmt: skip


def _plain(row: dict[str, Any], name: str, number: int) -> dict[str, Any]:
    """Times stay as the control wrote them."""
    moments = [key for key in ("starts", "ends", "opens", "closes") if key in row]
    return row | {key: request.form.get(f"{name}-{number}-{key}", "") for key in moments}


def _rounds(known: Mapping[str, tuple[str, str]]) -> Rows:
    return [
        {"kind": kind, "opens": known.get(kind, ("", ""))[0], "closes": known.get(kind, ("", ""))[1]} for kind in ROUNDS
    ]


def _filled(rows: Sequence[dict[str, Any]], spare: int) -> Rows:
    return [*rows, *({} for _row in range(spare))]


# --- choices ----------------------------------------------------------------------------------------------------


def choices(session: Session, course: Course, offering: Offering | None) -> dict[str, Any]:
    return {
        "pool_scopes": _pool_scopes(session, course, offering),
        "date_kinds": labels.choices(labels.DATE),
        "seats_by": labels.choices(labels.SEATS_BY),
    }


def _pool_scopes(session: Session, course: Course, offering: Offering | None) -> list[tuple[str, str]]:
    """For whom seats can be kept: everybody, roles in the school's clusters, each of their schools; and whatever the
    offering keeps seats for already."""
    clusters = sorted(clusters_of(session, course.school_id, clock.now()))
    names = {
        id_: name for id_, name in session.execute(sa.select(Cluster.id, Cluster.name).where(Cluster.id.in_(clusters)))
    }
    found = {"": "—", GENERAL: labels.pool(GENERAL, {})}
    for id_ in clusters:
        found[scopes.cluster(id_)] = _("%(name)s各校", name=names[id_])
        for role, word in ROLE_WORDS.items():
            found[scopes.cluster(id_, role)] = _("%(name)s（%(role)s）", name=names[id_], role=word)
    members = (
        sa.select(School.id, School.name).join(Membership, Membership.school_id == School.id)
        .where(Membership.cluster_id.in_(clusters), Membership.open_at(clock.now()), School.id != course.school_id)
        .order_by(Membership.id)
    )  # fmt: skip
    found |= {scopes.school(id_): name for id_, name in session.execute(members)}
    if offering is not None:
        known = queries.pool_names(session, offering)
        for pool in offering.pools:
            found.setdefault(pool.scope, labels.pool(pool.scope, known) or pool.scope)
    return list(found.items())
