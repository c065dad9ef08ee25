"""Make latents of the picture and sound of every clip, at both sizes; all languages share them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Sink, Stage
from dubkit.engines.justdubit.record import CHECKPOINT
from dubkit.engines.kept import opened
from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from dubkit.types import SAMPLE_RATE, Clip, sample_at
from stages.shared.artifacts import clips_of_items, encoded_file
from stages.shared.generator import (
    codec_memory,
    failure,
    generator_devices,
    generator_dubs_picture,
    generator_runs,
    identities,
    megapixels,
    one_by_one,
    open_generator,
    own_settings,
    recipe,
)
from stages.shared.generator_sound import generator_sound

if TYPE_CHECKING:
    from dubkit.engines.justdubit.steps import ClipSource


def windows(context: Context) -> dict[str, Clip]:
    """Return each window once, with one of the clips that have it."""
    return {clip.window: clip for clip in context.clips.clips} if generator_dubs_picture(context) else {}


def items(context: Context) -> Sequence[Item]:
    by_window = windows(context)
    if not by_window:
        return []
    models = identities(context, CHECKPOINT)
    ours = recipe(context)
    inputs = {
        "source": context.sha256,
        "extract/audio.wav": context.file_digest("extract", "audio.wav"),
        "recipe": context.digest([ours.still_crf, ours.first_frame, ours.reference_scale, ours.sound]),
    }
    return [
        Item(
            name,
            inputs={**inputs, "window": context.digest([clip.fit, clip.real_frames])},
            models=models,
            settings=own_settings(context, "video", "audio", "refine_crf"),
        )
        for name, clip in by_window.items()
    ]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.engines.justdubit.steps import encode
    from dubkit.media.picture.frames import frame_times

    by_window = windows(context)
    video = context.picture
    times = frame_times(context.source, video.index)
    generator = open_generator(context, generator_devices(context)[0])
    with opened(("encoders", generator.parts.files), generator.encoders) as encoders:
        for item in items:
            clip = by_window[item.id]
            try:
                source = _source(context, clip, times[clip.start_frame])
                with sink.write(encoded_file(item.id)) as temporary:
                    encode(encoders, recipe(context), clip, source, temporary)
            except (DubkitError, ValueError) as error:
                sink.fail(item.id, failure(clip.id, error))
                continue
            sink.done(item.id, files=[encoded_file(item.id)])


def _source(context: Context, clip: Clip, time: Fraction) -> ClipSource:
    """Read a clip's frames and sound from the source."""
    from dubkit.engines.justdubit.steps import ClipSource
    from dubkit.media.picture.window import read_window
    from dubkit.media.sound.audio import read_span

    video = context.picture
    pictures = read_window(context.source, video, clip.start_frame, clip.real_frames)
    first = max(0, sample_at(time))
    last = min(first + sample_at(clip.frames / video.rate), context.episode.samples)
    sound = generator_sound(read_span(context.audio, first, last).T, context.layout)
    return ClipSource(pictures, sound, SAMPLE_RATE, video.rate)


def work(context: Context, items: Sequence[Item]) -> float:
    """Return the megapixels of some clips."""
    return megapixels(clips_of_items(context, items))


STAGE = Stage(
    name="encode",
    version=2,
    scope="language",
    items=items,
    run=run,
    title="Encoding picture and sound of the clips",
    done="encoded",
    belongs=generator_runs,
    card=True,
    apart=one_by_one,
    memory=codec_memory,
    pace=0.1,
    weight=60.0,
    work=work,
    needs=("clips",),
    shared=True,
)
