"""How a line is said, read from its text or from the source's voice, as a delivery for the dub."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from statistics import median

from dubkit.types.voices import Delivery, Manner
from dubkit.voice.wishes import read_wish, together, weighted

CLEAN = 12.0
"""dB over the quietest sound nearby from which the source's voice is taken for what is measured."""

PLAIN = 0.5
"""Strength at which the marks of a text ask for what the table says."""

_QUESTION = Delivery(pitch=0.7)
_CALL = Delivery(pitch=1.0, energy=2.0, pace=1.03)
_TRAILS = Delivery(pitch=-0.7, energy=-1.5, pace=0.92)
_CAPITALS = Delivery(pitch=1.0, energy=3.0)
_BREAKS = Delivery(pace=1.04)

LOUD_WORDS = 2
"""Words in capitals, most of the text, from which it is shouted: one alone may be a short form."""

_TAG = re.compile("[\\[(\uff08【]([^\\])\uff09】]{2,40})[\\])\uff09】]")

SHOUT, LOUD, QUIET, WHISPER = 6.0, 4.0, -5.0, -4.0
"""dB from the speaker's usual level from which a line counts as so."""

HIGH, QUICK, SLOW = 2.5, 1.25, 0.8
"""Semitones, and shares of the usual rate, from which a line counts as so."""


def tags_of(text: str) -> str:
    """Return the words in brackets of a text that say how it is spoken.

    >>> tags_of("[whispering] Come here. (door slams)")
    'whispering'
    """
    return ", ".join(words.strip() for words in _TAG.findall(text) if read_wish(words).understood)


def plan_of_text(text: str, strength: float) -> Delivery:
    """Return the delivery that the marks of a text ask for: `?`, `!`, `…`, a dash at its end, CAPITALS.

    >>> plan_of_text("Stop!", 0.5).energy, plan_of_text("Stop.", 0.5) == Delivery()
    (2.0, True)
    """
    said = _TAG.sub("", text).strip().rstrip("\"»”'")
    parts = []
    if said.endswith(("?", "\uff1f", "؟")):
        parts.append(_QUESTION)
    if said.endswith(("!", "\uff01")):
        parts.append(_CALL)
    if said.endswith(("…", "...")):
        parts.append(_TRAILS)
    if said.endswith(("-", "\u2013", "—")):
        parts.append(_BREAKS)
    words = re.findall(r"[^\W\d_]{2,}", said)
    loud = [word for word in words if word.isupper()]
    if len(loud) > len(words) / 2 and len(loud) >= LOUD_WORDS:
        parts.append(_CAPITALS)
    return together(weighted(part, strength / PLAIN) for part in parts)


def usual_manner(manners: Sequence[Manner]) -> Manner | None:
    """Return the median of a speaker's lines; None without a line that has a pitch."""
    voiced = [one for one in manners if one.pitch_hz]
    if not voiced:
        return None
    names = Manner.__dataclass_fields__
    return Manner(**{name: median(getattr(one, name) for one in voiced) for name in names})


def plan_of_sound(line: Manner, usual: Manner, strength: float) -> Delivery:
    """Return the delivery of a source line against its speaker's usual one.

    Its pace is that of the source already, because its time is: it is only said in words.
    """
    semitones = 12 * math.log2(line.pitch_hz / usual.pitch_hz) if line.pitch_hz else 0.0
    louder = line.level - usual.level
    found = Delivery("", 1.0, strength * semitones, strength * louder)
    return together((found,), ", ".join(_words(line, usual, semitones, louder)))


def _words(line: Manner, usual: Manner, semitones: float, louder: float) -> list[str]:
    words = []
    if line.voiced < 0.5 * usual.voiced and louder < WHISPER:
        words.append("in a whisper")
    elif louder > SHOUT and (semitones > HIGH or line.brightness > usual.brightness + 2):
        words.append("shouting")
    elif louder > LOUD:
        words.append("loudly")
    elif louder < QUIET:
        words.append("quietly")
    if semitones > HIGH:
        words.append("in a high, lively voice" if line.range > usual.range else "in a higher voice")
    elif semitones < -HIGH and "in a whisper" not in words:
        words.append("in a lower voice")
    rate = line.rate / usual.rate if usual.rate else 1.0
    if rate > QUICK:
        words.append("quickly")
    elif rate < SLOW:
        words.append("slowly")
    return words
