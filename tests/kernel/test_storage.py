"""The storage interface: the same tests on a directory and on a real S3 server."""

from __future__ import annotations

import hashlib
import os
import re
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zutuan.config import Config, S3Config
from zutuan.storage.backends import (
    CHUNK,
    Directory,
    Missing,
    Shown,
    Storage,
    StorageDown,
    checked,
    make_storage,
    new_key,
)
from zutuan.storage.errors import Stalled
from zutuan.storage.rules import disposition
from zutuan.storage.s3 import PART, S3

BACKENDS = ("directory", "s3")


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "directory":
        return make_storage(Config(files=tmp_path / "files"))
    return make_storage(Config(s3=request.getfixturevalue("s3_server").config))


def pieces(size: int) -> Iterator[bytes]:
    """So many bytes, no two kilobytes alike, in pieces of odd lengths."""
    made = 0
    while made < size:
        block = hashlib.sha512(str(made).encode()).digest() * 157
        yield block[: size - made]
        made += len(block)


def whole(storage: Storage, key: str, offset: int = 0, length: int | None = None) -> bytes:
    return b"".join(storage.open(key, offset, length))


def keys(storage: Storage) -> set[str]:
    found: set[str] = set()
    after = ""
    while entries := storage.list(after, 3):
        assert [entry.key for entry in entries] == sorted(entry.key for entry in entries)
        found |= {entry.key for entry in entries}
        after = entries[-1].key
    return found


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, PART - 1, PART, PART + 1, 2 * PART + 77])
def test_what_goes_in_comes_out(storage: Storage, size: int) -> None:
    key, expected = new_key("files"), b"".join(pieces(size))
    content = storage.put(key, pieces(size))
    assert (content.key, content.size, content.sha256) == (key, size, hashlib.sha256(expected).hexdigest())
    assert whole(storage, key) == expected and storage.size(key) == size


def test_any_part_of_it(storage: Storage) -> None:
    key, size = new_key("files"), 3 * CHUNK + 5
    expected = b"".join(pieces(size))
    storage.put(key, pieces(size))
    for offset, length in ((0, 1), (0, 0), (5, 0), (1, 10), (CHUNK - 1, 2), (CHUNK, CHUNK), (size - 1, 1), (7, size)):
        assert whole(storage, key, offset, length) == expected[offset : offset + length], (offset, length)
    assert whole(storage, key, size - 3) == expected[-3:]


def test_what_is_not_there(storage: Storage) -> None:
    key = new_key("files")
    with pytest.raises(Missing):
        storage.open(key)
    assert storage.size(key) is None
    storage.delete(key)
    storage.put(key, [b"x"])
    storage.delete(key)
    storage.delete(key)
    assert storage.size(key) is None and key not in keys(storage)


@pytest.mark.parametrize("before", [0, 3, PART + 3, 2 * PART + 3])
def test_a_write_that_fails_leaves_nothing(storage: Storage, before: int) -> None:
    """And what failed is what the caller hears."""

    def broken() -> Iterator[bytes]:
        yield from pieces(before)
        raise Stalled

    key = new_key("parts")
    with pytest.raises(Stalled):
        storage.put(key, broken())
    assert storage.size(key) is None and key not in keys(storage)


def test_listing(storage: Storage) -> None:
    made = {new_key(folder) for folder in ("files", "parts") for _ in range(5)}
    for key in made:
        storage.put(key, [key.encode()])
    assert made <= keys(storage)
    (entry,) = (entry for entry in storage.list() if entry.key == min(made))
    assert entry.size == len(min(made)) and abs(entry.modified - datetime.now(UTC)) < timedelta(minutes=1)


def test_reachable(storage: Storage) -> None:
    assert storage.reachable() is True


@pytest.mark.parametrize(
    "key",
    ["", "files", "files/ab", "../etc/passwd", "files/../../etc/passwd", "/etc/passwd", "files/ab/" + "x" * 30,
     "files/AB/" + "0" * 30, "files/ab/" + "0" * 29, "files/ab/" + "0" * 30 + "\n", "other/ab/" + "0" * 30,
     "files/ab/" + "0" * 30 + "/..", "files\\ab\\" + "0" * 30, "讲义.pdf"],
)  # fmt: skip
def test_only_our_own_keys_become_paths(storage: Storage, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        checked(key)
    for use in (storage.open, storage.size, storage.delete, lambda k: storage.put(k, [b"x"])):
        with pytest.raises(ValueError, match="not a key"):
            use(key)


def test_an_address_serves_one_file_as_we_present_it(storage: Storage) -> None:
    key, name = new_key("files"), "讲义 第1章“上”.pdf"
    storage.put(key, [b"%PDF-1.7 x"])
    address = storage.address(key, Shown("application/pdf", disposition(name)), 60)
    if isinstance(storage, Directory):
        assert address is None
        return
    assert address is not None and "X-Amz-Signature" in address and "X-Amz-Expires=60" in address
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == b"%PDF-1.7 x"
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Content-Disposition"] == disposition(name)
    ranged = urllib.request.Request(address, headers={"Range": "bytes=1-3"})
    with urllib.request.urlopen(ranged) as answer:
        assert answer.status == 206 and answer.read() == b"PDF"
    other = new_key("files")
    storage.put(other, [b"secret"])
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(address.replace(key, other))
    assert refused.value.code == 403


def test_browsers_may_reach_s3_elsewhere(s3_server: object) -> None:
    config: S3Config = s3_server.config  # type: ignore[attr-defined]
    public = S3Config(**{**config.__dict__, "public": "https://files.example.cn"})
    address = S3(public).address(new_key("files"), Shown("text/plain", disposition("a.txt")), 60)
    assert address is not None and re.match(r"https://files\.example\.cn/zutuan/files/", address)


def test_s3_that_is_gone_is_said_so() -> None:
    gone = S3(S3Config("bucket", "key", "secret", "http://127.0.0.1:9"))
    assert gone.reachable() is False
    for use in (gone.size, gone.delete, gone.open, lambda key: gone.put(key, [b"x"])):
        with pytest.raises(StorageDown):
            use(new_key("files"))


def test_a_directory_that_is_gone_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    gone = Directory(tmp_path / "file" / "below")
    assert gone.reachable() is False
    with pytest.raises(StorageDown):
        gone.put(new_key("files"), [b"x"])


def test_a_killed_write_is_tidied_away(tmp_path: Path) -> None:
    """A process that dies in the middle of writing leaves a temporary file, and never a key."""
    directory = Directory(tmp_path / "files")
    pid = os.fork()
    if pid == 0:

        def dies() -> Iterator[bytes]:
            yield b"half"
            os._exit(9)

        directory.put(new_key("files"), dies())
    os.waitpid(pid, 0)
    assert directory.list() == [] and len(list((tmp_path / "files" / "tmp").iterdir())) == 1
    assert directory.tidy(datetime.now(UTC) - timedelta(hours=1)) == 0
    time.sleep(0.01)
    assert directory.tidy(datetime.now(UTC)) == 1 and list((tmp_path / "files" / "tmp").iterdir()) == []


def test_s3_abandoned_multipart_uploads_are_tidied_away(s3_server: object) -> None:
    from support import s3

    config: S3Config = s3_server.config  # type: ignore[attr-defined]
    client = s3.client(config)
    client.create_multipart_upload(Bucket=config.bucket, Key=new_key("files"))  # type: ignore[attr-defined]
    storage = S3(config)
    assert storage.tidy(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert storage.tidy(datetime.now(UTC) + timedelta(minutes=1)) == 1
    assert storage.tidy(datetime.now(UTC) + timedelta(minutes=1)) == 0
