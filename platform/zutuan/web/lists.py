"""A list on a page: its rows, and the addresses of its next and first page with every filter kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import request
from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from zutuan.fields import Schema, from_form
from zutuan.paging import Page


@dataclass(frozen=True)
class Listing:
    items: list[Any]
    total: int | None
    next_url: str | None
    first_url: str | None

    @property
    def shown(self) -> int:
        return len(self.items)

    @classmethod
    def of(cls, page: Page) -> Listing:
        """Addresses are built from our own path: what a visitor wrote into the query stays a query."""
        kept = [(key, value) for key, value in request.args.items(multi=True) if key != "cursor"]
        following = _address([*kept, ("cursor", page.next)]) if page.next else None
        return cls(page.items, page.total, following, _address(kept) if "cursor" in request.args else None)


def _address(pairs: list[tuple[str, str]]) -> str:
    return f"{request.path}?{urlencode(pairs)}" if pairs else request.path


def load_query(schema: Schema, limit: int) -> dict[str, Any]:
    """The address's filters as the schema's data. What does not fit is left out: a page never fails over an address
    that was cut or decorated on its way through a chat."""
    known = MultiDict([(k, v) for k, v in request.args.items(multi=True) if k in schema.fields])
    typed = from_form(schema, known)
    data: dict[str, Any] = {}
    try:
        data = schema.load(typed)
    except ValidationError as error:
        data = schema.load({key: value for key, value in typed.items() if key not in error.messages})
    return {**data, "cursor": request.args.get("cursor"), "limit": limit}
