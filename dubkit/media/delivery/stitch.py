"""Put the dubbed sound under the picture, untouched or spliced, and keep everything else the source holds.

The source is read with its own time stamps, moved so that the episode's zero is the zero of the
delivered file, which is where sample 0 of the dub sits. Nothing is measured and added up.
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubkit.errors import MediaError, SettingError
from dubkit.media.delivery.picture import Picture, flags_of, spliced_picture
from dubkit.media.delivery.settings import Stitch
from dubkit.media.delivery.verify import DeliveredTrack, DeliveryCheck, verify_delivery
from dubkit.media.files.command import Node, Stream, media_input
from dubkit.media.files.container import (
    LAYOUTS,
    PacketTrack,
    codec_name,
    episode_zero,
    is_cover,
    open_media,
    scan,
    timed_streams,
)
from dubkit.media.files.ffmpeg import run_ffmpeg
from dubkit.media.files.mp4_clock import mp4_clock
from dubkit.types import SAMPLE_RATE, Episode

__all__ = [
    "DeliveredTrack",
    "DeliveryCheck",
    "StitchInputs",
    "container_for",
    "stitch",
    "track_language",
    "verify_delivery",
]

log = logging.getLogger(__name__)

_MP4_VIDEO = {"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mpeg1video", "vvc"}
_MP4_AUDIO = {"aac", "mp3", "mp2", "ac3", "eac3", "opus", "flac", "alac", "dts", "vorbis"}
_MP4_TEXT = {"mov_text", "subrip", "webvtt", "text", "srt"}
_MKV_COPY_SUBTITLES = {"subrip", "ass", "ssa", "webvtt", "hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle"}
_PCM = {
    f"pcm_{kind}" for kind in ("u8", "s16le", "s24le", "s32le", "s16be", "s24be", "s32be", "f32le", "f64le")
}
_MKV_COPY_AUDIO = _MP4_AUDIO | _PCM | {"truehd", "mlp", "wmav1", "wmav2", "wavpack", "tta", "mp1"}
_COVERS = {"mjpeg", "png"}
_CONTAINERS = ("auto", "mp4", "mkv", "m4a")
_DASH = "\u2013"
_STALL_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class StitchInputs:
    """What a delivery is made of.

    `picture` is what `splice` wrote; without it the picture is the source's own, packet for packet.
    `dub_audio` is on the episode clock (sample 0 at the episode's zero) and `episode.samples` long.
    `language` and `source_language` are BCP-47 tags (`pt-BR`); `subtitles` are (language, SRT file)
    pairs in the order they shall have. `audio_bitrate` is per channel, in bits per second.
    """

    source: Path
    episode: Episode
    dub_audio: Path
    language: str
    source_language: str = ""
    subtitles: tuple[tuple[str, Path], ...] = ()
    settings: Stitch = field(default_factory=Stitch)
    audio_bitrate: int = 96_000
    picture: Path | None = None


@dataclass(frozen=True, slots=True)
class _Kept:
    """Streams of the source that go along, by kind, as (index, codec, flags, language) of each."""

    zero: Fraction
    picture: Picture | None
    audio: tuple[_Stream, ...]
    subtitles: tuple[_Stream, ...]
    covers: tuple[_Stream, ...]
    attachments: tuple[_Stream, ...]
    timecode: bool


@dataclass(frozen=True, slots=True)
class _Stream:
    index: int
    codec: str
    flags: str
    language: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class _Target:
    """What `_add_pictures` needs to know: the container, and a folder for covers on their way."""

    source: Path
    container: str
    covers: Path


@dataclass(slots=True)
class _Plan:
    """Maps and options of one ffmpeg run, grown stream by stream in the order of the delivery."""

    maps: list[Stream] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    tags: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, source: Stream, kind: str, tags: dict[str, str] | None = None, **options: Any) -> None:
        """Map one stream; the names of `options` get the stream's specifier appended."""
        number = self.counts.get(kind, 0)
        self.counts[kind] = number + 1
        self.maps.append(source)
        for name, value in options.items():
            self.options[f"{name}:{kind}:{number}"] = value
        for name, text in (tags or {}).items():
            self.tags.append((f"-metadata:s:{kind}:{number}", f"{name}={text}"))


def track_language(tag: str) -> str:
    """ISO 639-2 code of a BCP-47 tag (`pt-BR` gives `por`), as containers want it."""
    import langcodes

    try:
        return langcodes.get(tag).to_alpha3()
    except (LookupError, ValueError):
        return "und"


def _track_title(tag: str) -> str:
    import langcodes

    language = langcodes.get(tag)
    name = language.display_name(language.language or "en")
    return name[:1].upper() + name[1:]


def container_for(episode: Episode, requested: str = "auto") -> str:
    """Choose the container of the delivery: `mp4`, `mkv` or, without a picture, `m4a`.

    `auto` keeps the family of the source: a Matroska source counts milliseconds, and its exact rate is
    a statement that only Matroska carries on. Other sources go into mp4 when every stream fits.
    """
    if requested not in _CONTAINERS:
        raise SettingError("stitch.container", requested, f"must be one of {', '.join(_CONTAINERS)}")
    if requested != "auto":
        return requested
    fits = all(audio.codec in _MP4_AUDIO for audio in episode.audio)
    if episode.video is None:
        return "m4a" if fits else "mkv"
    fits = fits and episode.video.codec in _MP4_VIDEO
    fits = fits and all(subtitle.codec in _MP4_TEXT for subtitle in episode.subtitles)
    return "mp4" if fits and "matroska" not in episode.container else "mkv"


def stitch(inputs: StitchInputs, out: Path, container: str) -> None:
    """Write the delivery: source picture bit for bit, dub first and default, the rest kept.

    The same inputs give the same bytes. Raises `MediaError` when the picture does not fit the
    container, `ToolError` and `DiskFull` from ffmpeg.
    """
    if container not in _CONTAINERS[1:]:
        raise SettingError("stitch.container", container, "must be one of mp4, mkv, m4a here")
    episode = inputs.episode
    kept = _kept_streams(inputs)
    _check_picture(inputs, kept, container)
    # Without `genpts` AVI and some program streams have packets that no muxer takes.
    source = media_input(inputs.source, fflags="+genpts", itsoffset=f"{float(-kept.zero):.9f}")
    plan = _Plan()
    _add_picture(plan, inputs, source, kept)
    _add_sound(plan, inputs, source, kept, container)
    _add_subtitles(plan, inputs, source, kept, container)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".covers") as covers:
        _add_pictures(plan, _Target(inputs.source, container, Path(covers)), source, kept)
        options = _container_options(container, inputs, kept) | plan.options
        timeout = max(_STALL_SECONDS, 2 * float(episode.duration))
        run_ffmpeg(plan.maps, out, options, timeout=timeout, repeated=plan.tags)


