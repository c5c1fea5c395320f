"""What a school, a cluster or the platform decides about accounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from zutuan.people.models import Affiliation
from zutuan.people.passwords import MIN_LENGTH
from zutuan.policies import services as policies
from zutuan.policies.rules import LEVELS, Policy

PASSWORD_LENGTH = Policy(
    "people.password_length", _l("密码最短长度"),
    _l("以后设置的密码至少要有这么多个字符；已有的密码不受影响。人在几所学校的，以最长的为准。"), MIN_LENGTH, "whole", LEVELS,
    low=MIN_LENGTH, high=32, unit=_l("个字符"),
)  # fmt: skip
SLIP_LIFE = Policy(
    "people.slip_life", _l("激活码有效期"), _l("激活码从发出起这么久以内有效；已经发出的不受影响。"), "P30D", "duration", LEVELS,
    low=2 * 24 * 60, high=180 * 24 * 60,
)  # fmt: skip
HELP_LINE = Policy(
    "people.help_line", _l("账号问题找谁"), _l("印在激活码纸条上，例如：教务处 0917-0000000，行政楼 203。不填则不印。"), "", "text",
    ("platform", "school"), high=60,
)  # fmt: skip
ALL = (PASSWORD_LENGTH, SLIP_LIFE, HELP_LINE)


def least_length(session: Session, person_id: int, now: datetime) -> int:
    """The characters that a new password of this person needs: what the strictest of their schools asks for, and never
    less than the built-in minimum."""
    a = Affiliation
    schools = session.scalars(sa.select(a.school_id).where(a.person_id == person_id, a.open_at(now))).all()
    return least_at(session, [*schools] or [None], now)


def least_at(session: Session, schools: Sequence[int | None], now: datetime) -> int:
    """The same for who belongs to these schools; None stands for no school."""
    return max(MIN_LENGTH, *policies.values(session, PASSWORD_LENGTH, schools, now).values())
