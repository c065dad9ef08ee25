"""Chunks of a film: borders in pauses, fragments that join, a playlist that grows."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from dubkit.errors import MediaError
from dubkit.media.files.ffmpeg import ffmpeg_exe
from dubkit.media.playout.borders import (
    BLOCK,
    PictureIndex,
    choose_borders,
    cut_chunks,
    picture_hindrance,
    read_keys,
    source_zero,
)
from dubkit.media.playout.fragments import picture_source, write_fragment
from dubkit.media.playout.playlist import write_playlist
from dubkit.types import SAMPLE_RATE
from dubkit.types.playout import ChunkPlan, PlannedChunk, PlayableChunk, PlayoutManifest

SECONDS = 9
SAMPLES = SECONDS * SAMPLE_RATE


@pytest.fixture(scope="module", params=["0", "3"], ids=["no-b-frames", "b-frames"])
def film(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A picture with a key frame every two seconds."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    picture = ("-f", "lavfi", "-i", f"testsrc=s=64x48:r=25:d={SECONDS}")
    coding = ("-c:v", "libx264", "-g", "50", "-bf", request.param, "-sc_threshold", "0")
    sound = ("-f", "lavfi", "-i", f"sine=d={SECONDS}", "-v", "error", "-y")
    subprocess.run([ffmpeg_exe()[0], *picture, *sound, *coding, str(path)], check=True)
    return path


def tone() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Sound that goes on without a jump, past the end of the film."""
    at = np.arange(SAMPLES + SAMPLE_RATE) / SAMPLE_RATE
    return np.stack([0.4 * np.sin(2 * np.pi * 440 * at), 0.3 * np.sin(2 * np.pi * 330 * at)], axis=1)


def chunks_of(film: Path, wished: float = 3.0) -> tuple[PlannedChunk, ...]:
    index = read_keys(film, 0)
    borders = choose_borders(SECONDS, wished, [], [float(key.seconds) for key in index.keys])
    return cut_chunks(SAMPLES, borders, [], index)


@cache
def fragments(film: Path) -> tuple[bytes, list[bytes]]:
    picture, sound = picture_source(film, 0, source_zero(film, 0)), tone()
    heads, bodies = set(), []
    for chunk in chunks_of(film):
        before = min(20, chunk.start_block)
        samples = sound[(chunk.start_block - before) * BLOCK : (chunk.end_block + 20) * BLOCK]
        head, body = write_fragment(chunk, samples, before, picture)
        heads.add(head)
        bodies.append(body)
    assert len(heads) == 1, "every chunk has the same head"
    return heads.pop(), bodies


def packets(raw: bytes | Path) -> list[bytes]:
    with av.open(io.BytesIO(raw) if isinstance(raw, bytes) else str(raw)) as container:
        return [bytes(p) for p in container.demux(video=0) if p.size]


def test_chunks_open_alone_and_last_as_long_as_the_whole(film: Path) -> None:
    head, bodies = fragments(film)
    plan = chunks_of(film)
    assert len(bodies) == len(plan) == 3
    seconds = Fraction(0)
    for chunk, body in zip(plan, bodies, strict=True):
        with av.open(io.BytesIO(head + body)) as container:
            shown = [frame.pts * frame.time_base for frame in container.decode(video=0)]
        assert [b - a for a, b in pairwise(shown)] == [Fraction(1, 25)] * (len(shown) - 1)
        assert shown[0] == 1 + Fraction(chunk.start), "times count from a second before the episode's zero"
        seconds += Fraction(len(shown), 25)
    assert seconds == SECONDS == sum(chunk.seconds for chunk in plan)


def test_joined_chunks_are_the_sources_picture_packet_for_packet(film: Path) -> None:
    head, bodies = fragments(film)
    assert packets(head + b"".join(bodies)) == packets(film)


def test_sound_goes_on_over_the_borders(film: Path) -> None:
    head, bodies = fragments(film)
    with av.open(io.BytesIO(head + b"".join(bodies))) as container:
        heard = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    wrong = np.abs(heard[0, :SAMPLES] - tone()[:SAMPLES, 0])
    for chunk in chunks_of(film)[1:]:
        at = chunk.start_block * BLOCK
        assert wrong[at - 2048 : at + 2048].max() < 0.02, "a jump would be as large as the tone"


def test_the_same_input_gives_the_same_bytes(film: Path) -> None:
    assert fragments(film) == fragments.__wrapped__(film)


@pytest.mark.parametrize("suffix", ["ts", "mkv"])
def test_key_frames_are_read_again_where_seeking_is_not_exact(film: Path, suffix: str) -> None:
    other = film.with_suffix(f".{suffix}")
    copy = (ffmpeg_exe()[0], "-i", str(film), "-c", "copy", "-v", "error", "-y", str(other))
    subprocess.run(copy, check=True)
    head, bodies = fragments(other)
    with av.open(io.BytesIO(head + b"".join(bodies))) as container:
        assert sum(1 for _ in container.decode(video=0)) == 25 * SECONDS


