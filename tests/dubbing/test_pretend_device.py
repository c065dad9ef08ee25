"""The road of a graphics card, end to end with tiny weights on a card that is not there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from dubkit.dubbing import JustDubitPipeline, LoRA
from dubkit.dubbing.diffusion.clip_latents import Contexts, EncodedClip, View
from dubkit.dubbing.diffusion.parts import GeneratorUnfit, best_device
from dubkit.dubbing.diffusion.precision import PartName, Precision
from dubkit.dubbing.diffusion.recipes import RECIPES
from dubkit.engines.justdubit.attempts import StageWork
from dubkit.engines.justdubit.opening import Options
from dubkit.engines.justdubit.steps import ClipFiles, ClipJob, read
from dubkit.ltx import quantize
from dubkit.ltx.memory import MemoryPlan, Mode, devices_here
from dubkit.ltx.quantize import Float8Linear, multiplies_float8, quantise
from dubkit.ltx.weights import to_float8
from dubkit.models.tiny.files import NAMES, make_tiny
from dubkit.types import Clip, Fit
from tests.support.branches import asks_for_a_card, conditions, noted_outcomes
from tests.support.clips import model_files, write_film
from tests.support.flash3 import flash3_installed
from tests.support.paths import ROOT
from tests.support.pretend_device import CardTensor, PretendCard, pretend_card

ROADS = ("dubkit/ltx", "dubkit/dubbing", "dubkit/engines/justdubit")
"""Where the generator is; what chooses among devices is tested with one and several elsewhere."""

NEEDS_NCCL = ROOT / "dubkit/engines/justdubit/text_workers.py"
"""Its processes talk over NCCL where they have cards, which a build of PyTorch for processors has not."""


def files_with_conditions() -> list[Path]:
    paths = [path for road in ROADS for path in sorted((ROOT / road).rglob("*.py")) if path != NEEDS_NCCL]
    return [path for path in paths if conditions(path)]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@dataclass(frozen=True)
class Dub:
    """What came of one run, and of the card it ran on."""

    frames: Tensor
    sound: Tensor
    card: PretendCard


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    make_tiny(folder)
    return folder


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "clip.mp4", 9, size=(64, 64))


HALF = Precision.named(dict.fromkeys(get_args(PartName), "bfloat16"))
"""What a card works in."""


def pipeline_of(
    folder: Path, device: str | None, *, float8: bool = False, precision: Precision | None = None
) -> JustDubitPipeline:
    files = model_files(folder)
    checkpoint = folder / NAMES["2"]["float8"] if float8 else files["checkpoint_path"]
    return JustDubitPipeline(
        checkpoint,
        files["distilled_lora_path"],
        1.0,
        files["spatial_upsampler_path"],
        files["gemma_root"],
        [LoRA(files["lora"], 1.0)],
        device,
        precision=precision,
    )


def run(pipeline: JustDubitPipeline, film: Path, mode: Mode | None = None) -> tuple[Tensor, Tensor]:
    if mode is not None:
        pipeline.parts.plan = lambda *_, **__: MemoryPlan(mode, True, "")  # type: ignore[method-assign]
    video, sound = pipeline(
        "A man speaks.",
        num_inference_steps=1,
        cfg_guidance_scale=2.0,
        video_conditioning=[(film, 1.0)],
        height=64,
        width=64,
    )
    return torch.cat(list(video)), sound


def on_the_processor(folder: Path, film: Path, **options: Any) -> tuple[Tensor, Tensor]:
    """Dub on the processor in the card's precision."""
    return run(pipeline_of(folder, "cpu", precision=HALF, **options), film)


@pytest.fixture(scope="module")
def plain(folder: Path, film: Path) -> tuple[Tensor, Tensor]:
    return on_the_processor(folder, film)


@pytest.fixture(scope="module", autouse=True)
def noted() -> Iterator[set[Any]]:
    with noted_outcomes([module_of(path) for path in files_with_conditions()]) as outcomes:
        yield outcomes


