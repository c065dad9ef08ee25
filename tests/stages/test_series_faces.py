"""The face of a person is kept where it was seen to speak."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dubkit.config import Settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.media.files.probe import probe
from dubkit.models.store import ModelStore
from dubkit.series.people.matching import Match, Recalled
from dubkit.series.place import Series
from dubkit.types import FaceBox, Faces, Segment, SpeakingFace, Transcript
from stages.shared.people.enrolling import enrol
from stages.shared.people.faces import write_faces
from stages.shared.people.memory import ARTIFACT, open_book
from tests.support.paths import SAMPLE
from tests.support.series_people import embedding, heard


class Written:
    """Writes files into an episode's folder, as a sink does."""

    def __init__(self, store: EpisodeStore) -> None:
        self.store = store

    @contextmanager
    def write(self, relative: str) -> Iterator[Path]:
        with self.store.writing(relative) as temporary:
            yield temporary


def test_the_largest_view_of_who_speaks_is_kept_with_the_person(tmp_path: Path) -> None:
    import cv2

    store = EpisodeStore(tmp_path / "Output/ep")
    episode = probe(SAMPLE)
    segments = (Segment("s0001", 1, 3, "spk1", "Hi."), Segment("s0002", 4, 5, "spk2", "Off screen."))
    store.write_json("episode.json", episode)
    store.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
    boxes = (FaceBox(20, 100, 100, 40, 40), FaceBox(40, 100, 100, 80, 100), FaceBox(50, 0, 0, 30, 30))
    store.write_json("faces.json", Faces("test", (SpeakingFace("s0001", 1.0, 1.0, boxes),)))
    matches = tuple(
        Match(heard(name, embedding(0)), "new", f"p{name}", name.title()) for name in ("spk1", "spk2")
    )
    context: Any = Context(store, Settings(), SAMPLE, "a" * 64, ModelStore(tmp_path / "models"))
    context = replace(context, series=Series(tmp_path / "series.toml"))
    faces = write_faces(context, Written(store))  # type: ignore[arg-type]
    assert list(faces) == ["spk1"]
    store.write_json(ARTIFACT, Recalled("e 1", matches, {}, faces))
    enrol(context)
    people = open_book(context).people()
    (seen,) = people["pspk1"].sightings.values()
    picture = cv2.imread(str(open_book(context).file("pspk1", seen.face)))
    assert picture is not None
    # The face and half its height around it, which is cut at no edge here.
    assert picture.shape[:2] == pytest.approx((200, 180), abs=1)
    assert people["pspk2"].files == frozenset()
