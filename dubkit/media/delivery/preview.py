"""Files that browsers play: those that they can play as they are, and small copies of the others.

Time 0 of a preview is the episode's zero, so a player's clock is the episode's clock: a picture or a
sound that starts late is held or silent until then, and every later frame keeps its own time.
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubkit.errors import MediaError
from dubkit.media.files.command import Stream, media_input
from dubkit.media.files.container import (
    codec_name,
    episode_zero,
    is_picture,
    open_media,
    scan,
    timed_streams,
)
from dubkit.media.files.ffmpeg import run_ffmpeg
from dubkit.media.picture.window import shown_size
from dubkit.types import SAMPLE_RATE, Episode, VideoStream

log = logging.getLogger(__name__)

HEIGHT = 540
"""Rows of a preview; an upright picture gets as many columns instead."""

_CLOCK = 90_000
"""Ticks per second in which preview frames are placed: fine enough for every rate."""
_KEY_SECONDS = 0.5
_LATE = Fraction(1, 20)
"""Seconds that a stream may start late and still be played as it is: beyond them players differ."""
_MOST_PIXELS = 4096 * 2304
_STALL_SECONDS = 900.0
_HDR = {16, 18}
"""Transfer functions, as FFmpeg numbers them, that need more light than a page has: PQ and HLG."""

_MP4 = (".mp4", ".m4v", ".m4a")
_PICTURES = {"mp4": {"h264", "av1", "vp9"}, "webm": {"vp8", "vp9", "av1"}}
_SOUNDS = {"mp4": {"aac", "mp3", "opus"}, "webm": {"opus", "vorbis"}, "wav": {"pcm_s16le"}}
_PROFILES_H264 = ("baseline", "main", "high")


# --- what plays as it is ----------------------------------------------------------------------


def playable(path: Path, *, track: int = 0) -> bool:
    """Tell whether today's browsers play a file as it is, on the episode's clock.

    Reads the header only. `track` is the number of the sound track that must be heard, 0 for whichever
    comes first: browsers play the first. Raises MediaError when the file is no media file.
    """
    with open_media(path) as container:
        family = _family(path, container.format.name)
        if not family:
            return False
        pictures = [s for s in container.streams if is_picture(s)]
        sounds = [s for s in container.streams.audio if s.codec_context is not None]
        return (
            bool(pictures or sounds)
            and len(pictures) <= 1
            and track <= 1
            and (family != "wav" or len(pictures) == 0)
            and all(_shows(s, family) for s in pictures)
            and all(codec_name(s) in _SOUNDS[family] for s in sounds[:1])
            and all(_on_time(s, container) for s in (*pictures, *sounds[:1]))
        )


def _family(path: Path, container: str) -> str:
    names = container.split(",")
    suffix = path.suffix.lower()
    if "mp4" in names and suffix in _MP4:
        return "mp4"
    if "webm" in names and suffix == ".webm":
        return "webm"
    return "wav" if "wav" in names and suffix == ".wav" else ""


def _shows(stream: Any, family: str) -> bool:
    context = stream.codec_context
    codec = codec_name(stream)
    if codec not in _PICTURES.get(family, ()) or context.width * context.height > _MOST_PIXELS:
        return False
    if str(context.pix_fmt) not in ("yuv420p", "yuvj420p") or context.color_trc in _HDR:
        return False
    if codec != "h264":
        return True
    profile = str(context.profile or "").lower()
    return profile.endswith(_PROFILES_H264) and context.field_order in (0, 1)


def _on_time(stream: Any, container: Any) -> bool:
    if stream.start_time is None or container.start_time is None:
        return True
    # A file whose clock does not begin at 0 is moved to 0 by some players and not by others.
    return bool(abs(stream.start_time * stream.time_base) <= _LATE)


# --- previews ---------------------------------------------------------------------------------


def make_preview(
    source: Path,
    target: Path,
    *,
    height: int = HEIGHT,
    episode: Episode | None = None,
    sound: Path | None = None,
) -> None:
    """Write a small mp4 of `source` that every browser plays and seeks quickly.

    H.264 with a key frame at least each half second, square pixels, upright, standard dynamic range, and
    stereo AAC; without a picture an mp4 with sound only. `sound` is the sound on the episode's clock;
    without it the dubbed track of `episode` (probed when not given) is decoded. Raises MediaError,
    ToolError and DiskFull.
    """
    episode = episode or _probed(source)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".preview") as folder:
        if sound is None and episode.track:
            sound = _decoded(source, episode, Path(folder))
        streams: list[Stream] = []
        if episode.video is not None:
            streams.append(_picture(source, episode, episode.video, height))
        if sound is not None:
            streams.append(media_input(sound)["a:0"])
        if not streams:
            raise MediaError(source, "there is nothing in it to show", "Name a file with picture or sound.")
        options = _options(episode.video is not None, sound is not None)
        run_ffmpeg(streams, target, options, timeout=max(_STALL_SECONDS, 4 * float(episode.duration)))


@dataclass(frozen=True, slots=True)
class ClipTake:
    """The files of a generated take: kept frames without loss, and the sound of the whole clip."""

    picture: Path
    sound: Path | None
    rate: Fraction
    """Frames per second of the episode: the file of frames counts them only."""
    lead: Fraction = Fraction(0)
    """Seconds of the sound before the first kept frame."""


def make_clip_preview(take: ClipTake, target: Path, *, height: int = HEIGHT) -> None:
    """Write a small mp4 of a generated take: its kept frames at the episode's rate with their sound.

    Raises MediaError, ToolError and DiskFull.
    """
    with open_media(take.picture) as container:
        context = container.streams.video[0].codec_context
        width, rows = context.width, context.height
        tracks, _ = scan(container, {container.streams.video[0].index})
        frames = sum(len(track.keys) for track in tracks.values())
    seconds = frames / take.rate
    size = preview_size(width, rows, height)
    frame = 1 / take.rate
    picture = (
        media_input(take.picture)["v:0"]
        .filter("settb", f"1/{_CLOCK}")
        .filter("setpts", f"round(N*{frame.numerator}/{frame.denominator}/TB)")
        .filter("scale", *size, flags="area", out_color_matrix="bt709", out_range="tv")
        .filter("setsar", 1)
    )
    streams = [picture]
    if take.sound is not None:
        streams.append(
            media_input(take.sound)["a:0"]
            .filter("aresample", SAMPLE_RATE)
            .filter("atrim", start=f"{float(take.lead):.6f}")
            .filter("asetpts", "PTS-STARTPTS")
            .filter("apad", whole_dur=f"{float(seconds):.6f}")
            .filter("atrim", end=f"{float(seconds):.6f}")
        )
    options = _options(picture=True, sound=take.sound is not None)
    run_ffmpeg(streams, target, options, timeout=_STALL_SECONDS)


def preview_size(width: int, height: int, rows: int) -> tuple[int, int]:
    """Return even width and height of a preview: its short side is `rows` at most, never enlarged.

    >>> preview_size(1920, 1080, 540), preview_size(1080, 1920, 540), preview_size(541, 361, 540)
    ((960, 540), (540, 960), (540, 360))
    """
    scale = min(Fraction(1), Fraction(rows, min(width, height)))
    return _even(width * scale), _even(height * scale)


def _even(length: Fraction) -> int:
    return max(2, int(length / 2) * 2)


def upright(stream: Stream, size: tuple[int, int], transfer: int) -> Stream:
    """Filter a picture to square pixels, progressive, standard dynamic range and 8-bit 4:2:0.

    The ffmpeg program itself turns rotated pictures. `transfer` is the source's transfer function.
    """
    # Only frames that are marked as interlaced are touched.
    shown = stream.filter("yadif", mode="send_frame", deint="interlaced")
    shown = shown.filter("scale", *size, flags="bilinear").filter("setsar", 1)
    if transfer in _HDR:
        name = "smpte2084" if transfer == 16 else "arib-std-b67"
        shown = (
            shown.filter("zscale", tin=name, min="bt2020nc", pin="bt2020", t="linear", npl=100)
            .filter("format", "gbrpf32le")
            .filter("zscale", p="bt709")
            .filter("tonemap", "hable", desat=0)
            .filter("zscale", t="bt709", m="bt709", r="tv")
        )
    return shown.filter("format", "yuv420p")


def _picture(source: Path, episode: Episode, video: VideoStream, height: int) -> Stream:
    with open_media(source) as container:
        tracks, _ = scan(container, timed_streams(container, video.index))
        zero = episode_zero(container, tracks)
        shown_as: Any = container.streams[video.index].codec_context
        transfer = shown_as.color_trc
    stream = media_input(source, fflags="+genpts")[str(video.index)]
    shown = upright(stream, preview_size(*shown_size(video), height), transfer)
    # The first frame is shown from the zero on, so that no player skips a late start.
    place = f"if(eq(N,0),0,max(0,PTS-round({float(zero):.9f}/TB)))"
    return shown.filter("settb", f"1/{_CLOCK}").filter("setpts", place)


def _options(picture: bool, sound: bool) -> dict[str, Any]:
    options: dict[str, Any] = {
        "f": "mp4",
        "movflags": "+faststart",
        "fflags": "+bitexact",
        "map_metadata": -1,
        "map_chapters": -1,
    }
    if picture:
        options |= {
            "c:v": "libx264",
            "preset": "veryfast",
            "crf": 24,
            # Frames stay as many as they are, at their own times.
            "fps_mode": "passthrough",
            "enc_time_base": f"1/{_CLOCK}",
            "video_track_timescale": _CLOCK,
            # Without B frames a picture is shown in the order it is stored: stepping back is quick, and
            # the first frame needs no edit list.
            "bf": 0,
            "force_key_frames": f"expr:gte(t,n_forced*{_KEY_SECONDS})",
            "pix_fmt": "yuv420p",
        }
    if sound:
        options |= {"c:a": "aac", "b:a": "128k", "ac": 2, "ar": SAMPLE_RATE}
    return options


def _probed(source: Path) -> Episode:
    from dubkit.media.files.probe import probe

    return probe(source)


def _decoded(source: Path, episode: Episode, folder: Path) -> Path:
    from dubkit.media.files.decode import decode_audio

    sound = folder / "sound.wav"
    decode_audio(source, episode, sound, folder / "narrow.wav")
    return sound
