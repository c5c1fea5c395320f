"""One movable clock."""

from datetime import UTC, date, datetime, timedelta, timezone

from support.cast import NOW

from zutuan.clock import Clock, at_shanghai, local


def test_real_time_has_a_zone() -> None:
    before = datetime.now(UTC)
    now = Clock().now()
    assert now.utcoffset() == timedelta(0) and before <= now <= datetime.now(UTC)


def test_set_moves_and_releases(clock: Clock) -> None:
    assert clock.now() == NOW
    clock.advance(timedelta(days=3))
    assert clock.now() == NOW + timedelta(days=3)
    clock.set(datetime(2027, 1, 1, 8, tzinfo=timezone(timedelta(hours=8))))
    assert clock.now() == datetime(2027, 1, 1, tzinfo=UTC) and clock.now().utcoffset() == timedelta(0)
    clock.release()
    assert clock.now() != datetime(2027, 1, 1, tzinfo=UTC)


def test_today_is_shanghais(clock: Clock) -> None:
    clock.set(datetime(2026, 11, 25, 15, 59, 59, tzinfo=UTC))
    assert clock.today() == date(2026, 11, 25)
    clock.advance(timedelta(seconds=1))
    assert clock.today() == date(2026, 11, 26)


def test_shanghais_wall_and_back() -> None:
    instant = at_shanghai(date(2026, 11, 25), 8, 30)
    assert instant == datetime(2026, 11, 25, 0, 30, tzinfo=UTC)
    assert (local(instant).hour, local(instant).minute) == (8, 30)
