"""A list on a page: its rows, and the addresses of its next and first page with every filter kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request, url_for

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
        assert request.endpoint is not None
        here: dict[str, Any] = {**(request.view_args or {}), **request.args.to_dict(flat=False)}
        cursor = here.pop("cursor", None)
        following = url_for(request.endpoint, **here, cursor=page.next) if page.next else None
        return cls(page.items, page.total, following, url_for(request.endpoint, **here) if cursor else None)
