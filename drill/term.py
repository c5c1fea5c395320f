"""The programme of a term: which day it is, and what happens on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from drill import called_off, credit, figures, lots, moved, opening, seats, teaching
from drill.stage import Stage, set_up

SHORT, WHOLE = 6, 60  # students of each home school


@dataclass(frozen=True)
class Act:
    day: date
    title: str
    scenes: tuple[Callable[[Stage], None], ...]


ACTS: Sequence[Act] = (
    Act(date(2026, 8, 20), "导入", (opening.found, opening.calendars, opening.rosters)),
    Act(date(2026, 8, 21), "学期选课安排与开课", (opening.plan, opening.classes, lots.announce)),
    Act(date(2026, 8, 22), "学分认定表", (credit.recognitions, credit.ask)),
    Act(date(2026, 8, 28), "预选：抽签志愿", (lots.wish,)),
    Act(date(2026, 8, 31), "抽签", (lots.draw,)),
    Act(date(2026, 9, 1), "正选", (seats.rush, called_off.few_come)),
    Act(date(2026, 9, 2), "审核与候补", (seats.decide,)),
    Act(date(2026, 9, 8), "补退选", (seats.leaves,)),
    Act(date(2026, 9, 19), "停开与补选", (called_off.call_off, called_off.rescue)),
    Act(date(2026, 9, 28), "调休", (teaching.swapped_days,)),
    Act(date(2026, 10, 12), "调停课", (moved.move, moved.substitute, moved.stays_moved)),
    Act(date(2026, 10, 26), "休学", (teaching.leave_of_absence,)),
    Act(date(2027, 1, 4), "成绩", (credit.grade, credit.confirm, credit.called_off_too_late, credit.correct)),
    Act(date(2027, 1, 18), "补考", (credit.resit,)),
    Act(date(2027, 1, 20), "认定与证明", (credit.recognise, credit.papers)),
    Act(date(2027, 1, 25), "定格", (figures.freeze,)),
    Act(date(2027, 3, 1), "下一学期", (figures.still_says_so,)),
)


def play(url: str, folder: Path, size: int, say: Callable[[str], None]) -> None:
    """The whole term on the empty database at that address. Raises Failed where something is not as it has to be."""
    with set_up(url, folder, size, say) as stage:
        for act in ACTS:
            stage.at(act.day)
            say(f"== {act.title}")
            for scene in act.scenes:
                scene(stage)
