"""The heart: over random worlds and over time, the SQL filter, the single-item check and the sentence of design 3
(said again in `support/worlds.py`) always agree. And the property is worth something: planted faults make it fail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import Phase, given, settings
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session
from support import worlds
from support.worlds import ASPECTS, PERSONS, World, at, sees, shows

from zutuan.clusters.models import Membership
from zutuan.db import Database
from zutuan.people.models import Person
from zutuan.people.services import load_actor
from zutuan.sharing import rules, scopes, services
from zutuan.sharing.actor import Actor
from zutuan.sharing.models import Share, SharedItem

EXAMPLES = {"sqlite": 150, "postgresql": 40}
# The same worlds in every run, and the first failure is enough.
QUICK = settings(derandomize=True, database=None, phases=[Phase.generate], report_multiple_bugs=False)


# --- the property -----------------------------------------------------------------------------------------------


def holds_in(session: Session, world: World) -> None:
    """Compare the three statements for every (item, viewer, now, aspect) of one world."""
    items = session.scalars(sa.select(SharedItem)).all()
    for hour in world.nows:
        for person in session.scalars(sa.select(Person)):
            viewer = load_actor(session, person, at(hour))
            checked = {item.id: services.aspects_seen(session, viewer, item) for item in items}
            for aspect in ASPECTS:
                query = services.seen_by(viewer, sa.select(SharedItem.id), aspect)
                by_filter = set(session.scalars(query))
                by_check = {id_ for id_, seen in checked.items() if aspect in seen}
                by_sentence = {
                    number
                    for number, item in enumerate(world.items, start=1)
                    if sees(world, item, person.id, hour, aspect)
                }
                assert by_filter == by_check == by_sentence, (person.id, hour, aspect)
            published = {
                item.owner
                for item in world.items
                if item.state == "published" and sees(world, item, person.id, hour, "record")
            }
            assert services.owners_seen(session, viewer, "course") == sorted(published), (person.id, hour)


@contextmanager
def living_in(database: Database, world: World) -> Iterator[Session]:
    """A session in that world, which is gone afterwards."""
    connection = database.session(writes=True).connection()
    try:
        worlds.insert(connection, world)
        with Session(connection) as session:
            yield session
    finally:
        connection.rollback()
        connection.close()


def run_property(database: Database, how: settings) -> None:
    @how
    @given(world=worlds.worlds)
    def always_agree(world: World) -> None:
        with living_in(database, world) as session:
            holds_in(session, world)

    always_agree()


def test_filter_check_and_sentence_always_agree(database: Database) -> None:
    run_property(database, settings(max_examples=EXAMPLES[database.engine.dialect.name]))


# --- planted faults ---------------------------------------------------------------------------------------------

Fault = Callable[[pytest.MonkeyPatch], None]


def built_anew(patch: pytest.MonkeyPatch) -> None:
    """The filter's clause is built once, at import: build it again, under whatever fault is in place."""
    clause = SharedItem.id.in_(services._visible(services._ITEM, Share.item_id))
    patch.setattr(services, "_VISIBLE", clause)


def only_in_the_filter(patch: pytest.MonkeyPatch, fault: Fault) -> None:
    """Make `seen_by` filter while the fault is in place, and leave everything else sound."""
    sound = services.seen_by

    def faulty(actor: Actor, query: sa.Select[Any], aspect: str = rules.RECORD) -> sa.Select[Any]:
        with pytest.MonkeyPatch.context() as inner:
            fault(inner)
            built_anew(inner)
            return sound(actor, query, aspect)

    patch.setattr(services, "seen_by", faulty)


def ended_membership_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Membership, "open_at", staticmethod(lambda now: Membership.from_ <= now))


def ended_share_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Share, "open_at", staticmethod(lambda now: Share.from_ <= now))


def owner_in_any_cluster_counts(patch: pytest.MonkeyPatch) -> None:
    """The join of the owner's membership with the share's cluster is lost."""
    broken = SimpleNamespace(
        id=Membership.id, school_id=Membership.school_id, open_at=Membership.open_at, cluster_id=Share.cluster_id
    )
    patch.setattr(services, "Membership", broken)


