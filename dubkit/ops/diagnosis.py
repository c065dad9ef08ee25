"""What the doctor says about one thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing examined. `ok` is None for something optional that is not there.

    `cure` says what to do, and what still works if nothing is done; it is empty when all is well.
    """

    name: str
    ok: bool | None
    found: str
    cure: str = ""


def guarded(name: str, check: Callable[[], Diagnosis], cure: str) -> Diagnosis:
    """Return what `check` says; where it fails, a failed check with `cure`."""
    try:
        return check()
    except Exception as error:  # a broken package can raise anything; the rest must still be seen
        reason = next(iter(f"{type(error).__name__}: {error}".splitlines()))
        return Diagnosis(name, False, reason, cure)
