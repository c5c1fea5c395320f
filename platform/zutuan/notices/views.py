"""A notice as it is shown: its sentence in the reader's language."""

from __future__ import annotations

from typing import Any

from flask import current_app

from zutuan.notices.models import Notice
from zutuan.paging import Page


def sentence(notice: Notice) -> str:
    for feature in current_app.extensions["zutuan"].features:
        if notice.kind in feature.notices:
            return str(feature.notices[notice.kind](notice.params))
    return notice.kind


def shown(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "kind": notice.kind,
        "text": sentence(notice),
        "link": notice.link,
        "created_at": notice.created_at,
        "read_at": notice.read_at,
    }


def shown_page(page: Page) -> Page:
    return Page([shown(notice) for notice in page.items], page.next, page.total)
