"""Encode the speech that the picture of a clip must follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Sink, Stage
from dubkit.engines.justdubit.record import CHECKPOINT
from dubkit.episode.context import Context
from dubkit.types import SAMPLE_RATE, Clip, Remark
from stages.shared.artifacts import given_file, given_wav
from stages.shared.dubbed_lines import driven_clips
from stages.shared.generator import (
    generator_devices,
    generator_dubs_picture,
    generator_runs,
    identities,
    open_generator,
    own_settings,
)
from stages.shared.given_sound import SETTINGS, beside_the_picture, given_inputs, given_sound
from stages.shared.takes import chosen_clip

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.ltx.audio_vae import AudioEncoder


def _clips(context: Context) -> dict[str, Clip]:
    if not generator_dubs_picture(context):
        return {}
    return {clip.id: clip for clip in driven_clips(context)}


def items(context: Context) -> Sequence[Item]:
    clips = _clips(context)
    models = identities(context, CHECKPOINT) if clips else {}
    items = []
    for name, clip in clips.items():
        inputs = given_inputs(context, clip)
        if inputs is None:
            continue  # a line of it was not spoken: the stage that failed says why
        held = ("window",) if chosen_clip(context, clip) else None
        own = (*SETTINGS, *own_settings(context, "audio"))
        items.append(Item(name, inputs=inputs, models=models, settings=own, held=held))
    return items


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.picture.frames import frame_times

    clips, times = _clips(context), frame_times(context.source, context.picture.index)
    with open_generator(context, generator_devices(context)[0]).audio_encoder() as encoder:
        for item in items:
            clip = clips[item.id]
            with sink.attempt(item.id):
                sound = given_sound(context, clip, times[clip.start_frame])
                _write(context, clip, sound, encoder, sink)
                remarks: list[Remark] = []
                for line in clip.lines:
                    parts = [one for one in clips.values() if line in one.lines]
                    if parts[-1] is clip:
                        remarks += beside_the_picture(context, parts, line, times)
                sink.done(item.id, files=[given_file(clip.id), given_wav(clip.id)], remarks=remarks)


def _write(
    context: Context, clip: Clip, sound: NDArray[np.float32], encoder: AudioEncoder, sink: Sink
) -> None:
    import soundfile as sf  # type: ignore[import-untyped]

    from dubkit.engines.justdubit.steps import encode_sound

    with sink.write(given_wav(clip.id)) as temporary:
        sf.write(temporary, sound.T, SAMPLE_RATE, subtype="PCM_24", format="WAV")
    with sink.write(given_file(clip.id)) as temporary:
        encode_sound(encoder, clip, sound, SAMPLE_RATE, context.picture.rate, temporary)


STAGE = Stage(
    name="given",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Encoding given speech",
    done="encoded",
    unit="clip",
    belongs=generator_runs,
    card=True,
    pace=0.5,
    work=lambda _context, items: float(len(items)),
    weight=20.0,
    needs=("drive",),
    depends=SETTINGS,
)