def _add_picture(plan: _Plan, inputs: StitchInputs, source: Node, kept: _Kept) -> None:
    video, picture = inputs.episode.video, kept.picture
    if video is not None and inputs.picture is None:
        plan.add(source[str(video.index)], "v", c="copy", copyinkf=None)
        return
    # The first file that is mapped gives metadata and chapters: the source leads, with a stream that it
    # does not have (the question mark lets ffmpeg go on).
    plan.maps.append(source["v:9999?"])
    if video is None or picture is None or inputs.picture is None:
        return
    options: dict[str, object] = {"itsoffset": f"{float(-picture.zero):.9f}"}
    if picture.rotation != video.rotation:
        # A picture that was coded as a whole is stored upright or not as its source was.
        options["display_rotation"] = video.rotation
    spliced = media_input(inputs.picture, **options)["v:0"]
    # The rate is a statement of the container, which only the source makes.
    rate = f"{video.rate.numerator}/{video.rate.denominator}"
    plan.add(spliced, "v", c="copy", copyinkf=None, disposition=picture.flags, tags=picture.tags, r=rate)


def _check_picture(inputs: StitchInputs, kept: _Kept, container: str) -> None:
    video = inputs.episode.video
    if video is None:
        return
    if container == "mkv":
        if kept.picture is not None and kept.picture.track.hidden:
            problem = f"an edit list hides its first {kept.picture.track.hidden} frames, which mkv would show"
            raise MediaError(inputs.source, problem, "Set stitch.container to mp4.")
        return
    if container == "m4a":
        cure = "Set stitch.container to mp4 or mkv."
        raise MediaError(inputs.source, "its picture cannot go into an m4a file", cure)
    codec = kept.picture.codec if kept.picture else video.codec
    if codec not in _MP4_VIDEO:
        cure = "Set stitch.container to mkv (or auto); the picture is never encoded again."
        raise MediaError(inputs.source, f"its {codec} picture cannot go into an mp4 file", cure)


