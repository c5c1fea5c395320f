"""The State Council's holidays and working weekends of a year, proposed by a library where it is installed and knows the
year. Schools decide which date's classes a working weekend holds; the last ordinary days of the holiday are proposed."""

from __future__ import annotations

from datetime import date, timedelta

from zutuan.calendar.editing import NewDays

_NAMES = {
    "New Year's Day": "元旦", "Spring Festival": "春节", "Tomb-sweeping Day": "清明节", "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节", "National Day": "国庆节", "Mid-autumn Festival": "中秋节",
    "Anti-Fascist 70th Day": "抗战胜利纪念日",
}  # fmt: skip


def proposed(year: int) -> list[NewDays] | None:
    """None where nothing is known of that year."""
    try:
        import chinese_calendar
    except ImportError:
        return None
    days = [
        date(year, 1, 1) + timedelta(days=n) for n in range(366) if (date(year, 1, 1) + timedelta(days=n)).year == year
    ]
    off: dict[date, str] = {}
    working: dict[date, str] = {}
    try:
        for day in days:
            is_off, name = chinese_calendar.get_holiday_detail(day)
            if name is not None:
                (off if is_off else working)[day] = _NAMES.get(name, name)
    except NotImplementedError:
        return None
    return _ranges(off) + _swaps(working, off)


def _ranges(off: dict[date, str]) -> list[NewDays]:
    found: list[NewDays] = []
    for day, name in sorted(off.items()):
        last = found[-1] if found else None
        if last is not None and last.name == name and day - last.last == timedelta(days=1):
            found[-1] = NewDays("holiday", name, last.first, day)
        else:
            found.append(NewDays("holiday", name, day, day))
    return found


def _swaps(working: dict[date, str], off: dict[date, str]) -> list[NewDays]:
    """Each working weekend takes a weekday of its own holiday: those before it the last ones, those after it the next."""
    found: list[NewDays] = []
    for name in dict.fromkeys(working.values()):
        own = sorted(day for day, each in working.items() if each == name)
        weekdays = sorted(day for day, each in off.items() if each == name and day.isoweekday() < 6)
        for day, takes in zip(own, weekdays[len(weekdays) - len(own) :], strict=False):
            found.append(NewDays("swapped", f"{name}调休", day, day, takes))
    return sorted(found, key=lambda each: each.first)
