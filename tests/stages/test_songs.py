"""Lines that are sung, or lie in a passage to be kept, keep the source's sound; a person can change it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.config import with_settings
from dubkit.dubbing.planning.routes import route_lines
from dubkit.episode.context import Context
from dubkit.errors import SettingError
from dubkit.speech.captions.sounds import is_song
from dubkit.speech.settings import passages
from dubkit.types import Line, Route, Transcript
from dubkit.types.music import Music, SoundSpan
from stages import STAGES
from stages.shared import songs
from stages.shared.songs import kept_lines
from tests.review.test_changes import PT, make_episode, segments

FIRST = segments()[0]


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setattr(songs, "hindrance", lambda: "")
    return make_episode(tmp_path)


def heard(context: Context, *spans: SoundSpan) -> Context:
    context.store.write_json("music.json", Music(spans, "test"))
    return context.fresh(PT)


def singing(share: float) -> SoundSpan:
    return SoundSpan(FIRST.start, FIRST.start + share * (FIRST.end - FIRST.start), "singing")


def test_a_line_that_is_sung_is_kept_and_says_how_much(context: Context) -> None:
    assert kept_lines(heard(context, singing(0.8))) == {FIRST.id: "sung: 80 % of the line is singing"}


def test_music_under_speech_and_a_little_singing_keep_nothing(context: Context) -> None:
    assert kept_lines(heard(context, singing(0.4), SoundSpan(0.0, 99.0, "music"))) == {}


def test_nothing_is_kept_where_marks_are_off_or_nothing_can_mark(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = heard(context, singing(1.0))
    off = replace(here, settings=with_settings(here.settings, {"music.marks": "off"}))
    assert kept_lines(off) == {}
    monkeypatch.setattr(songs, "hindrance", lambda: "not here")
    assert kept_lines(here) == {}


def test_a_passage_that_a_person_names_is_kept(context: Context) -> None:
    end = f"{FIRST.end + 0.01:.2f}"
    here = replace(context, settings=with_settings(context.settings, {"music.keep": f"0-{end}"}))
    (reason,) = [why for line, why in kept_lines(here).items() if line == FIRST.id]
    assert reason.startswith("in the passage 0:00 to")


def test_a_line_whose_text_is_a_song_is_kept(context: Context) -> None:
    sung = replace(FIRST, text="♪ We are the champions ♪")
    context.store.write_json("transcript.json", Transcript("en", 1.0, (sung, *segments()[1:]), "test"))
    assert kept_lines(context.fresh(PT)) == {FIRST.id: "sung: the text is marked as a song"}


@pytest.mark.parametrize(
    ("text", "song"),
    [
        ("♪ We are the champions ♪", True),
        ("♪", True),
        ("# We are the champions #", True),
        ("[singing]", True),
        ("[man sings in French] la la", True),
        ("We are the champions", False),
        ("He sang ♪ la la ♪ to her", False),
        ("#1 in the charts", False),
        ("[laughs] No.", False),
        ("", False),
    ],
)
def test_a_song_is_known_by_its_text(text: str, song: bool) -> None:
    assert is_song(text) is song


@pytest.mark.parametrize(
    ("chosen", "route", "reason"),
    [(None, "keep", "sung"), ("voice", "voice", "edited"), ("keep", "keep", "edited")],
)
def test_a_person_has_the_last_word(chosen: Route | None, route: Route, reason: str) -> None:
    overrides = {FIRST.id: chosen} if chosen else {}
    (found,) = route_lines([Line(FIRST.id, "Olá.")], [FIRST], None, False, overrides, {FIRST.id: "sung"})
    assert (found.route, found.reason) == (route, reason)


def test_what_is_kept_enters_the_key_of_the_routes_only_where_something_is(context: Context) -> None:
    clips = STAGES.records["clips"]
    (before,) = clips.items(context.fresh(PT))
    (quiet,) = clips.items(heard(context, SoundSpan(0.0, 99.0, "music")))
    (sung,) = clips.items(heard(context, singing(1.0)))
    assert before.inputs == quiet.inputs
    assert sung.inputs.keys() - before.inputs.keys() == {"kept passages"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("0:00-1:30", ((0.0, 90.0),)),
        ("1:02:03.5 - 1:02:04, 5-6", ((3723.5, 3724.0), (5.0, 6.0))),
        ("5\u20136,", ((5.0, 6.0),)),
    ],
)
def test_passages_are_read(text: str, found: tuple[tuple[float, float], ...]) -> None:
    assert passages(text) == found


@pytest.mark.parametrize("text", ["opening", "1:30", "2-1", "1-1", "0:00-1:30;2-3", "-5-3"])
def test_what_is_no_passage_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match=r"music\.keep"):
        passages(text)
