"""All configuration comes from `ZUTUAN_*` variables; what is missing has a default that is safe on one machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

MODES = ("production", "demo", "test")
MIN_SECRET = 32
_S3 = ("bucket", "key", "secret", "endpoint", "region", "public")
MIN_ACCESS_LOG_DAYS = 180
MIN_METRICS_TOKEN = 16


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
class S3Config:
    """An S3 bucket. `public` is the address at which browsers reach it, where that is not `endpoint`."""

    bucket: str
    key: str
    secret: str = field(repr=False)
    endpoint: str = ""
    region: str = "us-east-1"
    public: str = ""


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
    # `/metrics` for others than this machine. (ZUTUAN_METRICS_FOLDER is read by `operations/metrics_folder.py`: before
    # everything else.)
    metrics_token: str = ""
    # Who asked for what, kept as the law wants it (《网络安全法》第二十一条: at least six months).
    access_logs: Path = Path("var/access")
    access_log_days: int = 190
    # Requests of one person a minute; 0 switches the limit off.
    requests_per_minute: int = 6000
    redis: str = ""
    # Shown at the foot of every page: 网站备案号 and 公安备案号.
    icp: str = ""
    psb: str = ""
    # Tells how long the server took, and so, to whoever measures, what was hidden from what does not exist.
    server_timing: bool = False
    smtp: Smtp | None = None
    mail_dir: Path | None = None
    mail_from: str = ""
    s3: S3Config | None = None
    files_url: str = ""
    accel: str = ""
    max_file_mb: int = 200
    files_quota_mb: int = 2000
    uploads_at_once: int = 2
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

    @property
    def files_address(self) -> str:
        """Where browsers find the file server: beside a port of ours the next one, else under `/-/files/` of the proxy."""
        if self.files_url:
            return self.files_url
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition(':')[0]}:{parts.port + 1}" if parts.port else self.url


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


def _s3(env: Mapping[str, str]) -> S3Config | None:
    """The bucket, or None. Half of it would lose files in the wrong place, so it is refused."""
    given = {name: env[f"ZUTUAN_S3_{name.upper()}"] for name in _S3 if env.get(f"ZUTUAN_S3_{name.upper()}")}
    missing = [f"ZUTUAN_S3_{name.upper()}" for name in ("bucket", "key", "secret") if name not in given]
    if given and missing:
        raise ConfigError(f"S3 is half configured; missing: {', '.join(missing)} (or unset the other ZUTUAN_S3_*)")
    for name in ("endpoint", "public"):
        if name in given and urlsplit(given[name]).scheme not in ("http", "https"):
            raise ConfigError(f"ZUTUAN_S3_{name.upper()} must start with http:// or https://")
    return S3Config(**given) if given else None


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
        metrics_token=env.get("ZUTUAN_METRICS_TOKEN", ""),
        access_logs=Path(env.get("ZUTUAN_ACCESS_LOGS", str(Config.access_logs))),
        access_log_days=_whole(env, "ZUTUAN_ACCESS_LOG_DAYS", Config.access_log_days),
        requests_per_minute=_whole(env, "ZUTUAN_REQUESTS_PER_MINUTE", Config.requests_per_minute),
        redis=env.get("ZUTUAN_REDIS", ""),
        icp=env.get("ZUTUAN_ICP", "").strip(),
        psb=env.get("ZUTUAN_PSB", "").strip(),
        server_timing=env.get("ZUTUAN_SERVER_TIMING", "") == "1",
        smtp=_smtp(env.get("ZUTUAN_SMTP", "")),
        mail_dir=Path(env["ZUTUAN_MAIL_DIR"]) if env.get("ZUTUAN_MAIL_DIR") else None,
        mail_from=env.get("ZUTUAN_MAIL_FROM", ""),
        s3=_s3(env),
        files_url=env.get("ZUTUAN_FILES_URL", "").rstrip("/"),
        accel=env.get("ZUTUAN_ACCEL", "").rstrip("/"),
        max_file_mb=_whole(env, "ZUTUAN_MAX_FILE_MB", Config.max_file_mb),
        files_quota_mb=_whole(env, "ZUTUAN_FILES_QUOTA_MB", Config.files_quota_mb),
        uploads_at_once=_whole(env, "ZUTUAN_UPLOADS_AT_ONCE", Config.uploads_at_once),
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
    _check_files(config)
    _check_operations(config)
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
        raise ConfigError("ZUTUAN_MAIL_FROM must be an address: 组团 <no-reply@example.edu.cn>") from None


def _check_files(config: Config) -> None:
    """Raise ConfigError for limits of nothing and addresses that no browser or proxy could follow."""
    if min(config.max_file_mb, config.files_quota_mb, config.uploads_at_once) < 1:
        raise ConfigError("ZUTUAN_MAX_FILE_MB, ZUTUAN_FILES_QUOTA_MB and ZUTUAN_UPLOADS_AT_ONCE must be at least 1")
    if config.files_url and urlsplit(config.files_url).scheme not in ("http", "https"):
        raise ConfigError("ZUTUAN_FILES_URL must start with http:// or https://")
    if config.accel and not config.accel.startswith("/"):
        raise ConfigError("ZUTUAN_ACCEL must be a path of the proxy, such as /protected")
    if config.accel and config.s3:
        raise ConfigError("ZUTUAN_ACCEL serves the directory; with S3 browsers fetch files there: unset one of them")


def _check_operations(config: Config) -> None:
    """Raise ConfigError for logs kept too shortly, a token that can be guessed, a Redis that is none."""
    if config.access_log_days < MIN_ACCESS_LOG_DAYS:
        raise ConfigError(f"ZUTUAN_ACCESS_LOG_DAYS must be at least {MIN_ACCESS_LOG_DAYS}: the law wants six months")
    if config.metrics_token and len(config.metrics_token) < MIN_METRICS_TOKEN:
        raise ConfigError(f"ZUTUAN_METRICS_TOKEN must have at least {MIN_METRICS_TOKEN} characters")
    if config.redis and urlsplit(config.redis).scheme not in ("redis", "rediss", "unix"):
        raise ConfigError("ZUTUAN_REDIS must start with redis://, rediss:// or unix://")
        raise ConfigError("ZUTUAN_MAIL_FROM must be an address: Zutuan <no-reply@example.edu.cn>") from None
