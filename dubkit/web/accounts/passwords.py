"""Passwords: how they are hashed and compared."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dubkit.errors import DubkitError

SHORTEST = 10
"""Characters of the shortest new password."""

LONGEST = 1024
"""Characters of the longest password; hashing a longer one would only waste time."""

_hasher = PasswordHasher()

# A password for an unknown user is compared with this, so that the answer takes as long as for a real one.
_NOBODY = (
    f"$argon2id$v=19$m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    f"$c2FsdCBvZiBub2JvZHkhIQ${'A' * 43}"
)


def check_new(password: str) -> None:
    """Raise DubkitError when a new password is too short, too long or made of too few characters."""
    if len(password) < SHORTEST:
        raise DubkitError(f"The password has {len(password)} characters; it needs {SHORTEST} or more.")
    if len(password) > LONGEST:
        raise DubkitError(f"The password has {len(password)} characters; {LONGEST} is the most.")
    if len(set(password)) < 4:
        raise DubkitError("The password has fewer than four different characters; choose another.")


def hashed(password: str) -> str:
    """Return the Argon2 hash of a password, with a new salt."""
    return _hasher.hash(password.encode("utf-8", "replace"))


def matches(kept: str | None, password: str) -> bool:
    """Tell whether a password belongs to a hash; without a hash the answer is False and takes as long."""
    try:
        _hasher.verify(kept or _NOBODY, password[:LONGEST].encode("utf-8", "replace"))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None and len(password) <= LONGEST


def is_outdated(kept: str) -> bool:
    """Tell whether a hash was made with other parameters than the current ones."""
    return _hasher.check_needs_rehash(kept)
