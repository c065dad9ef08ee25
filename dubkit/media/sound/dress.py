"""Shape the dub's voices before they are mixed, put them where the source's voices are, and mark them.

A place is found for each line, and taken from all lines of its speaker where the line alone is too short or
hardly differs. A room is heard in all lines of a speaker that follow on each other, because that takes
several seconds of speech. Where either is unsure, the voice stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.media.sound import loudness
from dubkit.media.sound.audio import channel_roles, open_wav, read_open
from dubkit.media.sound.decay import Decay, hear_decay
from dubkit.media.sound.enhance import shape_voice
from dubkit.media.sound.mark import mark_speech
from dubkit.media.sound.place import Place, find_place
from dubkit.media.sound.room import stand_in
from dubkit.media.sound.scene import Placement
from dubkit.media.sound.settings import Mix
from dubkit.types import SAMPLE_RATE
from dubkit.types.reports import LineRoom

if TYPE_CHECKING:
    import numpy as np
    import soundfile as sf  # type: ignore[import-untyped]
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

MOST_DOUBT = 0.16
"""Doubt about a reverberation time above which no room is given: of those below it nine of ten are right."""
DRY_DB = 10.0
"""Direct against reverberant sound from which a voice counts as dry."""

_AFTER = round(0.8 * SAMPLE_RATE)  # what follows a line is its echo, if nobody speaks on
_SCENE = 20 * SAMPLE_RATE  # a speaker silent for longer may be elsewhere
_LONGEST = 60 * SAMPLE_RATE
_SHORTEST = 8 * SAMPLE_RATE  # less speech of a scene than this says less of a room than all of the speaker's
_SAME_DB, _SAME_SAMPLES = 1.0, 5.0
_LINE = round(0.6 * SAMPLE_RATE)


@dataclass(frozen=True, slots=True)
class Dressed:
    """The lines with the speech that is mixed, and what was found of places and rooms."""

    placements: tuple[Placement, ...]
    rooms: tuple[LineRoom, ...] = ()


def dress(placements: Sequence[Placement], folder: Path, settings: Mix, source: Path, layout: str) -> Dressed:
    """Return the lines with the speech that is to be mixed, as files in `folder` where it is another."""
    if settings.style == "default" and settings.room == "off" and settings.mark == "off":
        return Dressed(tuple(placements))
    found = _found(placements, source, layout) if settings.room == "auto" else {}
    dressed = []
    for placement in placements:
        place, decay = found.get(placement.id, (None, None))
        if settings.style == "enhanced" or place is not None:
            placement = _write(placement, folder, settings.style == "enhanced", place, decay)
        # What a person recorded is not generated.
        if settings.mark == "on" and not placement.recorded:
            placement = _marked(placement, folder)
        dressed.append(placement)
    rooms = tuple(_report(line, *heard) for line, heard in found.items())
    return Dressed(tuple(dressed), rooms)


def _write(
    placement: Placement, folder: Path, shaped: bool, place: Place | None, decay: Decay | None
) -> Placement:
    import soundfile as sf

    out = folder / f"{placement.id}.wav"
    with open_wav(placement.speech) as file:
        if file.channels != 1:
            return placement  # the scene refuses it
        speech = read_open(file, 0, file.frames)[:, 0]
        rate = file.samplerate
    sound: Samples = shape_voice(speech) if shaped else speech
    count = len(sound)
    if place is not None:
        sound = stand_in(sound, place, decay)
    # These files are gone with the folder, so what libsndfile writes of the time of day does not matter.
    sf.write(out, sound, rate, subtype="FLOAT")
    return replace(placement, speech=out, placed=place is not None, tail=len(sound) - count)


def _marked(placement: Placement, folder: Path) -> Placement:
    """Return a line whose speech has the mark, at its place on the episode's clock."""
    import soundfile as sf

    out = folder / f"{placement.id}.marked.wav"
    with open_wav(placement.speech) as file:
        speech, rate = read_open(file, 0, file.frames), file.samplerate
    if rate != SAMPLE_RATE:
        return placement  # the scene refuses it
    sf.write(out, mark_speech(speech, placement.start_sample), rate, subtype="FLOAT")
    return replace(placement, speech=out)


# --- what the source says -------------------------------------------------------------------------


