"""Passwords: how they are hashed and compared."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dubkit.errors import DubkitError

SHORTEST = 10
"""Characters a new password has at least."""

LONGEST = 1024
"""Characters that are hashed at most; nobody types more, and hashing must not be made to take long."""

_hasher = PasswordHasher()

# What a missing user's password is compared with, so that the answer takes as long as for a real one.
_NOBODY = (
    f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    f"$c2FsdCBvZiBub2JvZHkhIQ${'A' * 43}"
)


def check_new(password: str) -> None:
    """Raise DubkitError when a new password is too short, too long or one letter over and over."""
    if len(password) < SHORTEST:
        raise DubkitError(f"The password has {len(password)} characters; it needs {SHORTEST} or more.")
    if len(password) > LONGEST:
        raise DubkitError(f"The password has {len(password)} characters; {LONGEST} is the most.")
    if len(set(password)) < 4:
        raise DubkitError("The password has fewer than four different characters; choose another.")


def hashed(password: str) -> str:
    """Return the Argon2 hash of a password, with a salt of its own."""
    return _hasher.hash(password.encode("utf-8", "replace"))


def matches(kept: str | None, password: str) -> bool:
    """Tell whether a password belongs to a hash; without a hash it takes as long and is False."""
    try:
        _hasher.verify(kept or _NOBODY, password[:LONGEST].encode("utf-8", "replace"))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None and len(password) <= LONGEST


def is_outdated(kept: str) -> bool:
    """Tell whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)
