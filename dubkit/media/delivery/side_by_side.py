"""A few seconds of source and dub beside each other in one file, to compare them in any player.

The window is shown twice: first with the source's sound, then with the dub's. Every time is on the
episode's clock, whatever the files start with.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import MediaError
from dubkit.media.delivery.preview import preview_size, upright
from dubkit.media.files.command import Node, Stream, filter_node, media_input
from dubkit.media.files.container import is_default, is_picture, open_media
from dubkit.media.files.ffmpeg import run_ffmpeg
from dubkit.media.sound.audio import read_span, write_wav
from dubkit.types import SAMPLE_RATE, Episode, sample_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float64]

AROUND = 0.5
"""Seconds shown before and after the span that is asked for."""
DUCK_DB = -24.0
"""Level of the source under a take that is not in the dub."""

_HEIGHT = 360
_FADE = SAMPLE_RATE // 50
_EARLIER = 3.0
"""Seconds read before the window: seeking lands on a key frame somewhere before it at best."""
_MOST_RATE = 60
_STALL_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class HeardTake:
    """A take to be heard instead of the dub's own sound."""

    speech: Path
    """Mono, 48 kHz."""
    start_sample: int
    """Where it begins on the episode's clock."""


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two files: its streams, and the episode's zero on its clock in seconds."""

    path: Path
    picture: int | None
    size: tuple[int, int]
    transfer: int
    sound: int | None
    zero: Fraction


@dataclass(frozen=True, slots=True)
class _Window:
    """What is shown: `frames` at `rate` from `begin` seconds on, which is `samples` long."""

    begin: Fraction
    frames: int
    rate: Fraction

    @property
    def seconds(self) -> Fraction:
        return self.frames / self.rate

    @property
    def samples(self) -> int:
        return sample_at(self.seconds)

    @property
    def first_sample(self) -> int:
        return sample_at(self.begin)


def write_side_by_side(
    source: Path,
    dub: Path | None,
    span: tuple[float, float],
    out: Path,
    *,
    episode: Episode,
    take: HeardTake | None = None,
    height: int = _HEIGHT,
) -> None:
    """Write an mp4 of the seconds `span` and half a second around: source left, dub right, played twice.

    An episode without a picture gives sound only. `dub` is the rendered dub, or None before the first
    one: the source's picture then stands on both sides. `take` is heard over the quieter source in the
    place of the dub's sound. Raises MediaError (a span outside the episode, nothing to hear), ToolError
    and DiskFull.
    """
    window = _window(source, episode, span)
    left = _source_side(source, episode)
    right = _dub_side(dub) if dub is not None else left
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".play") as name:
        folder = Path(name)
        picture = None
        if left.picture is not None:
            shown = right if right.picture is not None else left
            picture = folder / "picture.mp4"
            _write_picture(left, shown, window, picture, height)
        sound = _both_sounds(left, right, window, take, folder)
        if picture is None and sound is None:
            raise MediaError(source, "there is neither picture nor sound to compare", "Name another line.")
        _join(picture, sound, out)


# --- what is shown ----------------------------------------------------------------------------


def _window(source: Path, episode: Episode, span: tuple[float, float]) -> _Window:
    start, end = span
    begin = max(Fraction(0), Fraction(start).limit_denominator(SAMPLE_RATE) - Fraction(AROUND))
    stop = min(episode.duration, Fraction(end).limit_denominator(SAMPLE_RATE) + Fraction(AROUND))
    if not start < end or stop <= begin:
        raise MediaError(
            source,
            f"{start:.2f} to {end:.2f} s is not a part of its {float(episode.duration):.2f} s",
            "Name a line, or times inside the episode.",
        )
    rate = episode.video.rate if episode.video else Fraction(25)
    if not 1 <= rate <= _MOST_RATE:
        rate = Fraction(30)
    return _Window(begin, max(1, round((stop - begin) * rate)), rate)


