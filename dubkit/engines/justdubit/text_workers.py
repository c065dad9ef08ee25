"""Prompts encoded by several processes of this machine: one reads the text encoder's files for all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import GeneratorError

if TYPE_CHECKING:
    from dubkit.dubbing.diffusion.parts import Files
    from dubkit.engines.justdubit.opening import Options

LIMIT_SECONDS = 1800.0
"""How long a process waits for another that reads the files or encodes its share."""


@dataclass(frozen=True, slots=True)
class TextWork:
    """Prompts to encode; it pickles."""

    files: Files
    options: Options
    devices: tuple[str, ...]
    """One for each process."""
    prompts: tuple[str, ...]
    folder: Path
    """Where results go: file n holds the contexts of prompt n."""
    threads: int
    """Of each process, as many as this one's: another number could round sums in another order."""


def encode_with_workers(work: TextWork) -> Iterator[tuple[int, str]]:
    """Encode prompts; yield the number of each with its error, or an empty text where its file is written.

    Raises:
        GeneratorError: the text encoder cannot be opened, or a process has died.
    """
    from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, spawn

    try:
        spawn(_serve, (work,), nprocs=len(work.devices))  # type: ignore[no-untyped-call]
    except (ProcessExitedException, ProcessRaisedException) as error:
        last = str(error).strip().splitlines()[-1]
        raise GeneratorError(
            f"The processes that read prompts have failed: {last}\n"
            "Run again, or set dub.justdubit.text_workers to 1."
        ) from error
    told = [json.loads((work.folder / f"told{rank}").read_text()) for rank in range(len(work.devices))]
    if isinstance(told[0], str):
        raise GeneratorError(told[0])
    yield from sorted((place, said) for part in told for place, said in part)


def _serve(rank: int, work: TextWork) -> None:
    """Be one of the processes, from the group's beginning to its end."""
    from datetime import timedelta

    import torch
    import torch.distributed as dist

    from dubkit.dubbing.clip.shared_text import SharingFailed

    torch.set_num_threads(work.threads)
    device = torch.device(work.devices[rank])
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=(work.folder / "meeting").resolve().as_uri(),
        rank=rank,
        world_size=len(work.devices),
        timeout=timedelta(seconds=LIMIT_SECONDS),
    )
    told: list[tuple[int, str]] | str
    try:
        told = list(_encode(work, device))
    except SharingFailed as error:
        told = str(error)
    finally:
        dist.destroy_process_group()
    (work.folder / f"told{rank}").write_text(json.dumps(told))


def _encode(work: TextWork, device: Any) -> Iterator[tuple[int, str]]:
    """Write this process's share; yield the number of each prompt with its error."""
    import torch

    from dubkit.dubbing.clip.shared_text import encode_share, share_encoder
    from dubkit.engines.justdubit.opening import DeviceGenerator
    from dubkit.engines.justdubit.steps import save

    def opened() -> tuple[Any, Any]:
        from dubkit.ltx.text import TextEncoder

        generator = DeviceGenerator(work.files, work.options, str(device))
        gemma, dtype = work.files.gemma, generator.parts.dtype_of("text_encoder")
        text = TextEncoder.open(generator.checkpoint, gemma, device, dtype)
        return text, generator.checkpoint.config.text

    with torch.inference_mode():
        encoder = share_encoder(opened, device)
        for place, result in encode_share(encoder, work.prompts):
            if isinstance(result, Exception):
                yield place, str(result)
            else:
                save(result.tensors(), work.folder / str(place))
                yield place, ""


def worker_devices(
    wanted: int, prompts: int, devices: Sequence[str], size: int, free: int
) -> tuple[str, ...]:
    """Return a device for each process that encodes prompts.

    No more processes than prompts; each card at most one; on the processor as many as `free` bytes of memory
    hold, each with all `size` bytes of the text encoder. At least one, whatever is free.
    """
    cards = tuple(device for device in devices if device.startswith("cuda"))
    most = len(cards) if cards else max(1, free // max(1, int(size * 1.2)))
    count = max(1, min(wanted, prompts, most))
    return cards[:count] if cards else ("cpu",) * count