@pytest.fixture(scope="module")
def streamed(folder: Path, film: Path) -> Dub:
    with pretend_card() as card:
        return Dub(*run(pipeline_of(folder, "cuda:0"), film, "streaming"), card)


@pytest.fixture(scope="module")
def resident(folder: Path, film: Path) -> Dub:
    """Dub on the device that is found, in the mode that its memory gives, with Hopper's attention."""
    with pretend_card(capability=(9, 0)) as card, flash3_installed() as asked:
        made = Dub(*run(pipeline_of(folder, None), film), card)
        assert asked, "attention without masks goes through FlashAttention-3"
    return made


def test_a_card_gives_the_processors_numbers(plain: tuple[Tensor, Tensor], resident: Dub) -> None:
    assert torch.equal(resident.frames, plain[0])
    assert torch.equal(resident.sound, plain[1])


def test_streamed_blocks_give_the_processors_numbers(plain: tuple[Tensor, Tensor], streamed: Dub) -> None:
    assert torch.equal(streamed.frames, plain[0])
    assert torch.equal(streamed.sound, plain[1])
    blocks, stages = 3, 2
    assert len(streamed.card.pinned) == blocks * stages


def test_results_are_the_hosts_and_nothing_stays_on_the_card(resident: Dub, streamed: Dub) -> None:
    for dub in (resident, streamed):
        assert not isinstance(dub.frames, CardTensor)
        assert not isinstance(dub.sound, CardTensor)
        assert dub.card.live == 0 < dub.card.most


@pytest.mark.slow
def test_float8_files_give_the_processors_numbers_where_there_are_no_units(folder: Path, film: Path) -> None:
    frames, sound = on_the_processor(folder, film, float8=True)
    with pretend_card(capability=(8, 0)):
        plain = run(pipeline_of(folder, "cuda", float8=True), film)
    assert torch.equal(plain[0], frames)
    assert torch.equal(plain[1], sound)
    with pretend_card(capability=(8, 9)):
        rounded = run(pipeline_of(folder, "cuda", float8=True), film, "streaming")
    # The units round what goes in to four bits, the processor does not: alike, and not equal.
    assert not torch.equal(rounded[0], frames)
    assert (rounded[0].float() - frames.float()).abs().mean() < 4
    assert torch.nn.functional.cosine_similarity(rounded[1].flatten(), sound.flatten(), 0) > 0.9


def test_float8_units_multiply_what_is_rounded() -> None:
    """The weight is used as it is stored; only the input is rounded, with the file's scale."""
    layer = Float8Linear(nn.Linear(32, 16).bfloat16().requires_grad_(False))
    draw = torch.Generator().manual_seed(5)
    weight, x = torch.randn(16, 32, generator=draw), torch.randn(1, 8, 32, generator=draw).bfloat16()
    stored, scale = quantise(weight)
    with torch.no_grad():
        layer.weight.copy_(stored)
        layer.weight_scale.copy_(scale)
        layer.input_scale.fill_(1 / 64)
    expected = nn.functional.linear(
        to_float8(x / layer.input_scale).float() * layer.input_scale, layer.expanded(), layer.bias.float()
    )
    with pretend_card(capability=(8, 9)):
        for name, value in list(layer.named_parameters()):
            setattr(layer, name, nn.Parameter(value.to("cuda"), requires_grad=False))
        product = layer(x.to("cuda")).cpu()
    assert torch.allclose(product.float(), expected, rtol=2**-7, atol=2**-7)


