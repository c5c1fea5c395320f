"""`zutuan serve`, `serve-files` and `worker`."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from zutuan.beside import Keeper, end_with
from zutuan.config import Config, load
from zutuan.db import Database
from zutuan.operations import metrics_folder


def refuse_busy_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"端口 {port} 已被占用，请换一个：make demo PORT={port + 1}\n"
                f"       Port {port} is busy ({error.strerror}); use PORT=, e.g. make demo PORT={port + 1}"
            ) from error


def run_server(host: str, port: int, workers: int, threads: int) -> None:
    import multiprocessing

    from granian import Granian
    from granian.constants import Interfaces

    multiprocessing.set_start_method("spawn", force=True)  # a fork would inherit counters that count for one process
    metrics_folder.for_children()
    server = Granian(
        "zutuan.wsgi:app", address=host, port=port, interface=Interfaces.WSGI, workers=workers,
        blocking_threads=threads, log_access=False, backlog=1024, websockets=False,
    )  # fmt: skip
    server.serve()


def _serve_files(host: str, port: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "zutuan.storage.server:application", factory=True, address=host, port=port, interface=Interfaces.ASGI,
        log_access=False, backlog=1024, websockets=False,
    ).serve()  # fmt: skip


@contextmanager
def files_beside(config: Config, host: str, port: int) -> Iterator[None]:
    """The file server as a process of its own, started again should it end, while the pages are served. None is needed
    where S3 or the proxy hands files out."""
    if config.s3 is not None or config.accel:
        yield
        return
    command = [sys.executable, "-m", "zutuan.cli", "serve-files", "--host", host, "--port", str(port)]
    keeper = Keeper([*command, "--parent", str(os.getpid())])
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


@click.command("serve-files")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8001, show_default=True)
@click.option("--parent", type=int, hidden=True, help="ends when this process has ended")
def serve_files_command(host: str, port: int, parent: int | None) -> None:
    """Serve downloads under signed addresses (`serve` and `demo` start one themselves)."""
    load()
    if parent is not None:
        end_with(parent)
    _serve_files(host, port)


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=2, show_default=True, help="processes")
@click.option("--threads", default=4, show_default=True, help="blocking threads a process")
@click.option("--files-port", type=int, help="of the file server [default: the port after]")
def serve_command(host: str, port: int, workers: int, threads: int, files_port: int | None) -> None:
    """Serve over HTTP (behind a proxy that does TLS), and downloads of the directory beside it."""
    config = load()  # refuses a bad configuration before anything is started
    refuse_busy_port(host, port)
    files_port = files_port or port + 1
    if config.s3 is None and not config.accel:
        refuse_busy_port(host, files_port)
    with files_beside(config, host, files_port):
        run_server(host, port, workers, threads)


@click.command("worker")
def worker_command() -> None:
    """Do what follows commits: notices, expiry. Any number may run."""
    from zutuan.app import create_app, make_worker

    config = load()
    app = create_app(config)
    database = Database(config.database, config.pool_size)
    with app.app_context():
        running = make_worker(database, config)
        signal.signal(signal.SIGTERM, lambda *_: running.stop())
        signal.signal(signal.SIGINT, lambda *_: running.stop())
        running.run()


COMMANDS = (serve_command, serve_files_command, worker_command)
