"""The folder in which the processes of one machine count together. Set before anything imports prometheus_client."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PID = re.compile(r"_(\d+)\.db$")


def from_environment() -> None:
    """Count into `ZUTUAN_METRICS_FOLDER`, where that is set: the server and the worker of one machine can share it."""
    folder = os.environ.get("ZUTUAN_METRICS_FOLDER")
    if folder and VARIABLE not in os.environ:
        _use(Path(folder))


def for_children() -> None:
    """A folder for the processes that this one starts, where none is named."""
    if VARIABLE not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix="zutuan-metrics-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _use(folder)


def _use(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[VARIABLE] = str(folder)
    for pid, path in counted(folder):  # what earlier runs left: counters may start anew, files must not pile up
        if not alive(pid):
            path.unlink(missing_ok=True)


def shared() -> Path | None:
    return Path(os.environ[VARIABLE]) if VARIABLE in os.environ else None


def counted(folder: Path) -> Iterator[tuple[int, Path]]:
    """(process id, file) of everything that counts here."""
    for path in folder.glob("*.db"):
        match = _PID.search(path.name)
        if match:
            yield int(match[1]), path


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