def test_many_rows_are_rounded_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces a block needs a third less memory; the values are those of all rows at once."""
    layer = Float8Linear(nn.Linear(32, 16))
    layer.input_scale.fill_(0.01)
    rows = torch.randn(50, 32, generator=torch.Generator().manual_seed(0)).bfloat16() * 4
    whole = layer._rounded(rows)
    monkeypatch.setattr(quantize, "ROWS", 7)
    assert torch.equal(layer._rounded(rows).view(torch.uint8), whole.view(torch.uint8))
    assert torch.equal(whole.view(torch.uint8), to_float8(rows / layer.input_scale).view(torch.uint8))
    assert whole.float().abs().max() == 448.0


def test_every_condition_about_cards_was_met(noted: set[Any], resident: Dub, streamed: Dub) -> None:
    """A branch for cards that no run here has taken fails by its line."""
    with pretend_card():
        assert best_device() == torch.device("cuda")
        assert multiplies_float8(best_device()) is False
    with pretend_card(capability=(9, 0)):
        assert multiplies_float8(best_device())
    listed = [condition for path in files_with_conditions() for condition in conditions(path)]
    assert len(listed) >= 8
    met = {condition for condition, outcome in noted if outcome}
    assert [str(condition) for condition in listed if condition not in met] == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("x.device.type == 'cuda'", True),
        ("'cuda:0' in here", True),
        ("q.is_cuda", True),
        ("torch.cuda.is_available()", True),
        ("x.device.type == 'cpu'", False),
        ("torch.cuda.empty_cache()", False),
    ],
)
def test_conditions_are_told_by_their_syntax(code: str, found: bool) -> None:
    assert any(asks_for_a_card(node) for node in ast.walk(ast.parse(code))) is found


# --- memory that runs out


def prepared(out: Path, words: int = 1024) -> ClipJob:
    """Return a job on latents and contexts of noise."""
    draw = torch.Generator().manual_seed(3)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw).bfloat16()

    view = View((noise(1, 8, 1, 2, 4),), noise(1, 8, 5, 2, 4))
    twice = View((noise(1, 8, 1, 4, 8),), noise(1, 8, 5, 4, 8))
    encoded = EncodedClip(33, 64, 128, 2, 16, view, twice, ((0, 1.0),), noise(1, 2, 34, 16))
    save_file(encoded.tensors(), out / "encoded")
    save_file(Contexts(noise(1, words, 64), noise(1, words, 64)).tensors(), out / "texts")
    fit = Fit(128, 64, 0, 0, 128, 64)
    clip = Clip("c0001", "shot001", 0, 33, 33, 0, 16, ("s0001",), "A man speaks.", fit, "")
    files = ClipFiles(out / "texts", out / "texts", out / "encoded", None)
    return ClipJob(clip, files, Fraction(25), 42, out / "made")


def denoise(folder: Path, out: Path, memory: int, words: int = 1024) -> tuple[PretendCard, Any]:
    options = Options(RECIPES["justdubit"].with_(steps=1), False, "component")
    files = pipeline_of(folder, "cpu").parts.files
    work, job = StageWork(files, options, "first", 8), prepared(out, words)
    with pretend_card(memory) as card:
        return card, list(work.over("cuda:0", [job], lambda *_: None))


def test_a_clip_that_does_not_fit_beside_all_blocks_is_made_with_streamed_ones(
    folder: Path, tmp_path: Path
) -> None:
    """The card has 0.1 MB less than the work takes, so the first attempt runs out in a pass."""
    card, ended = denoise(folder, tmp_path, 10**12)
    assert [(a.note, a.error) for a in ended] == [("", None)]
    latents = read(tmp_path / "made")
    (tmp_path / "made").unlink()
    small, ended = denoise(folder, tmp_path, card.most - 100_000)
    assert [(a.note, a.error) for a in ended] == [("streaming, after component ran out of memory", None)]
    assert small.most < card.most
    again = read(tmp_path / "made")
    assert all(torch.equal(again[name], tensor) for name, tensor in latents.items() if name != "generator")


def test_a_card_that_cannot_hold_all_blocks_makes_the_clip_with_streamed_ones(
    folder: Path, tmp_path: Path
) -> None:
    """The card has less than the transformer's weights, so the first attempt runs out while it is opened."""
    denoise(folder, tmp_path, 10**12, words=16)
    latents = read(tmp_path / "made")
    with pretend_card() as card:
        opened = pipeline_of(folder, "cuda:0").parts.transformer([], MemoryPlan("component", True, ""))
        weights = card.live
    del opened
    _, ended = denoise(folder, tmp_path, weights - 1, words=16)
    assert [(a.note, a.error) for a in ended] == [("streaming, after component ran out of memory", None)]
    again = read(tmp_path / "made")
    assert all(torch.equal(again[name], tensor) for name, tensor in latents.items() if name != "generator")


