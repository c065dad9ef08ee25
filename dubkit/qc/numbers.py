"""Numbers as people read them."""

from __future__ import annotations

DASH = "\u2013"
MINUS = "\u2212"


def clock(seconds: float) -> str:
    """Seconds as people read them: `1:02:03.4`, `0:07.5`."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = (
        f"{minutes:02d}:{rest // 10:02d}.{rest % 10}" if hours else f"{minutes}:{rest // 10:02d}.{rest % 10}"
    )
    return f"{hours}:{text}" if hours else text


def percent(value: float | None) -> str:
    """A share as a whole percentage; a dash when it was not measured."""
    return DASH if value is None else f"{100 * value:.0f} %"


def signed(value: float | None, digits: int = 1) -> str:
    """A level with a true minus sign; a dash when it was not measured."""
    if value is None:
        return DASH
    text = f"{value:.{digits}f}"
    return text.replace("-", MINUS) if float(text) else text.lstrip("-")


def number(value: float) -> str:
    """A number with at most two decimals and a true minus sign: `3`, `\u22120.25`."""
    text = f"{round(value, 2) + 0.0:g}" if abs(value) < 10_000 else f"{value:,.0f}"
    return text.replace("-", MINUS)


def count(number: int, noun: str) -> str:
    """`1 line`, `1,000 lines`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
