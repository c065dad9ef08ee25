"""Probe a source: what is in it, on which clock, and which sound track is dubbed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from dubkit.errors import MediaError
from dubkit.media.files.container import (
    LAYOUTS,
    MOST_PIXELS,
    PacketTrack,
    check_span,
    codec_name,
    episode_zero,
    is_default,
    is_picture,
    open_media,
    orientation,
    packets_of,
    rate_of,
    scan,
    timed_streams,
)
from dubkit.media.files.damage import check_parts, check_stamps, damage
from dubkit.media.files.extent import extent
from dubkit.media.files.jumps import check_clock
from dubkit.types import (
    SAMPLE_RATE,
    AudioStream,
    Episode,
    Remark,
    SubtitleStream,
    Tell,
    VideoStream,
    remark,
)

if TYPE_CHECKING:
    from av.container import InputContainer

_TEXT_SUBTITLES = {"subrip", "ass", "ssa", "mov_text", "webvtt", "text", "srt", "microdvd", "ttml", "stl"}


@dataclass(frozen=True, slots=True)
class _Timing:
    """The packets of the streams that matter, and the episode's zero on their clock."""

    tracks: dict[int, PacketTrack]
    zero: Fraction


def probe(path: Path, *, audio_track: int = 0, audio_language: str = "", tell: Tell | None = None) -> Episode:
    """Read what a source holds and choose the sound track to dub.

    `audio_track` counts sound tracks from 1 and wins over `audio_language`, which wins over the
    container's default. Frames and ends come from the packets, never from a header; `sha256` stays
    empty. `tell` takes what was odd about the source, whose sentences are the episode's warnings.
    Raises `MediaError` with cause and cure when the file cannot become a dub.
    """
    remarks: list[Remark] = []
    with open_media(path) as container:
        picture = _choose_picture(container, remarks)
        _check_size(path, picture)
        streams = timed_streams(container, None if picture is None else picture.index)
        if not streams:
            cure = "Name a file with at least one video or sound track."
            raise MediaError(path, "it holds no picture and no sound", cure)
        tracks, broken = scan(container, streams)
        if broken:
            remarks.append(remark("source-damaged", broken))
        if any(track.encrypted for track in tracks.values()):
            cure = "Only a copy without copy protection (DRM) can be dubbed."
            raise MediaError(path, "its picture or sound is encrypted", cure)
        check_stamps(path, container, tracks)
        timing = _Timing(tracks, episode_zero(container, tracks))
        steps = [track.steps for track in tracks.values() if track.keys]
        remarks += check_clock(path, container.format.name, steps, timing.zero)
        ends = extent(path, container.format.name)
        check_parts(path, container.format.name, ends)
        video = _video(container, picture, timing)
        audio = _audio_streams(container, tracks)
        if video is None and not audio:
            cure = "The data after its header is missing or damaged: fetch the file again."
            raise MediaError(path, "it has a header but no picture and no sound that can be read", cure)
        chosen = _choose_audio(path, audio, audio_track, audio_language, remarks)
        remarks += damage(path, container, tracks, ends)
        duration = _duration(path, video, chosen, timing)
        subtitles = tuple(_subtitle(s) for s in container.streams.subtitles if s.codec_context is not None)
        format_name = container.format.name
    if tell is not None:
        for said in remarks:
            tell(said)
    return Episode(
        name=path.stem,
        sha256="",
        container=format_name,
        duration=duration,
        video=video,
        audio=audio,
        subtitles=subtitles,
        track=chosen.number if chosen else 0,
        channels=_target_channels(path, chosen) if chosen else 0,
        samples=round(duration * SAMPLE_RATE) if chosen else 0,
        warnings=tuple(said.sentence for said in remarks),
    )


def claimed_seconds(path: Path) -> float:
    """Return the length in seconds that a file's header states; 0 when it states none."""
    import av

    try:
        with open_media(path) as container:
            return max(0.0, float(container.duration or 0) / av.time_base)
    except MediaError:
        return 0.0  # a run says what is wrong with it


def _choose_picture(container: InputContainer, remarks: list[Remark]) -> Any | None:
    pictures = [s for s in container.streams if is_picture(s)]
    if not pictures:
        return None
    chosen = next((s for s in pictures if is_default(s)), pictures[0])
    if len(pictures) > 1:
        kept = f"the dub keeps stream {chosen.index} ({_size(chosen)}) only"
        remarks.append(remark("picture-chosen", f"There are {len(pictures)} video tracks; {kept}."))
    return chosen


def _check_size(path: Path, picture: Any | None) -> None:
    if picture is not None and not picture.codec_context.width * picture.codec_context.height:
        raise MediaError(
            path,
            f"its pictures are damaged, or have more than {MOST_PIXELS:,} pixels",
            "Check that it plays elsewhere, and make a copy with smaller pictures.",
        )


def _size(stream: Any) -> str:
    return f"{stream.codec_context.width}x{stream.codec_context.height}"


