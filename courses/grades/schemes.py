"""How a class is graded, and what a row of its sheet comes to: on plain values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from courses.grades.rules import (
    MARKS,
    PERCENT,
    SCALES,
    Grade,
    check_weights,
    in_scale,
    read,
    total,
)
from zutuan.decision import Refusal

WHOLE = "grade"  # the name of the one thing that is written where a scheme has no parts
DAILY = "平时"  # the part that attendance may propose
MOST_PARTS, LONGEST_PART = 6, 12
_WORDS = {mark: word for word, mark in MARKS.items()}
# Names that a part cannot have: other columns of a sheet are called so.
_TAKEN = frozenset(("成绩", "总评", "标记", "备注", "姓名", "学工号", "学号", "学校", "选课编号", WHOLE))
_PART = re.compile(r"\s*([^\d\s%:：、，,;；][^\d%:：、，,;；]*?)\s*[:：]?\s*(\d{1,3})\s*%?\s*")


@dataclass(frozen=True)
class Scheme:
    """`parts`: (name, percent) in order; none: the whole at once. Parts are written in 百分制 whatever the scale: what they
    add up to is then put into it."""

    scale: str = PERCENT
    places: int = 0
    parts: tuple[tuple[str, int], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """What is written of each student."""
        return tuple(name for name, _weight in self.parts) or (WHOLE,)

    @property
    def written_in(self) -> str:
        return PERCENT if self.parts else self.scale


@dataclass(frozen=True)
class Written:
    """What somebody wrote of one student; `mark`: a mark for the whole, whatever the parts say."""

    parts: Mapping[str, str] = field(default_factory=dict)
    mark: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Judged:
    """The same as it is kept. `grade` is None while something is missing."""

    parts: Mapping[str, str]
    grade: Grade | None
    remark: str = ""

    @property
    def text(self) -> str:
        return str(self.grade) if self.grade else ""


def judge(scheme: Scheme, written: Written) -> Judged | dict[str, Refusal]:
    """What the row comes to, or what is wrong with which of its columns."""
    wrong: dict[str, Refusal] = {}
    grades: dict[str, Grade] = {}
    for name, text in written.parts.items():
        if name not in scheme.columns:
            wrong[name] = Refusal("no_such_part", {"parts": scheme.columns})
        if name in wrong or not text.strip():
            continue
        found = read(text, scheme.written_in, scheme.places)
        if isinstance(found, Refusal):
            wrong[name] = found
        else:
            grades[name] = found
    if written.mark and written.mark not in _WORDS:
        wrong["mark"] = Refusal("no_such_mark", {"marks": tuple(MARKS)})
    elif written.mark and WHOLE in grades and not grades[WHOLE].mark:
        wrong["mark"] = Refusal("grade_and_mark")
    if wrong:
        return wrong
    parts = {name: str(grade) for name, grade in grades.items()} if scheme.parts else {}
    return Judged(parts, _whole(scheme, grades, written.mark), written.remark.strip())


def _whole(scheme: Scheme, grades: Mapping[str, Grade], mark: str) -> Grade | None:
    if mark:
        return Grade(scheme.scale, mark=mark)
    if not scheme.parts:
        return grades.get(WHOLE)
    summed = total(grades, dict(scheme.parts), scheme.places)
    return None if isinstance(summed, Refusal) else in_scale(summed, scheme.scale, scheme.places)


def own_mark(parts: Mapping[str, str], mark: str) -> str:
    """The mark that was given to the whole: one that a part has brings itself."""
    return "" if any(text in MARKS for text in parts.values()) else mark


def word(mark: str) -> str:
    return _WORDS.get(mark, "")


def mark_of(text: str) -> str:
    """缺考 or absent → absent; what is neither stays, and is refused as a mark."""
    return MARKS.get(text.strip(), text.strip())


def check_scheme(scale: str, places: int, parts: Sequence[tuple[str, int]]) -> Refusal | None:
    """What is wrong with a scheme."""
    names = [name for name, _weight in parts]
    if scale not in SCALES or not 0 <= places <= 2:
        return Refusal("no_such_scale")
    if len(names) > MOST_PARTS or len(set(names)) != len(names):
        return Refusal("parts_not_clear")
    if any(not 0 < len(name) <= LONGEST_PART or name in _TAKEN for name in names):
        return Refusal("parts_not_clear")
    return check_weights(dict(parts)) if parts else None


def read_parts(text: str) -> tuple[tuple[str, int], ...] | Refusal:
    """平时40、期末60 as people write it; nothing: no parts."""
    pieces = [each for each in re.split(r"[、，,;；+\n]", unicodedata.normalize("NFKC", text)) if each.strip()]
    matches = [_PART.fullmatch(each) for each in pieces]
    if any(match is None for match in matches):
        return Refusal("parts_not_clear")
    return tuple((match[1], int(match[2])) for match in matches if match)


def say_parts(parts: Sequence[tuple[str, int]]) -> str:
    return "、".join(f"{name} {weight}" for name, weight in parts)
