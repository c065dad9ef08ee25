"""A dubbed voice that is another one in the next episode is found by its sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dubkit.config import Settings, with_settings
from dubkit.episode.folders import SOURCE
from dubkit.episode.store import Parts, Record, canonical
from dubkit.review.people import drift_report
from dubkit.series.people.person import Person, Sighting
from dubkit.studio import open_session
from dubkit.types import ASR_RATE
from tests.review.test_changes import PT, make_episode
from tests.support.desks import Shared
from tests.support.paths import needs_media
from tests.support.series_people import CALL, TURNS, embedding, sighting
from tests.support.speech_clips import clip

pytestmark = [pytest.mark.slow, needs_media]


def spoken(folder: Path, name: str, turn: int) -> Sighting:
    """Write an episode in which `spk1` speaks with the voice of a turn of the call."""
    from dubkit.media.sound.audio import write_wav

    (folder / name).mkdir()
    store = make_episode(folder / name).store
    memo = {"path": str(folder / name / "ep.mp4"), "sha256": name * 32, "size": 1000, "mtime_ns": 1}
    store.write_bytes(SOURCE, canonical(memo))
    start, end, _ = TURNS[turn]
    call = clip(CALL)
    relative = "takes/s0001/v001/speech.wav"
    with store.writing(relative, PT) as temporary:
        write_wav(temporary, np.asarray(call[int(start * ASR_RATE) : int(end * ASR_RATE)]), ASR_RATE)
    store.save_record(Record("s0001", "k", Parts("speak", 2), files=(store.ref(relative, PT),)), PT)
    seen = sighting(name, "spk1", embedding(0))
    return replace(seen, folder=str(store.root), voices={f"{PT}/clones": "own"})


def test_a_clone_that_sounds_like_somebody_else_is_found(tmp_path: Path, shared: Shared) -> None:
    seen = [spoken(tmp_path, name, turn) for name, turn in (("aa", 0), ("bb", 2), ("cc", 3))]
    person = Person("pa", sightings={one.key: one for one in seen})
    settings = with_settings(Settings(), {"models.cache": str(shared.cache)})
    report = drift_report(open_session(settings, tmp_path / "Output"), {"pa": person})
    assert report.unheard == ()
    assert report.compared == 2
    (drift,) = report.drifts
    assert (drift.before, drift.after, drift.language) == ("bb", "cc", PT)
    assert "the dubbed voices are only 0." in drift.why
