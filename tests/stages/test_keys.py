"""With everything off, keys are those of before lines were fitted: episodes of then are not made anew."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dubkit.chain.plan import find_todo
from dubkit.config import with_settings
from dubkit.episode.context import Context
from dubkit.episode.store import Parts, Record
from dubkit.models.store import ModelStore
from dubkit.speech.pitch import estimator
from dubkit.studio import chain
from dubkit.types import (
    DubbedSpan,
    MixReport,
    Prompt,
    Prompts,
    Recognised,
    Shot,
    Shots,
    SpokenLine,
    Word,
)
from dubkit.types.models import ResolvedModel
from tests.review.test_changes import PT, make_episode, segments
from tests.support.paths import ROOT

OFF = {
    "timing.fit": False,
    "timing.schedule": "off",
    "engine": "voice",
    "transcribe.language": "en",
    "music.marks": "off",
    "cast.ages": "off",
}
RECORDED = ROOT / "tests/data/keys_before_fitting.json"
"""Made by `parts_of` with the last version before lines were fitted."""


class Fixed(ModelStore):
    """A store that has every model but those fetched on request, each with an identity of its own."""

    def find(self, role: str, name: str = "") -> ResolvedModel | None:
        if any(spec.on_request for spec in self.of_role(role)):
            return None
        wanted = role if name in ("", "auto") else name
        return ResolvedModel(role, wanted, "cache", self.cache, f"{wanted}-0", "MIT", 1)


def episode(folder: Path) -> Context:
    """Return an episode of four lines whose every artifact before the mix is there."""
    context = replace(make_episode(folder), models=Fixed(folder / "models"))
    store = context.store
    words = tuple(Word(s.start, s.end, f" {s.text}") for s in segments())
    store.write_json("words.json", Recognised("en", 1.0, words, "test"))
    store.write_json("shots.json", Shots((Shot("shot001", 0, 350, 0.0, 14.0),)))
    store.write_json("prompts.json", Prompts(PT, tuple(Prompt(s.id, s.text) for s in segments())), PT)
    spans = tuple(
        DubbedSpan(s.id, round(s.start * 48_000), round(s.end * 48_000), 0.0) for s in segments()[:3]
    )
    store.write_json("mix/mix.json", MixReport(spans, -20.0, -20.0, -1.0, 0.0, False, 1, 2), PT)
    for segment in segments()[:3]:
        take = SpokenLine(segment.id, "test", "a", round(segment.start * 48_000), 96_000, 1.0, "fits")
        store.save_record(Record(segment.id, "k", Parts("speak", 2), value=take), PT)
    return context


def parts_of(context: Context) -> dict[str, Any]:
    """Return what every key of the episode is made from, by stage and item."""
    found: dict[str, Any] = {}
    for stage in chain().taking_part(context):
        here = context.fresh("" if stage.scope == "episode" else PT)
        for todo in find_todo(stage, here, stage.items(here), True):
            parts = todo.parts
            found[f"{stage.name} {todo.item.id}"] = {
                "version": parts.version,
                "settings": dict(parts.settings),
                "inputs": dict(parts.inputs),
                "models": dict(parts.models),
                "edits": dict(parts.edits),
            }
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def test_with_everything_off_no_key_has_changed(tmp_path: Path) -> None:
    pytest.importorskip("misaki", reason="The voice of the recorded keys is Kokoro's.")
    context = episode(tmp_path)
    off = replace(context, settings=with_settings(context.settings, OFF))
    recorded = json.loads(RECORDED.read_text("utf-8"))
    # Since then, all speakers are cast together, by a better measure of pitch, and blends by their shares.
    recorded["cast episode"]["version"] = 3
    recorded["cast episode"]["models"]["pitch"] = estimator()
    found = parts_of(off)
    # More is checked: a dub is measured anew, and nothing that is delivered depends on it.
    assert (found.pop("qc episode")["version"], recorded.pop("qc episode")["version"]) == (1, 1)
    assert sorted(found) == sorted(recorded)
    for name, parts in recorded.items():
        assert found[name] == parts, name
