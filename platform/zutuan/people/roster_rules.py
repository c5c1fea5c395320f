"""What one row of a roster means for a school: a new person, a change, a proposal, or a mistake. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The dots that keyboards and systems put between the parts of a name (买买提·艾力): one and the same to a reader.
_DOTS = re.compile("[\u00b7\u2022\u2027\u2219\u22c5\u30fb\uff65\u2024\u0387\u16eb\u318d\u2e31\uff0e\u25cf\u00b0]")
_SPACES = re.compile(r"\s+")
# Facts of an affiliation that a roster keeps; the department is named, not numbered.
FACTS = ("kind", "department", "major", "grade", "class_name", "level", "programme", "standing")
STAYS = ("active", "suspended", "reserved")
# A file in which this many known numbers, and this share of them, carry other people's names is another school's.
STRANGERS, STRANGERS_SHARE = 10, 0.3


@dataclass(frozen=True)
class Known:
    """Somebody of the school, by 学工号. `elsewhere`: the account is used at another school as well; `own`: its owner
    has set a password, or it holds a role: its address is nobody else's to say; `closed`: its owner has closed it."""

    affiliation_id: int
    person_id: int
    name: str
    email: str | None
    facts: Mapping[str, str]
    ended: bool = False
    elsewhere: bool = False
    own: bool = False
    closed: bool = False


@dataclass(frozen=True)
class Account:
    """Whose an e-mail address is. `here`: the number they have at this school."""

    person_id: int
    name: str
    here: str | None = None


@dataclass(frozen=True)
class Proposed:
    """What a number was proposed to before."""

    id: int
    person_id: int
    state: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Create:
    number: str
    name: str
    email: str | None
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Update:
    """`facts`, `name` and `email` only where they change; `reopen`: who had left is back; `leaves`: now they leave."""

    known: Known
    number: str
    facts: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None
    email: str | None = None
    reopen: bool = False
    leaves: bool = False


@dataclass(frozen=True)
class Propose:
    number: str
    account: Account
    values: Mapping[str, str]
    before: Proposed | None = None


@dataclass(frozen=True)
class Mistake:
    column: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Same:
    """Nothing changes. `kept`: the file names another address, but an account's own address is its owner's."""

    kept: tuple[str, str] | None = None


Outcome = Create | Update | Propose | Mistake | Same


def name_key(name: str) -> str:
    """A name as it is compared: every dot alike, no spaces, one width and case."""
    folded = _DOTS.sub("\u00b7", unicodedata.normalize("NFKC", _DOTS.sub("\u00b7", name)))
    return _SPACES.sub("", folded).casefold()


def facts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """What the row says of the affiliation: empty cells and absent columns say nothing."""
    return {name: values[name] for name in FACTS if values.get(name)}


def decide(values: Mapping[str, Any], known: Known | None, account: Account | None, before: Proposed | None) -> Outcome:
    """The row's meaning. `known` by its number, `account` by its e-mail, `before`: an earlier proposal of the number."""
    if known is not None and known.closed:
        return Same()  # whoever has closed their account gets no name back
    if known is not None:
        return _known(values, known, account)
    if before is not None and before.state == "declined":
        return Mistake("email", "proposal_declined")
    if account is None:
        if before is not None:
            return Mistake("email", "proposal_waits")
        facts = {"kind": "student", **facts_of(values)}
        return Create(values["number"], values["name"], values.get("email") or None, facts)
    if account.here is not None:
        return Mistake("email", "email_of_other_number", {"number": account.here})
    if name_key(account.name) != name_key(values["name"]):
        return Mistake("email", "email_elsewhere")
    return _proposal(values, account, before)


def _proposal(values: Mapping[str, Any], account: Account, before: Proposed | None) -> Outcome:
    said = {"kind": "student", **facts_of(values)}
    if before is None:
        return Propose(values["number"], account, said)
    if before.person_id != account.person_id:
        return Mistake("email", "proposal_waits")
    merged = {**before.values, **said}
    return Same() if merged == dict(before.values) else Propose(values["number"], account, merged, before)


def _known(values: Mapping[str, Any], known: Known, account: Account | None) -> Outcome:
    email = values.get("email") or None
    if account is not None and account.person_id != known.person_id:
        if account.here is not None:
            return Mistake("email", "email_of_other_number", {"number": account.here})
        return Mistake("email", "email_elsewhere")
    renamed = values["name"] if name_key(values["name"]) != name_key(known.name) else None
    if renamed and known.elsewhere:
        return Mistake("name", "name_of_shared_account", {"name": known.name})
    facts = {name: said for name, said in facts_of(values).items() if known.facts.get(name, "") != said}
    standing = facts.get("standing") or known.facts["standing"]
    change = Update(
        known, values["number"], facts, renamed,
        email=email if email and known.email is None and not (known.elsewhere or known.own) else None,
        reopen=known.ended and values.get("standing") in STAYS, leaves=not known.ended and standing not in STAYS,
    )  # fmt: skip
    if facts or renamed or change.email or change.reopen or change.leaves:
        return change
    other = email is not None and email != known.email
    return Same(kept=(known.email or "", email or "")) if other else Same()


def lost_zeros(number: str, known: Mapping[str, str]) -> str | None:
    """The known number that this one was before a spreadsheet took its leading zeros. `known`: stripped → number."""
    whole = known.get(number.lstrip("0"))
    return whole if whole is not None and whole != number and len(whole) > len(number) else None


def strangers(matched: int, renamed: int) -> bool:
    """Whether so many of the known numbers carry other names that the file must be another school's."""
    return renamed >= STRANGERS and renamed >= matched * STRANGERS_SHARE
