"""Make every clip with an engine that makes a whole clip in one call: the take that a person compares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from dubkit.chain.stage import Item, Needs, Sink, Stage
from dubkit.engines.engine import ENGINES, ClipMade, ClipOrder, TakeEngine
from dubkit.episode.context import Context
from dubkit.errors import DubkitError, GeneratorError
from dubkit.types import SAMPLE_RATE, Clip, DubbedClip, Fit, sample_at
from stages.shared.at_once import at_once
from stages.shared.clip_files import kept_frames, lossless_bytes, write_clip
from stages.shared.clip_jobs import due_clips
from stages.shared.dubbed_lines import is_driven
from stages.shared.engine import choose_engine, dubs_picture, makes_whole_clips, works_on_a_card
from stages.shared.generator import clip_seed, failure, own_seed
from stages.shared.given_sound import SETTINGS, given_inputs, given_sound
from stages.shared.host import RunHost, part_identity, part_settings
from stages.shared.takes import KEPT, chosen_clip, kept_digest

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

CANVAS_SCALE = 2
"""Size of the canvas in units of the clip's `fit`, whose pixels are those of the first stage."""


def items(context: Context) -> Sequence[Item]:
    if not dubs_picture(context):
        return []
    engine = choose_engine(context).engine
    identity = {"engine": part_identity(ENGINES, engine, engine.name)}
    own = (*engine.depends, *part_settings(context, engine.settings, f"dub.{engine.name}"))
    items: list[Item] = []
    for clip in context.clips.clips:
        take = chosen_clip(context, clip)
        if take is not None:
            items.append(take.item(clip.id))
            continue
        driven = is_driven(context, clip)
        if driven and given_inputs(context, clip) is None:
            continue  # a line of it was not spoken: the stage that failed says why
        seed = own_seed(context, clip)
        items.append(
            Item(
                clip.id,
                inputs=_inputs(context, clip),
                edits={} if seed is None else {"seed": seed},
                models=identity,
                settings=(*(("dub.seed",) if seed is None else ()), *(SETTINGS if driven else ()), *own),
            )
        )
    return items


def _inputs(context: Context, clip: Clip) -> dict[str, str]:
    inputs = {
        "source": context.sha256,
        "extract/audio.wav": context.file_digest("extract", "audio.wav"),
        "prompt": context.digest([clip.prompt, _texts(context, clip)]),
        "window": context.digest([clip.fit, clip.start_frame, clip.frames, clip.real_frames]),
        KEPT: kept_digest(context, clip),
    }
    if is_driven(context, clip):
        inputs["given"] = context.digest(given_inputs(context, clip))
    return inputs


def _texts(context: Context, clip: Clip) -> tuple[str, ...]:
    return tuple(line.text for _, line in context.lines if line.id in clip.lines)


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.picture.frames import frame_times

    engine = choose_engine(context).engine
    assert engine.make is not None, "only an engine that makes whole clips has this stage"
    video = context.picture
    due = {item.id for item in items}
    times = frame_times(context.source, video.index)
    clips = [clip for clip in context.clips.clips if clip.id in due]
    own = engine.settings and context.settings.table(f"dub.{engine.name}", engine.settings)
    count = engine.callers(own) if engine.callers is not None else 1
    # Of several at once nobody can say how far the one item is that runs.
    told = {"advance": sink.advance} if count == 1 else {}
    work = ((clip, partial(_make, context, clip, engine, times[clip.start_frame], **told)) for clip in clips)
    for clip, made in at_once(work, count):
        try:
            result = made()
            with sink.take(clip.id) as take:
                take.value = _keep(context, clip, engine, result, take.folder)
                take.remarks.extend(result.remarks)
        except (DubkitError, ValueError) as error:
            sink.fail(clip.id, failure(clip.id, error))
            if engine.optional and context.settings.dub.strict_plugins:
                raise GeneratorError(
                    f"{error}\nThe run stops, because dub.strict_plugins (--strict-plugins) is set."
                ) from error


