"""A film with several dubs: its pictures, where those of some languages were generated, and its sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from dubkit.media.delivery.plan import FurtherDub, StitchInputs
from dubkit.media.delivery.settings import Stitch
from dubkit.media.delivery.stitch import stitch
from dubkit.media.files.probe import probe
from dubkit.media.sound.audio import write_wav
from dubkit.types import SAMPLE_RATE, Episode
from tests.support.clips import write_film

FRAMES = 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source, two pictures that could be made for its dubs, and the sound of three dubs."""
    folder = tmp_path_factory.mktemp("films")
    for name, size in (("source", (72, 128)), ("first", (72, 128)), ("second", (72, 128))):
        write_film(folder / f"{name}.mp4", FRAMES, size=size, sound=name == "source")
    return folder


def inputs_of(folder: Path, *, picture: Path | None, further: tuple[FurtherDub, ...]) -> StitchInputs:
    episode = episode_of(folder)
    for name, pitch in (("pt", 200), ("es", 300), ("fr", 400)):
        at = np.arange(episode.samples) / SAMPLE_RATE
        write_wav(folder / f"{name}.wav", 0.2 * np.sin(2 * np.pi * pitch * at)[:, None], SAMPLE_RATE)
    return StitchInputs(
        source=folder / "source.mp4",
        episode=episode,
        dub_audio=folder / "pt.wav",
        language="pt-BR",
        source_language="en",
        settings=Stitch(container="mkv"),
        picture=picture,
        further=further,
    )


def episode_of(folder: Path) -> Episode:
    return probe(folder / "source.mp4")


def pictures(file: Path) -> list[tuple[str, str, bool, Fraction]]:
    with av.open(str(file)) as film:
        return [
            (
                stream.metadata.get("language", ""),
                stream.metadata.get("title", ""),
                bool(stream.disposition & av.stream.Disposition.default),
                Fraction(stream.start_time or 0) * stream.time_base,
            )
            for stream in film.streams.video
        ]


def packets(file: Path, kind: str, number: int) -> list[bytes]:
    with av.open(str(file)) as film:
        streams: Any = getattr(film.streams, kind)
        return [bytes(packet) for packet in film.demux(streams[number]) if packet.size]


def test_each_generated_picture_is_a_track_and_the_sources_own_comes_last(folder: Path) -> None:
    further = (
        FurtherDub("es", folder / "es.wav"),
        FurtherDub("fr", folder / "fr.wav", folder / "second.mp4"),
    )
    out = folder / "all.mkv"
    stitch(inputs_of(folder, picture=folder / "first.mp4", further=further), out, "mkv")
    found = pictures(out)
    assert [default for *_, default, _ in found] == [True, False, False]
    assert [title for _, title, *_ in found[1:]] == ["Français \N{EN DASH} dubkit dub", "Original"]
    assert found[1][0] == "fre" or found[1][0] == "fra"
    assert len({start for *_, start in found}) == 1
    assert len(packets(out, "video", 1)) == FRAMES
    assert packets(out, "video", 2) == packets(folder / "source.mp4", "video", 0)


def test_where_no_picture_was_generated_there_is_one(folder: Path) -> None:
    out = folder / "plain.mkv"
    further = (FurtherDub("es", folder / "es.wav"),)
    stitch(inputs_of(folder, picture=None, further=further), out, "mkv")
    assert len(pictures(out)) == 1
    assert packets(out, "video", 0) == packets(folder / "source.mp4", "video", 0)


def test_each_dub_is_coded_as_if_it_were_alone_and_begins_with_the_others(folder: Path) -> None:
    together, alone = folder / "together.mkv", folder / "alone.mkv"
    inputs = inputs_of(folder, picture=None, further=(FurtherDub("es", folder / "es.wav"),))
    stitch(inputs, together, "mkv")
    spanish = inputs_of(folder, picture=None, further=())
    stitch(
        StitchInputs(
            source=spanish.source,
            episode=spanish.episode,
            dub_audio=folder / "es.wav",
            language="es",
            settings=spanish.settings,
        ),
        alone,
        "mkv",
    )
    assert packets(together, "audio", 1) == packets(alone, "audio", 0)
    with av.open(str(together)) as film:
        starts = {stream.index: stream.start_time for stream in film.streams.audio}
    assert starts[1] == starts[2]
