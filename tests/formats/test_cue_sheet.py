"""Cue sheets: timecodes that name the right frame, every cue once, and texts that stay as they are."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from dubkit.episode.cue_sheet import sheet_rows
from dubkit.episode.export import export
from dubkit.episode.recordings import named_line
from dubkit.errors import DubkitError
from dubkit.formats.timecode import frame_at, timecode
from dubkit.types import Line, Translation
from tests.review.test_changes import PT, make_episode

NTSC, FILM, PAL = Fraction(30000, 1001), Fraction(24000, 1001), Fraction(25)


@pytest.mark.parametrize(
    ("frame", "rate", "said"),
    [
        (0, NTSC, "00:00:00;00"),
        (1799, NTSC, "00:00:59;29"),
        (1800, NTSC, "00:01:00;02"),
        (17981, NTSC, "00:09:59;29"),
        (17982, NTSC, "00:10:00;00"),
        (107892, NTSC, "01:00:00;00"),
        (3600, Fraction(60000, 1001), "00:01:00;04"),
        (1440, FILM, "00:01:00:00"),
        (90000, PAL, "01:00:00:00"),
    ],
)
def test_drop_frame_keeps_the_clock_where_it_applies(frame: int, rate: Fraction, said: str) -> None:
    assert timecode(frame, rate) == said


@pytest.mark.parametrize("rate", [NTSC, Fraction(60000, 1001)])
def test_no_two_frames_of_an_hour_have_one_timecode(rate: Fraction) -> None:
    count = round(3600 * rate)
    assert len({timecode(frame, rate) for frame in range(count)}) == count


def frames_of(path: Path) -> list[Fraction]:
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        return [frame.pts * stream.time_base for frame in container.decode(stream) if frame.pts is not None]


@pytest.mark.parametrize("rate", [FILM, NTSC, PAL])
def test_the_frame_of_a_cue_is_the_one_that_a_player_shows(tmp_path: Path, rate: Fraction) -> None:
    import av
    import numpy as np

    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height = 32, 32
        for _ in range(90):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    times = frames_of(path)
    for number, (begin, end) in enumerate(pairwise(times)):
        for moment in (
            begin,
            (begin + end) / 2,
            begin + Fraction(98, 100) * (end - begin) - Fraction(1, 1000),
        ):
            assert frame_at(round(float(moment), 3), rate) == number


def test_a_sheet_has_every_cue_with_the_file_to_record_to(tmp_path: Path) -> None:
    context = make_episode(tmp_path)
    table = list(csv.DictReader(io.StringIO(export(context, PT, "cue-sheet").decode("utf-8-sig"))))
    assert [row["line"] for row in table] == ["s0001", "s0002", "s0003"]
    first = table[0]
    assert (first["in"], first["out"], first["seconds"]) == ("00:00:01:00", "00:00:03:00", "2.00")
    assert (first["character"], first["text"], first["source"]) == ("Ana", "Bom dia.", "Good morning.")
    ids = {row["line"]: row["line"] for row in table}
    assert [named_line(Path(row["file"]).stem, ids) for row in table] == list(ids)


def test_a_sheet_of_one_speaker_has_the_others_left_out(tmp_path: Path) -> None:
    context = make_episode(tmp_path)
    assert [row.line for row in sheet_rows(context, "bo")] == ["s0002"]
    with pytest.raises(DubkitError, match="no speaker Zoe; there are Ana, Bo"):
        sheet_rows(context, "Zoe")
    with pytest.raises(DubkitError, match="Add --lang"):
        export(context, "", "cue-sheet")


def test_the_page_shows_texts_as_they_are_and_each_in_its_direction(tmp_path: Path) -> None:
    context = make_episode(tmp_path)
    lines = (Line("s0001", "مرحبا <b>بك</b>"), Line("s0002", "=1+1"))
    context.store.write_json("translation.json", Translation(PT, lines), PT)
    page = export(context.fresh(), PT, "cue-sheet-html").decode()
    assert '<div class="text" dir="auto" lang="pt-BR">مرحبا &lt;b&gt;بك&lt;/b&gt;</div>' in page
    assert "<b>" not in page
    assert "'=1+1" in export(context.fresh(), PT, "cue-sheet").decode("utf-8-sig")


def test_the_name_of_a_speaker_cannot_leave_the_folder(tmp_path: Path) -> None:
    context = make_episode(tmp_path)
    speaker = replace(context.cast.speakers[0], name="../../Ana: “A/B”")
    context.store.write_json("cast.json", replace(context.cast, speakers=(speaker,)), PT)
    assert sheet_rows(context.fresh())[0].file == "s0001_Ana-A-B.wav"
