"""The transformer's work on many clips: opened once, and again in less memory when a device runs out."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from dubkit.engines.justdubit.opening import DeviceGenerator, Options, StageName
from dubkit.engines.justdubit.steps import ClipJob, make_clip
from dubkit.engines.kept import KEPT, kept, opened
from dubkit.errors import DubkitError
from dubkit.types import Clip

if TYPE_CHECKING:
    import torch

    from dubkit.dubbing.diffusion.generate import LoadedTransformer
    from dubkit.dubbing.diffusion.parts import Files
    from dubkit.ltx.memory import Mode


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


@dataclass(slots=True)
class Memory:
    """How much of the transformer is on a device at a time, and a note where that is less than planned."""

    mode: Mode
    note: str = ""

    @property
    def can_shrink(self) -> bool:
        """Whether there is a mode that takes less, and none was tried yet."""
        return not self.note and self.mode != "streaming"

    def shrink(self) -> None:
        """Take less from now on."""
        self.note, self.mode = f"streaming, after {self.mode} ran out of memory", "streaming"


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

        When the device runs out of memory, while the transformer is opened or in a pass, it is opened again
        in a mode that takes less, once, and the clip at which it happened is tried again. Raises ValueError
        when the files do not work.
        """
        generator, pending = DeviceGenerator(self.files, self.options, device), list(jobs)
        first = partial(generator.memory_mode, self.tokens)
        memory = kept(("memory", self.stage, device), lambda: Memory(first()))
        while pending:
            key = ("transformer", self.stage, device, memory.mode)
            transformer = partial(generator.transformer, self.stage, self.tokens, memory.mode)
            with ExitStack() as stack:
                loaded = _enter(stack, opened(key, transformer))
                while pending:
                    error = self._try(loaded, pending[0], on_step)
                    if error is not None:
                        # Its frames hold the pass's tensors and the transformer, as long as it is kept.
                        traceback.clear_frames(error.__traceback__)
                    if error is not None and out_of_memory(error) and memory.can_shrink:
                        break
                    yield ClipAttempt(pending.pop(0).clip.id, memory.note, error)
            if pending:
                del loaded
                KEPT.drop(key)
                memory.shrink()

    def _try(
        self,
        loaded: LoadedTransformer | torch.OutOfMemoryError,
        job: ClipJob,
        on_step: Callable[[ClipJob, int, int], None],
    ) -> Exception | None:
        if isinstance(loaded, Exception):
            return loaded
        try:
            make_clip(loaded, self.options.recipe, job, lambda step, of: on_step(job, step, of))
        except (DubkitError, ValueError, FileNotFoundError) as error:
            return error
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            return error
        return None


def _enter(
    stack: ExitStack, transformer: AbstractContextManager[LoadedTransformer]
) -> LoadedTransformer | torch.OutOfMemoryError:
    """Return the opened transformer, which `stack` closes; the error where the device cannot hold it."""
    try:
        return stack.enter_context(transformer)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        return cast("torch.OutOfMemoryError", error)
