"""Kokoro's published voices: fetched when asked for, cast in their own language first, blended with ours."""

from __future__ import annotations

import json
import string
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dubkit.errors import ModelDamaged
from dubkit.models.store import ModelStore
from dubkit.voice.casting import Role, cast_voices
from dubkit.voice.engine import ENGINES, VoiceNeed, VoiceOpening
from dubkit.voice.engines.kokoro_published import MODEL, native, published_names, published_styles
from dubkit.voice.engines.kokoro_reading import KokoroReader
from dubkit.voice.engines.kokoro_voices import PACKAGED, plain_voice, voice_list
from tests.support.hub_server import COMMIT, HubServer, serve

ROWS = 510
SYMBOLS = f".{string.ascii_lowercase}"
NAMES = ("af_heart", "am_adam", "bf_emma", "pf_dora", "pm_alex", "pm_santa", "hf_alpha", "jm_kumo")


def style(name: str) -> np.ndarray:
    seed = sum(map(ord, name))
    return np.random.default_rng(seed).normal(0, 0.2, (ROWS, 1, 256)).astype("<f4")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Voices as the hub has them: one file of plain numbers each."""
    (tmp_path / "voices").mkdir()
    for name in NAMES:
        style(name).tofile(tmp_path / "voices" / f"{name}.bin")
    (tmp_path / "voices/af.bin").write_bytes(b"\0" * 1024)  # a blend of an older model
    return tmp_path


def test_voices_are_read_from_plain_numbers_and_from_an_archive(folder: Path, tmp_path: Path) -> None:
    assert published_names(folder) == tuple(sorted(NAMES))
    read = published_styles(folder)
    assert read["pf_dora"].shape == (ROWS, 256)
    assert np.array_equal(read["pf_dora"], style("pf_dora").reshape(ROWS, 256))
    archive = tmp_path / "other"
    archive.mkdir()
    with (archive / "voices-v1.0.bin").open("wb") as file:
        np.savez(file, **{name: style(name) for name in NAMES})
    assert published_names(archive) == tuple(sorted(NAMES))
    assert np.array_equal(published_styles(archive)["am_adam"], read["am_adam"])


@pytest.mark.parametrize("content", [b"", b"short", np.full((2, 256), np.nan, "<f4").tobytes()])
def test_a_file_that_is_no_voice_is_damaged_and_named(folder: Path, content: bytes) -> None:
    (folder / "voices/pf_dora.bin").write_bytes(content)
    with pytest.raises(ModelDamaged, match=r"pf_dora\.bin is no voice.*(\n.*)*models get kokoro-voices"):
        published_styles(folder)


def test_an_archive_with_objects_in_it_is_not_opened(tmp_path: Path) -> None:
    with (tmp_path / "voices-v1.0.bin").open("wb") as file:
        np.savez(file, af_heart=np.array([{"a": 1}], object))
    with pytest.raises(ModelDamaged, match="holds no voices"):
        published_styles(tmp_path)


def test_a_folder_without_voices_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match=r"holds none of Kokoro's voices"):
        published_names(tmp_path)


def test_native_voices_of_the_region_come_first() -> None:
    assert native(NAMES, "en-US") == ["af_heart", "am_adam", "bf_emma"]
    assert native(NAMES, "en-GB") == ["bf_emma", "af_heart", "am_adam"]
    assert native(NAMES, "de") == []
    assert plain_voice("en-GB", NAMES) == "bf_emma"
    assert plain_voice("de", NAMES) == plain_voice("de")
    assert plain_voice("pt-BR", PACKAGED) == plain_voice("pt-BR")


def test_speakers_get_people_of_their_language_by_gender() -> None:
    listed = voice_list(tuple(dict.fromkeys((*PACKAGED, *NAMES))))
    roles = [Role("man", 105, 30), Role("woman", 210, 30), Role("other", 120, 30)]
    cast = cast_voices(roles, listed, "pt-BR", lambda pitch, taken: "nobody")
    assert cast["woman"] == "pf_dora"
    assert {cast["man"], cast["other"]} == {"pm_alex", "pm_santa"}
    without = cast_voices(roles, voice_list(PACKAGED), "pt-BR", lambda pitch, taken: "nobody")
    assert not set(without.values()) & set(NAMES[:-1])


def test_a_blend_may_be_of_both_files_and_a_packaged_voice_stays_what_it_is(
    folder: Path, tmp_path: Path
) -> None:
    packaged = {name: np.full((ROWS, 1, 256), 0.5, np.float32) for name in PACKAGED}
    np.savez(tmp_path / "voices.npz", **packaged)
    (tmp_path / "vocab.json").write_text(
        json.dumps({"vocab": {letter: n for n, letter in enumerate(SYMBOLS)}})
    )
    reader = KokoroReader(tmp_path / "vocab.json", tmp_path / "voices.npz", folder)
    (own,) = reader.read("papa", "jm_kumo", "en", None)
    assert np.all(own.style == np.float32(0.5))
    (blend,) = reader.read("papa", "0.5*jm_kumo+0.5*af_heart", "en", None)
    row = style("af_heart").reshape(ROWS, 256)[len(blend.tokens) - 1]
    assert np.allclose(blend.style, 0.25 + 0.5 * row)


def test_hindi_needs_the_published_voices() -> None:
    engine = ENGINES.records["kokoro"]
    need = VoiceNeed("hi", True)
    assert "dubkit models get kokoro-voices" in engine.refusal(need)
    assert engine.refusal(replace(need, extras=frozenset({MODEL.role}))) == ""
    for tag in ("ja", "zh"):
        assert "does not speak" in engine.refusal(replace(need, language=tag))


def test_they_are_fetched_from_the_hub_and_checked(tmp_path: Path) -> None:
    files = {f"voices/{name}.bin": style(name).tobytes() for name in NAMES[:3]}
    hub = HubServer("maker/kokoro", files | {"onnx/model.onnx": b"big"}, large=set(files))
    assert MODEL.hub is not None
    source = replace(MODEL.hub, repo="maker/kokoro", revision=COMMIT)
    spec = replace(MODEL, hub=source)
    with serve(hub) as served:
        store = ModelStore(tmp_path, hub_endpoint=served.url, catalogue=(spec,))
        assert store.find(MODEL.role) is None
        model = store.get(MODEL.name)
        assert not served.ranges("model.onnx")
    assert published_names(model.path) == tuple(sorted(NAMES[:3]))
    assert store.verify(MODEL.name).ok
    voices = ENGINES.records["kokoro"].voices
    assert voices is not None
    listed = voices(VoiceOpening(None, extras={MODEL.role: model.path}))
    assert {"af_heart", "jm_kumo"} <= {voice.name for voice in listed.voices}


def test_a_changed_voice_is_refused_at_the_download(tmp_path: Path) -> None:
    files = {"voices/af_heart.bin": style("af_heart").tobytes()}
    hub = HubServer("maker/kokoro", files, large=set(files))
    hub.served["voices/af_heart.bin"] = style("am_adam").tobytes()
    assert MODEL.hub is not None
    spec = replace(MODEL, hub=replace(MODEL.hub, repo="maker/kokoro", revision=COMMIT))
    with serve(hub) as served:
        store = ModelStore(tmp_path, hub_endpoint=served.url, catalogue=(spec,))
        with pytest.raises(ModelDamaged, match="SHA-256"):
            store.get(MODEL.name)
