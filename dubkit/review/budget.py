"""What further takes may need: a budget of calls, of minutes or of money, and what was spent of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dubkit.errors import SettingError

_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*(calls?|min|minutes?|[A-Z]{3})")
_EXPECTED = "must be a number of calls, minutes or money: 20 calls, 5 min or 2.50 USD"


@dataclass(frozen=True, slots=True)
class Spent:
    """What takes needed, or may need at most."""

    calls: int = 0
    """How often an engine was asked: to speak a line, or to make a clip."""
    seconds: float = 0.0
    money: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.calls + other.calls,
            round(self.seconds + other.seconds, 3),
            round(self.money + other.money, 6),
        )


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that all further takes of an episode may need, in one of three measures; None: no limit."""

    calls: int | None = None
    seconds: float | None = None
    money: float | None = None
    currency: str = ""
    """As the user calls the money."""

    def holds(self, spent: Spent) -> bool:
        """Tell whether an amount is within the budget."""
        limits = (self.calls, self.seconds, self.money)
        amounts = (spent.calls, spent.seconds, spent.money)
        return all(most is None or amount <= most for most, amount in zip(limits, amounts, strict=True))

    @property
    def reproducible(self) -> bool:
        """Whether the same takes are made again elsewhere: not where a clock decides."""
        return self.seconds is None

    def told(self, spent: Spent) -> str:
        """Return what was spent in words, in the measure of the budget."""
        if self.money is not None:
            return f"{spent.money:,.2f} of {self.money:,.2f} {self.currency} spent"
        if self.seconds is not None:
            return f"{spent.seconds / 60:.1f} of {self.seconds / 60:g} min spent"
        return f"{spent.calls} calls" if self.calls is None else f"{spent.calls} of {self.calls} calls spent"


def read_budget(text: str) -> Budget:
    """Return the budget that a text names: `20 calls`, `5 min`, `2.50 USD`; empty is no limit.

    Raises SettingError for any other text.
    """
    if not text.strip():
        return Budget()
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise SettingError("dub.take_budget", text, _EXPECTED)
    number, unit = found.groups()
    if unit.startswith("call"):
        if "." in number:
            raise SettingError("dub.take_budget", text, "calls are counted in whole numbers")
        return Budget(calls=int(number))
    if unit.startswith("min"):
        return Budget(seconds=float(number) * 60)
    return Budget(money=float(number), currency=unit)
