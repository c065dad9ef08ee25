"""Prompts read by several processes: one reads the files, and results are those of one process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from dubkit.dubbing.clip.encode import encode_prompt
from dubkit.dubbing.diffusion.parts import Files
from dubkit.dubbing.diffusion.precision import Precision
from dubkit.dubbing.diffusion.recipes import JUSTDUBIT
from dubkit.engines.justdubit.opening import DeviceGenerator, Options
from dubkit.engines.justdubit.steps import read, save
from dubkit.engines.justdubit.text_workers import TextWork, encode_with_workers, worker_devices
from dubkit.errors import GeneratorError
from dubkit.ltx.lora import LoRA
from dubkit.models.tiny.files import make_tiny
from tests.support.clips import model_files
from tests.support.paths import ROOT

PROMPTS = tuple(f'The man is speaking French, saying: "{word}."' for word in ("Un", "Deux", "Trois"))
LONG = "word " * 2000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    make_tiny(folder)
    named = model_files(folder)
    return Files(
        named["checkpoint_path"],
        named["spatial_upsampler_path"],
        named["gemma_root"],
        (LoRA(named["lora"], 1.0),),
        LoRA(named["distilled_lora_path"], 1.0),
    )


def work(files: Files, folder: Path, **changes: Any) -> TextWork:
    folder.mkdir(exist_ok=True)
    given = TextWork(files, Options(JUSTDUBIT), ("cpu", "cpu"), PROMPTS, folder, torch.get_num_threads())
    return replace(given, **changes)


def in_one_process(given: TextWork, folder: Path) -> list[bytes]:
    """Return the files of the prompts as one process writes them."""
    folder.mkdir()
    generator = DeviceGenerator(given.files, given.options, "cpu")
    with generator.text_encoder() as encoder, torch.inference_mode():
        for number, prompt in enumerate(given.prompts):
            save(encode_prompt(encoder, prompt).tensors(), folder / str(number))
    return contents(folder, range(len(given.prompts)))


def contents(folder: Path, numbers: Iterable[int]) -> list[bytes]:
    return [(folder / str(number)).read_bytes() for number in numbers]


@pytest.mark.slow
def test_two_processes_write_the_bytes_of_one_and_a_prompt_that_is_too_long_fails_alone(
    files: Files, tmp_path: Path
) -> None:
    # bfloat16, which not every way to send numbers knows
    options = Options(JUSTDUBIT, precision=Precision(text_encoder="bfloat16"))
    given = work(files, tmp_path / "two", options=options, prompts=(*PROMPTS, LONG))
    first, second, third, (number, said) = encode_with_workers(given)
    assert [first, second, third, number] == [(0, ""), (1, ""), (2, ""), 3]
    assert "tokens, and the generator reads 1024" in said
    assert not (given.folder / "3").exists()
    alone = in_one_process(replace(given, prompts=PROMPTS), tmp_path / "one")
    assert contents(given.folder, range(3)) == alone


@pytest.mark.slow
def test_files_that_cannot_be_opened_are_said_once_and_nobody_waits(files: Files, tmp_path: Path) -> None:
    bare = tmp_path / "gemma"
    bare.mkdir()
    given = work(replace(files, gemma=bare), tmp_path / "two")
    with pytest.raises(GeneratorError, match=r"has no tokenizer\.json"):
        list(encode_with_workers(given))


@pytest.mark.parametrize(
    ("wanted", "prompts", "devices", "free", "chosen"),
    [
        (4, 9, ["cpu"], 1000, ("cpu",) * 4),
        (4, 2, ["cpu"], 1000, ("cpu",) * 2),
        (4, 9, ["cpu"], 250, ("cpu",) * 2),  # each takes 120 with what it needs besides
        (4, 9, ["cpu"], 0, ("cpu",)),
        (4, 9, ["mps"], 1000, ("cpu",) * 4),
        (4, 9, ["cuda:0", "cuda:1"], 0, ("cuda:0", "cuda:1")),
        (2, 9, ["cuda:0", "cuda:1", "cuda:2"], 0, ("cuda:0", "cuda:1")),
    ],
)
def test_processes_are_as_many_as_there_is_work_and_room_for(
    wanted: int, prompts: int, devices: list[str], free: int, chosen: tuple[str, ...]
) -> None:
    assert worker_devices(wanted, prompts, devices, 100, free) == chosen


SCRIPT = """
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from dubkit.dubbing.clip.shared_text import SharingFailed, encode_prompts, share_encoder
from dubkit.engines.justdubit.steps import save
from dubkit.ltx.text import TextEncoder
from dubkit.ltx.weights import Checkpoint

checkpoint, gemma, out, *prompts = sys.argv[1:]
dist.init_process_group("gloo")


def opened():
    assert dist.get_rank() == 0, "one rank reads the files"
    file = Checkpoint(Path(checkpoint))
    return TextEncoder.open(file, Path(gemma), "cpu", torch.float32), file.config.text


encoder = share_encoder(opened, "cpu")
for number, contexts in enumerate(encode_prompts(encoder, prompts)):
    save(contexts.tensors(), Path(out) / f"{dist.get_rank()}-{number}")
try:
    encode_prompts(encoder, ["fits", "word " * 2000])
except SharingFailed as error:
    (Path(out) / f"refused-{dist.get_rank()}").write_text(str(error))
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_under_torchrun_every_rank_gets_all_contexts_and_the_same_error(files: Files, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    words = (files.checkpoint, files.gemma, tmp_path, *PROMPTS)
    launch = ("--standalone", "--nproc-per-node=2", tmp_path / "script.py", *words)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *map(str, launch)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(torch.get_num_threads())},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    given = work(files, tmp_path / "none")
    alone = in_one_process(given, tmp_path / "one")
    for rank in range(2):
        assert [(tmp_path / f"{rank}-{number}").read_bytes() for number in range(3)] == alone
        assert "the generator reads 1024" in (tmp_path / f"refused-{rank}").read_text()
    assert set(read(tmp_path / "0-0")) == {"audio", "video"}
