"""All configuration comes from `ZUTUAN_*` variables; what is missing has a default that is safe on one machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

MODES = ("production", "demo", "test")
MIN_SECRET = 32


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
