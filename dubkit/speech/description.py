"""Guesses about a speaker from the sound of the voice, and the words that a prompt describes them with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.types import Age

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHILD_HZ = 250.0
"""Median pitch below which nobody is taken for a child: women speak at 200, small children at 250 and up."""
CHILD_TRACT_CM = 11.9
"""Longest vocal tract, as `tract_length` measures it, of a voice that is taken for a child's."""
SURELY_HZ = 350.0
"""Median pitch from which a voice is taken for a child's, whatever its tract."""

_AGED = {
    "": "The {}",
    "child": "The child",
    "young": "The young {}",
    "adult": "The {}",
    "elderly": "The elderly {}",
}


def describe_voice(pitch_hz: float, age: Age = "") -> str:
    """Return words for the prompt. Between the usual ranges nothing is claimed.

    The kind is a guess: a man who declaims to a crowd reaches 250 Hz, so callers mark it as guessed.

    >>> describe_voice(110.0), describe_voice(215.0), describe_voice(160.0), describe_voice(0.0)
    ('The man', 'The woman', 'The speaker', 'The speaker')
    >>> describe_voice(110.0, "elderly"), describe_voice(215.0, "young"), describe_voice(215.0, "child")
    ('The elderly man', 'The young woman', 'The child')
    """
    if not age and pitch_hz >= SURELY_HZ:
        age = "child"
    return _AGED[age].format(_kind(pitch_hz))


def _kind(pitch_hz: float) -> str:
    if pitch_hz <= 0 or 155 <= pitch_hz < 170:
        return "speaker"
    return "man" if pitch_hz < 155 else "woman"


def guess_age(audio: NDArray[np.float32], spans: Sequence[tuple[float, float]], pitch_hz: float) -> Age:
    """Return `child` for a voice that is high and comes from a short throat, else nothing.

    `audio` is (N,) at 16 kHz, `spans` are the seconds in which only this speaker is heard. Both signs
    together, because either alone is found in adults: excited speech is high, and some women have short
    tracts. From about ten years on children are not told from women. The young and the old are not guessed:
    what changes in the voice between 18 and 80 differs more from person to person than with age.
    """
    from dubkit.speech.tract import tract_length

    if pitch_hz < CHILD_HZ:
        return ""
    if pitch_hz >= SURELY_HZ:
        return "child"
    return "child" if 0 < tract_length(audio, spans) <= CHILD_TRACT_CM else ""
