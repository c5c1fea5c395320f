"""The demonstration's schools and clusters: the packaged lists, which are real."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.clock import at_shanghai
from zutuan.clusters.imports import SCHOOLS, cluster_import
from zutuan.clusters.models import Cluster, Membership, School
from zutuan.importing import Import, run

if TYPE_CHECKING:
    from zutuan.demo import DemoWorld

DATA = Path(__file__).parent / "data"
# The month in which the ministry announced the clusters.
ANNOUNCED = date(2022, 4, 1)


def load(session: Session, world: DemoWorld) -> None:
    """Import both lists; names → ids of the clusters and of the schools in them go into `world`."""
    _import(session, world, SCHOOLS, "schools.csv")
    _import(session, world, cluster_import(at_shanghai(ANNOUNCED)), "clusters.csv")
    members = sa.select(School.name, School.id).where(School.id.in_(sa.select(Membership.school_id)))
    world.schools.update({name: id_ for name, id_ in session.execute(members.order_by(School.id))})
    world.clusters.update({name: id_ for name, id_ in session.execute(sa.select(Cluster.name, Cluster.id))})


def _import(session: Session, world: DemoWorld, kind: Import, file: str) -> None:
    report = run(session, kind, (DATA / file).read_bytes(), now=world.now)
    if report.errors:
        first = report.errors[0]
        raise RuntimeError(f"{file}, line {first.line}: {first.sentence}")
    world.say(f"{file}: {report.created}")
