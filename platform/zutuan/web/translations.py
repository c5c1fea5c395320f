"""Chinese is the source language; English comes from `translations/en.po`, read as it is (no build step)."""

from __future__ import annotations

import io
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import cast

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request, session
from flask_babel import Domain, get_locale
from markupsafe import Markup

LOCALES = ("zh", "en")
FOLDER = Path(__file__).parent / "translations"


@cache
def catalogue(locale: str) -> NullTranslations:
    path = FOLDER / f"{locale}.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        messages = read_po(file, locale=locale)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(fp=compiled)


class PoDomain(Domain):
    def get_translations(self) -> NullTranslations:
        return catalogue(str(get_locale() or "zh").split("_")[0])


def choose_locale() -> str:
    """Chinese unless English was chosen: by the switch, in the account, or (API) by Accept-Language."""
    if not has_request_context():
        return "zh"
    if request.path.startswith("/api/"):
        return request.accept_languages.best_match(LOCALES) or "zh"
    chosen = session.get("lang")
    if chosen in LOCALES:
        return cast(str, chosen)
    actor = g.get("signed_in_actor")
    return actor.locale if actor is not None else "zh"


_reader: ContextVar[NullTranslations] = ContextVar("reader")


def settle() -> None:
    """Find the reader's catalogue once, before a template is rendered: a page asks for hundreds of messages."""
    _reader.set(catalogue(str(get_locale() or "zh").split("_")[0]))


def _message(text: str, /, **values: object) -> Markup:
    """A message for a template, its values escaped. Jinja's own does the same through two more calls with a context each,
    and a list has hundreds of messages."""
    return Markup(_reader.get().ugettext(text)) % values  # noqa: S704


def install(app: Flask) -> None:
    """Give templates `_()` straight from that catalogue."""
    app.jinja_env.globals.update(_=_message, gettext=_message)
