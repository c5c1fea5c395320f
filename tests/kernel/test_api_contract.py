"""schemathesis asks every operation of openapi.json what it promises, as each role and as nobody.

Bounded and the same in every run: few examples an operation, without chance, each sent as everybody, to things that are
there. What a valid request must answer is a matter of rules that no schema can say, so "accepted"
is not asked for; everything else is: no crash, only documented statuses, media types and bodies, nothing invalid let in.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
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

EXAMPLES = (  # of each operation, each sent as everybody; a thorough run asks more
    {GenerationMode.POSITIVE: 4, GenerationMode.NEGATIVE: 6}
    if os.environ.get("ZUTUAN_THOROUGH") == "1"
    else {GenerationMode.POSITIVE: 1, GenerationMode.NEGATIVE: 2}
)
GROUPS = 6  # of operations, so that several processes share the work
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance, negative_data_rejection,
]  # fmt: skip
CONFIG = SchemathesisConfig.from_path(Path(__file__).parents[2] / "schemathesis.toml")
SLOW = {"POST /api/v1/session"}  # a password's hash is slow on purpose: sent by nobody only
SCHOOL = {"student": "B"}  # whose student has the enrolment of `one_of_each`
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")  # tus: parts of a file

Everybody = dict[str, dict[str, str]]


def everybody(database: Database, cast: Cast) -> Everybody:
    """Nobody and each role → the headers they send."""
    found: Everybody = {"nobody": {}}
    with database.write() as session:
        for role in ROLES:
            person = session.get_one(Person, cast.who(SCHOOL.get(role, "A"), role).id)
            _row, secret = create_token(session, load_actor(session, person, NOW), "contract", NOW)
            found[role] = {"Authorization": f"Bearer {secret}"}
    return found


def ask(operation: Any, mode: GenerationMode, who: Everybody, found: list[str]) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES[mode], derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def one(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:  # things that are there: else all would be 404
            for name, value in (case.path_parameters or {}).items():
                case.path_parameters[name] = 1 if isinstance(value, int) else value
        for role, headers in who.items():
            if role != "nobody" and operation.label in SLOW:
                continue
            try:
                case.call_and_validate(headers=headers, checks=CHECKS)
            except (Exception, FailureGroup) as error:
                found.append(f"{operation.label} ({mode.value}, {role}): {str(error)[:1500]}")

    one()


@pytest.mark.parametrize("group", range(GROUPS))
def test_the_api_keeps_its_word(sqlite_app: Flask, sqlite_database: Database, cast: Cast, group: int) -> None:
    with sqlite_database.write() as session:
        one_of_each(session, cast)
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", sqlite_app, config=CONFIG)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) > 40
    found, who = list[str](), everybody(sqlite_database, cast)
    for operation in operations[group::GROUPS]:
        ask(operation, GenerationMode.POSITIVE, who, found)
        if operation.body or operation.query:  # else nothing can be wrong but the address
            ask(operation, GenerationMode.NEGATIVE, who, found)
    assert found == [], f"{len(found)}\n\n" + "\n\n".join(found[:6])
