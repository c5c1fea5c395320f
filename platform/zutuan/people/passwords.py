"""Password hashes: argon2id with 19 MiB, two passes (design 7); few at once, so that a rush cannot eat the memory."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from zutuan.decision import Refusal

MIN_LENGTH = 10
_AT_ONCE = 4
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_gate = threading.BoundedSemaphore(_AT_ONCE)
_nobody = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    with _gate:
        return _hasher.hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password fits; takes as long when there is no account at all."""
    with _gate:
        try:
            fits = _hasher.verify(password_hash or _nobody, password)
        except (VerificationError, InvalidHashError):
            return False
    return fits and password_hash is not None


def weakness(password: str, least: int = MIN_LENGTH) -> Refusal | None:
    """Why this is no password; `least` characters, where a school asks for more than the built-in minimum."""
    needed = max(least, MIN_LENGTH)
    if len(password) < needed or len(set(password)) < 2:
        return Refusal("weak_password", {"min": needed})
    return None
