"""Sound of a pack: the mix of each language, its stems, and music and effects."""

from __future__ import annotations

import shutil
from pathlib import Path

from dubkit.deliver.deliverable import Deliverable, Packing
from dubkit.deliver.statement import Origin, TrackStatement
from dubkit.deliver.timeline import sound_track
from dubkit.media.sound.stems import DIALOGUE_STEM, EFFECTS_STEM, SPEECH_STEM
from stages.shared.bed import bed_file
from stages.shared.finished_dub import SOUND

STEMS: tuple[tuple[str, str, Origin | None], ...] = (
    (SPEECH_STEM, "voices", "silence"),
    (DIALOGUE_STEM, "dialogue", "source"),
    (EFFECTS_STEM, "music-and-effects", None),
)
"""Stem of an episode, its name in a pack, and what is heard between lines; None for none of its lines."""


def write_sounds(packing: Packing) -> None:
    """Copy the mix and the stems of each language, and the bed that all of them share."""
    for language in packing.languages:
        context = packing.within(language)
        _copy(packing, context.store.path(SOUND, language), "mix", sound_track(context, 0), language)
        for stem, name, rest in STEMS:
            file = context.store.path(f"stems/{stem}", language)
            if not context.settings.stitch.stems or not file.is_file():
                continue
            track = sound_track(context, 0, rest) if rest else TrackStatement("sound", 0, "", "source")
            _copy(packing, file, name, track, language)
    bed = _bed(packing)
    if bed is not None:
        _copy(packing, bed, f"music-and-effects{bed.suffix}", TrackStatement("sound", 0, "", "source"))
    elif not packing.context.settings.stitch.stems:
        packing.say(
            "pack-without",
            "Nothing was separated and no stems were written, so there is no music and effects. "
            "Run again with --stems or --separation, and pack again.",
        )


def _bed(packing: Packing) -> Path | None:
    """Return the music and effects that all languages share: given by a person, or separated."""
    own = packing.context.settings.mix.background
    return Path(own) if own else bed_file(packing.context)


def _copy(packing: Packing, file: Path, name: str, track: TrackStatement, language: str = "") -> None:
    suffix = "" if Path(name).suffix else file.suffix
    stem = f"{packing.name}.{language}" if language else packing.name
    place = packing.file(f"sound/{stem}.{name}{suffix}", language=language, tracks=(track,))
    shutil.copyfile(file, place)


SOUNDS = Deliverable("sound", "Mix, stems, music and effects", ("studio",), write_sounds)
