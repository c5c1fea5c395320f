"""Lists: keyset paging with opaque cursors, for pages and API alike. Totals are exact to 10,000, else None."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.errors import Invalid

Query: TypeAlias = "sa.Select[*tuple[Any, ...]]"
COUNT_LIMIT = 10_000
MAX_LIMIT = 200


@dataclass(frozen=True)
class Key:
    """One column of the order. `decode` turns the cursor's JSON back into the column's type."""

    column: Any
    descending: bool = False
    decode: Callable[[Any], Any] = int


@dataclass(frozen=True)
class Page:
    """`items` of this page, the cursor of the `next` (or None), and the `total`."""

    items: list[Any]
    next: str | None
    total: int | None


def moment(value: Any) -> datetime:
    """A time in a cursor; one without zone, or beyond the calendar, is none of ours."""
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError(value)
    return found.astimezone(UTC)


def fetch_page(session: Session, query: Query, order: Sequence[Key], cursor: str | None, limit: int) -> Page:
    """One page of `query`, whose rows must be unique by the last key. Raises `Invalid` for a cursor it never gave."""
    paged = query.add_columns(*(key.column for key in order))
    if cursor:
        paged = paged.where(_after(order, _decode(order, cursor)))
    rows = session.execute(paged.order_by(*_sorted(order)).limit(limit + 1)).all()
    width = len(order)
    items = [row[0] if len(row) == width + 1 else row[:-width] for row in rows[:limit]]
    if not cursor and len(rows) <= limit:  # that is all there is
        return Page(items, None, len(rows))
    following = _encode(rows[limit - 1][-width:]) if len(rows) > limit else None
    return Page(items, following, _total(session, query))


def fetch_ids(session: Session, query: Query, order: Sequence[Key], cursor: str | None, limit: int) -> Page:
    """One page of `query`, whose only column is an id, counted in the same statement.

    For lists under the access rule: to find any of their rows the database finds them all, so that counting them apart
    would cost as much again. Lists that an index hands out in order are `fetch_page`'s.
    """
    keys = [key.column.label(f"key_{index}") for index, key in enumerate(order)]
    counted = query.add_columns(*keys, sa.func.count().over().label("total")).subquery()
    columns = list(counted.c)
    inner = [replace(key, column=column) for key, column in zip(order, columns[1:-1], strict=True)]
    paged = sa.select(*columns)
    if cursor:
        paged = paged.where(_after(inner, _decode(order, cursor)))
    rows = session.execute(paged.order_by(*_sorted(inner)).limit(limit + 1)).all()
    following = _encode(rows[limit - 1][1:-1]) if len(rows) > limit else None
    total = rows[0].total if rows else _total(session, query) if cursor else 0
    return Page([row[0] for row in rows[:limit]], following, total if total is None or total <= COUNT_LIMIT else None)


def _sorted(order: Sequence[Key]) -> list[sa.ColumnElement[Any]]:
    return [key.column.desc() if key.descending else key.column.asc() for key in order]


def _total(session: Session, query: Query) -> int | None:
    bounded = (
        query.with_only_columns(sa.literal(1), maintain_column_froms=True)
        .order_by(None)
        .limit(COUNT_LIMIT + 1)
        .subquery()
    )
    count = session.scalar(sa.select(sa.func.count()).select_from(bounded)) or 0
    return count if count <= COUNT_LIMIT else None


def _after(order: Sequence[Key], values: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Rows behind the cursor: equal in the first i keys and past it in the next one."""
    parts = []
    for index, key in enumerate(order):
        same = [order[i].column == values[i] for i in range(index)]
        past = key.column < values[index] if key.descending else key.column > values[index]
        parts.append(sa.and_(*same, past))
    return sa.or_(*parts)


def _encode(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(list(values), default=str)).decode().rstrip("=")


def _decode(order: Sequence[Key], cursor: str) -> list[Any]:
    try:
        raw = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(raw, list) or len(raw) != len(order):
            raise ValueError
        values = [key.decode(value) for key, value in zip(order, raw, strict=True)]
        if any(isinstance(value, int) and abs(value) > 2**62 for value in values):
            raise ValueError
        if any(isinstance(value, str) and "\x00" in value for value in values):
            raise ValueError
        return values
    except (ValueError, TypeError, ArithmeticError, binascii.Error, orjson.JSONDecodeError) as error:
        raise Invalid.field("cursor", "bad_cursor") from error


def like(text: str) -> str:
    """A pattern that finds `text` anywhere, its own % and _ taken literally (use with escape='\\\\')."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
