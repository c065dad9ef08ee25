"""A store that remembers says at every moment what a store says that reads everything."""

from __future__ import annotations

import os
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dubkit.episode import remembering
from dubkit.episode.remembering import Memory, RememberingStore
from dubkit.episode.store import EpisodeStore, Parts, Record
from dubkit.errors import ArtifactDamaged
from dubkit.types import Line, Translation

ITEMS = [f"s{number:04d}" for number in range(20)]


def record(item: str, error: str = "") -> Record:
    parts = Parts("speak", 1, inputs={"text": str(random.random())})
    return Record(item, parts.key, parts, error=error)


def translation(text: str) -> Translation:
    return Translation("pt-BR", (Line("s0001", text),))


def seen(store: EpisodeStore) -> tuple[object, ...]:
    try:
        lines: object = store.read("translation.json", Translation, "pt-BR")
        digest: object = store.artifact_digest("translation.json", "pt-BR")
    except (ArtifactDamaged, FileNotFoundError):
        lines = digest = None
    return (store.records("speak", "pt-BR"), store.record("speak", "s0003", "pt-BR"), lines, digest)


def test_what_is_remembered_is_what_is_there(tmp_path: Path) -> None:
    plain, memory, chance = EpisodeStore(tmp_path), Memory(), random.Random(7)
    folder = tmp_path / ".dubkit/items/pt-BR/speak"

    def change() -> None:
        item = chance.choice(ITEMS)
        match chance.randrange(6):
            case 0 | 1:
                plain.save_record(record(item), "pt-BR")
            case 2:
                plain.forget("speak", item, "pt-BR")
            case 3:
                plain.write_json("translation.json", translation(str(chance.random())), "pt-BR")
            case 4:
                (tmp_path / "pt-BR/translation.json").unlink(missing_ok=True)
            case _:
                folder.mkdir(parents=True, exist_ok=True)
                os.replace(_file(tmp_path, "{ damaged"), folder / f"{item}.json")

    for _ in range(200):
        for _ in range(chance.randrange(3)):
            change()
        if chance.random() < 0.2:
            time.sleep(remembering.SETTLED_NS / 1e9)
        assert seen(RememberingStore(tmp_path, memory)) == seen(plain)


def _file(folder: Path, text: str) -> Path:
    (folder / "half").write_text(text)
    return folder / "half"


def test_nothing_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, memory = EpisodeStore(tmp_path), Memory()
    for item in ITEMS:
        plain.save_record(record(item), "pt-BR")
    time.sleep(2 * remembering.SETTLED_NS / 1e9)
    read: list[str] = []
    decode = remembering.decode_json
    monkeypatch.setattr(remembering, "decode_json", lambda raw, kind: read.append("") or decode(raw, kind))
    for _ in range(3):
        assert len(RememberingStore(tmp_path, memory).records("speak", "pt-BR")) == len(ITEMS)
    assert len(read) == len(ITEMS)
    plain.save_record(replace(record("s0003"), error="no"), "pt-BR")
    assert RememberingStore(tmp_path, memory).records("speak", "pt-BR")["s0003"].error == "no"
    assert len(read) == len(ITEMS) + 1
