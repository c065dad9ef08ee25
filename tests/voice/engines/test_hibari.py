"""hibari speaks English with one voice, always the same way."""

from __future__ import annotations

import numpy as np
import pytest

from dubkit.errors import VoiceError
from dubkit.voice.engine import SpeakerTraits
from dubkit.voice.engines.hibari import ENGINE
from tests.support.voices import needs_hibari, open_engine


def test_all_speakers_share_its_one_voice() -> None:
    assert ENGINE.voice_for(SpeakerTraits("en", 90), ("heart",)) == "heart"


@needs_hibari
def test_hibari_speaks_english_the_same_way_twice() -> None:
    speaker = open_engine("hibari")
    one, other = (speaker.speak("Hello there.", voice="", language="en", speed=1.0) for _ in range(2))
    assert np.array_equal(one, other)
    assert np.abs(one[: round(0.005 * speaker.rate)]).max() > 0.001
    assert len(speaker.speak("Hello there.", voice="heart", language="en", speed=1.5)) < 0.8 * len(one)
    assert not ENGINE.speaks("pt")
    with pytest.raises(VoiceError, match=r"hibari cannot speak 'pt'. It speaks: en"):
        speaker.speak("a", voice="", language="pt", speed=1.0)
    with pytest.raises(VoiceError, match="hibari has no voice 'bob'"):
        speaker.speak("a", voice="bob", language="en", speed=1.0)
