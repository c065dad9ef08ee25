"""The speech of lip-dubbed lines, cut from the sound of the clips that were generated for them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.types import SAMPLE_RATE, Clip, Segment, SpokenLine, sample_at
from stages.shared.clip_files import SOUND
from stages.shared.engine import clip_stage

if TYPE_CHECKING:
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray

    from dubkit.dubbing.film.sound import ClipSound

AROUND = SAMPLE_RATE // 2
"""Samples of the source on each side of a clip, with which its delay is measured."""


def clips_of(context: Context, line: str) -> list[Clip]:
    """Return the clips that a line is generated in, in order of time."""
    return [clip for clip in context.clips.clips if line in clip.lines]


def sound_digest(context: Context, clip: Clip) -> str:
    """Return the SHA-256 of a clip's sound; empty while there is none."""
    return context.take_digest(clip.id, SOUND, stage=clip_stage(context))


def line_inputs(context: Context, segment: Segment) -> dict[str, str] | None:
    """Return what the speech of a lip-dubbed line depends on; None while a clip of it is missing."""
    clips = clips_of(context, segment.id)
    digests = {f"{clip_stage(context)}/{clip.id}": sound_digest(context, clip) for clip in clips}
    if not clips or not all(digests.values()):
        return None
    times = [[c.start_frame, c.keep_start, c.keep_end, c.lines, c.follows] for c in clips]
    spans = [(s.start, s.end) for s in context.segments if any(s.id in c.lines for c in clips)]
    return {
        **digests,
        "extract/audio.wav": context.file_digest("extract", "audio.wav"),
        "clips": context.digest([times, spans]),
    }


class ClipSpeech:
    """Places the sound of each clip once, and cuts lines out of it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.placed: dict[str, ClipSound] = {}

    def line(self, segment: Segment) -> tuple[SpokenLine, NDArray[np.float32]]:
        """Return the take of a line and its (N,) samples at 48 kHz."""
        import numpy as np

        sounds = [self.sound(clip) for clip in clips_of(self.context, segment.id)]
        first, last = _span(segment)
        parts = [(max(first, s.start_sample), min(last, s.start_sample + len(s.samples)), s) for s in sounds]
        parts = [(a, b, s) for a, b, s in parts if a < b]
        begin = min((a for a, _, _ in parts), default=first)
        end = max((b for _, b, _ in parts), default=first)
        samples = np.zeros(end - begin, np.float32)
        for a, b, sound in parts:
            # Where clips of a shot join, their ramps add up to 1.
            samples[a - begin : b - begin] += sound.samples[a - sound.start_sample : b - sound.start_sample]
        flags = tuple(dict.fromkeys(flag for sound in sounds for flag in sound.flags))
        return SpokenLine(
            segment.id, self.context.clips.engine, "", begin, end - begin, 1.0, "fits", flags
        ), samples

    def sound(self, clip: Clip) -> ClipSound:
        """Return a clip's sound at its place in the episode."""
        if clip.id not in self.placed:
            self.placed[clip.id] = self._place(clip)
        return self.placed[clip.id]

    def _place(self, clip: Clip) -> ClipSound:
        import soundfile as sf  # type: ignore[import-untyped]

        from dubkit.dubbing.film.sound import SoundWindow, SourceSound, place_sound
        from dubkit.media.sound.audio import read_span

        context = self.context
        video = context.picture
        file = context.take_file(clip.id, SOUND, stage=clip_stage(context))
        assert file is not None, "only lines whose clips exist are spoken"
        generated, rate = sf.read(file, dtype="float32", always_2d=True)
        clips = context.clips.clips
        window = SoundWindow.of(clip, video, clips, self.times)
        begin = max(0, min(window.start_sample, window.keep[0]) - AROUND)
        end = min(context.episode.samples, window.keep[1] + AROUND)
        source = read_span(context.audio, begin, end).T.astype("float32")
        spans = tuple(_span(s) for s in context.segments if s.id in clip.lines)
        before = next((c for c in clips if c.id == clip.follows), None)
        follows = self.sound(before) if before and sound_digest(context, before) else None
        return place_sound(generated.T, rate, window, SourceSound(source, begin, spans), follows=follows)

    @cached_property
    def times(self) -> list[Fraction] | None:
        """When each frame is shown; None where the rate says it."""
        from dubkit.media.picture.frames import frame_times

        video = self.context.episode.video
        if video is None or not video.variable:
            return None
        return frame_times(self.context.source, video.index)


def _span(segment: Segment) -> tuple[int, int]:
    return sample_at(segment.start), sample_at(segment.end)