def _found(
    placements: Sequence[Placement], source: Path, layout: str
) -> dict[str, tuple[Place | None, Decay | None]]:
    """Return place and room of every line; a place in the middle and no room are None."""
    found: dict[str, tuple[Place | None, Decay | None]] = {}
    with open_wav(source) as file:
        roles = channel_roles(layout, file.channels)
        full = [number for number, role in enumerate(roles) if not role.startswith("LFE")]
        starts = sorted(placement.source_span[0] for placement in placements)
        for lines in _speakers(placements):
            # Where nobody speaks there is no voice to be like.
            if not any(line.heard for line in lines):
                found |= {line.id: (None, None) for line in lines}
                continue
            everything = _speech(file, lines, starts)
            usual, room = _place(everything, full), _sure(hear_decay(everything))
            for scene in _scenes(lines):
                near = _speech(file, scene, starts)
                heard = _sure(hear_decay(near)) if len(near) >= _SHORTEST else None
                for line in scene:
                    span = line.source_span
                    own = (
                        _place(read_open(file, max(0, span[0]), span[1]), full)
                        if span[1] - span[0] > _LINE
                        else None
                    )
                    place = usual if own is None or (usual and _alike(own, usual)) else own
                    found[line.id] = _needed(place, heard or room, roles, full)
    return {placement.id: found[placement.id] for placement in placements}


def _speakers(placements: Sequence[Placement]) -> Iterator[list[Placement]]:
    """Yield the lines of each speaker, in order."""
    for name in sorted({placement.speaker for placement in placements}):
        yield sorted((p for p in placements if p.speaker == name), key=lambda p: p.source_span)


def _scenes(lines: Sequence[Placement]) -> Iterator[list[Placement]]:
    """Cut the lines of a speaker where they are silent for long, or have spoken for long."""
    scene: list[Placement] = []
    for line in lines:
        first = scene[0].source_span[0] if scene else 0
        if scene and (
            line.source_span[0] - scene[-1].source_span[1] > _SCENE or line.source_span[1] - first > _LONGEST
        ):
            yield scene
            scene = []
        scene.append(line)
    if scene:
        yield scene


def _speech(file: sf.SoundFile, lines: Sequence[Placement], starts: Sequence[int]) -> Samples:
    """Return what a speaker says with the echo after it, the first minute of it at most, `(n, C)`."""
    import numpy as np

    spans = []
    for line in lines:
        if line.heard:
            start, end = line.source_span
            after = next((s for s in starts if s >= end), end + _AFTER)
            spans.append((max(0, start), min(end + _AFTER, max(end, after))))
    pieces, count = [np.zeros((0, 1))], 0
    for start, end in loudness.merge_spans(spans, _AFTER // 4):
        if count < _LONGEST:
            pieces.append(read_open(file, start, end))
            count += end - start
    return np.concatenate(pieces[1:]) if len(pieces) > 1 else pieces[0]


def _place(sound: Samples, full: Sequence[int]) -> Place | None:
    if sound.shape[1] < 2:
        return None
    return find_place(sound, full)


def _sure(decay: Decay | None) -> Decay | None:
    return decay if decay is not None and decay.doubt <= MOST_DOUBT and decay.direct_db < DRY_DB else None


def _alike(one: Place, other: Place) -> bool:
    """Tell whether two places are one within what the ear and the estimate can tell apart."""
    import numpy as np

    levels = [np.maximum(np.array(place.levels), 1e-3) for place in (one, other)]
    delays = [np.array(place.delays) for place in (one, other)]
    near = bool((np.abs(20 * np.log10(levels[0] / levels[1])) < _SAME_DB).all())
    return near and bool((np.abs(delays[0] - delays[1]) < _SAME_SAMPLES).all())


def _needed(
    place: Place | None, decay: Decay | None, roles: Sequence[str], full: Sequence[int]
) -> tuple[Place | None, Decay | None]:
    """Return what changes anything: a room needs a place, and a place in the middle is the mix's own."""
    import numpy as np

    if place is not None or decay is None:
        return place, decay
    front = [roles.index(role) for role in ("FC",) if role in roles]
    front = front or [roles.index(role) for role in ("FL", "FR") if role in roles] or list(full)
    levels = np.zeros(len(roles))
    levels[front] = len(front) ** -0.5
    values = tuple(float(v) for v in levels)
    return Place(values, (0.0,) * len(roles), values), decay


def _report(line: str, place: Place | None, decay: Decay | None) -> LineRoom:
    import math

    levels = () if place is None else tuple(round(20 * math.log10(max(v, 1e-4)), 2) for v in place.levels)
    delays = () if place is None else tuple(round(1000 * v / SAMPLE_RATE, 3) for v in place.delays)
    if decay is None:
        return LineRoom(line, levels, delays)
    seconds = tuple(round(value, 3) for value in decay.seconds)
    return LineRoom(line, levels, delays, seconds, round(decay.direct_db, 1))
