"""All configuration comes from `ZUTUAN_*` variables; what is missing has a default that is safe on one machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

MODES = ("production", "demo", "test")
MIN_SECRET = 32


class ConfigError(SystemExit):
    """Configuration that must not start; the message says which variable and what cures it."""


# How a mail server is spoken to: scheme → (security, usual port)
_SMTP_SCHEMES = {"smtp": ("none", 25), "smtp+starttls": ("starttls", 587), "smtps": ("tls", 465)}
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Smtp:
    """A mail server: `security` is none, starttls or tls (certificates are always checked)."""

    host: str
    port: int
    security: str = "none"
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Config:
    mode: str = "production"
    database: str = "sqlite:///var/zutuan.db"
    files: Path = Path("var/files")
    secret: str = field(default="", repr=False)
    url: str = "http://127.0.0.1:8000"
    trusted_proxies: int = 0
    worker_inside: bool = False
    log_level: str = "INFO"
    pool_size: int = 10
    # Tells how long the server took, and so, to whoever measures, what was hidden from what does not exist.
    server_timing: bool = False
    smtp: Smtp | None = None
    mail_dir: Path | None = None
    mail_from: str = ""
    webhook_hosts: tuple[str, ...] = ("qyapi.weixin.qq.com",)

    @property
    def mail_sender(self) -> str:
        """Who mail comes from: `Zutuan <no-reply@the host of ZUTUAN_URL>` unless told otherwise."""
        return self.mail_from or f"Zutuan <no-reply@{urlsplit(self.url).hostname or 'localhost'}>"

    @property
    def https(self) -> bool:
        return self.url.startswith("https://")

    @property
    def demo(self) -> bool:
        return self.mode == "demo"


def _whole(env: Mapping[str, str], name: str, default: int) -> int:
    raw = env.get(name, str(default))
    if not raw.isdecimal():
        raise ConfigError(f"{name} must be a whole number, not {raw!r}")
    return int(raw)


def _smtp(raw: str) -> Smtp | None:
    """`smtp+starttls://user:password@host:587`; what is special in user and password is percent-encoded. The value
    itself is never repeated in a message: it holds a password."""
    if not raw:
        return None
    shape = "ZUTUAN_SMTP must look like smtp+starttls://user:password@host:587 (or smtps://…, or smtp://host:25)"
    try:
        parts = urlsplit(raw)
        security, usual = _SMTP_SCHEMES[parts.scheme]
        host, port = parts.hostname, parts.port or usual
    except (KeyError, ValueError):
        raise ConfigError(shape) from None
    if not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ConfigError(shape)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if user and security == "none" and host not in _LOOPBACK:
        raise ConfigError("ZUTUAN_SMTP would send a password in the clear; use smtp+starttls:// or smtps://")
    return Smtp(host, port, security, user, password)


def load(env: Mapping[str, str] = os.environ) -> Config:
    """Read the variables; refuses (ConfigError) what would be unsafe in production."""
    config = Config(
        mode=env.get("ZUTUAN_MODE", "production"),
        database=env.get("ZUTUAN_DATABASE", Config.database),
        files=Path(env.get("ZUTUAN_FILES", str(Config.files))),
        secret=env.get("ZUTUAN_SECRET", ""),
        url=env.get("ZUTUAN_URL", Config.url).rstrip("/"),
        trusted_proxies=_whole(env, "ZUTUAN_TRUSTED_PROXIES", 0),
        worker_inside=env.get("ZUTUAN_WORKER_INSIDE", "") == "1",
        log_level=env.get("ZUTUAN_LOG_LEVEL", "INFO").upper(),
        pool_size=_whole(env, "ZUTUAN_POOL_SIZE", 10),
        server_timing=env.get("ZUTUAN_SERVER_TIMING", "") == "1",
        smtp=_smtp(env.get("ZUTUAN_SMTP", "")),
        mail_dir=Path(env["ZUTUAN_MAIL_DIR"]) if env.get("ZUTUAN_MAIL_DIR") else None,
        mail_from=env.get("ZUTUAN_MAIL_FROM", ""),
        webhook_hosts=tuple(
            env.get("ZUTUAN_WEBHOOK_HOSTS", ",".join(Config.webhook_hosts)).replace(" ", "").split(",")
        ),
    )
    check(config)
    return config


def check(config: Config) -> None:
    """Raise ConfigError for a mode, address or secret that must not serve people."""
    if config.mode not in MODES:
        raise ConfigError(f"ZUTUAN_MODE must be one of {', '.join(MODES)}, not {config.mode!r}")
    if urlsplit(config.url).scheme not in ("http", "https"):
        raise ConfigError("ZUTUAN_URL must start with http:// or https://")
    if config.smtp is not None and config.mail_dir is not None:
        raise ConfigError("ZUTUAN_SMTP and ZUTUAN_MAIL_DIR exclude each other: mail goes to a server or into a folder")
    _check_sender(config)
    weak = len(config.secret) < MIN_SECRET or len(set(config.secret)) < 8
    if config.mode == "production" and weak:
        raise ConfigError(
            f"ZUTUAN_SECRET is missing or too weak (at least {MIN_SECRET} random characters); "
            "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )


def _check_sender(config: Config) -> None:
    from zutuan.mail.message import BadAddress, sender

    try:
        sender(config.mail_sender)
    except BadAddress:
        raise ConfigError("ZUTUAN_MAIL_FROM must be an address: Zutuan <no-reply@example.edu.cn>") from None