def _source_side(source: Path, episode: Episode) -> _Side:
    video = episode.video
    track = next((t for t in episode.audio if t.number == episode.track), None)
    indexes = {t.index for t in episode.audio} | ({video.index} if video else set())
    with open_media(source) as container:
        streams: list[Any] = list(container.streams)
        # The earliest of them all, as when the source was probed; but from the headers, since reading
        # every packet of a film takes too long for somebody who waits for one line.
        starts = [s.start_time * s.time_base for s in streams if s.index in indexes and s.start_time]
        still = [s for s in streams if s.index in indexes and not s.start_time]
        zero = min([*starts, *([Fraction(0)] if still else [])], default=Fraction(0))
        return _side(source, streams[video.index] if video else None, track.index if track else None, zero)


def _dub_side(dub: Path) -> _Side:
    """Describe a rendered dub: its sound comes first, and its clock is the episode's."""
    with open_media(dub) as container:
        pictures = [s for s in container.streams if is_picture(s)]
        chosen = next((s for s in pictures if is_default(s)), pictures[0] if pictures else None)
        sound = container.streams.audio[0].index if container.streams.audio else None
        return _side(dub, chosen, sound, Fraction(0))


def _side(path: Path, picture: Any | None, sound: int | None, zero: Fraction) -> _Side:
    if picture is None:
        return _Side(path, None, (0, 0), 0, sound, zero)
    context = picture.codec_context
    aspect = Fraction(picture.sample_aspect_ratio or 1)
    size = (max(1, round(context.width * aspect)), context.height)
    return _Side(path, picture.index, size, context.color_trc, sound, zero)


def _input(side: _Side, window: _Window) -> Node:
    """Open one side a little before the window; time stamps stay the file's own."""
    options: dict[str, object] = {"fflags": "+genpts"}
    at = float(side.zero + window.begin) - _EARLIER
    if float(window.begin) > _EARLIER:
        options |= {"ss": f"{at:.6f}", "seek_timestamp": 1, "noaccurate_seek": None}
    # The end of the window bounds the reading; `t` counts from where reading began.
    return media_input(side.path, **options)


# --- picture ----------------------------------------------------------------------------------


def _write_picture(left: _Side, right: _Side, window: _Window, out: Path, height: int) -> None:
    shape = preview_size(*_shown(left), height)
    shown = [_frames(side, window, shape) for side in (left, right)]
    if shown[0] == shown[1]:
        # One file on both sides is one input, whose picture goes two ways.
        halves = filter_node(shown[:1], "split", 2)
        shown = [halves["0"], halves["1"]]
    sides = []
    for picture, label in zip(shown, ("source", "dub"), strict=True):
        tag = out.with_name(f"{label}.png")
        _write_label(label, tag)
        marked = filter_node([picture, Stream(media_input(tag))], "overlay", x=8, y=8, eof_action="repeat")
        sides.append(Stream(marked))
    both = Stream(filter_node(sides, "hstack", inputs=2)).filter("format", "yuv420p")
    options = {
        "f": "mp4",
        "c:v": "libx264",
        "preset": "veryfast",
        "crf": 20,
        "bf": 0,
        "force_key_frames": "expr:gte(t,n_forced*0.5)",
        "frames:v": window.frames,
        "r": f"{window.rate.numerator}/{window.rate.denominator}",
        "fflags": "+bitexact",
    }
    run_ffmpeg([both], out, options, timeout=_STALL_SECONDS)


def _shown(side: _Side) -> tuple[int, int]:
    """Return width and height of a side as shown, with its rotation."""
    import av

    with open_media(side.path) as container:
        try:
            frame = next(container.decode(container.streams[side.picture or 0]))
        except (av.error.FFmpegError, StopIteration):
            return side.size
        turned = round(getattr(frame, "rotation", 0) / 90) % 2
    return (side.size[1], side.size[0]) if turned else side.size


def _frames(side: _Side, window: _Window, size: tuple[int, int]) -> Stream:
    """Filter the window's frames of one side: exactly `window.frames`, from time 0 on."""
    rate = f"{window.rate.numerator}/{window.rate.denominator}"
    place = float(side.zero + window.begin)
    shown = upright(_input(side, window)[str(side.picture)], size, side.transfer)
    return (
        # Fine ticks first: a frame that is moved must not fall onto another's time.
        shown.filter("settb", "1/90000")
        .filter("setpts", f"PTS-round({place:.9f}/TB)")
        # Missing frames at the beginning, in gaps and at the end are the ones beside them.
        .filter("fps", rate, start_time=0, round="near")
        .filter("trim", start_frame=0, end_frame=window.frames)
        .filter("tpad", stop_mode="clone", stop=window.frames)
        .filter("trim", end_frame=window.frames)
    )