def _make(context: Context, clip: Clip, engine: TakeEngine, time: Fraction, **told: Any) -> ClipMade:
    """Make a clip whose first frame is shown at `time`; a sound that was given is its sound.

    `told` are further values of the order.
    """
    order = replace(_order(context, clip, engine, time), **told)
    assert engine.make is not None
    result = engine.make(order)
    return result if order.given is None else replace(result, sound=order.given, sound_rate=SAMPLE_RATE)


def _order(context: Context, clip: Clip, engine: TakeEngine, time: Fraction) -> ClipOrder:
    from dubkit.media.sound.audio import read_span

    video = context.picture
    first = max(0, sample_at(time))
    last = min(first + sample_at(clip.frames / video.rate), context.episode.samples)
    return ClipOrder(
        clip=clip,
        language=context.language,
        texts=_texts(context, clip),
        rate=video.rate,
        seed=clip_seed(context, clip),
        width=CANVAS_SCALE * clip.fit.width,
        height=CANVAS_SCALE * clip.fit.height,
        pictures=lambda: _pictures(context, clip),
        sound=read_span(context.audio, first, last).T.astype("float32"),
        given=given_sound(context, clip, time) if is_driven(context, clip) else None,
        settings=engine.settings and context.settings.table(f"dub.{engine.name}", engine.settings),
        host=RunHost(context),
    )


def _pictures(context: Context, clip: Clip) -> Iterator[NDArray[np.uint8]]:
    """Yield the source's frames of a clip on its canvas; the last one stands in for those past the end."""
    from dubkit.media.picture.window import read_window

    video = context.picture
    frames = read_window(context.source, video, clip.start_frame, clip.real_frames)
    for number in range(clip.frames):
        yield on_canvas(frames[min(number, len(frames) - 1)], clip.fit)


def on_canvas(frame: NDArray[np.uint8], fit: Fit) -> NDArray[np.uint8]:
    """Return a picture (H, W, 3) laid on the canvas of a clip; its edge is repeated around it."""
    import cv2
    import numpy as np

    width, height, left, top, across, down = (
        CANVAS_SCALE * size
        for size in (fit.width, fit.height, fit.left, fit.top, fit.scaled_width, fit.scaled_height)
    )
    scaled = cv2.resize(frame, (across, down), interpolation=cv2.INTER_AREA)
    around = (top, height - top - down, left, width - left - across)
    return np.asarray(cv2.copyMakeBorder(scaled, *around, borderType=cv2.BORDER_REPLICATE), dtype=np.uint8)


def _keep(context: Context, clip: Clip, engine: TakeEngine, result: ClipMade, folder: Path) -> DubbedClip:
    """Write the kept frames and the sound of a clip. Raises GeneratorError for another size or number."""
    size = (CANVAS_SCALE * clip.fit.height, CANVAS_SCALE * clip.fit.width, 3)
    pictures = kept_frames(clip, _check_size(result.pictures, size, clip, engine))
    count = write_clip(pictures, result.sound, result.sound_rate, folder)
    if count != clip.keep_end - clip.keep_start:
        raise GeneratorError(
            f"{engine.name} made too few frames of clip {clip.id}: {clip.frames} are needed."
        )
    seed = clip_seed(context, clip)
    return DubbedClip(
        clip.id, engine.name, engine.name, seed, count, result.sound_rate, result.sound.shape[1]
    )


def _check_size(
    pictures: Iterator[NDArray[np.uint8]], size: tuple[int, ...], clip: Clip, engine: TakeEngine
) -> Iterator[NDArray[np.uint8]]:
    for picture in pictures:
        if picture.shape != size:
            raise GeneratorError(
                f"{engine.name} made a picture of {picture.shape} for clip {clip.id}; {size} is needed."
            )
        yield picture[None]


def _needs(context: Context, due: frozenset[str], _share: float) -> Needs:
    clips = due_clips(context, due)
    return Needs(disk=lossless_bytes(context), clips=len(clips), frames=sum(clip.frames for clip in clips))


STAGE = Stage(
    name="render",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Generating clips",
    done="generated",
    unit="clip",
    belongs=makes_whole_clips,
    card=works_on_a_card,
    pace=1.0,
    weight=1200.0,
    work=lambda _context, items: float(len(items)),
    estimate=_needs,
    needs=("clips", "drive"),
    takes=True,
)
