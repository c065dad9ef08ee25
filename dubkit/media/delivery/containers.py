"""What each container of a delivery holds, and which container an episode goes into."""

from __future__ import annotations

from pathlib import Path

from dubkit.errors import MediaError, SettingError
from dubkit.types import Episode

CONTAINERS = ("auto", "mp4", "mkv", "m4a")

_MP4_VIDEO = {"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "vvc"}
_MP4_AUDIO = {"aac", "mp3", "mp2", "ac3", "eac3", "opus", "flac", "alac", "dts", "vorbis"}
_PCM = {
    f"pcm_{kind}" for kind in ("u8", "s16le", "s24le", "s32le", "s16be", "s24be", "s32be", "f32le", "f64le")
}
_MKV_AUDIO = _MP4_AUDIO | _PCM | {"truehd", "mlp", "wmav1", "wmav2", "wavpack", "tta", "mp1"}
_MKV_SUBTITLES = {
    *("subrip", "ass", "ssa", "webvtt", "hdmv_pgs_subtitle", "hdmv_text_subtitle"),
    *("dvd_subtitle", "dvb_subtitle", "arib_caption"),
}
_MP4_TEXT = {"mov_text", "subrip", "webvtt", "text", "srt"}
"""Codecs of subtitles that lose nothing as `mov_text`."""
_LOSSY_PCM = {"pcm_mulaw", "pcm_alaw", "pcm_vidc"}
_LOSSLESS = {"flac", "alac", "truehd", "mlp", "tta", "ape", "tak", "shorten", "als", "wmalossless", "ralf"}


def is_lossless(codec: str) -> bool:
    """Tell whether every sound in a codec can be decoded to the very samples that were coded."""
    return codec in _LOSSLESS or (codec.startswith("pcm_") and codec not in _LOSSY_PCM)


def copies_sound(codec: str, container: str) -> bool:
    """Tell whether a container takes the packets of a sound codec as they are."""
    return codec in (_MKV_AUDIO if container == "mkv" else _MP4_AUDIO)


def subtitle_codec(codec: str, container: str, *, text: bool) -> str:
    """Return how a subtitle track goes into a container: `copy`, another codec, or "" when it cannot."""
    if container == "mp4":
        return "copy" if codec == "mov_text" else "mov_text" if text else ""
    return "copy" if codec in _MKV_SUBTITLES else "srt" if text else ""


def container_for(episode: Episode, requested: str = "auto", *, keep_original: bool = True) -> str:
    """Choose the container of the delivery: `mp4`, `mkv` or, without a picture, `m4a`.

    `auto` keeps the family of the source: a Matroska source counts milliseconds, and its exact rate is
    a statement that only Matroska carries on. Other sources go into mp4, except where Matroska holds
    something of them that mp4 does not. Frames that an edit list hides stay hidden in mp4 only.
    """
    if requested not in CONTAINERS:
        raise SettingError("stitch.container", requested, f"must be one of {', '.join(CONTAINERS)}")
    if requested != "auto":
        return requested
    sound = episode.audio if keep_original else ()
    needs_mkv = any(is_lossless(s.codec) and not copies_sound(s.codec, "mp4") for s in sound)
    needs_mkv |= any(copies_sound(s.codec, "mkv") and not copies_sound(s.codec, "mp4") for s in sound)
    if episode.video is None:
        return "mkv" if needs_mkv else "m4a"
    if episode.video.codec not in _MP4_VIDEO:
        return "mkv"
    if episode.video.hidden:
        return "mp4"
    needs_mkv |= any(s.codec in _MKV_SUBTITLES - _MP4_TEXT for s in episode.subtitles)
    return "mkv" if needs_mkv or "matroska" in episode.container else "mp4"


def check_container(source: Path, container: str, codec: str, hidden: int) -> None:
    """Refuse a container that cannot show a picture of a codec as it is. Raises MediaError with the cure.

    `hidden` counts the frames before the first one that an edit list hides.
    """
    if container == "mkv" and hidden:
        problem = f"an edit list hides its first {hidden} frames, which mkv would show"
        raise MediaError(source, problem, "Set stitch.container to mp4 (or auto).")
    if container == "m4a":
        problem = "its picture cannot go into an m4a file"
        raise MediaError(source, problem, "Set stitch.container to mp4 or mkv.")
    if container == "mp4" and codec not in _MP4_VIDEO:
        cure = "Set stitch.container to mkv (or auto); the picture is never encoded again."
        raise MediaError(source, f"its {codec} picture cannot go into an mp4 file", cure)
