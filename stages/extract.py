"""Probe the source and decode the dubbed sound track onto the episode clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dubkit.chain.stage import EPISODE, Item, Needs, Sink, Stage
from dubkit.episode.context import Context
from dubkit.errors import MediaError
from dubkit.types import SAMPLE_BYTES, Episode, Remark, remark
from stages.shared.engine import makes_clips
from stages.shared.machine_code import COMMON


def items(context: Context) -> Sequence[Item]:
    return [Item(EPISODE, inputs={"source": context.sha256})]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.files.decode import decode_audio
    from dubkit.media.files.probe import probe
    from dubkit.media.files.trial import check_copy

    settings = context.settings.extract
    remarks: list[Remark] = []
    episode = probe(
        context.source,
        audio_track=settings.audio_track,
        audio_language=settings.audio_language,
        tell=remarks.append,
    )
    if not episode.track:
        raise MediaError(
            context.source,
            "there is no sound track, so there is nothing to dub",
            "Name a file with sound; a separate sound file can be joined to the picture first.",
        )
    if episode.video is not None:
        check_copy(context.source, episode.video)
    _check_container(context, episode)
    with sink.write("audio.wav") as full, sink.write("speech16k.wav") as speech:
        remarks += decode_audio(context.source, episode, full, speech)
    warnings = tuple(said.sentence for said in remarks)
    sink.write_json("episode.json", replace(episode, sha256=context.sha256, warnings=warnings))
    sink.done(EPISODE, files=["episode.json", "audio.wav", "speech16k.wav"], remarks=remarks)


def _check_container(context: Context, episode: Episode) -> None:
    """Refuse a container that cannot hold the picture before any work; an engine may make another picture."""
    from dubkit.media.delivery.containers import check_container, container_for

    settings, video = context.settings.stitch, episode.video
    if video is None or makes_clips(context):
        return
    container = container_for(episode, settings.container, keep_original=settings.keep_original)
    check_container(context.source, container, video.codec, video.hidden or 0)


WARNINGS = {
    "The file is": "source-cut-off",
    "There are": "sound-chosen",
    "There is no sound": "sound-missing",
    "The picture stream": "stream-empty",
    "The sound stream": "stream-empty",
    "Nothing of": "sound-unreadable",
}
"""Beginning of a warning in `episode.json` -> its code; others are about damage."""


def recall(context: Context) -> list[Remark]:
    """Return the remarks on a source that was read by an earlier version."""
    if not context.store.has("episode.json"):
        return []
    found = []
    for warning in context.episode.warnings:
        code = next((code for start, code in WARNINGS.items() if warning.startswith(start)), "source-damaged")
        found.append(remark(code, warning))
    return found


SPEECH_BYTES = 2
"""Bytes of a sample of `speech16k.wav`."""


def _needs(context: Context, _due: frozenset[str], _share: float) -> Needs:
    episode = context.episode
    return Needs(disk=episode.samples * SAMPLE_BYTES * episode.channels + episode.samples // 3 * SPEECH_BYTES)


STAGE = Stage(
    name="extract",
    version=2,
    scope="episode",
    items=items,
    run=run,
    beside=True,
    cores=1,
    loads=COMMON,
    title="Reading the source",
    done="read",
    pace=0.05,
    estimate=_needs,
    depends=("extract.audio_track", "extract.audio_language"),
    artifact="episode.json",
    recall=recall,
)
