"""The composition root: the only file that names the features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import sqlalchemy as sa
from flask import Flask, Response, g
from flask_babel import Babel
from sqlalchemy.orm import configure_mappers
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from courses.admission import feature as admission
from courses.catalogue import feature as catalogue
from courses.enrolment import feature as enrolment
from courses.plans import feature as plans
from courses.recognition import feature as recognition
from zutuan.calendar import feature as calendar
from zutuan.calendar import sources
from zutuan.clusters import feature as clusters
from zutuan.config import Config, load
from zutuan.db import Base, Database
from zutuan.desk import Desk
from zutuan.feature import Feature, Kind
from zutuan.imports import feature as imports
from zutuan.jobs import Errand, Handler, Worker
from zutuan.mail import feature as mail
from zutuan.notices import feature as notices
from zutuan.notices import kinds
from zutuan.operations import access_log, measuring
from zutuan.operations import feature as operations
from zutuan.papers import feature as papers
from zutuan.people import feature as people
from zutuan.people.hooks import hooks_of
from zutuan.people.retention import Retention
from zutuan.policies import feature as policies
from zutuan.policies import registry
from zutuan.search import feature as search
from zutuan.sharing import errors as _sharing_errors
from zutuan.sharing import plan
from zutuan.storage import feature as storage
from zutuan.storage.backends import Storage, make_storage
from zutuan.storage.services import Files
from zutuan.web import auth, headers, health, home, limits, logs, problems, receiving, texts, translations
from zutuan.web import models as _web_models
from zutuan.web.api import Api, make_api
from zutuan.web.requests import ZutuanApp, close_sessions
from zutuan.web.upkeep import Upkeep

FEATURES: tuple[Feature, ...] = (
    people.FEATURE, imports.FEATURE, clusters.FEATURE, calendar.FEATURE, mail.FEATURE, notices.FEATURE, papers.FEATURE,
    policies.FEATURE, search.FEATURE, storage.FEATURE, catalogue.FEATURE, plans.FEATURE, admission.FEATURE,
    enrolment.FEATURE, recognition.FEATURE, operations.FEATURE,
)  # fmt: skip

kinds.learn(kind for feature in FEATURES for kind in feature.notice_kinds)
plan.learn({kind.name: kind.plan for feature in FEATURES for kind in feature.kinds})
sources.learn(FEATURES)
registry.learn(policy for feature in FEATURES for policy in feature.policies)

# What answers somebody who is not signed in. Reviewed by tests/kernel/test_deny_by_default.py.
PUBLIC = frozenset({"static", "health.alive", "health.ready", "web.language", "api-docs.openapi_json"})

MAX_BODY = 1024 * 1024


class IdConverter(IntegerConverter):
    """An id in an address: what no database column could hold is simply not found."""

    regex = r"[1-9][0-9]{0,17}"


@dataclass(frozen=True)
class Runtime:
    """What the kernel keeps of an application."""

    config: Config
    database: Database
    features: tuple[Feature, ...]
    kinds: Mapping[str, Kind]
    public: frozenset[str]
    bodies: Mapping[str, int]
    api: Api
    files: Files
    places: receiving.Places


def metadata() -> sa.MetaData:
    """All tables: importing this file has imported every model."""
    return Base.metadata


def create_app(config: Config | None = None) -> Flask:
    config = config or load()
    logs.configure(config.log_level)
    app = ZutuanApp("zutuan.web", static_folder="static", template_folder="templates")
    app.url_map.converters["id"] = IdConverter
    app.url_map.merge_slashes = False  # its redirect would repeat the Host header
    _configure(app, config)
    database = Database(config.database, config.pool_size)
    logs.register(app, config.trusted_proxies > 0)
    measuring.register(app, database)
    auth.register(app)
    limits.register(app, config)
    problems.register(app)
    access_log.register(app, config)
    app.teardown_request(close_sessions)
    app.teardown_request(receiving.end)
    api = make_api(app)
    _register_features(app, api)
    home.register(app)
    app.register_blueprint(health.blueprint)
    app.extensions["zutuan"] = Runtime(
        config,
        database,
        FEATURES,
        {kind.name: kind for feature in FEATURES for kind in feature.kinds},
        PUBLIC.union(*(feature.public for feature in FEATURES)),
        {endpoint: limit for feature in FEATURES for endpoint, limit in feature.bodies.items()},
        api,
        make_files(config),
        receiving.Places(config.uploads_at_once),
    )
    if config.mode != "test":
        _warm_up(app)
    if config.worker_inside:
        make_worker(database, config).start()
    return app


def _warm_up(app: Flask) -> None:
    """Compile mappers and templates now: the first visitor of a process would pay most of a second for them."""
    configure_mappers()
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)


def make_files(config: Config, storage: Storage | None = None) -> Files:
    """Where files lie, how large they may be, and which kinds of item have any."""
    keepers = {kind.name: kind.keeps_files for feature in FEATURES for kind in feature.kinds if kind.keeps_files}
    size, quota = config.max_file_mb * 1024**2, config.files_quota_mb * 1024**2
    return Files(storage or make_storage(config), size, quota, keepers)


def make_worker(database: Database, config: Config | None = None) -> Worker:
    """A worker with every feature's work. Without a configuration (tests) it reaches no other machine."""
    config = config or Config(mode="test")
    kept = make_storage(config)
    desk = Desk(database, config, FEATURES)
    handlers: dict[str, Handler] = {storage.REMOVE: storage.remover(kept)}
    errands: dict[str, Errand] = {}
    for feature in FEATURES:
        handlers.update(feature.handlers)
        errands.update({topic: partial(errand, desk) for topic, errand in feature.errands.items()})
    # A class among the periodic work remembers when it acted last: each worker has one of its own.
    periodic = tuple(work() if isinstance(work, type) else work for feature in FEATURES for work in feature.periodic)
    return Worker(
        database, handlers, (*periodic, Upkeep(), storage.FilesUpkeep(kept), Retention(hooks_of(FEATURES))), errands
    )


def _configure(app: Flask, config: Config) -> None:
    secure = config.mode == "production" and config.https
    app.config.update(
        SECRET_KEY=config.secret or "only for tests and the demo on one machine",
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_BODY,
        SESSION_COOKIE_NAME="__Host-zutuan" if secure else "zutuan",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=12),
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        BABEL_DEFAULT_LOCALE="zh",
        TESTING=config.mode == "test",
        PROPAGATE_EXCEPTIONS=False,
    )
    babel = Babel(app, locale_selector=translations.choose_locale)
    babel.domain_instance = translations.PoDomain()
    translations.install(app)
    app.jinja_env.filters.update(texts.FILTERS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.after_request(_own_policy)  # before Talisman, so that it runs after it
    headers.register(app, secure)
    if config.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.trusted_proxies, x_proto=config.trusted_proxies)  # type: ignore[method-assign]


def _own_policy(response: Response) -> Response:
    """A view may ask for a stricter policy than the pages' (`g.policy`)."""
    if "policy" in g:
        response.headers["Content-Security-Policy"] = g.policy
    return response


def _register_features(app: Flask, api: Api) -> None:
    for feature in FEATURES:
        for blueprint in feature.pages:
            app.register_blueprint(blueprint)
        for blueprint in feature.api:
            api.register_blueprint(blueprint)


__all__ = ["FEATURES", "Runtime", "create_app", "make_worker", "metadata", "_sharing_errors", "_web_models"]
