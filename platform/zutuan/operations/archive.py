"""A backup's folder: parts with their SHA-256, and a manifest that is written last.

A folder without a whole manifest is no backup. Every byte is accounted for: the manifest carries its own digest and
that of every table; the list of files is a part too, and holds the digest of each file.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import orjson

FORMAT = 1
MANIFEST = "manifest.json"
FILE_LIST = "files.jsonl.gz"
CHUNK = 1024 * 1024
LEVEL = 4  # gzip: past it little gets smaller and everything slower
LONGEST_LINE = 64 * CHUNK


class BadBackup(Exception):
    """The folder is no whole backup; says which part and why."""

    def __init__(self, part: str, why: str) -> None:
        super().__init__(f"{part}: {why}")
        self.part, self.why = part, why


@dataclass(frozen=True)
class Part:
    """One compressed file of JSON lines."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TablePart:
    """A table's rows: `columns` are [name, portable type], `last_id` the highest id ever given."""

    name: str
    columns: list[list[str]]
    last_id: int | None
    part: Part


@dataclass(frozen=True)
class Manifest:
    version: str
    revision: str
    engine: str
    made_at: str
    tables: list[TablePart]
    files: Part
    format: int = FORMAT


# --- writing ----------------------------------------------------------------------------------------------------


class _Hashed:
    """Passes on what is written, counting and hashing it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.size, self.digest = file, 0, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()


def write_part(folder: Path, path: str, lines: Iterable[bytes]) -> Part:
    """Write JSON lines (without their line ends), compressed, to disk for certain."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    with target.open("xb") as file:
        hashed = _Hashed(file)
        with gzip.GzipFile(fileobj=hashed, mode="wb", compresslevel=LEVEL, mtime=0) as packed:
            for line in lines:
                packed.write(line + b"\n")
                rows += 1
        sync(file)
    return Part(path, rows, hashed.size, hashed.digest.hexdigest())


def copy_in(chunks: Iterable[bytes], target: Path) -> tuple[int, str]:
    """Write chunks into a new file; answers its size and SHA-256."""
    with target.open("xb") as file:
        hashed = _Hashed(file)
        for chunk in chunks:
            hashed.write(chunk)
        sync(file)
    return hashed.size, hashed.digest.hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """The last step: before it, what lies in the folder is no backup; after it, a whole one."""
    body = asdict(manifest)
    waiting = folder / (MANIFEST + ".part")
    with waiting.open("wb") as file:
        file.write(orjson.dumps({"manifest": body, "sha256": _digest(body)}, option=orjson.OPT_INDENT_2))
        sync(file)
    for directory in [*(path for path in folder.rglob("*") if path.is_dir()), folder]:
        sync_folder(directory)
    waiting.rename(folder / MANIFEST)
    sync_folder(folder)


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()


def sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- reading ----------------------------------------------------------------------------------------------------


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a whole backup, or `BadBackup`."""
    path = folder / MANIFEST
    if not path.is_file():
        raise BadBackup(MANIFEST, "missing: this is no backup, or one that was interrupted")
    try:
        found = orjson.loads(path.read_bytes())
        body, digest = found["manifest"], found["sha256"]
        if digest != _digest(body):
            raise BadBackup(MANIFEST, "does not match its SHA-256")
        if body["format"] != FORMAT:
            raise BadBackup(MANIFEST, f"format {body['format']} is not known to this version")
        tables = [TablePart(**{**table, "part": Part(**table["part"])}) for table in body.pop("tables")]
        return Manifest(**{**body, "tables": tables, "files": Part(**body["files"])})
    except (orjson.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise BadBackup(MANIFEST, "cannot be read") from error


def inside(folder: Path, path: str) -> Path:
    """A part's place. A manifest that points outside its folder is none of ours."""
    target = (folder / path).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise BadBackup(path, "lies outside the backup")
    return target


def read_chunks(folder: Path, path: str) -> Iterator[bytes]:
    with inside(folder, path).open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def sha256_of(folder: Path, path: str) -> tuple[int, str]:
    """Size and SHA-256 of a file of the backup, or `BadBackup`."""
    digest, size = hashlib.sha256(), 0
    try:
        for chunk in read_chunks(folder, path):
            digest.update(chunk)
            size += len(chunk)
    except OSError as error:
        raise BadBackup(path, f"cannot be read ({error.strerror})") from error
    return size, digest.hexdigest()


def verify_part(folder: Path, part: Part) -> None:
    size, digest = sha256_of(folder, part.path)
    if size != part.bytes:
        raise BadBackup(part.path, f"has {size} bytes instead of {part.bytes}")
    if digest != part.sha256:
        raise BadBackup(part.path, "does not match its SHA-256")


def read_lines(folder: Path, part: Part) -> Iterator[Any]:
    """The part's JSON lines, one after the other. Call `verify_part` first."""
    rows = 0
    try:
        with gzip.open(inside(folder, part.path), "rb") as packed:
            while line := packed.readline(LONGEST_LINE):
                yield orjson.loads(line)
                rows += 1
    except (OSError, EOFError, orjson.JSONDecodeError) as error:
        raise BadBackup(part.path, "cannot be read") from error
    if rows != part.rows:
        raise BadBackup(part.path, f"holds {rows} rows instead of {part.rows}")
