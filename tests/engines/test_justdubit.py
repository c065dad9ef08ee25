"""The generator as the chain uses it: parts opened once, memory that runs out, latents handed over."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
import torch

from dubkit.chain.executors.pool import Pool, Worker
from dubkit.dubbing.diffusion.generate import LoadedTransformer
from dubkit.dubbing.diffusion.parts import Files
from dubkit.dubbing.diffusion.recipes import RECIPES
from dubkit.engines.justdubit import attempts, steps
from dubkit.engines.justdubit.attempts import StageWork
from dubkit.engines.justdubit.opening import DeviceGenerator, Options
from dubkit.engines.justdubit.steps import ClipFiles, ClipJob
from dubkit.ltx.lora import LoRA
from dubkit.models.tiny.files import make_tiny
from dubkit.types import Clip, Fit

FIT = Fit(64, 32, 0, 0, 64, 32)


def clip(name: str = "c0001", start: int = 0, follows: str = "") -> Clip:
    return Clip(name, "shot001", start, 33, 33, start, start + 16, ("s0001",), "A man speaks.", FIT, follows)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    make_tiny(folder)
    return Files(
        folder / "ltx-2-19b-dev.safetensors",
        folder / "ltx-2-spatial-upscaler-x2-1.0.safetensors",
        folder / "gemma-3-12b-it-qat-q4_0-unquantized",
        (LoRA(folder / "ltx-2-19b-ic-lora-lipdubbing.safetensors"),),
        LoRA(folder / "ltx-2-19b-distilled-lora-384.safetensors"),
    )


def work(files: Files, memory: str = "component") -> StageWork:
    recipe = RECIPES["justdubit"].with_(steps=2)
    return StageWork(files, Options(recipe, False, memory), "first", 8)  # type: ignore[arg-type]


def job(name: str, folder: Path) -> ClipJob:
    nothing = folder / "nothing"
    return ClipJob(clip(name), ClipFiles(nothing, None, nothing, None), Fraction(25), 42, folder / name)


def no_step(*_: object) -> None:
    """Report nothing."""


def test_a_device_without_memory_is_tried_once_more_with_streamed_blocks(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    def make(opened: LoadedTransformer, _recipe: object, job: ClipJob, _on_step: object) -> None:
        asked.append((job.clip.id, opened.blocks is not None))
        if opened.blocks is None and job.clip.id == "c0002":
            raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(attempts, "make_clip", make)
    jobs = [job(name, tmp_path) for name in ("c0001", "c0002", "c0003")]
    ended = list(work(files).over("cpu", jobs, no_step))
    assert asked == [("c0001", False), ("c0002", False), ("c0002", True), ("c0003", True)]
    assert [(a.clip, bool(a.note), a.error) for a in ended] == [
        ("c0001", False, None),
        ("c0002", True, None),
        ("c0003", True, None),
    ]
    assert "ran out of memory" in ended[1].note


def test_a_clip_that_never_fits_fails_alone(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(_opened: object, _recipe: object, job: ClipJob, _on_step: object) -> None:
        if job.clip.id == "c0001":
            raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(attempts, "make_clip", make)
    ended = list(work(files).over("cpu", [job(n, tmp_path) for n in ("c0001", "c0002")], no_step))
    assert [(a.clip, type(a.error)) for a in ended] == [
        ("c0001", torch.OutOfMemoryError),
        ("c0002", type(None)),
    ]


def test_a_clip_whose_files_are_gone_fails_alone(files: Files, tmp_path: Path) -> None:
    ended = list(work(files).over("cpu", [job("c0001", tmp_path)], no_step))
    assert isinstance(ended[0].error, FileNotFoundError)


def test_streamed_blocks_give_the_same_latents(files: Files, tmp_path: Path) -> None:
    texts, encoded = prepared(files, tmp_path)
    for memory in ("component", "streaming"):
        made = ClipJob(clip(), ClipFiles(texts, texts, encoded, None), Fraction(25), 42, tmp_path / memory)
        assert [a.error for a in work(files, memory).over("cpu", [made], no_step)] == [None]
    assert (tmp_path / "component").read_bytes() == (tmp_path / "streaming").read_bytes()


def prepared(files: Files, folder: Path) -> tuple[Path, Path]:
    """Read a prompt and encode a clip of noise."""
    recipe = RECIPES["justdubit"]
    generator = DeviceGenerator(files, Options(recipe), "cpu")
    texts, encoded = folder / "texts", folder / "encoded"
    with generator.text_encoder() as encoder:
        steps.embed(encoder, "A man speaks.", texts)
    draw = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (33, 40, 80, 3), generator=draw, dtype=torch.uint8).numpy()
    sound = (torch.randn(2, 64000, generator=draw) * 0.1).numpy()
    with generator.encoders() as encoders:
        source = steps.ClipSource(pictures, sound, 48000, Fraction(25))
        steps.encode(encoders, recipe, clip(), source, encoded)
    return texts, encoded


def test_a_following_clip_takes_over_the_latents_of_the_same_frames(tmp_path: Path) -> None:
    video = torch.arange(5.0)[None, None, :, None, None].expand(1, 2, 5, 1, 1)
    audio = torch.arange(34.0)[None, None, :, None].expand(1, 2, 34, 3)
    steps.save({"video": video, "audio": audio}, tmp_path / "first")
    before, after = clip("c0001", 100), clip("c0002", 116, "c0001")
    carry = steps.read_carry(after, (before, tmp_path / "first"), Fraction(25), sound=True)
    assert carry is not None
    # Latent frames 1 and 2 of the later clip are 3 and 4 of the earlier one.
    assert carry.first_latent == 1
    assert carry.video.flatten(2)[0, 0].tolist() == [3.0, 4.0]
    assert carry.audio is not None
    assert carry.audio[0, 0, :, 0].tolist() == [float(n) for n in range(17, 34)]
    # At a rate where sound latents do not meet, only the picture is taken over.
    odd = steps.read_carry(after, (before, tmp_path / "first"), Fraction(24000, 1001), sound=True)
    assert odd is not None
    assert odd.audio is None


@pytest.mark.parametrize("start", [100, 107, 140])
def test_clips_that_share_no_latents_cannot_follow_each_other(tmp_path: Path, start: int) -> None:
    steps.save({"video": torch.zeros(1, 2, 5, 1, 1), "audio": torch.zeros(1, 2, 34, 3)}, tmp_path / "first")
    with pytest.raises(ValueError, match="c0002 follows c0001, but they share no latents"):
        steps.read_carry(
            clip("c0002", start, "c0001"), (clip("c0001", 100), tmp_path / "first"), Fraction(25), sound=True
        )


def test_the_same_tensors_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = torch.arange(6.0), torch.ones(2, 3).t()
    steps.save({"b": one, "a": two}, tmp_path / "x")
    steps.save({"a": two, "b": one}, tmp_path / "y")
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
    assert torch.equal(steps.read(tmp_path / "x")["a"], two)


def test_memory_modes_that_are_named_are_taken(files: Files) -> None:
    generator = DeviceGenerator(files, replace(work(files).options, memory="streaming"), "cpu")
    assert generator.memory_mode(1000) == "streaming"


def do_chain(chain: tuple[ClipJob, ...], _tell: object, files: Files, device: str) -> list[bytes]:
    assert [attempt.error for attempt in work(files).over(device, chain, no_step)] == [None] * len(chain)
    return [job.out.read_bytes() for job in chain]


def open_chain_worker(files: Files, place: str) -> Worker[tuple[ClipJob, ...], list[bytes]]:
    return partial(do_chain, files=files, device=place)


@pytest.mark.slow
def test_two_processes_of_a_core_each_make_the_same_latents_as_one(files: Files, tmp_path: Path) -> None:
    texts, encoded = prepared(files, tmp_path)

    def jobs(folder: Path) -> list[ClipJob]:
        folder.mkdir()
        files_of = ClipFiles(texts, texts, encoded, None)
        first, other = clip("c0001"), clip("c0003")
        follower = clip("c0002", 16, "c0001")
        taken_over = replace(files_of, previous=(first, folder / "c0001"))
        return [
            ClipJob(first, files_of, Fraction(25), 42, folder / "c0001"),
            ClipJob(follower, taken_over, Fraction(25), 42, folder / "c0002"),
            ClipJob(other, files_of, Fraction(25), 42, folder / "c0003"),
        ]

    alone = jobs(tmp_path / "alone")
    assert [a.error for a in work(files).over("cpu", alone, no_step)] == [None] * 3
    shared = jobs(tmp_path / "shared")
    pool = Pool(["cpu", "cpu"], partial(open_chain_worker, files), cores=1)
    ended = dict(pool.results([tuple(shared[:2]), (shared[2],)]))
    pool.close()
    assert [*ended[tuple(shared[:2])], *ended[(shared[2],)]] == [job.out.read_bytes() for job in alone]  # type: ignore[misc]
