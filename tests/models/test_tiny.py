"""Tiny generator files: whole, the same for the same seed, and good enough to run every part."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

from dubkit.cli import cli
from dubkit.errors import DiskFull
from dubkit.ltx import components
from dubkit.ltx.lora import LoRA
from dubkit.ltx.weights import Checkpoint
from dubkit.models.catalogue_generator import GENERATOR_ROLES, in_folder
from dubkit.models.listing import NOISE, list_models
from dubkit.models.store import ModelStore
from dubkit.models.tiny import files as tiny
from dubkit.models.tiny.files import GEMMA, NAMES, FolderUnusable, make_tiny
from dubkit.models.tiny.published import PUBLISHED, Generation, checkpoint_values
from dubkit.models.weights.files import RANDOM
from dubkit.models.weights.header import read_header
from dubkit.models.weights.parts import checkpoint_shapes
from dubkit.ops.doctor import examine

GENERATIONS: tuple[Generation, ...] = ("2", "2.3")


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Generation], Path]:
    """Tiny sets by generation, written once."""
    folder = tmp_path_factory.mktemp("sets")

    def of(generation: Generation) -> Path:
        target = folder / generation
        if not target.exists():
            make_tiny(target, generation=generation)
        return target

    return of


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# --- what is written ---------------------------------------------------------------------------


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_set_has_the_published_names_and_says_that_it_is_random(
    sets: Callable[[Generation], Path], generation: Generation
) -> None:
    folder = sets(generation)
    assert {path.name for path in folder.iterdir()} == {*NAMES[generation].values(), GEMMA, "README.txt"}
    assert "never a dub" in (folder / "README.txt").read_text(encoding="utf-8")
    for path in folder.rglob("*.safetensors"):
        assert "never a dub" in read_header(path).metadata[RANDOM]
    assert sum(path.stat().st_size for path in folder.rglob("*.safetensors")) < 60e6


def test_the_same_seed_gives_the_same_bytes(sets: Callable[[Generation], Path], tmp_path: Path) -> None:
    make_tiny(tmp_path / "again")
    make_tiny(tmp_path / "other", seed=1)
    first, again, other = digests(sets("2")), digests(tmp_path / "again"), digests(tmp_path / "other")
    assert first == again
    assert {name for name in first if first[name] == other[name]} == {
        f"{GEMMA}/{name}"
        for name in ("config.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json")
    }


def test_no_two_tensors_are_alike_and_none_is_constant(sets: Callable[[Generation], Path]) -> None:
    file = Checkpoint(sets("2") / NAMES["2"]["checkpoint"])
    seen = set()
    for key in file.keys:
        values = file.tensor(key)
        assert torch.isfinite(values).all(), key
        assert values.numel() == 1 or values.float().std() > 0, key
        seen.add(hashlib.sha256(values.view(torch.uint8).numpy().tobytes()).digest())
        if key.endswith("std-of-means"):
            assert values.min() > 0
    assert len(seen) == len(file.keys)


def test_the_configuration_is_the_published_one_but_for_its_sizes(
    sets: Callable[[Generation], Path],
) -> None:
    def fields(values: object, at: str = "") -> set[str]:
        if not isinstance(values, dict):
            return {at}
        return {name for key, value in values.items() for name in fields(value, f"{at}.{key}")}

    metadata = read_header(sets("2") / NAMES["2"]["checkpoint"]).metadata
    assert fields(json.loads(metadata["config"])) == fields(checkpoint_values(PUBLISHED["2"]))
    assert "model_version" not in metadata
    assert read_header(sets("2.3") / NAMES["2.3"]["checkpoint"]).metadata["model_version"] == "2.3.0"


def test_the_float8_file_keeps_outer_blocks_and_everything_else(
    sets: Callable[[Generation], Path],
) -> None:
    full = Checkpoint(sets("2") / NAMES["2"]["checkpoint"])
    small = Checkpoint(sets("2") / NAMES["2"]["float8"])
    narrow = {key for key in small.keys if small.dtype(key) == torch.float8_e4m3fn}
    assert {key.split(".")[3] for key in narrow} == {"1"}
    assert len(narrow) == 28
    for key in narrow:
        scale = small.tensor(f"{key}_scale")
        rebuilt = small.tensor(key).float() * scale
        assert (rebuilt - full.tensor(key).float()).abs().max() <= scale * 16.5
    for key in full.keys - narrow:
        assert torch.equal(small.tensor(key), full.tensor(key))


@pytest.mark.slow
def test_the_published_sizes_give_the_published_number_of_values() -> None:
    from dubkit.ltx.config import read_checkpoint

    metadata = {"config": json.dumps(checkpoint_values(PUBLISHED["2"]))}
    shapes = checkpoint_shapes(read_checkpoint(metadata, frozenset(), "it"), 3840 * 49)

    def values(*prefixes: str) -> int:
        return sum(torch.Size(shape).numel() for key, shape in shapes.items() if key.startswith(prefixes))

    connectors = tuple(f"model.diffusion_model.{side}_embeddings_connector." for side in ("video", "audio"))
    assert values("model.diffusion_model.") - values(*connectors) == 18_876_174_592
    assert values("text_embedding_projection.", *connectors) == 1_431_475_200
    assert round(values("vae.encoder.") / 1e6, 2) == 694.10
    assert round(values("vae.decoder.") / 1e6, 2) == 528.38
    assert round(values("audio_vae.encoder.") / 1e6, 2) == 21.33
    assert round(values("audio_vae.decoder.") / 1e6, 2) == 31.92
    assert round(values("vocoder.") / 1e6, 2) == 55.59


# --- where it is written -----------------------------------------------------------------------


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FolderUnusable, match="not empty"):
        make_tiny(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "notes.txt").rename(tmp_path.parent / "file")
    with pytest.raises(FolderUnusable, match="is a file"):
        make_tiny(tmp_path.parent / "file")


def test_force_replaces_tiny_files_and_keeps_the_rest(tmp_path: Path) -> None:
    make_tiny(tmp_path / "set")
    (tmp_path / "set" / "notes.txt").write_text("mine")
    before = digests(tmp_path / "set")
    make_tiny(tmp_path / "set", seed=3, force=True)
    after = digests(tmp_path / "set")
    assert before.keys() == after.keys()
    assert after["notes.txt"] == before["notes.txt"]
    assert after[NAMES["2"]["checkpoint"]] != before[NAMES["2"]["checkpoint"]]
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("content", [b"", b"x" * 100])
def test_force_never_replaces_a_real_model(tmp_path: Path, content: bytes) -> None:
    real = tmp_path / NAMES["2"]["checkpoint"]
    real.write_bytes(content)
    with pytest.raises(FolderUnusable, match="may be a real model"):
        make_tiny(tmp_path, force=True)
    assert real.read_bytes() == content


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = tiny.write_safetensors

    def fail(path: Path, *rest: Any) -> None:
        write(path, *rest)
        if path.name == NAMES["2"]["float8"]:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tiny, "write_safetensors", fail)
    with pytest.raises(DiskFull):
        make_tiny(tmp_path / "set")
    assert list(tmp_path.iterdir()) == []


def test_other_failures_of_the_disk_are_not_called_a_full_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FolderUnusable, match="cannot be written"):
        make_tiny(tmp_path / "file" / "set")


def test_the_command_prints_what_it_wrote(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["models", "make-tiny", str(tmp_path / "set"), "--generation", "2.3"])
    assert done.exit_code == 0, done.output
    assert str(tmp_path / "set" / NAMES["2.3"]["checkpoint"]) in done.output
    assert "never a dub" in done.output
    again = CliRunner().invoke(cli, ["models", "make-tiny", str(tmp_path / "set")])
    assert again.exit_code == 1


def test_list_and_doctor_do_not_take_random_files_for_a_model(
    sets: Callable[[Generation], Path], tmp_path: Path
) -> None:
    store = ModelStore(tmp_path, in_folder(sets("2")))
    rows = [row for row in list_models(store) if row.role in GENERATOR_ROLES and row.path]
    assert len(rows) >= 5
    assert {row.note for row in rows} == {NOISE}
    check = next(check for check in examine(store) if check.name == "generator files")
    assert check.ok is None
    assert "random test weights" in check.found


# --- the tokenizer -----------------------------------------------------------------------------

TEXTS = (
    'The woman says: "¿Qué tal?"',
    "日本語とemoji 🙂🏽, a\ttab\nand two  spaces",
    "\u0000 control, ﷽ and \U0010ffff",
    "",
)


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_has_tokens_and_comes_back(sets: Callable[[Generation], Path], text: str) -> None:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(sets("2") / GEMMA / "tokenizer.json"))
    ids = tokenizer.encode(text).ids
    assert ids[0] == 2
    assert 3 not in ids
    assert tokenizer.decode(ids) == text


def test_the_library_opens_the_tokenizer_by_itself(sets: Callable[[Generation], Path]) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(sets("2") / GEMMA, local_files_only=True)
    tokenizer.padding_side = "left"
    found = tokenizer(TEXTS[0], padding="max_length", max_length=64, truncation=True)
    assert (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id) == (0, 2, 1)
    assert found["input_ids"][0] == 0
    assert found["input_ids"].count(2) == 1
    assert tokenizer.decode(found["input_ids"], skip_special_tokens=True) == TEXTS[0]


def test_the_library_knows_every_tensor_of_the_text_model(sets: Callable[[Generation], Path]) -> None:
    from transformers import Gemma3TextConfig, Gemma3TextModel

    from dubkit.models.weights.gemma import text_config, text_shapes

    config = text_config(sets("2") / GEMMA)
    with torch.device("meta"):
        model = Gemma3TextModel(Gemma3TextConfig(**config))
    state = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    assert text_shapes(config) == state


# --- every part runs ---------------------------------------------------------------------------


def lively(values: Tensor) -> None:
    assert torch.isfinite(values).all()
    assert values.std() > 1e-4


@pytest.mark.parametrize("generation", GENERATIONS)
@torch.no_grad()
def test_autoencoders_vocoder_and_upscalers_run(
    sets: Callable[[Generation], Path], generation: Generation
) -> None:
    folder, names = sets(generation), NAMES[generation]
    file = Checkpoint(folder / names["checkpoint"])
    device, dtype = torch.device("cpu"), torch.float32
    noise = torch.Generator().manual_seed(0)
    pixels = torch.rand(1, 3, 9, 64, 64, generator=noise) * 2 - 1
    latent = components.open_video_encoder(file, device, dtype)(pixels)
    assert latent.shape == (1, 8, 2, 2, 2)
    lively(latent)
    decoded = components.open_video_decoder(file, device, dtype)(latent)
    assert decoded.shape == pixels.shape
    lively(decoded)
    for kind, shape in (("spatial", (1, 8, 2, 4, 4)), ("temporal", (1, 8, 3, 2, 2))):
        upsampler = components.open_upsampler(folder / names[kind], file, device, dtype)
        larger = upsampler(latent)
        assert larger.shape == shape
        lively(larger)
    mel = torch.randn(1, 2, 25, 64, generator=noise)
    sound = components.open_audio_encoder(file, device, dtype)(mel)
    assert sound.shape == (1, 2, 7, 16)
    lively(sound)
    spectrogram = components.open_audio_decoder(file, device, dtype)(sound)
    assert spectrogram.shape == mel.shape
    lively(spectrogram)
    wave = components.open_vocoder(file, device, dtype)(spectrogram)
    assert wave.shape == (1, 2, 25 * (240 if generation == "2" else 480))
    lively(wave)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("kind", ["checkpoint", "float8"])
@torch.no_grad()
def test_text_and_transformer_run_with_both_loras(
    sets: Callable[[Generation], Path], generation: Generation, kind: str
) -> None:
    from dubkit.ltx.latents import audio_positions, video_positions
    from dubkit.ltx.modulation import Levels
    from dubkit.ltx.text import TextEncoder
    from dubkit.ltx.transformer import Tokens

    folder, names = sets(generation), NAMES[generation]
    file = Checkpoint(folder / names[kind])
    device, dtype = torch.device("cpu"), torch.float32
    video_text, audio_text = TextEncoder.open(file, folder / GEMMA, device, dtype)(TEXTS[0])
    lively(video_text)
    lively(audio_text)
    loras = [LoRA(folder / names["dubbing"]), LoRA(folder / names["distilled"])]
    opened = components.open_transformer(file, device, dtype, loras=loras)
    assert [report.unmatched for report in opened.loras] == [(), ()]
    noise = torch.Generator().manual_seed(0)
    rotations = opened.network.rotations(video_positions(2, 2, 3, Fraction(25)), audio_positions(6))
    picture, sound = opened.network(
        Tokens(torch.randn(1, 12, 8, generator=noise), Levels.uniform(0.7, 12, device), 0.7),
        Tokens(torch.randn(1, 6, 32, generator=noise), Levels.uniform(0.7, 6, device), 0.7),
        opened.network.text(video_text, audio_text),
        rotations,
    )
    assert (picture.shape, sound.shape) == ((1, 12, 8), (1, 6, 32))
    lively(picture)
    lively(sound)
