"""A helper process that lives as long as we do, and is started again when it dies first."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence

import structlog

log = structlog.get_logger()
AGAIN_SECONDS = 1.0
STOP_SECONDS = 5.0


class Keeper:
    """Keeps one command running until `stop()`."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._stopped = threading.Event()
        self._process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603

    def start(self) -> None:
        threading.Thread(target=self._watch, name="zutuan-keeper", daemon=True).start()

    def _watch(self) -> None:
        while True:
            code = self._process.wait()
            if self._stopped.wait(AGAIN_SECONDS):
                return
            log.error("helper.died", command=self._command[3], code=code)
            self._process = self._spawn()

    def stop(self) -> None:
        self._stopped.set()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()


def end_with(parent: int) -> None:
    """End this process once `parent` no longer is its parent, however that ended: it must not keep the port."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="zutuan-parent", daemon=True).start()
