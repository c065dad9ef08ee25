"""Probe the source and decode the dubbed sound track onto the episode clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dubkit.chain.stage import EPISODE, Item, Needs, Sink, Stage
from dubkit.episode.context import Context
from dubkit.errors import MediaError
from dubkit.types import SAMPLE_BYTES


def items(context: Context) -> Sequence[Item]:
    return [Item(EPISODE, inputs={"source": context.sha256})]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.files.decode import decode_audio
    from dubkit.media.files.probe import probe

    settings = context.settings.extract
    episode = probe(context.source, audio_track=settings.audio_track, audio_language=settings.audio_language)
    if not episode.track:
        raise MediaError(
            context.source,
            "there is no sound track, so there is nothing to dub",
            "Name a file with sound; a separate sound file can be joined to the picture first.",
        )
    with sink.write("audio.wav") as full, sink.write("speech16k.wav") as speech:
        warnings = decode_audio(context.source, episode, full, speech)
    episode = replace(episode, sha256=context.sha256, warnings=(*episode.warnings, *warnings))
    sink.write_json("episode.json", episode)
    sink.done(EPISODE, files=["episode.json", "audio.wav", "speech16k.wav"])


SPEECH_BYTES = 2
"""Bytes of a sample of `speech16k.wav`."""


def _needs(context: Context, _due: frozenset[str], _share: float) -> Needs:
    episode = context.episode
    return Needs(disk=episode.samples * SAMPLE_BYTES * episode.channels + episode.samples // 3 * SPEECH_BYTES)


STAGE = Stage(
    name="extract",
    version=1,
    scope="episode",
    items=items,
    run=run,
    title="Reading the source",
    done="read",
    pace=0.05,
    estimate=_needs,
    depends=("extract.audio_track", "extract.audio_language"),
    artifact="episode.json",
)
