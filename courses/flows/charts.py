"""Charts as geometry: what a template draws as SVG. Numbers in, places out; no colour carries anything alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from courses.flows.rules import shade

# In units of the drawing, which grows with the page; text is 13 high.
LABEL, AFTER, WIDTH = 190, 70, 760
ROW, BAR, GAP = 40, 13, 4
MOST = 12  # sides of a flow chart; the rest are drawn as one
NODE, PAD = 10, 8
TALL = 360
FEWEST = 3  # the thinnest band, so that one person is seen beside a thousand
NAME = 13  # characters of a name that fit beside a drawing


@dataclass(frozen=True)
class Bar:
    """One bar of a row: which series it is of, where it lies, and what stands at its end."""

    series: int
    y: float
    width: float
    text: str
    tick: float | None = None


@dataclass(frozen=True)
class BarRow:
    label: str
    full: str
    y: float
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Bars:
    rows: Sequence[BarRow]
    height: float
    width: float = WIDTH
    left: float = LABEL


def short(name: str, most: int = NAME) -> str:
    """A name that fits; Latin letters take half the place of a character."""
    room, kept = most * 2, ""
    for char in name:
        room -= 2 if ord(char) > 0x2E7F else 1
        if room < 0:
            return kept[:-1] + "…"
        kept += char
    return name


def bars(
    rows: Sequence[tuple[str, Sequence[tuple[Any, str]]]], ticks: Sequence[Sequence[Any]] = (), after: float = AFTER
) -> Bars:
    """Horizontal bars: rows of (name, [(value, text), … one for each series]); `ticks`: a mark beyond each bar; `after`:
    the room for the texts."""
    marks = [value for row in ticks for value in row if value is not None]
    highest = max([*(value or 0 for _name, series in rows for value, _text in series), *marks, 0])
    scale = (WIDTH - LABEL - after) / float(highest or 1)
    made, y = [], 0.0
    for index, (name, series) in enumerate(rows):
        drawn = []
        for number, (value, text) in enumerate(series):
            tick = ticks[index][number] if ticks else None
            drawn.append(
                Bar(
                    number, y + GAP + number * (BAR + 2), round(float(value or 0) * scale, 1), text,
                    None if tick is None else round(float(tick) * scale, 1),
                )
            )  # fmt: skip
        made.append(BarRow(short(name), name, y, drawn))
        y += max(ROW if len(series) > 1 else 0, GAP * 2 + len(series) * (BAR + 2))
    return Bars(made, y)


# --- flows --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """How broad a flow chart is drawn: where its bands begin and end, and how many characters of a name there is room for."""

    width: float
    left: float
    right: float
    name: int


BROAD, NARROW = Shape(WIDTH, 200, 560, NAME), Shape(380, 122, 258, 6)


@dataclass(frozen=True)
class Node:
    """A school on one side; `id` 0: all the small ones together."""

    id: int
    label: str
    full: str
    y: float
    height: float
    value: int


@dataclass(frozen=True)
class Band:
    """What goes from one school to another: a path, a word for who asks, and how dark it is drawn."""

    home: int
    host: int
    value: int
    path: str
    text: str
    shade: int


@dataclass(frozen=True)
class Flow:
    homes: Sequence[Node]
    hosts: Sequence[Node]
    bands: Sequence[Band]
    height: float
    width: float = BROAD.width
    left: float = BROAD.left
    right: float = BROAD.right
    node: float = NODE


def flow(pairs: Mapping[tuple[int, int], Decimal], names: Mapping[int, str], others: str, shape: Shape = BROAD) -> Flow:
    """Bands from the home schools at the left to the hosts at the right, as thick as what goes over."""
    homes, hosts = _largest(pairs, 0), _largest(pairs, 1)
    merged: dict[tuple[int, int], int] = {}
    for (home, host), value in pairs.items():
        ends = (home if home in homes else 0, host if host in hosts else 0)
        merged[ends] = merged.get(ends, 0) + int(value)
    total = sum(merged.values())
    scale = TALL / total if total else 0
    left = _side(merged, 0, homes, names, others, scale, shape)
    right = _side(merged, 1, hosts, names, others, scale, shape)
    bands = _bands(merged, left, right, scale, shape)
    height = max((node.y + node.height for node in (*left, *right)), default=0) + PAD
    return Flow(left, right, bands, height, shape.width, shape.left, shape.right)


def _largest(pairs: Mapping[tuple[int, int], Decimal], side: int) -> list[int]:
    sums: dict[int, Decimal] = {}
    for ends, value in pairs.items():
        sums[ends[side]] = sums.get(ends[side], Decimal(0)) + value
    return sorted(sums, key=lambda id_: (-sums[id_], id_))[:MOST]


def _side(
    merged: Mapping[tuple[int, int], int], side: int, order: Sequence[int], names: Mapping[int, str], others: str,
    scale: float, shape: Shape,
) -> list[Node]:  # fmt: skip
    made, y = list[Node](), float(PAD)
    for id_ in (*order, 0):
        parts = [value for ends, value in merged.items() if ends[side] == id_]
        if parts:
            height = max(sum(max(value * scale, FEWEST) for value in parts), 14)
            name = names.get(id_, others)
            made.append(Node(id_, short(name, shape.name), name, round(y, 1), round(height, 1), sum(parts)))
            y += height + PAD
    return made


def _bands(
    merged: Mapping[tuple[int, int], int], left: Sequence[Node], right: Sequence[Node], scale: float, shape: Shape
) -> list[Band]:  # fmt: skip
    at_left, at_right = {node.id: node.y for node in left}, {node.id: node.y for node in right}
    names = {("home", node.id): node.full for node in left} | {("host", node.id): node.full for node in right}
    made, highest = [], Decimal(max(merged.values(), default=0))
    for home in (node.id for node in left):
        for host in (node.id for node in right):
            value = merged.get((home, host), 0)
            if value:
                thick = max(value * scale, FEWEST)
                path = _path(at_left[home], at_right[host], thick, shape)
                text = f"{names['home', home]} → {names['host', host]}"
                made.append(Band(home, host, value, path, text, shade(Decimal(value), highest)))
                at_left[home] += thick
                at_right[host] += thick
    return sorted(made, key=lambda band: band.value)  # the large ones are drawn over the small


def _path(from_: float, to: float, thick: float, shape: Shape) -> str:
    x1, x2 = shape.left + NODE, shape.right - NODE
    middle = (x1 + x2) / 2
    return (
        f"M{x1} {from_:.1f}C{middle} {from_:.1f} {middle} {to:.1f} {x2} {to:.1f}"
        f"V{to + thick:.1f}C{middle} {to + thick:.1f} {middle} {from_ + thick:.1f} {x1} {from_ + thick:.1f}Z"
    )
