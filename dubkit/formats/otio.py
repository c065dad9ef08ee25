"""OpenTimelineIO: the tracks of a dub for editing programs, exact to the sample."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from dubkit.formats.content import Heading
from dubkit.formats.format import Format
from dubkit.formats.timeline import Timeline, TimelineClip, TimelineTrack
from dubkit.types import SAMPLE_RATE

_SAMPLES = Fraction(SAMPLE_RATE)


def write_otio(timeline: Timeline, heading: Heading = Heading()) -> bytes:
    """Return a timeline as OpenTimelineIO's JSON. Sounds count samples, the picture counts frames."""
    tracks = [_track(timeline.picture, "Video", timeline.rate)] if timeline.picture.clips else []
    tracks += [_track(track, "Audio", _SAMPLES) for track in timeline.sounds]
    content = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": heading.name,
        "metadata": {"dubkit": {"language": heading.language}},
        "global_start_time": _time(Fraction(0), timeline.rate),
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "name": "tracks",
            "metadata": {},
            "source_range": None,
            "effects": [],
            "markers": [],
            "enabled": True,
            "children": tracks,
        },
    }
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _time(seconds: Fraction, rate: Fraction) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(round(seconds * rate))}


def _range(start: Fraction, length: Fraction, rate: Fraction) -> dict[str, Any]:
    times = {"start_time": _time(start, rate), "duration": _time(length, rate)}
    return {"OTIO_SCHEMA": "TimeRange.1", **times}


def _item(schema: str, name: str, source_range: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": schema,
        "name": name,
        "metadata": {},
        "source_range": source_range,
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def _track(track: TimelineTrack, kind: str, rate: Fraction) -> dict[str, Any]:
    children: list[dict[str, Any]] = []
    at = Fraction(0)
    for clip in track.clips:
        if clip.start > at:
            children.append(_item("Gap.1", "", _range(Fraction(0), clip.start - at, rate)))
        children.append(_clip(clip, rate))
        at = clip.end
    return {**_item("Track.1", track.name, None), "kind": kind, "children": children}


def _clip(clip: TimelineClip, rate: Fraction) -> dict[str, Any]:
    found = _item("Clip.1", clip.name, _range(clip.source_start, clip.length, rate))
    if clip.text:
        found["metadata"] = {"dubkit": {"text": clip.text}}
    found["media_reference"] = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": clip.name,
        "metadata": {},
        "available_range": _range(Fraction(0), clip.source_start + clip.length, rate),
        "available_image_bounds": None,
        "target_url": clip.link,
    }
    return found


FORMAT = Format(
    name="otio",
    title="OpenTimelineIO",
    suffixes=(".otio",),
    media_type="application/json",
    write_timeline=write_otio,
)
