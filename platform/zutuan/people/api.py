"""`/session`, `/me`, `/people`."""

from __future__ import annotations

from typing import Any

from flask import g, session
from flask.views import MethodView
from flask_wtf.csrf import generate_csrf

from zutuan.clock import clock
from zutuan.errors import Denial, Forbidden, Invalid
from zutuan.paging import Page
from zutuan.people import devices, queries, schemas, services, signing_in
from zutuan.people.models import Person
from zutuan.people.permissions import allow
from zutuan.sharing.permissions import Place, Subject
from zutuan.web.api import IDEMPOTENCY, Blueprint, ListQuery, listing, query_schema
from zutuan.web.auth import end_cookie, start_cookie
from zutuan.web.requests import actor, database, db, reading, shown_once

session_api = Blueprint("api-session", __name__, url_prefix="/api/v1/session", description="signing in and out")
me_api = Blueprint("api-me", __name__, url_prefix="/api/v1/me", description="the signed-in person")
people_api = Blueprint("api-people", __name__, url_prefix="/api/v1/people", description="people of a school")


def credentials(data: dict[str, Any]) -> signing_in.Credentials:
    if not data["email"] and not (data["school"] and data["number"]):
        raise Invalid.field("email", "email_or_number")
    return signing_in.Credentials(data["password"], data["email"], data["school"], data["number"])


@session_api.route("")
class Session(MethodView):
    @session_api.arguments(schemas.SignInIn)
    @session_api.response(200, schemas.SessionOut)
    def post(self, data: dict[str, Any]) -> Any:
        """Sign in by e-mail, or by school (name, code or id) and number. Answers a cookie and its CSRF token."""
        now = clock.now()
        person_id, secret, account = signing_in.sign_in(
            database(), credentials(data), devices.origin(), now, session.get("sid", "")
        )
        devices.remember(account)
        start_cookie(secret)
        me = services.load_actor(reading(), reading().get_one(Person, person_id), now)
        return {"csrf_token": generate_csrf(), "me": me}

    @session_api.response(204)
    def delete(self) -> None:
        """Sign out here."""
        signing_in.close_session(db(), actor(), session.get("sid", ""))
        end_cookie()
        g.signed_in_actor = None


@me_api.route("")
class Me(MethodView):
    @me_api.response(200, schemas.MeOut)
    def get(self) -> Any:
        """The signed-in person: affiliations, roles and clusters as they are now."""
        return actor()


@me_api.route("/tokens")
class Tokens(MethodView):
    @me_api.response(200, listing(schemas.TokenOut))
    def get(self) -> Any:
        """Personal tokens that work."""
        tokens = services.tokens_of(db(), actor())
        return Page(tokens, None, len(tokens))

    @me_api.arguments(schemas.TokenIn)
    @me_api.response(201, schemas.NewTokenOut)
    @me_api.doc(parameters=[IDEMPOTENCY])
    def post(self, data: dict[str, Any]) -> Any:
        """Make a personal token; its secret is in this answer and nowhere else."""
        token, secret = services.create_token(db(), actor(), data["name"], clock.now())
        return {"id": token.id, "name": token.name, "created_at": token.created_at,
                "expires_at": token.expires_at, "token": shown_once(secret)}  # fmt: skip


@me_api.route("/tokens/<id:token_id>/revoke")
class TokenRevoke(MethodView):
    @me_api.response(204)
    def post(self, token_id: int) -> None:
        """Stop a token working, from its next use on."""
        services.revoke_token(db(), actor(), token_id)


class PeopleQuery(schemas.PersonQuery, ListQuery):
    """People of one school."""


@people_api.route("")
class People(MethodView):
    @people_api.arguments(query_schema(PeopleQuery), location="query")
    @people_api.response(200, listing(schemas.PersonOut))
    def get(self, query: dict[str, Any]) -> Any:
        """People of a school that the caller runs as registrar or school admin."""
        who = actor()
        schools = allow.schools(who, "people.list")
        school_id = query["school_id"] or next(iter(sorted(schools)), 0)
        subject = Subject("school", school_id, places={"school": Place(school_id)})
        if not allow.may(who, "people.list", subject):
            raise Forbidden(Denial("people.list", "school", school_id))
        return queries.people_of(db(), school_id, query, clock.now())
