"""Decoding of clips whose sound was given: no decoder of sound is opened for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile as sf  # type: ignore[import-untyped]
import torch

from dubkit.chain.stage import Item
from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.models.store import ModelStore
from dubkit.types import (
    Clip,
    Clips,
    DubbedClip,
    Fit,
    Line,
    LineRoute,
    Route,
    Segment,
    Transcript,
    Translation,
)
from stages.decode import STAGE
from stages.shared.artifacts import given_wav

MODULE = sys.modules[STAGE.run.__module__]
FIT = Fit(64, 32, 3, 0, 57, 32)
CLIP = Clip("c0001", "shot001", 2, 9, 9, 3, 10, ("s0001",), "A prompt.", FIT)


class Opened:
    """A generator that notes which of its parts are opened."""

    def __init__(self) -> None:
        self.parts = SimpleNamespace(files="tiny")
        self.opened: list[str] = []

    @contextmanager
    def video_decoder(self) -> Iterator[str]:
        self.opened.append("picture")
        yield "decoder"

    @contextmanager
    def decoders(self) -> Iterator[str]:
        self.opened.append("picture and sound")
        yield "decoders"


class Takes:
    """Keeps the takes of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.values: list[DubbedClip] = []

    @contextmanager
    def take(self, item: str) -> Iterator[SimpleNamespace]:
        folder = self.folder / item
        folder.mkdir()
        take = SimpleNamespace(folder=folder, value=None)
        yield take
        self.values.append(take.value)


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: Route) -> tuple[Opened, Takes]:
    store, opened = EpisodeStore(tmp_path / "ep"), Opened()
    segment = Segment("s0001", 0.1, 0.4, "spk1", "Hello.")
    store.write_json("transcript.json", Transcript("en", 1.0, (segment,), "test"))
    store.write_json("translation.json", Translation("fr", (Line("s0001", "Salut."),)), "fr")
    store.write_json("clips.json", Clips("justdubit", (CLIP,), (LineRoute("s0001", route, ""),)), "fr")
    wav = store.path(given_wav("c0001"), "fr")
    wav.parent.mkdir(parents=True)
    sf.write(wav, np.linspace(-0.5, 0.5, 17_280), 48_000, subtype="PCM_24")
    frames = torch.full((9, 64, 128, 3), 40, dtype=torch.uint8)
    steps = "dubkit.engines.justdubit.steps"
    monkeypatch.setattr(MODULE, "open_generator", lambda *_: opened)
    monkeypatch.setattr(f"{steps}.decode_frames", lambda *_: iter([frames]))
    monkeypatch.setattr(f"{steps}.decode", lambda *_: (iter([frames]), torch.zeros(2, 8640), 24_000))
    context = Context(store, Settings(), tmp_path / "ep.mp4", "0" * 64, ModelStore(tmp_path / "m"), "fr")
    sink = Takes(tmp_path / "takes")
    sink.folder.mkdir()
    STAGE.run(context, [Item("c0001")], sink)  # type: ignore[arg-type]
    return opened, sink


def test_a_driven_clip_keeps_the_sound_it_was_made_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, sink = run(tmp_path, monkeypatch, "drive")
    assert opened.opened == ["picture"]
    (made,) = sink.values
    assert (made.frames, made.sample_rate, made.samples) == (7, 48_000, 17_280)
    given, _ = sf.read(tmp_path / "ep/fr" / given_wav("c0001"))
    assert np.array_equal(sf.read(sink.folder / "c0001/sound.wav")[0], given)


def test_a_clip_with_a_voice_of_its_own_is_decoded_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, sink = run(tmp_path, monkeypatch, "lipdub")
    assert opened.opened == ["picture and sound"]
    assert sink.values[0].sample_rate == 24_000
