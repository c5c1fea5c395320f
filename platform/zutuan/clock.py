"""The one clock. Nothing else, SQL included, decides what time it is, so a whole term can be driven in a test."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Clock:
    """Gives the present instant in UTC; can be set, moved and released."""

    def __init__(self) -> None:
        self._fixed: datetime | None = None

    def now(self) -> datetime:
        return self._fixed or datetime.now(UTC)

    def today(self) -> date:
        """The date in Shanghai, where all schools live."""
        return local(self.now()).date()

    def set(self, moment: datetime) -> None:
        self._fixed = moment.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        self._fixed = self.now() + by

    def release(self) -> None:
        self._fixed = None


clock = Clock()


def local(moment: datetime) -> datetime:
    """An instant as Shanghai's wall shows it."""
    return moment.astimezone(SHANGHAI)


def at_shanghai(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """The UTC instant at which Shanghai's wall shows that day and time."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)
