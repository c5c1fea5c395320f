"""The storage's files as a backup needs them: list, read, put back. The one place that knows where they lie."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from zutuan.config import Config
from zutuan.storage.backends import CHUNK, Missing, Storage, checked, is_key, make_storage

SPOOLED = 8 * 1024 * 1024


class StoredFiles(Protocol):
    """A storage as backup and restore see it. A key is a name of ours such as `ab/cdef0123`."""

    def keys(self) -> Iterator[str]: ...

    def open(self, key: str) -> IO[bytes]:
        """Raises FileNotFoundError for what was removed since it was listed."""

    def put(self, key: str, source: IO[bytes]) -> None: ...


class FilesInFolder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keys(self) -> Iterator[str]:
        for directory, _folders, names in os.walk(self.folder):
            for name in sorted(names):
                yield (Path(directory) / name).relative_to(self.folder).as_posix()

    def open(self, key: str) -> IO[bytes]:
        return self._path(key).open("rb")

    def put(self, key: str, source: IO[bytes]) -> None:
        """Whole or not at all: what is half written has another name."""
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(target.name + ".restoring")
        with half.open("wb") as file:
            shutil.copyfileobj(source, file, 1024 * 1024)
            file.flush()
            os.fsync(file.fileno())
        half.replace(target)

    def _path(self, key: str) -> Path:
        target = (self.folder / key).resolve()
        if not target.is_relative_to(self.folder.resolve()) or target == self.folder.resolve():
            raise ValueError(f"{key!r} lies outside the storage")
        return target


class FilesInStorage:
    """Any storage, seen as a backup sees it: only whole files, none of the parts of uploads that never ended."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def keys(self) -> Iterator[str]:
        after = ""
        while entries := self.storage.list(after):
            after = entries[-1].key
            yield from (entry.key for entry in entries if is_key(entry.key) and entry.key.startswith("files/"))

    def open(self, key: str) -> IO[bytes]:
        file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=SPOOLED)  # noqa: SIM115 — whoever asked closes it
        try:
            for chunk in self.storage.open(key):
                file.write(chunk)
        except Missing as error:
            file.close()
            raise FileNotFoundError(key) from error
        file.seek(0)
        return file

    def put(self, key: str, source: IO[bytes]) -> None:
        self.storage.put(checked(key), iter(lambda: source.read(CHUNK), b""))


def stored_files(config: Config) -> StoredFiles:
    return FilesInStorage(make_storage(config)) if config.s3 else FilesInFolder(config.files)
