"""The bare limit: a Flask view that returns a constant, timed and served as Zutuan is. `python -m bench.bare PORT`."""

from __future__ import annotations

import sys
import time
from typing import Any

from flask import Flask, Response, g

app = Flask(__name__)


@app.before_request
def _begin() -> None:
    g.started = time.perf_counter()


@app.after_request
def _end(response: Response) -> Response:
    response.headers["Server-Timing"] = f"app;dur={(time.perf_counter() - g.started) * 1000:.3f}"
    return response


@app.get("/")
def constant() -> str:
    return "组团"


def main() -> None:
    from granian import Granian
    from granian.constants import Interfaces

    from zutuan.commands_serve import serve_command

    default: dict[str | None, Any] = {parameter.name: parameter.default for parameter in serve_command.params}
    Granian(
        "bench.bare:app", address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.WSGI,
        workers=default["workers"], blocking_threads=default["threads"], log_access=False, backlog=1024,
    ).serve()  # fmt: skip


if __name__ == "__main__":
    main()
