"""Where content lies: the storage interface, and the one that is a directory. (`s3.py` is the other.)

Keys are ours, random, and checked by their whole pattern before they become a path: no text of a user ever reaches the
file system. A key is written once and never again, so content is never half new and half old.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from zutuan.config import Config
from zutuan.errors import ZutuanError

CHUNK = 64 * 1024
FOLDERS = ("files", "parts")
_KEY = re.compile(r"(?:files|parts)/[0-9a-f]{2}/[0-9a-f]{30}")


class Missing(Exception):
    """There is no content under that key."""


class StorageDown(ZutuanError):
    """The disk is full or gone, or the S3 server does not answer: 503, and nothing has been written down."""

    status, code = 503, "storage_down"


@dataclass(frozen=True)
class Content:
    """What was written: its key, its length in bytes and its SHA-256 in hexadecimal."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """What a listing says of one key."""

    key: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Shown:
    """How a download presents itself, whatever the file's own bytes say."""

    media_type: str
    disposition: str


class Storage(Protocol):
    """Content by key. Everything streams; nothing holds a file in memory. Raises `StorageDown` where it cannot be reached."""

    def put(self, key: str, chunks: Iterable[bytes]) -> Content:
        """Write all or nothing: what `chunks` raises leaves no content behind. It lasts when this returns."""

    def open(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from `offset` on. Raises `Missing` at once."""

    def size(self, key: str) -> int | None:
        """Bytes, or None where there is nothing."""

    def delete(self, key: str) -> None:
        """Gone afterwards, also when it was before."""

    def list(self, after: str = "", limit: int = 1000) -> list[Entry]:
        """Up to `limit` keys behind `after`, in order."""

    def tidy(self, before: datetime) -> int:
        """Remove what writes that never ended have left since before then; answers how much."""

    def address(self, key: str, shown: Shown, seconds: int) -> str | None:
        """Where a browser gets this content without us for that long, or None: then we serve it ourselves."""

    def reachable(self) -> bool:
        """Whether it could be written to now; never raises."""


def new_key(folder: str) -> str:
    """A fresh random key in `files` or `parts`."""
    name = secrets.token_hex(16)
    return checked(f"{folder}/{name[:2]}/{name[2:]}")


def is_key(text: str) -> bool:
    """Whether this is a key of ours: a bucket may hold other things."""
    return _KEY.fullmatch(text) is not None


def checked(key: str) -> str:
    """The key, if it is one of ours. Raises ValueError."""
    if not is_key(key):
        raise ValueError(f"not a key of the storage: {key!r}")
    return key


class Measure:
    """Passes chunks on, and counts and hashes them."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._hash, self.size = chunks, hashlib.sha256(), 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._hash.update(chunk)
            self.size += len(chunk)
            yield chunk

    def content(self, key: str) -> Content:
        return Content(key, self.size, self._hash.hexdigest())


class Directory:
    """Content in a folder of this machine (or of one that all machines mount)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, key: str, chunks: Iterable[bytes]) -> Content:
        path, measured = self.path(key), Measure(chunks)
        temporary = self.root / "tmp" / secrets.token_hex(16)
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                for chunk in measured:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
            _sync_folder(path.parent)
        except OSError as error:
            raise StorageDown from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        return measured.content(key)

    def open(self, key: str, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        try:
            file = self.path(key).open("rb")
        except FileNotFoundError as error:
            raise Missing(key) from error
        except OSError as error:
            raise StorageDown from error
        return _read(file, offset, length)

    def size(self, key: str) -> int | None:
        try:
            return self.path(key).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageDown from error

    def delete(self, key: str) -> None:
        try:
            self.path(key).unlink(missing_ok=True)
        except OSError as error:
            raise StorageDown from error

    def list(self, after: str = "", limit: int = 1000) -> list[Entry]:
        found: list[Entry] = []
        for path in self._walk(after):
            try:
                stat = path.stat()
            except FileNotFoundError:  # deleted while we looked
                continue
            key = path.relative_to(self.root).as_posix()
            found.append(Entry(key, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC)))
            if len(found) == limit:
                break
        return found

    def _walk(self, after: str) -> Iterator[Path]:
        """Paths of keys behind `after`, in order; folders that lie before it are not opened."""
        for folder in FOLDERS:
            for below in sorted(self.root.glob(f"{folder}/[0-9a-f][0-9a-f]")):
                if f"{folder}/{below.name}/~" > after:
                    paths = sorted(below.iterdir())
                    keys = ((path.relative_to(self.root).as_posix(), path) for path in paths)
                    yield from (path for key, path in keys if key > after and _KEY.fullmatch(key))

    def tidy(self, before: datetime) -> int:
        stale = [
            path for path in (self.root / "tmp").glob("*") if path.stat().st_mtime < before.timestamp()
        ]  # fmt: skip
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def address(self, key: str, shown: Shown, seconds: int) -> str | None:
        return None

    def reachable(self) -> bool:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            return os.access(self.root, os.W_OK) and shutil.disk_usage(self.root).free > 0
        except OSError:
            return False

    def path(self, key: str) -> Path:
        """Where a key's content lies."""
        return self.root / checked(key)


def _read(file: BinaryIO, offset: int, length: int | None) -> Iterator[bytes]:
    left = length
    with file:
        file.seek(offset)
        while left is None or left > 0:
            chunk = file.read(CHUNK if left is None else min(CHUNK, left))
            if not chunk:
                return
            left = None if left is None else left - len(chunk)
            yield chunk


def _sync_folder(path: Path) -> None:
    """The name is on the disk too, not only the bytes."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_storage(config: Config) -> Storage:
    """S3 where it is configured, else the directory."""
    if config.s3 is None:
        return Directory(config.files.resolve())
    from zutuan.storage.s3 import S3  # a third of a second that a directory never needs

    return S3(config.s3)
