"""Train the networks that hear reverberation: small ones, whose answers are averaged."""

from __future__ import annotations

from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.rooms.made import TRAINING, make, read_speech
from dubkit.media.sound.decay import MEMBERS, figures_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

UNITS, ROUNDS, BATCH = 64, 80, 64
DRY_DB = 20.0
"""Direct against reverberant sound that is the answer where there is no room."""


def train(folder: Path, count: int, seed: int, out: Path, *, jobs: int = 1) -> None:
    """Make rooms with the dry speech in a folder, train on them, and write the network.

    Each room has a generator of its own, so the rooms are the same however many jobs make them.
    """
    import torch

    given, wanted = _examples(folder, count, seed, jobs)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    stored = {"mu": given.mean(0), "sd": given.std(0) + 1e-6, "ym": wanted.mean(0), "ys": wanted.std(0)}
    scaled = torch.tensor(np.clip((given - stored["mu"]) / stored["sd"], -4, 4), dtype=torch.float32)
    answers = torch.tensor((wanted - stored["ym"]) / stored["ys"], dtype=torch.float32)
    weights: dict[str, NDArray[np.float16]] = {}
    for member in range(MEMBERS):
        first, _, _, last = _trained(scaled, answers)
        parts = zip("abcd", (first.weight, first.bias, last.weight, last.bias), strict=True)
        weights |= {f"{name}{member}": _stored(part) for name, part in parts}
    np.savez_compressed(out, **{k: v.astype(np.float32) for k, v in stored.items()}, **weights)  # type: ignore[arg-type]


def _examples(
    folder: Path, count: int, seed: int, jobs: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what is heard in each room, `(N, 379)`, and what is true of it, `(N, 4)`."""
    example = partial(_example, folder, seed)
    with get_context("spawn").Pool(jobs) as pool:
        rows = pool.map(example, range(count), chunksize=20)
    given, wanted = zip(*rows, strict=True)
    return np.array(given), np.array(wanted)


def _example(folder: Path, seed: int, number: int) -> tuple[NDArray[np.float64], list[float]]:
    room = make(np.random.default_rng((seed, number)), _speech(folder), TRAINING)
    return figures_of(room.sound, TRAINING.rate), [
        *(float(np.log(value)) for value in room.seconds),
        DRY_DB if room.dry else room.direct_db,
    ]


@cache
def _speech(folder: Path) -> list[NDArray[np.float64]]:
    return read_speech(folder, TRAINING)


def _stored(part: Any) -> NDArray[np.float16]:
    half: NDArray[np.float16] = part.detach().numpy().astype(np.float16)
    return half


def _trained(given: Tensor, answers: Tensor) -> nn.Sequential:
    """Return a network that answers with means and logarithms of deviations."""
    import torch
    from torch import nn

    values = answers.shape[1]
    net = nn.Sequential(
        nn.Linear(given.shape[1], UNITS), nn.SiLU(), nn.Dropout(0.2), nn.Linear(UNITS, 2 * values)
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, ROUNDS)
    for _ in range(ROUNDS):
        for batch in torch.randperm(len(given)).split(BATCH):  # type: ignore[no-untyped-call]
            answer = net(given[batch] + 0.05 * torch.randn_like(given[batch]))
            mean, doubt = answer[:, :values], answer[:, values:].clamp(-4, 2)
            loss = (torch.square(answers[batch] - mean) * torch.exp(-2 * doubt) / 2 + doubt).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
    return net.eval()