def test_a_picture_that_ends_early_is_not_shortened_without_a_word(film: Path) -> None:
    chunk = replace(chunks_of(film)[-1], end_packet=25 * SECONDS + 5)
    picture = picture_source(film, 0, source_zero(film, 0))
    more = replace(picture, shown=(*picture.shown, *range(5)), decoded=(*picture.decoded, *range(5)))
    with pytest.raises(MediaError, match="cannot be read again"):
        write_fragment(chunk, tone()[: 100 * BLOCK], 0, more)


def test_sound_alone_makes_chunks_too() -> None:
    chunk = PlannedChunk(1, 0.0, 2.0, 0, 94, 0, 0)
    head, body = write_fragment(chunk, tone()[: 100 * BLOCK], 0, None)
    with av.open(io.BytesIO(head + body)) as container:
        assert [stream.type for stream in container.streams] == ["audio"]
        assert sum(p.size > 0 for p in container.demux()) == 94


@pytest.mark.parametrize(("codec", "copied"), [("h264", True), ("hevc", True), ("mpeg2video", False)])
def test_pictures_that_players_do_not_take_are_named(film: Path, codec: str, copied: bool) -> None:
    from dubkit.types import VideoStream

    video = VideoStream(0, codec, 64, 48, Fraction(25), 225, Fraction(0), Fraction(9))
    assert (picture_hindrance(video, codec) == "") is copied
    assert "edit list" in picture_hindrance(replace(video, hidden=3), "h264")


# --- borders ----------------------------------------------------------------------------------


spans = some.lists(
    some.tuples(some.floats(0, 290), some.floats(0.2, 12)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    max_size=60,
)
key_times = some.one_of(some.none(), some.lists(some.floats(0, 300), max_size=150).map(sorted))


@settings(max_examples=150, deadline=None)
@given(spans, key_times, some.floats(2, 60))
def test_no_border_lies_inside_a_line(
    lines: list[tuple[float, float]], keys: list[float] | None, wished: float
) -> None:
    borders = choose_borders(300.0, wished, lines, keys)
    assert borders == sorted(set(borders))
    for border in borders:
        assert 0 < border < 300
        assert not any(start < border < end for start, end in lines), border
        assert keys is None or border in keys
    chunks = cut_chunks(300 * SAMPLE_RATE, borders, [(str(n), span) for n, span in enumerate(lines)])
    assert chunks[0].start == 0
    assert chunks[-1].end == 300
    assert all(
        one.end == other.start and one.end_block == other.start_block for one, other in pairwise(chunks)
    )
    held = [name for chunk in chunks for name in chunk.lines]
    assert sorted(held) == sorted(str(number) for number in range(len(lines)))
    for chunk in chunks:
        for name in chunk.lines:
            assert chunk.start <= lines[int(name)][0]
            assert min(lines[int(name)][1], 300) <= chunk.end


def test_a_line_that_moves_leaves_borders_elsewhere() -> None:
    lines = [(4.0 * n, 4.0 * n + 3.0) for n in range(60)]
    moved = [*lines[:20], (80.0, 83.9), *lines[21:]]
    before, after = (choose_borders(240.0, 20.0, one, None) for one in (lines, moved))
    assert [border for border in before if abs(border - 82) > 10] == [b for b in after if abs(b - 82) > 10]


def test_a_late_picture_and_an_empty_one_make_chunks() -> None:
    assert [chunk.start for chunk in cut_chunks(SAMPLES, [], [])] == [0.0]
    assert cut_chunks(SAMPLES, [], [], PictureIndex((), 0))[0].end_packet == 0


# --- playlist ---------------------------------------------------------------------------------


def listed(*states: str) -> Iterator[str]:
    chunks = tuple(PlannedChunk(n + 1, 20.0 * n, 20.0 * n + 20, 0, 0, 0, 0) for n in range(len(states)))
    told = tuple(
        PlayableChunk(c.number, c.start, c.end, s, "", ()) for c, s in zip(chunks, states, strict=True)
    )  # type: ignore[arg-type]
    manifest = PlayoutManifest("fr", 60.0, False, True, 20.0, "", "", "", told)
    yield from write_playlist(ChunkPlan("fr", 20.0, True, chunks), manifest).decode().splitlines()


def test_a_playlist_only_grows_and_ends_with_the_last_chunk() -> None:
    stages = [
        list(listed("waiting", "waiting", "waiting")),
        list(listed("ready", "waiting", "ready")),
        list(listed("ready", "outdated", "waiting")),
        list(listed("ready", "ready", "ready")),
    ]
    for earlier, later in pairwise(stages):
        assert later[: len(earlier)] == earlier
    assert stages[-1][-1] == "#EXT-X-ENDLIST"
    assert "chunk_003.m4s" not in stages[1]


def test_a_chunk_that_failed_is_a_gap() -> None:
    lines = list(listed("ready", "failed", "ready"))
    assert lines[lines.index("chunk_002.m4s") - 2] == "#EXT-X-GAP"
    assert lines[-1] == "#EXT-X-ENDLIST"
