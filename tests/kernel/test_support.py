"""The tests' own tools do what the other tests believe of them."""

from flask import Flask
from flask.testing import FlaskClient
from support.cast import Cast
from support.http import api, browser_session, post_form

from zutuan.db import Database
from zutuan.sharing.permissions import ROLES


def test_everyone_of_the_cast_is_who_they_are_said_to_be(app: Flask, cast: Cast) -> None:
    assert len(list(cast)) == len(cast.schools) * len(ROLES)
    for player in cast:
        me = api(app, player).get("/me").json
        roles = {held["role"] for held in me["roles"]}
        former = player.school == "E" and player.role == "cluster_admin"
        assert me["id"] == player.id and roles == (set() if former else {player.role})
        assert bool(me["clusters"]) == (player.school != "E")


def test_a_cookie_signs_in(client: FlaskClient, cast: Cast) -> None:
    assert client.get("/notices/bell").status_code == 302
    browser_session(client, cast.who("A", "student"))
    assert client.get("/api/v1/me").json["id"] == cast.who("A", "student").id
    assert post_form(client, "/notices/read").status_code == 302


def test_without_the_cast_a_database_is_empty(database: Database) -> None:
    with database.read() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM person").scalar() == 0
