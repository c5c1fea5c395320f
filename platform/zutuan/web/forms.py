"""Forms: what was typed is kept, and what is wrong is said beside the field."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError

from zutuan.decision import FieldError
from zutuan.errors import Invalid, ZutuanError, say
from zutuan.fields import Schema, field_errors, from_form
from zutuan.web.problems import field_message, note_refusal
from zutuan.web.requests import db

Errors = dict[str, list[str]]


def messages_by_field(errors: Iterable[FieldError]) -> Errors:
    """Field path → sentences. Row fields keep their path (`meetings.0.weeks` → `meetings-0-weeks`)."""
    found: Errors = {}
    for error in errors:
        found.setdefault(error.field.replace(".", "-"), []).append(field_message(error))
    return found


def load_form(schema: Schema) -> dict[str, Any]:
    """The request's form as its schema's data. Raises `Invalid`."""
    try:
        data: dict[str, Any] = schema.load(from_form(schema, request.form))
    except ValidationError as error:
        raise Invalid(errors=field_errors(error.messages)) from error
    return data


def errors_of(error: ZutuanError) -> tuple[Errors, str]:
    """(per field, overall sentence) of a refused form."""
    overall = " ".join(part for part in say(error.code, error.params) if part)
    return messages_by_field(error.errors), overall


def refused(error: ZutuanError, show: Callable[[Errors, str], str]) -> ResponseReturnValue:
    """The form again as `show` makes it from (per field, overall), and nothing of what was tried is kept."""
    db().rollback()
    note_refusal(error)
    return show(*errors_of(error)), error.status


def refused_at_once(error: ZutuanError, show: Callable[[str], str]) -> ResponseReturnValue:
    """The same where there is one place for one sentence: the first."""
    return refused(error, lambda errors, overall: show(next((said[0] for said in errors.values()), overall)))


def once() -> str:
    """A fresh key that makes submitting one form twice do it once."""
    return secrets.token_urlsafe(12)
