"""Join the picture with the mix, the original sound and the subtitles; what was not generated is copied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dubkit.chain.stage import EPISODE, Item, Needs, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.subtitles import source_cues, target_cues, write_source_subtitles, write_target_subtitles
from dubkit.formats.format import FORMATS, subtitle_formats
from stages.shared.delivery import FILM, SOUND, dub_name, film
from stages.shared.host import part_identity


def items(context: Context) -> Sequence[Item]:
    picture = {}
    if film(context) is not None:
        picture[FILM] = context.file_digest("paste", FILM, language=context.language)
    return [
        Item(
            EPISODE,
            inputs={
                "source": context.sha256,
                **picture,
                SOUND: context.file_digest("mix", SOUND, language=context.language),
                "subtitles/source": context.digest(source_cues(context)),
                "subtitles/target": context.digest(target_cues(context)),
                **_formats(context),
            },
        )
    ]


def _formats(context: Context) -> dict[str, str]:
    """Return the versions of other packages' formats; dubkit's own stand under the version of this stage."""
    formats = subtitle_formats(context.settings.stitch.subs_format)
    return {
        f"format/{format.name}": context.digest(part_identity(FORMATS, format, format.name))
        for format in formats
        if FORMATS.package(format.name)
    }


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.delivery.stitch import StitchInputs, stitch

    write_source_subtitles(context.fresh(""))
    written = write_target_subtitles(context)
    name = dub_name(context)
    with context.store.scratch() as folder, sink.write(name) as temporary:
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
        stitch(inputs, temporary, Path(name).suffix[1:])
    sink.done(EPISODE, files=[name, *written])


def _subtitles(context: Context, folder: Path) -> tuple[tuple[str, Path], ...]:
    """Write the tracks that go into the dub; one without a cue is left out."""
    from dubkit.formats.srt import write_srt

    kinds = context.settings.stitch.subs
    tracks = []
    for kind, language, cues in (
        ("target", context.language, target_cues(context)),
        ("source", context.source_language, source_cues(context)),
    ):
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
    version=2,
    scope="language",
    items=items,
    run=run,
    title="Writing the finished file",
    done="joined",
    pace=0.08,
    estimate=_needs,
    needs=("paste", "mix"),
    depends=("stitch.container", "stitch.keep_original", "stitch.subs", "stitch.subs_format"),
)
