"""Numbers of papers: read aloud and typed by people, guessed by nobody. And what is masked on a paper. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

# Crockford's base 32: no I, L, O, U; who types them means 1, 1, 0 (and V is no U).
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM = 14  # characters of five bits: 70 bits that nobody can try through
GROUP = 5
_READ = str.maketrans({"I": "1", "L": "1", "O": "0"})
_SHAPE = re.compile(rf"ZT([0-9]{{4}})([{ALPHABET}]{{{RANDOM + 1}}})")
_PRIME = 31


def new_number(year: int, pick: Callable[[int], int]) -> str:
    """`ZT2026-7QF4K-9XW2M-3B8TC`: the year, 14 random characters and a check character. `pick(n)` answers 0 to n - 1."""
    body = "".join(ALPHABET[pick(len(ALPHABET))] for _ in range(RANDOM))
    return _grouped(year, body + _check(year, body))


def _check(year: int, body: str) -> str:
    """Finds a mistyped character (all but 0 for Z) and two neighbours that changed places."""
    digits = [int(digit) for digit in str(year)] + [ALPHABET.index(char) for char in body]
    return ALPHABET[sum((place + 2) * value for place, value in enumerate(digits)) % _PRIME]


def _grouped(year: int, body: str) -> str:
    groups = [body[start : start + GROUP] for start in range(0, len(body), GROUP)]
    return "-".join((f"ZT{year}", *groups))


def read_number(text: str) -> str | None:
    """The number that was meant, as it is stored: capitals, dashes and look-alikes do not matter. None: no number."""
    plain = re.sub(r"[\s_\-\u2010-\u2015\uff0d]+", "", text[:80]).upper()
    match = _SHAPE.fullmatch(plain[:6] + plain[6:].translate(_READ)) if len(plain) > 6 else None
    if match is None:
        return None
    year, body = int(match[1]), match[2]
    return _grouped(year, body) if _check(year, body[:-1]) == body[-1] else None


def digest(content: dict[str, Any]) -> str:
    """SHA-256 of what a paper shows."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def public(content: dict[str, Any]) -> dict[str, Any]:
    """What anybody with the number of a paper is shown: the facts that the paper calls `private` are masked. (Whoever has
    the paper compares what is left of them.)"""
    private = content.get("private", ())
    facts = [[label, masked(value) if label in private else value] for label, value in content["facts"]]
    return {**content, "facts": facts}


def masked(number: str) -> str:
    """A 学工号 that its owner recognises and a stranger with the paper cannot use."""
    if len(number) <= 4:
        return number[:1] + "*" * (len(number) - 1)
    keep = 2 if len(number) < 8 else 3
    return f"{number[:keep]}{'*' * (len(number) - 2 * keep)}{number[-keep:]}"
