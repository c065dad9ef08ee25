"""How a line is spoken, as one instruction in words."""

from __future__ import annotations

from dubkit.types.voices import Delivery

_STEPS = (
    ("pace", 1.12, "faster than usual", 0.9, "slower than usual"),
    ("pitch", 1.5, "with a higher voice", -1.5, "with a lower voice"),
    ("energy", 3.0, "louder", -3.0, "softer"),
)
"""Name of a measure, from where up it is said how, and from where down."""


def instructions(always: str, delivery: Delivery | None) -> str:
    """Return what a service is told: what holds for every line, then this one's delivery.

    >>> instructions("Speak clearly.", Delivery("in a whisper", energy=-6.0))
    'Speak clearly. Speak in a whisper, softer.'
    """
    parts = [always.strip()]
    if delivery is not None:
        said = [delivery.words.strip(), *_measures(delivery)]
        spoken = ", ".join(word for word in said if word)
        parts.append(f"Speak {spoken}." if spoken else "")
    return " ".join(part for part in parts if part)


def _measures(delivery: Delivery) -> list[str]:
    said = []
    for name, high, more, low, less in _STEPS:
        value = getattr(delivery, name)
        said.append(more if value >= high else less if value <= low else "")
    return said