def _kept_streams(inputs: StitchInputs) -> _Kept:
    episode = inputs.episode
    numbers = {audio.index for audio in episode.audio} if inputs.settings.keep_original else set()
    subtitles = {subtitle.index for subtitle in episode.subtitles}
    picture = episode.video.index if episode.video else None
    with open_media(inputs.source) as container:
        tracks, _ = scan(container, timed_streams(container, picture))
        streams = list(container.streams)
        dubbed = {audio.index for audio in episode.audio if audio.number == episode.track}
        # The track that was dubbed comes first among the originals.
        audio = sorted((s for s in streams if s.index in numbers), key=lambda s: s.index not in dubbed)
        zero = episode_zero(container, tracks)
        return _Kept(
            zero=zero,
            picture=None if picture is None else _picture_of(inputs, streams[picture], tracks[picture], zero),
            audio=tuple(_stream(s) for s in audio),
            subtitles=tuple(_stream(s) for s in streams if s.index in subtitles),
            covers=tuple(_stream(s) for s in streams if is_cover(s) and codec_name(s) in _COVERS),
            attachments=tuple(_stream(s) for s in streams if s.type == "attachment"),
            timecode=any(s.type == "data" and "timecode" in s.metadata for s in streams),
        )


def _picture_of(inputs: StitchInputs, stream: Any, track: PacketTrack, zero: Fraction) -> Picture:
    video = inputs.episode.video
    assert video is not None
    if inputs.picture is not None:
        return spliced_picture(inputs.picture, video, stream)
    return Picture(track, codec_name(stream), video.rotation, zero)


def _stream(stream: Any) -> _Stream:
    flags = flags_of(stream)
    has_codec = getattr(stream, "codec_context", None) is not None
    return _Stream(
        index=stream.index,
        codec=codec_name(stream) if has_codec else "",
        flags=flags or "0",
        language=str(stream.metadata.get("language") or "und"),
    )


def _add_sound(plan: _Plan, inputs: StitchInputs, source: Node, kept: _Kept, container: str) -> None:
    channels = inputs.episode.channels
    # Without a mask in the WAV header ffmpeg guesses from the count; this says what was written.
    dub = media_input(inputs.dub_audio)["a:0"]
    plan.add(
        dub,
        "a",
        c="aac",
        b=inputs.audio_bitrate * channels,
        ar=SAMPLE_RATE,
        channel_layout=LAYOUTS[channels],
        disposition="default",
        tags=_tags(inputs.language, f"{_track_title(inputs.language)} {_DASH} dubkit dub"),
    )
    copied = _MKV_COPY_AUDIO if container == "mkv" else _MP4_AUDIO
    languages = {audio.index: audio.language for audio in inputs.episode.audio}
    dubbed = {audio.index for audio in inputs.episode.audio if audio.number == inputs.episode.track}
    for track in kept.audio:
        options: dict[str, Any] = {"c": "copy"} if track.codec in copied else {"c": "aac", "b": "256k"}
        if options["c"] == "aac":
            log.info("Sound track of codec %s is encoded as AAC to fit into %s", track.codec, container)
        if languages[track.index] == "und" and track.index in dubbed and inputs.source_language:
            options["tags"] = {"language": track_language(inputs.source_language)}
        plan.add(source[str(track.index)], "a", disposition=track.flags, **options)


