"""Which courses a school's students may choose from, on plain values."""

from __future__ import annotations

AT_ONCE = 200
# all that is shared with the school, or only what its registrar has picked
WAYS = ("all", "picked")


def may_choose(way: str, picked: bool) -> bool:
    return way != "picked" or picked
