"""A real S3 server for the tests of the storage: SeaweedFS, from its wheel, on loopback and in a temporary folder."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError
from support.places import make_folder

from zutuan.config import S3Config

START_SECONDS = 60
KEY, SECRET = "tests", "a secret of the tests"
BUCKET = "zutuan"
_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
          "s3.port", "s3.port.grpc")  # fmt: skip
_OPTIONS = (
    "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0",
    "-master.volumeSizeLimitMB=64", "-volume.max=20", "-volume.preStopSeconds=0", "-master.telemetry=false",
)  # fmt: skip


@dataclass(frozen=True)
class Server:
    """A running server and the process that is it."""

    config: S3Config
    process: subprocess.Popen[bytes]


def _free_ports(count: int) -> list[int]:
    """Ports that were free at once, so that none is given twice."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def client(config: S3Config) -> object:
    """A bare client, for what only an administrator does."""
    return boto3.client(
        "s3", endpoint_url=config.endpoint, aws_access_key_id=config.key, aws_secret_access_key=config.secret,
        region_name=config.region,
        config=ClientConfig(
            signature_version="s3v4", connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"}, request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )  # fmt: skip


def find_binary() -> str:
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    assert found, "the S3 server is not installed: pip install -r requirements-dev.txt"
    return found


@contextmanager
def running() -> Iterator[Server]:
    """Start a server with an empty bucket; at the end it is stopped by its process and its folder goes."""
    folder = make_folder("s3")
    rights = {"name": KEY, "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
              "actions": ["Admin", "Read", "Write", "List"]}  # fmt: skip
    (folder / "s3.json").write_text(json.dumps({"identities": [rights]}))
    ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    command = [find_binary(), "-logtostderr=true", "server", f"-dir={folder}", f"-s3.config={folder / 's3.json'}"]
    command += [*_OPTIONS, *(f"-{name}={port}" for name, port in ports.items())]
    leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*leash, *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    server = Server(S3Config(BUCKET, KEY, SECRET, f"http://127.0.0.1:{ports['s3.port']}"), process)
    try:
        _wait_for(server, folder)
        yield server
    finally:
        process.kill()  # it keeps nothing
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(server: Server, folder: Path) -> None:
    """Until it stores: its parts find each other one after the other."""
    last = time.monotonic() + START_SECONDS
    s3 = client(server.config)
    while True:
        try:
            with suppress(s3.exceptions.BucketAlreadyExists, s3.exceptions.BucketAlreadyOwnedByYou):  # type: ignore[attr-defined]
                s3.create_bucket(Bucket=BUCKET)  # type: ignore[attr-defined]
            s3.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")  # type: ignore[attr-defined]
            s3.delete_object(Bucket=BUCKET, Key="ready")  # type: ignore[attr-defined]
        except (ClientError, BotoCoreError) as error:
            if server.process.poll() is not None or time.monotonic() > last:
                text = (folder / "log").read_text(errors="replace")[-3000:]
                raise RuntimeError(f"the S3 server did not start:\n{text}") from error
            time.sleep(0.1)
        else:
            return
