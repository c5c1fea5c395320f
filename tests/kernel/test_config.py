"""Configuration: safe defaults, and no start where it would be unsafe."""

import pytest

from zutuan.config import MIN_SECRET, Config, ConfigError, load

GOOD = "n3Zq8vT2xWk5Yb7Lr1Dm9Hs4Pf6Gj0Ca"


def test_defaults_are_for_one_machine() -> None:
    config = load({"ZUTUAN_SECRET": GOOD})
    assert config == Config(secret=GOOD)
    assert config.mode == "production" and not config.https and not config.demo


@pytest.mark.parametrize("secret", ["", "short", GOOD[: MIN_SECRET - 1], "x" * 64, "abcabcabc" * 8])
def test_production_refuses_a_weak_secret(secret: str) -> None:
    with pytest.raises(ConfigError, match="ZUTUAN_SECRET") as refused:
        load({"ZUTUAN_SECRET": secret})
    assert "secrets.token_urlsafe" in str(refused.value)
    assert not secret or secret not in str(refused.value)


def test_production_is_what_runs_when_nothing_is_said() -> None:
    with pytest.raises(ConfigError, match="ZUTUAN_SECRET"):
        load({})


@pytest.mark.parametrize("mode", ["demo", "test"])
def test_demo_and_tests_need_no_secret(mode: str) -> None:
    assert load({"ZUTUAN_MODE": mode}).mode == mode


@pytest.mark.parametrize("name", ["ZUTUAN_TRUSTED_PROXIES", "ZUTUAN_POOL_SIZE"])
@pytest.mark.parametrize("value", ["", "two", "-1", "1.5", "0x1", " 1"])
def test_numbers_must_be_whole(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load({"ZUTUAN_SECRET": GOOD, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("ZUTUAN_MODE", "developer"), ("ZUTUAN_URL", "zutuan.example.cn"), ("ZUTUAN_URL", "ftp://zutuan.example.cn")],
)
def test_other_nonsense_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load({"ZUTUAN_SECRET": GOOD, name: value})


def test_https_and_trailing_slash() -> None:
    config = load({"ZUTUAN_SECRET": GOOD, "ZUTUAN_URL": "https://zutuan.example.cn/"})
    assert config.https and config.url == "https://zutuan.example.cn"


S3 = {"ZUTUAN_S3_BUCKET": "b", "ZUTUAN_S3_KEY": "k", "ZUTUAN_S3_SECRET": "s"}


def test_s3_is_all_or_nothing() -> None:
    config = load({"ZUTUAN_SECRET": GOOD, **S3, "ZUTUAN_S3_ENDPOINT": "http://s3:8333"})
    assert config.s3 is not None and (config.s3.bucket, config.s3.endpoint) == ("b", "http://s3:8333")
    assert "'s'" not in repr(config.s3)
    for missing in S3:
        half = {name: value for name, value in S3.items() if name != missing}
        with pytest.raises(ConfigError, match=missing):
            load({"ZUTUAN_SECRET": GOOD, **half})
    with pytest.raises(ConfigError, match="half configured"):
        load({"ZUTUAN_SECRET": GOOD, "ZUTUAN_S3_ENDPOINT": "http://s3:8333"})


@pytest.mark.parametrize(
    ("name", "value"),
    [("ZUTUAN_ACCEL", "protected"), ("ZUTUAN_FILES_URL", "files.example.cn"), ("ZUTUAN_MAX_FILE_MB", "0"),
     ("ZUTUAN_UPLOADS_AT_ONCE", "x"), ("ZUTUAN_FILES_QUOTA_MB", "-1")],
)  # fmt: skip
def test_file_settings_that_could_not_work(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load({"ZUTUAN_SECRET": GOOD, name: value})


@pytest.mark.parametrize(
    ("url", "files"),
    [("http://127.0.0.1:8000", "http://127.0.0.1:8001"), ("https://zutuan.example.cn", "https://zutuan.example.cn"),
     ("http://[::1]:8000", "http://[::1]:8001")],
)  # fmt: skip
def test_where_browsers_find_files(url: str, files: str) -> None:
    assert Config(url=url).files_address == files
    assert Config(url=url, files_url="https://f.example.cn").files_address == "https://f.example.cn"
