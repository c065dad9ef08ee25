"""A guess about a speaker from the sound of the voice."""

from __future__ import annotations


def describe_voice(pitch_hz: float) -> str:
    """Return a guess for the prompt. Between the usual ranges nothing is claimed.

    It is a guess: a man who declaims to a crowd reaches 250 Hz, so callers mark it as guessed.

    >>> describe_voice(110.0), describe_voice(215.0), describe_voice(160.0), describe_voice(0.0)
    ('The man', 'The woman', 'The speaker', 'The speaker')
    """
    if pitch_hz <= 0:
        return "The speaker"
    if pitch_hz < 155:
        return "The man"
    if pitch_hz < 170:
        return "The speaker"
    return "The woman" if pitch_hz < 350 else "The child"
