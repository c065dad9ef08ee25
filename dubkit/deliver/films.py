"""Films of a pack: one with every language, and one for each language that plays everywhere."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.deliver.deliverable import Deliverable, Packing
from dubkit.deliver.statement import TrackStatement
from dubkit.deliver.timeline import picture_track, sound_track, source_track
from dubkit.episode.context import Context
from dubkit.episode.results import finished_dub
from dubkit.errors import DubkitError
from dubkit.media.delivery.plan import FurtherDub
from stages.shared.finished_dub import film
from stages.stitch import inputs_of

if TYPE_CHECKING:
    from dubkit.media.delivery.plan import StitchInputs

MOVIES = {".mp4", ".m4a"}
"""Endings of finished dubs that go into a pack as they are."""


def write_master(packing: Packing) -> None:
    """Write a Matroska film with the dubs of all languages, the source's sound and all subtitles."""
    from dubkit.media.delivery.stitch import stitch

    name = f"{packing.name}.mkv"
    with packing.context.store.scratch() as folder:
        parts = [_inputs(packing, language, folder) for language in packing.languages]
        first = parts[0]
        further = tuple(FurtherDub(part.language, part.dub_audio, part.picture) for part in parts[1:])
        # What is packed holds the original whatever the dub itself was asked for.
        settings = replace(first.settings, keep_original=True, container="mkv")
        own = [pair for part in parts for pair in part.subtitles if pair[0] == part.language]
        subtitles = (*own, *(pair for pair in first.subtitles if pair not in own))
        inputs = replace(first, settings=settings, further=further, subtitles=subtitles)
        contexts = [packing.within(language) for language in packing.languages]
        tracks = _tracks(contexts, originals=len(first.episode.audio), source_picture=True)
        out = packing.file(name, tracks=tracks)
        packing.said += stitch(inputs, out, "mkv")


def _inputs(packing: Packing, language: str, folder: Path) -> StitchInputs:
    own = folder / language
    own.mkdir()
    inputs, said = inputs_of(packing.within(language), own)
    packing.said += said
    return inputs


def write_screeners(packing: Packing) -> None:
    """Write the finished dub of each language as MP4: the dub plays by itself, the original is there too."""
    from dubkit.media.delivery.stitch import stitch

    for language in packing.languages:
        context = packing.within(language)
        dub = finished_dub(context.store, language)
        assert dub is not None, "only finished languages are packed"
        suffix = dub.suffix if dub.suffix in MOVIES else ".mp4"
        kept = len(context.episode.audio) if context.settings.stitch.keep_original else 0
        tracks = _tracks([context], originals=kept, source_picture=False)
        name = f"{packing.name}.{language}{suffix}"
        out = packing.file(name, language=language, tracks=tracks)
        if dub.suffix in MOVIES:
            shutil.copyfile(dub, out)
            continue
        with context.store.scratch() as folder:
            inputs, _ = inputs_of(context, folder)
            settings = replace(inputs.settings, container="mp4")
            try:
                packing.said += stitch(replace(inputs, settings=settings), out, "mp4")
            except DubkitError as error:
                packing.drop(name)
                reason = str(error).partition("\n")[0]
                packing.say("pack-incomplete", f"There is no MP4 in {language}: {reason}", name)


def _tracks(
    contexts: Sequence[Context], *, originals: int, source_picture: bool
) -> tuple[TrackStatement, ...]:
    """Say what the tracks of a film are, in its order: pictures, dubs, sound of the source.

    With `source_picture`, the source's picture follows where the first language has another one.
    """
    shown = [contexts[0], *(context for context in contexts[1:] if film(context) is not None)]
    pictures = [picture_track(context, number) for number, context in enumerate(shown)]
    if source_picture and film(contexts[0]) is not None:
        pictures.append(TrackStatement("picture", len(pictures), "", "source"))
    sounds = [sound_track(context, number) for number, context in enumerate(contexts)]
    kept = [source_track(number) for number in range(len(sounds), len(sounds) + originals)]
    return (*(track for track in pictures if track is not None), *sounds, *kept)


MASTER = Deliverable("master", "Film with every language and the original sound", ("studio",), write_master)
SCREENERS = Deliverable("screeners", "Film of each language as MP4", ("studio",), write_screeners)