def test_clips_fail_one_by_one_where_not_even_streamed_blocks_can_be_opened(
    folder: Path, tmp_path: Path
) -> None:
    card, ended = denoise(folder, tmp_path, 50_000)
    assert [(a.clip, type(a.error)) for a in ended] == [("c0001", torch.OutOfMemoryError)]
    assert ended[0].note == "streaming, after component ran out of memory"
    assert card.live == 0


def test_a_card_too_small_for_a_part_is_an_error_that_says_what_to_do(folder: Path, film: Path) -> None:
    with pretend_card(400_000), pytest.raises(GeneratorUnfit, match="ran out of memory: CUDA out of memory"):
        run(pipeline_of(folder, "cuda"), film, "streaming")


# --- the card itself


def test_devices_are_not_mixed() -> None:
    with pretend_card():
        there, here = torch.ones(3, device="cuda"), torch.ones(3)
        assert there.device == torch.device("cuda:0")
        assert there.is_cuda
        assert not here.is_cuda
        for mixed in (lambda: there + here, lambda: here + there, lambda: torch.cat([there, here])):
            with pytest.raises(RuntimeError, match="same device"):
                mixed()
        with pytest.raises(RuntimeError, match="same device"):
            torch.nn.functional.linear(there, torch.ones(2, 3))
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()


def test_what_a_real_card_takes_is_taken() -> None:
    with pretend_card():
        there = torch.arange(4.0).to("cuda")
        assert (there * torch.tensor(2.0)).is_cuda
        assert there[torch.tensor([1, 2])].is_cuda
        there[:2] = torch.zeros(2)
        assert there.tolist() == [0.0, 0.0, 2.0, 3.0]
        assert there.new_zeros(2).is_cuda
        assert torch.zeros_like(there).is_cuda
        assert there[1:].is_cuda
        assert torch.empty(2).to(there).is_cuda
        assert not there.cpu().is_cuda


def test_a_move_is_a_copy_and_no_move_is_none() -> None:
    with pretend_card():
        here = torch.zeros(2)
        there = here.to("cuda")
        there += 1
        back = there.cpu()
        back += 1
        assert (here.tolist(), there.tolist(), back.tolist()) == ([0, 0], [1, 1], [2, 2])
        assert there.to("cuda") is there
        assert torch.ones(1, device="cuda").to(torch.bfloat16).is_cuda


def test_random_numbers_are_of_their_own_device() -> None:
    with pretend_card():
        generator = torch.Generator("cuda").manual_seed(1)
        drawn = torch.randn(3, generator=generator, device="cuda")
        assert drawn.tolist() == torch.randn(3, generator=torch.Generator().manual_seed(1)).tolist()
        with pytest.raises(RuntimeError, match="generator"):
            torch.randn(3, generator=generator)
        with pytest.raises(RuntimeError, match="generator"):
            torch.randn(3, generator=torch.Generator(), device="cuda")


def test_memory_is_counted_and_runs_out() -> None:
    with pretend_card(1000) as card:
        kept = torch.zeros(100, device="cuda")
        assert card.live == 400
        view = kept[:50]
        assert card.live == 400
        with pytest.raises(torch.OutOfMemoryError, match="600 are free"):
            torch.zeros(200, device="cuda")
        del kept, view
        assert (card.live, card.most) == (0, 400)


def test_the_card_is_gone_afterwards() -> None:
    before = torch.cuda.is_available, torch.Generator, torch.cuda.device_count
    with pretend_card():
        assert devices_here()[0] == "cuda:0"
    assert before == (torch.cuda.is_available, torch.Generator, torch.cuda.device_count)
    assert (
        not hasattr(torch.Tensor, "record_stream") or torch.Tensor.record_stream.__name__ == "record_stream"
    )
