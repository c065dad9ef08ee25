"""Finished files of an episode: the ones of the last run, never what an earlier one left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from msgspec import UNSET

from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore, Record, canonical, decode_json
from dubkit.types import Segment, SpokenLine
from dubkit.types.music import Music, SoundSpan
from dubkit.types.voices import Receipt

SOUND = "mix/dub.wav"
"""The sound of a dub before it is joined with the picture."""

_STAGE, _ITEM = "stitch", "episode"
_SPEAK = "speak"
_MUSIC = "music.json"
_DUBS = ("dub.mp4", "dub.mkv", "dub.m4a")


def finished_dub(store: EpisodeStore, language: str) -> Path | None:
    """Return the finished dub of a language; None when there is none, or writing it failed.

    An episode folder without records, as people copy them, has the dub that lies in it.
    """
    record = store.record(_STAGE, _ITEM, language)
    if record is None:
        names = [name for name in _DUBS if store.has(name, language)]
        return store.path(names[0], language) if len(names) == 1 else None
    names = [ref.path for ref in record.files if Path(ref.path).name in _DUBS]
    # Where it lies; in an episode that is kept elsewhere it is not fetched for that.
    return next((store.root / name for name in names if store.has(name) and not record.error), None)


def heard_sounds(store: EpisodeStore) -> tuple[SoundSpan, ...]:
    """Return music and singing of the source, in order of start; empty where nobody listened for them."""
    return store.read(_MUSIC, Music).spans if store.has(_MUSIC) else ()


def spoken_digest(context: Context, segment: Segment, record: Record | None) -> str:
    """Return the SHA-256 of what a line brings into the mix, from its record of `speak`."""
    if record is None or record.error:
        return context.digest(["nothing"])
    # What it cost to speak changes nothing in the mix.
    spoken = replace(decode_json(canonical(record.value), SpokenLine), receipt=UNSET, calls=UNSET)
    sound = [ref.sha256 for ref in record.files]
    return context.digest([spoken, segment.start, segment.end, *sound])


def speech_receipt(store: EpisodeStore, language: str) -> Receipt | None:
    """Return what the lines of a language took that are spoken now; None where nothing was paid."""
    lines = [
        decode_json(canonical(record.value), SpokenLine)
        for record in store.records(_SPEAK, language).values()
        if record.value and not record.error
    ]
    receipts = [line.receipt for line in lines if line.receipt is not UNSET]
    return sum(receipts, Receipt()) if receipts else None