def _write_label(text: str, out: Path) -> None:
    import cv2
    import numpy as np

    (width, rows), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1)
    image = np.zeros((rows + below + 10, width + 14, 3), dtype=np.uint8)
    white = (255, 255, 255)
    cv2.putText(image, text, (7, rows + 5), cv2.FONT_HERSHEY_SIMPLEX, 0.6, white, 1, cv2.LINE_AA)
    out.write_bytes(cv2.imencode(".png", image)[1].tobytes())


# --- sound ------------------------------------------------------------------------------------


def _both_sounds(
    left: _Side, right: _Side, window: _Window, take: HeardTake | None, folder: Path
) -> Path | None:
    """Write the source's sound of the window, then the dub's; None where neither has any."""
    import numpy as np

    if left.sound is None and right.sound is None and take is None:
        return None
    before = _sound(left, window, folder / "source.wav")
    after = _over(before, window, take) if take else _sound(right, window, folder / "dub.wav")
    both = folder / "both.wav"
    write_wav(both, np.concatenate([before, after]), SAMPLE_RATE)
    return both


def _sound(side: _Side, window: _Window, out: Path) -> Samples:
    """Return the window's sound of one side, `(n, 2)`; silence where it has none."""
    import numpy as np

    whole = np.zeros((window.samples, 2))
    if side.sound is None:
        return whole
    place = float(side.zero + window.begin)
    stream = (
        _input(side, window)[str(side.sound)]
        .filter("asetpts", f"PTS-round({place:.9f}/TB)")
        .filter("aformat", sample_fmts="flt", sample_rates=SAMPLE_RATE, channel_layouts="stereo")
        # Gaps and a late start are filled with silence, what comes before the window is dropped.
        .filter("aresample", **{"async": SAMPLE_RATE}, min_hard_comp="0.02", first_pts=0)
        .filter("atrim", end_sample=window.samples)
    )
    options = {"f": "wav", "c:a": "pcm_s24le", "fflags": "+bitexact"}
    run_ffmpeg([stream], out, options, timeout=_STALL_SECONDS)
    read = read_span(out, 0, window.samples)
    whole[: len(read)] = read
    return whole


def _over(source: Samples, window: _Window, take: HeardTake) -> Samples:
    """Lay a take over the window's source, which is quieter while the take speaks."""
    import numpy as np

    mixed = source.copy()
    speech = read_span(take.speech, 0, window.samples * 2 + window.first_sample)[:, 0]
    begin = take.start_sample - window.first_sample
    at = np.arange(len(mixed))
    inside = np.minimum(at - (begin - _FADE), begin + len(speech) + _FADE - at) / _FADE
    mixed *= np.power(10.0, np.clip(inside, 0.0, 1.0) * DUCK_DB / 20)[:, None]
    first, last = max(0, begin), min(len(mixed), begin + len(speech))
    if first < last:
        mixed[first:last] += speech[first - begin : last - begin, None]
    return np.clip(mixed, -1.0, 1.0)


# --- together ---------------------------------------------------------------------------------


def _join(picture: Path | None, sound: Path | None, out: Path) -> None:
    """Write picture (twice) and sound (both, one after the other) into one file."""
    streams: list[Stream] = []
    options: dict[str, object] = {"f": "mp4", "movflags": "+faststart", "fflags": "+bitexact"}
    if picture is not None:
        streams.append(media_input(picture, stream_loop=1)["v:0"])
        options["c:v"] = "copy"
    if sound is not None:
        streams.append(media_input(sound)["a:0"])
        options |= {"c:a": "aac", "b:a": "192k"}
    run_ffmpeg(streams, out, options, timeout=_STALL_SECONDS)
