"""EDL as CMX3600 has it: one track of picture and two of sound, in whole frames."""

from __future__ import annotations

from fractions import Fraction

from dubkit.formats.content import Heading
from dubkit.formats.format import Format
from dubkit.formats.text import one_line
from dubkit.formats.timecode import DROPPED, timecode
from dubkit.formats.timeline import Timeline, TimelineClip

REEL = 8
"""Letters that the name of a reel may have."""
CHANNELS = ("A", "A2")


def write_edl(timeline: Timeline, heading: Heading = Heading()) -> bytes:
    """Return a timeline as EDL in UTF-8, who says what below each event.

    Every time is that of the nearest frame; a clip is as long in its file as on the track.
    """
    rate = timeline.rate
    title = one_line(f"{heading.name} {heading.language}")[:70]
    rows = [f"TITLE: {title}", f"FCM: {'DROP FRAME' if rate in DROPPED else 'NON-DROP FRAME'}", ""]
    number = 0
    tracks = [("V", timeline.picture), *zip(CHANNELS, timeline.sounds, strict=False)]
    for channel, track in tracks:
        before = 0
        for clip in track.clips:
            number += 1
            start = max(before, _frame(clip.start, rate))
            before = max(start + 1, _frame(clip.end, rate))
            rows += _event(number, channel, clip, (start, before), rate)
            rows += [f"* COMMENT: {one_line(f'{track.name}: {clip.text}')}", ""] if clip.text else [""]
    return "\n".join(rows).encode("utf-8")


def _frame(seconds: Fraction, rate: Fraction) -> int:
    """Return the frame that is nearest to a time."""
    return round(seconds * rate)


def _event(
    number: int, channel: str, clip: TimelineClip, frames: tuple[int, int], rate: Fraction
) -> list[str]:
    begin = _frame(clip.source_start, rate)
    times = (begin, begin + frames[1] - frames[0], *frames)
    codes = " ".join(timecode(frame, rate) for frame in times)
    return [
        f"{number:03d}  {clip.reel:8} {channel:5} C        {codes}",
        f"* FROM CLIP NAME:  {one_line(clip.name)}",
        f"* FROM CLIP: {one_line(clip.link)}",
    ]


FORMAT = Format(
    name="edl",
    title="Edit decision list (CMX3600)",
    suffixes=(".edl",),
    media_type="text/plain",
    write_timeline=write_edl,
    sound_tracks=len(CHANNELS),
    reel_length=REEL,
)
