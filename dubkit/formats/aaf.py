"""AAF for Avid's programs: the takes lie in the file, the source's picture is named by it."""

from __future__ import annotations

import tempfile
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from dubkit.errors import DubkitError
from dubkit.formats.content import Heading
from dubkit.formats.format import Format
from dubkit.formats.timecode import DROPPED
from dubkit.formats.timeline import Timeline, TimelineClip, TimelineTrack
from dubkit.types import SAMPLE_RATE

_DATE = datetime(2000, 1, 1)
"""Stands wherever AAF wants a date, so that one dub is always the same file."""


def write_aaf(timeline: Timeline, heading: Heading = Heading()) -> bytes:
    """Return a timeline as AAF with every take in it, exact to the sample.

    Raises DubkitError without pyaaf2, and for a take that is no WAV file.
    """
    try:
        import aaf2  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise DubkitError(
            "AAF is written by the package pyaaf2, which is not installed.\n"
            "Install it: pip install 'dubkit[aaf]'. Or export otio or edl."
        ) from None
    with tempfile.TemporaryDirectory(prefix="dubkit-aaf-") as folder:
        path = Path(folder) / "dub.aaf"
        with aaf2.open(str(path), "w") as file:
            _Writing(file, timeline, heading).write()
        return path.read_bytes()


class _Writing:
    """One file while it is written."""

    def __init__(self, file: Any, timeline: Timeline, heading: Heading) -> None:
        self.file = file
        self.timeline = timeline
        self.name = f"{heading.name} {heading.language}".strip()
        self.sources: dict[Path, Any] = {}

    def write(self) -> None:
        rate = self.timeline.rate
        film = self._mob("CompositionMob", self.name)
        film["UsageCode"].value = "Usage_TopLevel"
        frames = round(self.timeline.length * rate)
        clock = film.create_timeline_slot(str(rate))
        clock.name = "Timecode"
        clock.segment = self.file.create.Timecode(round(rate), drop=rate in DROPPED, length=frames)
        clock.segment.start = 0
        if self.timeline.picture.clips:
            self._track(film, self.timeline.picture, rate, "picture")
        for track in self.timeline.sounds:
            self._track(film, track, Fraction(SAMPLE_RATE), "sound")
        identification = self.file.header["IdentificationList"].value[0]
        identification["ProductName"].value = "dubkit"
        identification["CompanyName"].value = "dubkit"
        identification["Date"].value = _DATE
        identification["GenerationAUID"].value = uuid5(NAMESPACE_URL, f"dubkit:{self.name}")
        self.file.header["LastModified"].value = _DATE

    def _mob(self, kind: str, name: str, link: str = "") -> Any:
        """Return a new mob whose id comes of its name and file, so that it is the same each time."""
        mob = getattr(self.file.create, kind)(name)
        number = mob.mob_id
        number.material = uuid5(NAMESPACE_URL, f"dubkit:{self.name}:{kind}:{name}:{link}")
        mob.mob_id = number
        mob["CreationTime"].value = mob["LastModified"].value = _DATE
        self.file.content.mobs.append(mob)
        return mob

    def _track(self, film: Any, track: TimelineTrack, rate: Fraction, kind: str) -> None:
        slot = film.create_empty_sequence_slot(str(rate), media_kind=kind)
        slot.name = track.name
        parts = slot.segment.components
        at = Fraction(0)
        for clip in track.clips:
            if clip.start > at:
                parts.append(self.file.create.Filler(kind, round(clip.start * rate) - round(at * rate)))
            master = self._master(clip, rate, kind)
            start, length = round(clip.source_start * rate), round(clip.length * rate)
            parts.append(master.create_source_clip(master.slots[0].slot_id, start, length, kind))
            at = clip.end
        slot.segment.length = sum(part.length for part in parts)

    def _master(self, clip: TimelineClip, rate: Fraction, kind: str) -> Any:
        """Return the master mob of a file; there is one for each."""
        if clip.file not in self.sources:
            source = self._mob("SourceMob", f"{clip.name}.file", clip.link)
            take = self._sound(source, clip) if kind == "sound" else self._film(source, clip, rate)
            master = self._mob("MasterMob", clip.name, clip.link)
            slot = master.create_timeline_slot(str(rate))
            slot.segment = source.create_source_clip(take.slot_id, media_kind=kind)
            if clip.text:
                master.comments["Text"] = clip.text
            self.sources[clip.file] = master
        return self.sources[clip.file]

    def _sound(self, source: Any, clip: TimelineClip) -> Any:
        """Put the samples of a take into the file."""
        import wave

        try:
            return source.import_audio_essence(str(clip.file), SAMPLE_RATE)
        except (wave.Error, EOFError, ValueError, OSError) as error:
            raise DubkitError(
                f"The take {clip.file} of {clip.name} cannot be read as WAV ({error}).\n"
                f"Speak the line again: dubkit review regen {clip.name}. Or export otio, which only names it."
            ) from None

    def _film(self, source: Any, clip: TimelineClip, rate: Fraction) -> Any:
        """Name the source's picture by its way from this file."""
        source.descriptor = self.file.create.ImportDescriptor()
        place = self.file.create.NetworkLocator()
        place["URLString"].value = clip.link
        source.descriptor["Locator"].append(place)
        slot = source.create_empty_slot(str(rate), "picture")
        slot.segment.length = round(clip.length * rate)
        return slot


FORMAT = Format(
    name="aaf",
    title="Advanced Authoring Format",
    suffixes=(".aaf",),
    media_type="application/octet-stream",
    write_timeline=write_aaf,
)
