"""Where the series of an episode is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.config import Settings, with_settings
from dubkit.episode.folders import OpenEpisode
from dubkit.episode.store import EpisodeStore
from dubkit.progress import Silent
from dubkit.series.place import SeriesMissing, find_series
from dubkit.series.reading import SeriesUnfit
from dubkit.studio import Request, context_of, dub, open_session
from dubkit.types import Translation
from stages.shared.series_words import wording_remarks


def test_the_nearest_series_above_the_source_counts(tmp_path: Path) -> None:
    season = tmp_path / "show" / "season1"
    season.mkdir(parents=True)
    (tmp_path / "show" / "series.toml").write_text("")
    found = find_series(season / "e01.mp4")
    assert found is not None
    assert (found.file, found.data) == (tmp_path / "show" / "series.toml", tmp_path / "show" / "series")
    (season / "series.toml").write_text("")
    nearer = find_series(season / "e01.mp4")
    assert nearer is not None
    assert nearer.root == season


def test_a_folder_called_series_toml_is_no_series(tmp_path: Path) -> None:
    (tmp_path / "series.toml").mkdir()
    assert find_series(tmp_path / "e01.mp4") is None


def test_a_named_series_counts_over_one_beside_the_source(tmp_path: Path) -> None:
    (tmp_path / "series.toml").write_text("")
    other = tmp_path / "other"
    other.mkdir()
    (other / "series.toml").write_text("")
    (other / "words.toml").write_text("")
    by_folder, by_file = (find_series(tmp_path / "e.mp4", other / name) for name in ("", "words.toml"))
    assert by_folder is not None
    assert by_folder.file == other / "series.toml"
    assert by_file is not None
    assert by_file.file == other / "words.toml"
    assert find_series(tmp_path / "e.mp4", Path("none")) is None


def test_a_named_series_that_is_not_there_is_an_error_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(SeriesMissing, match=r"nowhere.*no such file(?s:.)*--series none"):
        find_series(tmp_path / "e.mp4", tmp_path / "nowhere")
    with pytest.raises(SeriesMissing, match=r"no series\.toml in it"):
        find_series(tmp_path / "e.mp4", tmp_path)


def test_an_episode_knows_its_series(tmp_path: Path) -> None:
    (tmp_path / "series.toml").write_text("")
    opened = OpenEpisode(EpisodeStore(tmp_path / "ep"), tmp_path / "e.mp4", "0" * 64)
    session = open_session(Settings(), tmp_path)
    series = context_of(session, opened).series
    assert series is not None
    assert series.root == tmp_path
    without = open_session(with_settings(Settings(), {"series.file": "none"}), tmp_path)
    assert context_of(without, opened).series is None


def test_a_series_that_cannot_be_used_stops_a_run_and_hinders_no_reader(tmp_path: Path) -> None:
    (tmp_path / "series.toml").write_text("titel = 1")
    opened = OpenEpisode(EpisodeStore(tmp_path / "ep"), tmp_path / "e.mp4", "0" * 64)
    here = context_of(open_session(Settings(), tmp_path), opened).fresh("de")
    opened.store.write_json("translation.json", Translation("de", ()), "de")
    assert [one.code for one in wording_remarks(here)] == ["series-unfit"]
    source = tmp_path / "e.mp4"
    source.write_bytes(b"no film")
    with pytest.raises(SeriesUnfit, match="titel: there is no such key"):
        dub(open_session(Settings(), tmp_path / "out"), source, Request(languages=("de",)), Silent())


def test_a_named_series_that_is_gone_hinders_no_reader(tmp_path: Path) -> None:
    opened = OpenEpisode(EpisodeStore(tmp_path / "ep"), tmp_path / "e.mp4", "0" * 64)
    named = with_settings(Settings(), {"series.file": str(tmp_path / "gone/series.toml")})
    series = context_of(open_session(named, tmp_path), opened).series
    assert series is not None
    with pytest.raises(SeriesUnfit, match=r"gone/series\.toml cannot be read"):
        _ = series.words


def test_a_link_to_a_film_is_of_the_series_beside_the_film(tmp_path: Path) -> None:
    for name in ("links", "films"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "series.toml").write_text("")
    (tmp_path / "films/e01.mp4").write_bytes(b"x")
    (tmp_path / "links/e01.mp4").symlink_to(tmp_path / "films/e01.mp4")
    found = find_series(tmp_path / "links/e01.mp4")
    assert found is not None
    assert found.root == (tmp_path / "films").resolve()
