"""Times as the calendar's pages and files write them."""

from __future__ import annotations


def clock_text(minutes: int) -> str:
    """Minutes since midnight as 08:05."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def season_text(number: int) -> str:
    """A day of every year, month * 100 + day, as 05-01."""
    return f"{number // 100:02d}-{number % 100:02d}"
