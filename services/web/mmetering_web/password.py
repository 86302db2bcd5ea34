"""Passwords rest as argon2id hashes (RFC 9106, low memory). Few are checked at once: each takes 64 MiB for a moment."""

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10  # characters
AT_ONCE = 2

_hasher = PasswordHasher()
_turns = threading.Semaphore(AT_ONCE)


def hash_of(password: str) -> str:
    """Return the hash to keep."""
    with _turns:
        return _hasher.hash(password)


def is_right(password: str, password_hash: str | None) -> bool:
    """Whether a password fits a hash; None, for a name that nobody has, takes as long and never fits."""
    with _turns:
        try:
            return _hasher.verify(password_hash or _hash_of_nobody(), password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(password_hash: str) -> bool:
    """Whether today's parameters are stronger than the hash's."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash("the password of nobody")