def _video(container: InputContainer, stream: Any | None, timing: _Timing) -> VideoStream | None:
    if stream is None:
        return None
    track = timing.tracks[stream.index]
    if not track.keys or track.end is None:
        return None
    stamps = sorted(track.keys)
    rate = rate_of(stream, track)
    last = stamps[-1] * track.time_base
    # A last packet without a duration (WebM) lasts as long as the rate says.
    end = track.end if track.end > last else last + 1 / rate
    context = stream.codec_context
    rotation, mirrored = _orientation(container, stream)
    return VideoStream(
        index=stream.index,
        codec=codec_name(stream),
        width=context.width,
        height=context.height,
        rate=rate,
        frames=len(stamps),
        start=stamps[0] * track.time_base - timing.zero,
        end=end - timing.zero,
        variable=track.variable,
        rotation=rotation,
        sample_aspect=Fraction(stream.sample_aspect_ratio or 1),
        pixel_format=str(context.pix_fmt or "yuv420p"),
        hidden=track.hidden or UNSET,
        mirrored=mirrored or UNSET,
    )


def _orientation(container: InputContainer, stream: Any) -> tuple[int, bool]:
    """Read the display matrix, which only a decoded frame carries (see `orientation`)."""
    import av

    try:
        container.seek(stream.start_time or 0, stream=stream)
        for tried, packet in enumerate(packets_of(container, stream)):
            for frame in packet.decode():
                return orientation(frame)
            if tried > 250:
                break
    except (av.error.FFmpegError, OSError):
        return 0, False  # damage is reported where it matters
    return 0, False


def _audio_streams(container: InputContainer, tracks: dict[int, PacketTrack]) -> tuple[AudioStream, ...]:
    """Sound tracks that hold sound; numbers count every track, so they agree with other players."""
    found = []
    for number, stream in enumerate(container.streams.audio, start=1):
        context = stream.codec_context
        if context is None or not tracks[stream.index].keys:
            continue
        audio = AudioStream(
            index=stream.index,
            number=number,
            codec=codec_name(stream),
            rate=context.sample_rate or SAMPLE_RATE,
            channels=context.layout.nb_channels,
            layout=context.layout.name,
            language=_language(stream),
            title=str(stream.metadata.get("title", "")),
            default=is_default(stream),
        )
        found.append(audio)
    return tuple(found)


def _language(stream: Any) -> str:
    return str(stream.metadata.get("language") or "und")


def _subtitle(stream: Any) -> SubtitleStream:
    codec = codec_name(stream)
    return SubtitleStream(
        index=stream.index,
        codec=codec,
        language=_language(stream),
        title=str(stream.metadata.get("title", "")),
        text=codec in _TEXT_SUBTITLES,
    )


def _choose_audio(
    path: Path, audio: tuple[AudioStream, ...], number: int, language: str, remarks: list[Remark]
) -> AudioStream | None:
    if not audio and (number or language):
        cure = "Leave the choice of a sound track away, or name a file with sound."
        raise MediaError(path, "a sound track was asked for but the file has no sound", cure)
    if not audio:
        remarks.append(remark("sound-missing", "There is no sound track, so there is nothing to dub."))
        return None
    if number:
        chosen = next((track for track in audio if track.number == number), None)
        if chosen is None:
            raise MediaError(path, f"there is no sound track {number}", f"Choose one of: {_list(audio)}.")
        return chosen
    if language:
        chosen = next((track for track in audio if _same_language(track.language, language)), None)
        if chosen is None:
            problem = f"no sound track is tagged with the language {language!r}"
            raise MediaError(path, problem, f"Choose a track by its number: {_list(audio)}.")
        return chosen
    chosen = next((track for track in audio if track.default), audio[0])
    if len(audio) > 1:
        others = _list(tuple(track for track in audio if track is not chosen))
        text = f"{_describe(chosen)} is dubbed because it is the default. Others: {others}."
        remarks.append(remark("sound-chosen", f"There are {len(audio)} sound tracks; {text}"))
    return chosen


def _list(audio: tuple[AudioStream, ...]) -> str:
    return "; ".join(_describe(track) for track in audio)


def _describe(track: AudioStream) -> str:
    title = f" {track.title!r}" if track.title else ""
    return f"track {track.number} ({track.language}{title}, {track.codec}, {track.channels} channels)"


def _same_language(tag: str, wanted: str) -> bool:
    """Compare language tags as people mean them: `eng`, `en` and `en-US` are one language."""
    import langcodes

    try:
        return langcodes.get(tag).language == langcodes.get(wanted).language and tag != "und"
    except ValueError:
        return tag.casefold() == wanted.casefold()


def _target_channels(path: Path, track: AudioStream) -> int:
    """Channels of the dub: mono, stereo, 5.1 or 7.1, which every AAC decoder knows.

    Three to five channels go into 5.1 (each keeps its place), seven into 7.1, more are mixed down.
    """
    if track.channels > 8 and "channels" in track.layout:
        raise MediaError(
            path,
            f"sound track {track.number} has {track.channels} channels without a speaker layout",
            "Mix it down first, for example: ffmpeg -i FILE -c:v copy -ac 2 stereo.mkv",
        )
    return next((room for room in LAYOUTS if track.channels <= room), 8)


def _duration(path: Path, video: VideoStream | None, chosen: AudioStream | None, timing: _Timing) -> Fraction:
    ends = [video.end] if video else []
    if chosen:
        track = timing.tracks[chosen.index]
        if track.end is not None:
            ends.append(track.end - timing.zero)
    duration = max(ends, default=Fraction(0))
    check_span(path, duration)
    if duration <= 0:
        raise MediaError(path, "it lasts 0 seconds", "Name a file with picture or sound in it.")
    return duration
