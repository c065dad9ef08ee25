"""Make frames and sound of every clip's latents: the take that a person compares and chooses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dubkit.chain.stage import Item, Needs, Sink, Stage
from dubkit.engines.justdubit.record import CHECKPOINT
from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from dubkit.types import Clip, DubbedClip
from stages.shared.artifacts import chosen, digest_of, on_disk, second_file
from stages.shared.generator import (
    clip_seed,
    devices,
    failure,
    generates,
    generator_runs,
    identities,
    megapixels,
    open_generator,
    recipe,
)
from stages.shared.takes import KEPT, chosen_clip, kept_digest

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

P = TypeVar("P", bound="Tensor | NDArray[Any]")

PICTURE = "picture.mkv"
SOUND = "sound.wav"


def _second(context: Context, clip: Clip) -> str:
    return digest_of(context, "refine", clip.id, second_file(clip.id))


def items(context: Context) -> Sequence[Item]:
    if not generates(context):
        return []
    clips = context.clips.clips
    chosen = {clip.id: found for clip in clips if (found := chosen_clip(context, clip))}
    made = [clip for clip in clips if _second(context, clip) and clip.id not in chosen]
    models = identities(context, CHECKPOINT) if made else {}
    generated = [
        Item(
            clip.id,
            inputs={f"refine/{clip.id}": _second(context, clip), KEPT: kept_digest(context, clip)},
            models=models,
        )
        for clip in made
    ]
    return [*generated, *(found.item(clip) for clip, found in chosen.items())]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.engines.justdubit import ENGINE
    from dubkit.engines.justdubit.steps import decode

    due = {item.id for item in items}
    with open_generator(context, devices(context)[0]).decoders() as decoders:
        for clip in context.clips.clips:
            if clip.id not in due:
                continue
            try:
                frames, sound, rate = decode(decoders, on_disk(context, second_file(clip.id)))
                with sink.take(clip.id) as take:
                    count = _write(kept(clip, frames), sound, rate, take.folder)
                    take.value = DubbedClip(
                        clip.id,
                        ENGINE,
                        recipe(context).name,
                        clip_seed(context, clip),
                        count,
                        rate,
                        sound.shape[1],
                    )
            except (DubkitError, ValueError) as error:
                sink.fail(clip.id, failure(clip.id, error))


def kept(clip: Clip, pieces: Iterator[P]) -> Iterator[P]:
    """Yield the frames (n, H, W, 3) of a clip that enter the episode."""
    first, last = clip.keep_start - clip.start_frame, clip.keep_end - clip.start_frame
    at = 0
    for piece in pieces:
        begin, end = max(first - at, 0), min(last - at, len(piece))
        if begin < end:
            yield piece[begin:end]  # type: ignore[misc]
        at += len(piece)


def _write(pieces: Iterator[Tensor], sound: Tensor, rate: int, folder: Path) -> int:
    import soundfile as sf  # type: ignore[import-untyped]

    from dubkit.media.picture.lossless import write_frames

    count = write_frames((piece.numpy() for piece in pieces), folder / PICTURE)
    sf.write(folder / SOUND, sound.numpy().T, rate, subtype="PCM_24")  # float files hold the time
    return count


def work(context: Context, items: Sequence[Item]) -> float:
    """Return the megapixels of some clips."""
    return megapixels(chosen(context, items))


LOSSLESS_BYTES = 6
"""Of a lossless take, for each pixel of the first stage: four of the second, at about 1.5 bytes."""


def lossless_bytes(context: Context) -> int:
    """Return about how many bytes the pictures of all planned clips take."""
    pixels = sum(clip.frames * clip.fit.width * clip.fit.height for clip in context.planned_clips)
    return LOSSLESS_BYTES * pixels


def _needs(context: Context, _due: frozenset[str], _share: float) -> Needs:
    return Needs(disk=lossless_bytes(context))


STAGE = Stage(
    name="decode",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Decoding clips",
    done="decoded",
    unit="clip",
    belongs=generator_runs,
    card=True,
    pace=0.06,
    weight=120.0,
    estimate=_needs,
    work=work,
    needs=("refine",),
    takes=True,
)
