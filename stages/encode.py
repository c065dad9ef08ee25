"""Make latents of what every clip shows and lets hear, at both sizes; all languages share them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from dubkit.context import Context
from dubkit.errors import DubkitError
from dubkit.stage import Item, Sink, Stage
from dubkit.types import SAMPLE_RATE, Clip
from stages.artifacts import chosen, encoded_file
from stages.generator import (
    CHECKPOINT,
    devices,
    failure,
    generates,
    identities,
    megapixels,
    open_generator,
    recipe,
)

if TYPE_CHECKING:
    from dubkit.engines.justdubit import Sight


def windows(context: Context) -> dict[str, Clip]:
    """Return what is looked at, each window once."""
    return {clip.window: clip for clip in context.clips.clips} if generates(context) else {}


def items(context: Context) -> Sequence[Item]:
    found = windows(context)
    if not found:
        return []
    models = identities(context, CHECKPOINT)
    wanted = recipe(context)
    reads = {
        "source": context.sha256,
        "extract/audio.wav": context.file_digest("extract", "audio.wav"),
        "recipe": context.digest(
            [wanted.still_crf, wanted.first_frame, wanted.reference_scale, wanted.sound]
        ),
    }
    return [
        Item(name, inputs={**reads, "window": context.digest([clip.fit, clip.real_frames])}, models=models)
        for name, clip in found.items()
    ]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.engines.justdubit import encode
    from dubkit.media.frames import frame_times

    found, wanted = windows(context), recipe(context)
    video = context.episode.video
    assert video is not None, "clips have a picture"
    times = frame_times(context.source, video.index)
    generator = open_generator(context, devices(context)[0])
    with generator.encoders() as encoders:
        for item in items:
            clip = found[item.id]
            try:
                sight = _sight(context, clip, times[clip.start_frame])
                with sink.write(encoded_file(item.id)) as temporary:
                    encode(encoders, wanted, clip, sight, temporary)
            except (DubkitError, ValueError) as error:
                sink.fail(item.id, failure(clip.id, error))
                continue
            sink.done(item.id, files=[encoded_file(item.id)])


def _sight(context: Context, clip: Clip, time: Fraction) -> Sight:
    """Read a clip's frames and sound from the source."""
    from dubkit.engines.justdubit import Sight
    from dubkit.media.audio import read_span
    from dubkit.media.window import read_window

    video = context.episode.video
    assert video is not None, "clips have a picture"
    pictures = read_window(context.source, video, clip.start_frame, clip.real_frames)
    first = max(0, round(time * SAMPLE_RATE))
    last = min(first + round(clip.frames / video.rate * SAMPLE_RATE), context.episode.samples)
    sound = read_span(context.audio, first, last).T
    if sound.shape[0] > 2:
        sound = sound.mean(axis=0, keepdims=True)
    return Sight(pictures, sound.astype("float32"), SAMPLE_RATE, video.rate)


def work(context: Context, items: Sequence[Item]) -> float:
    """Return the megapixels of some clips."""
    return megapixels(chosen(context, items))


STAGE = Stage(
    name="encode",
    version=1,
    scope="language",
    items=items,
    run=run,
    engine="justdubit",
    work=work,
    needs=("clips",),
    shared=True,
)