def _tags(language: str, title: str) -> dict[str, str]:
    # Many players show the handler's name of mp4 tracks where Matroska has a title.
    return {"language": track_language(language), "title": title, "handler_name": title}


def _add_subtitles(plan: _Plan, inputs: StitchInputs, source: Node, kept: _Kept, container: str) -> None:
    if container == "m4a":
        return
    codec = "mov_text" if container == "mp4" else "srt"
    for language, file in inputs.subtitles:
        if "-->" not in file.read_text(encoding="utf-8", errors="replace"):
            log.info("%s has no cues and is left out", file.name)
            continue
        text = media_input(file, f="srt", sub_charenc="UTF-8")
        tags = _tags(language, _track_title(language))
        plan.add(text["s:0"], "s", c=codec, disposition="0", tags=tags)
    for track in kept.subtitles:
        chosen = _subtitle_codec(track, inputs.episode, container)
        if not chosen:
            log.warning("Subtitle stream %d (%s) does not fit into %s", track.index, track.codec, container)
            continue
        plan.add(source[str(track.index)], "s", c=chosen, disposition=track.flags)


def _subtitle_codec(track: _Stream, episode: Episode, container: str) -> str:
    """How a subtitle track of the source goes into the container, "" when it cannot."""
    text = any(s.index == track.index and s.text for s in episode.subtitles)
    if container == "mp4":
        return "copy" if track.codec == "mov_text" else "mov_text" if text else ""
    return "copy" if track.codec in _MKV_COPY_SUBTITLES else "srt" if text else ""


def _add_pictures(plan: _Plan, out: _Target, source: Node, kept: _Kept) -> None:
    """Keep covers and fonts. In Matroska a cover is an attachment; ffmpeg would make it a video track."""
    if out.container != "mkv":
        for cover in kept.covers:
            plan.add(source[str(cover.index)], "v", c="copy", disposition="attached_pic")
        return
    for attachment in kept.attachments:
        plan.add(source[str(attachment.index)], "t", c="copy")
    for number, cover in enumerate(kept.covers, start=plan.counts.get("t", 0)):
        kind, suffix = ("png", "png") if cover.codec == "png" else ("jpeg", "jpg")
        file = out.covers / f"cover{cover.index}.{suffix}"
        file.write_bytes(_cover_bytes(out.source, cover.index))
        tag = f"-metadata:s:t:{number}"
        plan.tags += [
            ("-attach", str(file)),
            (tag, f"mimetype=image/{kind}"),
            (tag, f"filename=cover.{suffix}"),
        ]


def _cover_bytes(source: Path, index: int) -> bytes:
    with open_media(source) as container:
        packets = container.demux(container.streams[index])
        return next((bytes(packet) for packet in packets if packet.size), b"")


def _container_options(container: str, inputs: StitchInputs, kept: _Kept) -> dict[str, Any]:
    video = inputs.episode.video
    options: dict[str, Any] = {
        "map_metadata": "0",
        "map_chapters": "0",
        # No encoder names, dates or random track ids: the same inputs give the same bytes.
        "fflags": "+bitexact",
        "flags:a": "+bitexact",
        "flags:s": "+bitexact",
        # Wait for sparse subtitles instead of writing them where they do not belong.
        "max_interleave_delta": "0",
    }
    if container == "mkv":
        return options | {"f": "matroska"}
    options |= {"f": "mp4", "movflags": "+faststart"}
    if container == "m4a":
        return options | {"brand": "M4A "}
    if kept.timecode:
        options["write_tmcd"] = "1"
    picture = kept.picture
    options |= mp4_clock(
        video,
        picture.track if picture else None,
        picture.zero if picture else kept.zero,
        exact="mov" in inputs.episode.container,
    )
    if picture is not None and picture.codec == "hevc":
        # Apple players refuse the other tag, which ffmpeg would choose.
        options["tag:v:0"] = "hvc1"
    return options
