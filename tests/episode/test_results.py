"""What an earlier run left never passes for a result of the last one."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.config import Settings, with_settings
from dubkit.episode.results import finished_dub
from dubkit.episode.store import EpisodeStore, Parts, Record
from dubkit.episode.subtitles import keep_source_subtitles, keep_target_subtitles
from tests.review.test_changes import make_episode

PT = "pt-BR"


@pytest.fixture
def store(tmp_path: Path) -> EpisodeStore:
    return EpisodeStore(tmp_path)


def keep(store: EpisodeStore, stage: str, *names: str, item: str = "episode", error: str = "") -> None:
    """Write the files of an item that are not there yet, and its record."""
    for name in names:
        if not store.has(name, PT):
            store.write_bytes(name, name.encode(), PT)
    refs = tuple(store.ref(name, PT) for name in names)
    store.save_record(Record(item, "", Parts(stage, 1), refs, error=error), PT)


def names(store: EpisodeStore) -> set[str]:
    folder = store.path("", PT)
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_file_that_an_item_has_no_more_goes(store: EpisodeStore) -> None:
    keep(store, "stitch", "dub.mkv")
    keep(store, "stitch", "dub.mp4")
    assert names(store) == {"dub.mp4"}
    assert finished_dub(store, PT) == store.path("dub.mp4", PT)


def test_a_file_that_a_person_changed_is_kept_under_another_name(store: EpisodeStore) -> None:
    keep(store, "stitch", "dub.mkv")
    store.path("dub.mkv", PT).write_bytes(b"with my own titles")
    keep(store, "stitch", "dub.mp4")
    (kept,) = names(store) - {"dub.mp4"}
    assert kept.startswith("dub.hand-")
    assert store.path(kept, PT).read_bytes() == b"with my own titles"
    assert finished_dub(store, PT) == store.path("dub.mp4", PT)


def test_a_file_that_another_item_has_now_stays(store: EpisodeStore) -> None:
    keep(store, "stitch", "dub.mp4", "ep.srt")
    keep(store, "subtitles", "ep.srt")
    keep(store, "stitch", "dub.mp4")
    assert names(store) == {"dub.mp4", "ep.srt"}


def test_takes_stay(store: EpisodeStore) -> None:
    keep(store, "speak", "takes/s0001/v001/speech.wav", item="s0001")
    keep(store, "speak", "takes/s0001/v002/speech.wav", item="s0001")
    store.forget("speak", "s0001", PT)
    assert names(store) == {"takes/s0001/v001/speech.wav", "takes/s0001/v002/speech.wav"}


def test_a_failed_dub_is_none_and_its_file_goes_when_the_next_one_has_another_name(
    store: EpisodeStore,
) -> None:
    keep(store, "stitch", "dub.mkv")
    keep(store, "stitch", error="no room")
    assert finished_dub(store, PT) is None
    keep(store, "stitch", "dub.mp4")
    assert names(store) == {"dub.mp4"}


def test_two_dubs_without_a_record_are_none(store: EpisodeStore) -> None:
    store.write_bytes("dub.mp4", b"1", PT)
    assert finished_dub(store, PT) == store.path("dub.mp4", PT)
    store.write_bytes("dub.mkv", b"2", PT)
    assert finished_dub(store, PT) is None


@pytest.mark.parametrize("choice", ["srt", "vtt"])
def test_subtitles_of_a_format_no_longer_asked_for_go(tmp_path: Path, choice: str) -> None:
    context = make_episode(tmp_path)
    both = {*keep_source_subtitles(context), *keep_target_subtitles(context)}
    context.settings = with_settings(Settings(), {"stitch.subs_format": choice})
    now = {*keep_source_subtitles(context), *keep_target_subtitles(context)}
    files = {path.name for path in context.store.root.rglob("ep.*") if path.is_file()}
    assert files == now
    assert len(both) == 4
    assert len(now) == 2
