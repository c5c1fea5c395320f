"""`openapi.json` describes exactly what is routed."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

METHODS = {"get", "post", "put", "patch", "delete"}


def routed(app: Flask) -> set[tuple[str, str]]:
    return {
        (method.lower(), re.sub(r"<(?:[^<>:]+:)?([^<>]+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in rule.methods or ()
        if method.lower() in METHODS
    }


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_paths_and_methods_are_the_routes(sqlite_client: FlaskClient) -> None:
    document = sqlite_client.get("/api/openapi.json").json
    described = set(operations(document))
    assert described == routed(sqlite_client.application) and len(described) > 10


def test_every_operation_says_what_it_does(sqlite_client: FlaskClient) -> None:
    described = operations(sqlite_client.get("/api/openapi.json").json)
    assert [key for key, operation in described.items() if len(operation.get("summary", "")) < 5] == []
    assert [key for key, operation in described.items() if not set(operation["responses"]) - {"default"}] == []


def test_path_parameters_are_described(sqlite_client: FlaskClient) -> None:
    document = sqlite_client.get("/api/openapi.json").json
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            given = item.get("parameters", []) + item[method].get("parameters", [])
            assert {p["name"] for p in given if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path)), (method, path)


def test_the_document_speaks_of_no_machine(sqlite_client: FlaskClient) -> None:
    document = sqlite_client.get("/api/openapi.json", headers={"Host": "evil.example"}).json
    assert document["openapi"].startswith("3.") and "evil" not in str(document) and "servers" not in document


def test_every_schema_has_a_name_of_its_own(sqlite_client: FlaskClient) -> None:
    """Two of one name get a number behind it, by the order in which features are loaded (which is an error in tests)."""
    document = sqlite_client.get("/api/openapi.json").json
    assert [name for name in document["components"]["schemas"] if re.search(r"\d$", name)] == []
