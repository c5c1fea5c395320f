"""schemathesis asks every operation of openapi.json what it promises, as each role and as nobody.

Bounded and the same in every run: few examples an operation and role, without chance. Ids that exist are drawn often, so
that more than 404 is seen. What a valid request must answer is a matter of rules that no schema can say, so "accepted"
is not asked for; everything else is: no crash, only documented statuses, media types and bodies, nothing invalid let in.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.cast import NOW, Cast
from support.everything import one_of_each

from zutuan.db import Database
from zutuan.people.models import Person
from zutuan.people.services import create_token, load_actor
from zutuan.sharing.permissions import ROLES

EXAMPLES = 3  # of each kind (valid, invalid), operation and role
FEWER = {"POST /api/v1/session": 1}  # a password's hash is slow on purpose
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance, negative_data_rejection,
]  # fmt: skip
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")  # tus: parts of a file
SCHOOL = {"student": "B"}  # whose student has the enrolment of `one_of_each`


def token(database: Database, cast: Cast, role: str) -> str:
    with database.write() as session:
        person = session.get_one(Person, cast.who(SCHOOL.get(role, "A"), role).id)
        _row, secret = create_token(session, load_actor(session, person, NOW), "contract", NOW)
        return secret


def existing(case: Case) -> None:
    """Ids of things that are there, more often than not."""
    for name, value in (case.path_parameters or {}).items():
        if isinstance(value, int) and value % 4:
            case.path_parameters[name] = 1


def ask(operation: Any, mode: GenerationMode, headers: dict[str, str], found: list[str]) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=FEWER.get(operation.label, EXAMPLES), derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def one(case: Case) -> None:
        existing(case)
        try:
            case.call_and_validate(headers=headers, checks=CHECKS)
        except (Exception, FailureGroup) as error:
            found.append(f"{operation.label} ({mode.value}): {str(error)[:1500]}")

    one()


def takes_input(operation: Any) -> bool:
    """Whether anything can be wrong with a request besides its address."""
    return bool(operation.body or operation.query)


@pytest.mark.parametrize("role", [*ROLES, None], ids=lambda role: role or "nobody")
def test_the_api_keeps_its_word(sqlite_app: Flask, sqlite_database: Database, cast: Cast, role: str | None) -> None:
    with sqlite_database.write() as session:
        one_of_each(session, cast)
    schema, found = schemathesis.openapi.from_wsgi("/api/openapi.json", sqlite_app), list[str]()
    asked = 0
    for result in schema.get_all_operations():
        operation, asked = result.ok(), asked + 1
        headers = {"Authorization": f"Bearer {token(sqlite_database, cast, role)}"} if role else {}
        ask(operation, GenerationMode.POSITIVE, headers, found)
        if takes_input(operation):
            ask(operation, GenerationMode.NEGATIVE, headers, found)
    assert asked > 40 and found == [], f"{len(found)}\n\n" + "\n\n".join(found[:6])
