"""The transformer's work on many clips: opened once, and again in less memory when a device runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from dubkit.engines.justdubit.opening import DeviceGenerator, Options, StageName
from dubkit.engines.justdubit.steps import ClipJob, make_clip
from dubkit.errors import DubkitError
from dubkit.types import Clip

if TYPE_CHECKING:
    from dubkit.dubbing.diffusion.generate import LoadedTransformer
    from dubkit.dubbing.diffusion.parts import Files


def token_count(clip: Clip, stage: StageName) -> int:
    """Return the picture tokens of a clip with its reference."""
    from dubkit.ltx.latents import FRAMES_PER_LATENT, PIXELS_PER_LATENT

    factor = 1 if stage == "first" else 2
    area = clip.fit.width * clip.fit.height * factor**2 // PIXELS_PER_LATENT**2
    return 2 * ((clip.frames - 1) // FRAMES_PER_LATENT + 1) * area


def out_of_memory(error: BaseException) -> bool:
    """Tell whether a device ran out of memory."""
    import torch

    return isinstance(error, torch.OutOfMemoryError)


class ClipAttempt(NamedTuple):
    """How the work on a clip ended: a note on how it was made, or the error."""

    clip: str
    note: str
    error: Exception | None


@dataclass(frozen=True, slots=True)
class StageWork:
    """A stage of the transformer on a number of clips; it pickles."""

    files: Files
    options: Options
    stage: StageName
    tokens: int
    """Most picture tokens of a clip, which decide how much memory is left for weights."""

    def over(
        self, device: str, jobs: Sequence[ClipJob], on_step: Callable[[ClipJob, int, int], None]
    ) -> Iterator[ClipAttempt]:
        """Do the jobs one after the other, the transformer opened once.

        When the device runs out of memory the transformer is opened again in a mode that takes less, once,
        and the clip at which it happened is tried again. Raises ValueError when the files do not work.
        """
        generator = DeviceGenerator(self.files, self.options, device)
        mode, note, pending = generator.memory_mode(self.tokens), "", list(jobs)
        while pending:
            with generator.transformer(self.stage, self.tokens, mode) as loaded:
                while pending:
                    error = self._try(loaded, pending[0], on_step)
                    if error is not None and out_of_memory(error) and not note and mode != "streaming":
                        break
                    yield ClipAttempt(pending.pop(0).clip.id, note, error)
            if pending:
                note, mode = f"streaming, after {mode} ran out of memory", "streaming"

    def _try(
        self, loaded: LoadedTransformer, job: ClipJob, on_step: Callable[[ClipJob, int, int], None]
    ) -> Exception | None:
        try:
            make_clip(loaded, self.options.recipe, job, lambda step, of: on_step(job, step, of))
        except (DubkitError, ValueError, FileNotFoundError) as error:
            return error
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            return error
        return None


class ChainWorker:
    """Does chains of clips on one device of several; the transformer stays open between them."""

    def __init__(self, work: StageWork, device: str) -> None:
        self.work, self.device = work, device

    def __call__(self, chain: tuple[ClipJob, ...], tell: Callable[[int, int], None]) -> list[ClipAttempt]:
        """Return how each clip of the chain ended."""

        def step(job: ClipJob, done: int, of: int) -> None:
            tell(chain.index(job) * of + done, len(chain) * of)

        return list(self.work.over(self.device, chain, step))
