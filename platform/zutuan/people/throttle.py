"""Failed sign-ins wait longer and longer: per account and place, in the database, in one statement each.

A place is the browser that has signed in to the account before (a signed cookie says so), else the address. So 300
students behind one address never wait for each other, and whoever tries a registrar's password, even from the same
campus address, makes nobody wait but himself: the registrar's own browser has a count of its own.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from zutuan.db import Database, insert_or
from zutuan.errors import TooMany
from zutuan.people import rules
from zutuan.people.models import SignInFailure


@dataclass(frozen=True)
class Origin:
    """Where a try comes from. `devices`: hashed account → the mark that this browser carries for it."""

    address: str
    devices: tuple[tuple[str, str], ...] = ()

    def place(self, account: str) -> str:
        known = dict(self.devices).get(account)
        return f"device:{_hash(known)[:40]}" if known else network(self.address)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def account_of_email(email: str) -> str:
    """What failures are counted under, hashed: the account that was meant, whether or not there is one, so that waiting
    tells nobody which accounts exist."""
    return _hash(email.strip().lower())


def account_of_number(school: int | str, number: str) -> str:
    return _hash(f"{school}|{number.strip()}")


def network(address: str) -> str:
    """One subscriber: an IPv4 address, or the /64 that a subscriber has of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def check(session: Session, account: str, origin: Origin, now: datetime) -> None:
    """Raise TooMany while this account must wait at this place."""
    table = SignInFailure
    mine = sa.select(table).where(table.account_key == account, table.address == origin.place(account))
    failure = session.scalar(mine)
    wait = rules.sign_in_wait(failure.failures, failure.last_at, now) if failure else timedelta(0)
    if wait:
        raise TooMany(seconds=int(wait.total_seconds()) + 1)


def count(database: Database, account: str, origin: Origin, now: datetime) -> None:
    """In one statement, so that tries at the same moment are all counted."""
    table = SignInFailure
    with database.write() as session:
        first = insert_or(session, table).values(
            account_key=account, address=origin.place(account), failures=1, last_at=now
        )
        stale = table.last_at < now - rules.FORGET_AFTER
        again = {"failures": sa.case((stale, 1), else_=table.failures + 1), "last_at": now}
        session.execute(first.on_conflict_do_update(index_elements=["account_key", "address"], set_=again))


def forget(session: Session, account: str, origin: Origin) -> None:
    table = SignInFailure
    gone = sa.delete(table).where(table.account_key == account, table.address == origin.place(account))
    session.execute(gone)
