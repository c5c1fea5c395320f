"""The storage's content as a backup needs it: every key, in order."""

from __future__ import annotations

from collections.abc import Iterator

from zutuan.storage.backends import Storage

PAGE = 1000


def keys(storage: Storage) -> Iterator[str]:
    """All keys, also of uploads that are still under way: the database knows them too."""
    after = ""
    while page := storage.list(after, PAGE):
        yield from (entry.key for entry in page)
        after = page[-1].key
