"""The image, the compose file and the README speak of what exists: variables, commands, files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from zutuan.cli import main

ROOT = Path(__file__).parents[2]
S3 = {f"ZUTUAN_S3_{name}" for name in ("BUCKET", "KEY", "SECRET", "ENDPOINT", "REGION", "PUBLIC")}


def variables_read() -> set[str]:
    """Every ZUTUAN_* variable that the code reads. (Those of S3 are read by their ending.)"""
    sources = [*(ROOT / "platform").rglob("*.py"), *(ROOT / "courses").rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    return {name for name in re.findall(r"ZUTUAN_[A-Z0-9_]*[A-Z0-9]", text) if name != "ZUTUAN_S3"} | S3


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_variable_that_is_named_is_read() -> None:
    for name in ("compose.yaml", "compose.env.example", "Dockerfile", "README.md"):
        named = set(re.findall(r"ZUTUAN_[A-Z0-9_]*[A-Z0-9]", text(name))) - {"ZUTUAN_S3"}
        assert named <= variables_read(), (name, named - variables_read())


def test_every_variable_that_is_read_is_explained() -> None:
    table = "\n".join(line for line in text("README.md").splitlines() if line.startswith("| `ZUTUAN_"))
    assert {name for name in variables_read() - S3 if f"`{name}`" not in table} == set()


def test_secrets_come_from_the_env_file_and_are_not_in_git() -> None:
    example = dict(line.split("=", 1) for line in text("compose.env.example").splitlines() if re.match(r"[A-Z]", line))
    wanted = set(re.findall(r"\$\{([A-Z0-9_]+)", text("compose.yaml")))
    assert wanted == set(example)
    for name in wanted:
        if name.endswith(("SECRET", "PASSWORD", "KEY", "TOKEN")):
            assert example[name] == "", f"{name} has a value in the example"
    assert ".env" in text(".gitignore").split() and "!.env" not in text(".dockerignore")


def test_services_and_their_health() -> None:
    services = compose()["services"]
    assert set(services) >= {"app", "worker", "migrate", "db", "redis", "s3", "meilisearch"}
    once = {name for name, service in services.items() if service.get("restart") == "no"}
    assert once == {"migrate", "bucket"}
    for name, service in services.items():
        if name not in once | {"worker"}:
            assert service["healthcheck"]["test"], name
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name} listens to the world"
        tag = service["image"].rpartition(":")[2]
        assert tag != service["image"] and tag != "latest", f"{name} has no fixed version"
    for name in ("app", "worker"):
        waits = services[name]["depends_on"]
        assert waits["migrate"]["condition"] == "service_completed_successfully"
        assert waits["db"]["condition"] == "service_healthy"
        assert services[name]["read_only"] is True and services[name]["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("service", ["app", "worker", "migrate"])
def test_what_the_services_run_exists(service: str) -> None:
    words = compose()["services"][service].get("command") or ["serve"]
    command: Any = main
    for word in words:
        if isinstance(command, click.Group):
            assert word in command.commands, words
            command = command.commands[word]


def test_the_image_is_nobody_special() -> None:
    docker = text("Dockerfile")
    assert re.search(r"^USER 10001:10001$", docker, re.MULTILINE)
    assert docker.rindex("USER ") > docker.rindex("RUN ") and "HEALTHCHECK" in docker
    assert not re.search(r"^(ARG|ENV).*(SECRET|PASSWORD|TOKEN)", docker, re.MULTILINE)
    allowed = {line.removeprefix("!") for line in text(".dockerignore").splitlines() if line.startswith("!")}
    copied = {word for line in re.findall(r"^COPY (?!--)(.*)$", docker, re.MULTILINE) for word in line.split()[:-1]}
    assert copied == allowed
    assert {name for name in copied if not (ROOT / name).exists()} == set()