def draft_reaches_its_audience(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(scopes, "is_private", lambda _scope: True)


def other_clusters_share_in_the_filter(patch: pytest.MonkeyPatch) -> None:
    """The filter accepts shares for clusters that the viewer is in no school of."""
    sound = services.seen_by

    def faulty(actor: Actor, query: sa.Select[Any], aspect: str = rules.RECORD) -> sa.Select[Any]:
        stranger = replace(actor)
        stranger.__dict__["scopes"] = actor.scopes | {scopes.cluster(each) for each in worlds.CLUSTERS}
        return sound(stranger, query, aspect)

    patch.setattr(services, "seen_by", faulty)


def other_clusters_share_in_the_check(patch: pytest.MonkeyPatch) -> None:
    sound = rules.seen_through

    def faulty(state: str, shares: Any, _owner_clusters: Any, *rest: Any) -> list[rules.Shared]:
        return sound(state, shares, worlds.CLUSTERS, *rest)

    patch.setattr(rules, "seen_through", faulty)


def future_share_counts_in_the_check(patch: pytest.MonkeyPatch) -> None:
    def faulty(self: rules.Shared, now: datetime) -> bool:
        return self.until is None or self.until > now

    patch.setattr(rules.Shared, "open_at", faulty)


def in_filter(fault: Fault) -> Fault:
    def planted(patch: pytest.MonkeyPatch) -> None:
        only_in_the_filter(patch, fault)

    planted.__name__ = f"{fault.__name__}_in_the_filter"
    return planted


FAULTS: list[Fault] = [
    in_filter(ended_membership_counts),  # (a)
    other_clusters_share_in_the_filter,  # (b), the viewer's side
    in_filter(owner_in_any_cluster_counts),  # (b), the owner's side
    in_filter(draft_reaches_its_audience),  # (c)
    in_filter(ended_share_counts),
    other_clusters_share_in_the_check,
    future_share_counts_in_the_check,
    # The same mistake in filter and check at once: only the third statement can tell.
    ended_membership_counts,
    draft_reaches_its_audience,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_makes_the_property_fail(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    fault(monkeypatch)
    built_anew(monkeypatch)
    with pytest.raises(AssertionError):
        run_property(sqlite_database, settings(QUICK, max_examples=400))
    monkeypatch.undo()


@pytest.mark.parametrize("fault", FAULTS[:4], ids=lambda fault: fault.__name__)
def test_the_faults_are_planted_and_nothing_else(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    """A broken fault (a typo, a crash) must not pass for a caught one: each still answers, only differently."""
    fault(monkeypatch)
    viewer = Actor(1, "x", at(0))
    with sqlite_database.read() as session:
        assert session.scalars(services.seen_by(viewer, sa.select(SharedItem.id))).all() == []


# --- the worlds are worth looking at ----------------------------------------------------------------------------


def test_the_random_worlds_reach_every_reason() -> None:
    """Each kind of share shows an item in some world and not in some other, and drafts where it may."""
    shown: Counter[tuple[str, bool, bool]] = Counter()

    @settings(QUICK, max_examples=300)
    @given(world=worlds.worlds)
    def look(world: World) -> None:
        for item in world.items:
            for share in item.shares:
                kind, *rest = share.scope.split(":")
                kind += ":role" if kind == "cluster" and len(rest) > 1 else ""
                for person in PERSONS:
                    for hour in world.nows:
                        shown[kind, item.state == "published", shows(world, item, share, person, hour)] += 1

    look()
    for kind in ("platform", "school", "person", "manage", "cluster", "cluster:role"):
        assert shown[kind, True, True] and shown[kind, True, False], kind
        assert bool(shown[kind, False, True]) == (kind in ("person", "manage")), kind
    assert not shown["team", True, True] and not shown["team", False, True]


# --- edges, said out loud ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "scope", "owner_clusters", "visible"),
    [
        ("published", "platform", [], True),
        ("draft", "platform", [], False),
        ("suspended", "school:1", [], False),
        ("archived", "manage:school:1", [], True),
        ("draft", "person:7", [], True),
        ("draft", "person:7:school:1", [], True),
        ("draft", "person:7:school:2", [], False),
        ("published", "cluster:5", [5], True),
        ("published", "cluster:5", [6], False),
        ("published", "cluster:5:partner", [5], True),
        ("published", "cluster:5:lead", [5], False),
        ("published", "cluster:55", [5, 55], False),
    ],
)
def test_the_rule_by_example(state: str, scope: str, owner_clusters: list[int], visible: bool) -> None:
    mine = {
        "platform",
        "school:1",
        "manage:school:1",
        "person:7",
        "person:7:school:1",
        "cluster:5",
        "cluster:5:partner",
    }
    share = rules.Shared("record", scope, at(1), at(3))
    for hour, is_open in ((0, False), (1, True), (2, True), (3, False)):
        through = rules.seen_through(state, [share], owner_clusters, mine, at(hour))
        assert bool(through) == (visible and is_open)
        assert rules.seen_through(state, [share], owner_clusters, mine, at(hour), "files") == []


def test_a_list_that_names_no_viewer_shows_nothing_but_an_error(database: Database) -> None:
    """The filter's clause has parameters without values until `seen_by` fills them in."""
    with database.read() as session, pytest.raises(StatementError, match="viewer_"):
        session.scalars(sa.select(SharedItem.id).where(services._VISIBLE))
