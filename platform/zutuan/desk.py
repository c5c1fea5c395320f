"""What an errand works with: the database, the configuration, and words in the language of whoever will read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from flask import Flask
from flask_babel import Babel, force_locale

from zutuan.config import Config
from zutuan.db import Database
from zutuan.web.translations import PoDomain, choose_locale

if TYPE_CHECKING:
    from zutuan.feature import Feature


@dataclass(frozen=True)
class Desk:
    database: Database
    config: Config
    features: Sequence[Feature]

    @cached_property
    def _app(self) -> Flask:
        """Translations need an application; a worker's needs nothing else of one."""
        app = Flask("zutuan.desk", static_folder=None)
        app.config.update(BABEL_DEFAULT_LOCALE="zh")
        babel = Babel(app, locale_selector=choose_locale)
        babel.domain_instance = PoDomain()
        return app

    @contextmanager
    def speaking(self, locale: str) -> Iterator[None]:
        """Messages made in here are in that language."""
        with self._app.app_context(), force_locale(locale):
            yield
