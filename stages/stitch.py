"""Join the picture with the mix, the original sound and the subtitles; what was not generated is copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.chain.stage import EPISODE, Item, Needs, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.subtitles import source_cues, target_cues
from dubkit.types import Remark, remark
from stages.shared.finished_dub import FILM, SOUND, dub_name, film
from stages.shared.levels import LEVEL_SETTINGS, spoken_spans
from stages.shared.machine_code import COMMON

if TYPE_CHECKING:
    from dubkit.media.delivery.stitch import StitchInputs

SETTINGS = ("stitch.container", "stitch.keep_original", "stitch.subs")


def items(context: Context) -> Sequence[Item]:
    picture = {}
    if film(context) is not None:
        picture[FILM] = context.file_digest("paste", FILM, language=context.language)
    levels: dict[str, str] = {}
    if context.settings.mix.levels is not None:
        levels["mix/mix.json"] = context.file_digest("mix", "mix/mix.json", language=context.language)
    return [
        Item(
            EPISODE,
            settings=(*SETTINGS, *(LEVEL_SETTINGS if levels else ())),
            inputs={
                **levels,
                "source": context.sha256,
                **picture,
                SOUND: context.file_digest("mix", SOUND, language=context.language),
                "subtitles/source": context.digest(source_cues(context)),
                "subtitles/target": context.digest(target_cues(context)),
            },
        )
    ]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.delivery.stitch import stitch

    name = dub_name(context)
    with context.store.scratch() as folder, sink.write(name) as temporary:
        inputs, said = inputs_of(context, folder)
        remarks = (*said, *stitch(inputs, temporary, Path(name).suffix[1:]))
    if context.settings.stitch.container != "auto":
        remarks = tuple(chosen(said) for said in remarks)
    sink.done(EPISODE, files=[name], remarks=remarks)


def inputs_of(context: Context, folder: Path) -> tuple[StitchInputs, tuple[Remark, ...]]:
    """Return what a dub is made of, and what is to be said of it; files on their way lie in `folder`."""
    from dubkit.media.delivery.stitch import StitchInputs

    inputs = StitchInputs(
        source=context.source,
        episode=context.episode,
        dub_audio=context.store.path(SOUND, context.language),
        language=context.language,
        source_language=context.source_language,
        subtitles=_subtitles(context, folder),
        settings=context.settings.stitch,
        picture=film(context),
    )
    return _levelled(context, inputs, folder)


def _levelled(
    context: Context, inputs: StitchInputs, folder: Path
) -> tuple[StitchInputs, tuple[Remark, ...]]:
    """Make sure that the dub has its delivery level once its sound is coded; say what that took."""
    from dubkit.media.delivery.levels import keep_levels

    mix = context.settings.mix
    if mix.levels is None:
        return inputs, ()
    coded = keep_levels(inputs, mix.levels, folder, spoken_spans(context), limiter=mix.limiter == "on")
    if coded.change is None:
        return inputs, ()
    said = (
        f"Coding the sound moved its level (true peak {coded.true_peak_db:+.1f} dBTP), so it was coded again"
    )
    steps = [f"{coded.change.gain_db:+.1f} dB"] if round(coded.change.gain_db, 1) else []
    if coded.change.ceiling_db is not None:
        steps.append(f"limited to {coded.change.ceiling_db:.1f} dBTP")
    sentence = f"{said}: {', '.join(steps)}." if steps else f"{said}."
    return replace(inputs, dub_audio=coded.file), (remark("sound-coded-again", sentence),)


def chosen(said: Remark) -> Remark:
    """Return a remark as it stands where a person chose the container: what that cannot hold is a note."""
    return replace(said, weight="note") if said.code == "stream-left-out" else said


def _subtitles(context: Context, folder: Path) -> tuple[tuple[str, Path], ...]:
    """Write the tracks that go into the dub; one without a cue is left out.

    A cue ends with the film at the latest: a track must not make it longer.
    """
    from dubkit.formats.srt import write_srt

    kinds, end = context.settings.stitch.subs, float(context.episode.duration)
    tracks = []
    for kind, language, cues in (
        ("target", context.language, target_cues(context)),
        ("source", context.source_language, source_cues(context)),
    ):
        cues = [replace(cue, end=min(cue.end, end)) for cue in cues if cue.start < end]
        if kinds in (kind, "both") and cues:
            file = folder / f"{kind}.srt"
            file.write_bytes(write_srt(cues))
            tracks.append((language, file))
    return tuple(tracks)


DUB_SOUND_BYTES = 40_000
"""Bytes per second of the sound tracks that a dub adds to the copied picture."""


def _needs(context: Context, _due: frozenset[str], _share: float) -> Needs:
    return Needs(disk=context.source.stat().st_size + int(context.episode.duration * DUB_SOUND_BYTES))


STAGE = Stage(
    name="stitch",
    version=3,
    scope="language",
    items=items,
    run=run,
    title="Writing the finished file",
    done="joined",
    pace=0.08,
    estimate=_needs,
    needs=("paste", "mix"),
    beside=True,
    cores=1,
    loads=COMMON,
    depends=SETTINGS,
)
