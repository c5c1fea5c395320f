"""All configuration comes from `ZUTUAN_*` variables; what is missing has a default that is safe on one machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

MODES = ("production", "demo", "test")
MIN_SECRET = 32
MIN_ACCESS_LOG_DAYS = 180
MIN_METRICS_TOKEN = 16


class ConfigError(SystemExit):
    """Configuration that must not start; the message says which variable and what cures it."""


@dataclass(frozen=True)
class Config:
    mode: str = "production"
    database: str = "sqlite:///var/zutuan.db"
    files: Path = Path("var/files")
    secret: str = ""
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
    )
    check(config)
    return config


def check(config: Config) -> None:
    """Raise ConfigError for a mode, address or secret that must not serve people."""
    if config.mode not in MODES:
        raise ConfigError(f"ZUTUAN_MODE must be one of {', '.join(MODES)}, not {config.mode!r}")
    if urlsplit(config.url).scheme not in ("http", "https"):
        raise ConfigError("ZUTUAN_URL must start with http:// or https://")
    weak = len(config.secret) < MIN_SECRET or len(set(config.secret)) < 8
    if config.mode == "production" and weak:
        raise ConfigError(
            f"ZUTUAN_SECRET is missing or too weak (at least {MIN_SECRET} random characters); "
            "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    if config.access_log_days < MIN_ACCESS_LOG_DAYS:
        raise ConfigError(f"ZUTUAN_ACCESS_LOG_DAYS must be at least {MIN_ACCESS_LOG_DAYS}: the law wants six months")
    if config.metrics_token and len(config.metrics_token) < MIN_METRICS_TOKEN:
        raise ConfigError(f"ZUTUAN_METRICS_TOKEN must have at least {MIN_METRICS_TOKEN} characters")
    if config.redis and urlsplit(config.redis).scheme not in ("redis", "rediss", "unix"):
        raise ConfigError("ZUTUAN_REDIS must start with redis://, rediss:// or unix://")
