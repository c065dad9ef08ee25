"""What a series learns from the corrections that people make again and again."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

from dubkit.cli.review import command as review
from dubkit.cli.series import command as series
from dubkit.episode.folders import OpenEpisode, remember_source
from dubkit.episode.store import EpisodeStore, file_digest
from dubkit.series.corrections import EditedLine, corrections, suggestions
from dubkit.series.learning import SuggestionUnfit, accept
from dubkit.series.place import find_series
from dubkit.series.reading import parse_words, read_words
from dubkit.types import Episode, Line, Segment, Transcript, Translation
from tests.stages.test_scheduling import PICTURE, SOUND

NOTHING = parse_words("", "series.toml")


def edited(
    n: int, before: str, after: str, source: str = "The Warden said it.", episode: str = "e01"
) -> EditedLine:
    return EditedLine(episode, f"s{n:04d}", "pt-BR", "en", source, before, after)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("O diretor saiu.", "O guardião saiu.", [("diretor", "guardião")]),
        ("O diretor geral saiu.", "O Guarda-mor saiu.", [("diretor geral", "Guarda-mor")]),
        ("Ele saiu.", "ele saiu!", []),
        ("Ele saiu.", "Ele não saiu.", []),  # nothing stands in the place of something
        ("Um dois três quatro.", "Cinco seis sete oito.", []),  # another sentence, not another word
        ("", "Sim.", []),
    ],
)
def test_a_correction_is_some_words_for_some_others(
    before: str, after: str, found: list[tuple[str, str]]
) -> None:
    assert list(corrections(edited(1, before, after))) == found


def test_three_lines_make_a_suggestion_and_two_do_not() -> None:
    lines = [
        edited(1, "O diretor saiu.", "O guardião saiu."),
        edited(2, "Diretor!", "Guardião!", "Warden!"),
        edited(2, "Vi o diretor.", "Vi o guardião.", "I saw the Warden there.", "e02"),
    ]
    assert suggestions(lines[:2], NOTHING) == []
    (one,) = suggestions(lines, NOTHING)
    assert (one.wrong, one.right, one.source) == ("diretor", "guardião", "Warden")
    assert one.lines == (("e01", "s0001"), ("e01", "s0002"), ("e02", "s0002"))
    assert suggestions(lines, NOTHING, [one.id]) == []
    assert suggestions(list(reversed(lines)), NOTHING)[0].id == one.id


def test_one_line_that_says_it_three_times_is_one_line() -> None:
    line = edited(1, "Diretor, diretor, diretor!", "Guardião, guardião, guardião!")
    assert suggestions([line, line, line], NOTHING) == []


def test_what_the_series_has_is_not_suggested() -> None:
    known = '[[terms]]\nsource = "Warden"\napproved.pt = ["Guardião"]\nforbidden.pt = ["diretor"]\n'
    lines = [edited(n, "O diretor saiu.", "O guardião saiu.") for n in range(3)]
    assert suggestions(lines, parse_words(known, "series.toml")) == []
    assert len(suggestions(lines, NOTHING)) == 1


TEXTS = (("The Warden left.", "O diretor saiu."), ("Call the Warden!", "Chame o diretor!"))


@pytest.fixture
def season(tmp_path: Path) -> Path:
    """Two episodes of a series, and one that belongs to none, of two lines each."""
    for place, name in (("season", "e01"), ("season", "e02"), ("elsewhere", "e03")):
        folder = tmp_path / place
        folder.mkdir(exist_ok=True)
        source = folder / f"{name}.mp4"
        source.write_bytes(name.encode() * 1000)
        store = EpisodeStore(tmp_path / "Output" / name)
        segments = tuple(
            Segment(f"s000{n}", float(n), n + 0.9, "spk1", s) for n, (s, _) in enumerate(TEXTS, 1)
        )
        episode = Episode(name, "0" * 64, "mp4", Fraction(20), PICTURE, (SOUND,), (), 1, 2, 960_000)
        store.write_json("episode.json", episode)
        store.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
        lines = tuple(Line(f"s000{n}", text, provider="nmt:x") for n, (_, text) in enumerate(TEXTS, 1))
        store.write_json("translation.json", Translation("pt-BR", lines), "pt-BR")
        remember_source(OpenEpisode(store, source, file_digest(source)))
    (tmp_path / "season/series.toml").write_text("# Ours.\ntitle = 'Season'\n", "utf-8")
    return tmp_path


def call(group: object, *words: object, code: int = 0) -> str:
    done = CliRunner().invoke(group, [str(word) for word in words])  # type: ignore[arg-type]
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


def correct(season: Path, name: str, line: int, text: str) -> str:
    return call(review, "edit", name, line, "--text", text, "--output", season / "Output")


def test_the_third_correction_is_offered_and_becomes_an_entry(season: Path) -> None:
    place, output = season / "season", ("--output", season / "Output")
    correct(season, "e01", 1, "O guardião saiu.")
    correct(season, "e03", 1, "O guardião saiu.")  # of no series
    assert "Made in" not in correct(season, "e01", 2, "Chame o guardião!")
    assert "No correction" in call(series, "suggestions", place, *output)
    said = correct(season, "e02", 1, "O guardião saiu.")
    assert "Made in 3 lines: “diretor” → “guardião”. For the series: dubkit series accept " in said
    (one,) = json.loads(call(series, "suggestions", place, *output, "--json"))
    assert one["source"] == "Warden"
    assert f"accept {one['id']}" in said
    call(series, "accept", one["id"], place, *output)
    text = (place / "series.toml").read_text("utf-8")
    assert text.startswith("# Ours.\ntitle")
    (term,) = read_words(place / "series.toml").terms
    assert (term.source, term.approved["pt-BR"], term.forbidden["pt-BR"]) == (
        "Warden",
        ("guardião",),
        ("diretor",),
    )
    assert "No correction" in call(series, "suggestions", place, *output)


def test_what_was_refused_does_not_come_back(season: Path) -> None:
    place, output = season / "season", ("--output", season / "Output")
    for name, line, text in (
        ("e01", 1, "O guardião saiu."),
        ("e01", 2, "Chame o guardião!"),
        ("e02", 1, "O guardião saiu."),
    ):
        correct(season, name, line, text)
    (one,) = json.loads(call(series, "suggestions", place, *output, "--json"))
    call(series, "refuse", one["id"], place, *output)
    assert "No correction" in call(series, "suggestions", place, *output)
    assert "Made in" not in correct(season, "e02", 2, "Chame o guardião!")
    assert json.loads((place / "series/refused.json").read_text("utf-8")) == {one["id"]: "diretor → guardião"}
    call(series, "refuse", "00000000", place, *output, code=1)


def test_an_entry_that_would_contradict_another_one_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "series.toml"
    file.write_text('[[terms]]\nsource = "warden"\napproved.pt = ["Zelador"]\n', "utf-8")
    found, before = find_series(tmp_path / "e.mp4"), file.read_bytes()
    assert found is not None
    (one,) = suggestions([edited(n, "O diretor saiu.", "O guardião saiu.") for n in range(3)], NOTHING)
    with pytest.raises(SuggestionUnfit, match="Add “guardião” to approved"):
        accept(found, one)
    (other,) = suggestions([edited(n, "Ele.", "Ela.", "Ok.") for n in range(3)], NOTHING)
    with pytest.raises(SuggestionUnfit, match="--source WORD"):
        accept(found, other)
    assert file.read_bytes() == before
