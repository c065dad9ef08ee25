"""The tracks of a delivery beside its picture: sound, subtitles, covers, fonts and data."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from dubkit.errors import DiskFull, ToolError
from dubkit.media.delivery.containers import copies_sound, is_lossless, subtitle_codec
from dubkit.media.delivery.picture import spliced_picture
from dubkit.media.delivery.plan import (
    Kept,
    KeptStream,
    Plan,
    StitchInputs,
    full_language,
    track_language,
    track_title,
)
from dubkit.media.files.command import Node, media_input
from dubkit.media.files.container import LAYOUTS, open_media
from dubkit.media.files.ffmpeg import run_ffmpeg
from dubkit.types import SAMPLE_RATE

_DASH = "\u2013"
_TRIAL_SECONDS = 2
_COVERS = {
    "mjpeg": ("jpeg", "jpg"),
    "png": ("png", "png"),
    "gif": ("gif", "gif"),
    "bmp": ("bmp", "bmp"),
    "webp": ("webp", "webp"),
    "tiff": ("tiff", "tif"),
}
"""Kinds of pictures that a packet holds as a whole file -> its type and the end of its name."""
_MP4_COVERS = {"mjpeg", "png", "bmp"}


def add_sound(plan: Plan, inputs: StitchInputs, source: Node, kept: Kept, container: str) -> None:
    dub = media_input(inputs.dub_audio)["a:0"]
    plan.add(
        dub,
        "a",
        **dub_coding(inputs),
        disposition="default",
        locale=full_language(inputs.language),
        tags=_tags(inputs.language, f"{track_title(inputs.language)} {_DASH} dubkit dub"),
    )
    for other in inputs.further or ():
        plan.add(
            media_input(other.dub_audio)["a:0"],
            "a",
            **dub_coding(inputs),
            disposition="0",
            locale=full_language(other.language),
            tags=_tags(other.language, f"{track_title(other.language)} {_DASH} dubkit dub"),
        )
    languages = {audio.index: audio.language for audio in inputs.episode.audio}
    dubbed = {audio.index for audio in inputs.episode.audio if audio.number == inputs.episode.track}
    for track in kept.sound:
        tags = {"title": track.title} if track.title else {}
        if languages[track.index] == "und" and track.index in dubbed and inputs.source_language:
            tags["language"] = track_language(inputs.source_language)
        options = _sound_options(track, container)
        flags = track.flags
        if inputs.further is not None and track.index in dubbed:
            flags = "+".join(sorted({*flags.split("+"), "original"} - {"0"}))
        options |= {"origin": track.index, "locale": track.locale, "disposition": flags}
        plan.add(source[str(track.index)], "a", tags, **options)


def add_further_pictures(plan: Plan, inputs: StitchInputs, source: Node) -> None:
    """Add the pictures of further languages, and the source's where the first language has another one."""
    video, further = inputs.episode.video, inputs.further or ()
    made = [(other.language, other.picture) for other in further if other.picture is not None]
    if video is None or not (made or inputs.picture):
        return
    for language, picture in made:
        with open_media(inputs.source) as container:
            zero = spliced_picture(picture, video, container.streams[video.index]).zero
        tags = {"language": track_language(language), "title": f"{track_title(language)} {_DASH} dubkit dub"}
        stream = media_input(picture, itsoffset=f"{float(-zero):.9f}")["v:0"]
        options: dict[str, Any] = {"c": "copy", "copyinkf": None, "disposition": "0"}
        plan.add(stream, "v", tags, locale=full_language(language), **options)
    if inputs.picture is not None and inputs.further is not None:
        tags = {"title": "Original"}
        plan.add(source[str(video.index)], "v", tags, c="copy", copyinkf=None, disposition="original")


def dub_coding(inputs: StitchInputs) -> dict[str, Any]:
    """Return how the dubbed sound is coded."""
    channels = inputs.episode.channels
    # Without a mask in the WAV header ffmpeg guesses from the count; the layout says what was written.
    rate = inputs.audio_bitrate * channels
    return {"c": "aac", "b": rate, "ar": SAMPLE_RATE, "channel_layout": LAYOUTS[channels]}


def _sound_options(track: KeptStream, container: str) -> dict[str, Any]:
    """Return how a sound track goes into the container: as it is, without loss, or else as AAC."""
    if copies_sound(track.codec, container) and not track.unframed:
        return {"c": "copy"}
    if is_lossless(track.codec) and container == "mkv":
        return {"c": _pcm(track)}
    # FLAC holds whole numbers of up to 24 bits.
    if is_lossless(track.codec) and track.samples.startswith(("u8", "s16", "s32")) and track.bits <= 24:
        return {"c": "flac"}
    return {"c": "aac", "b": "256k"}


def _pcm(track: KeptStream) -> str:
    """Return the plain samples that hold everything a lossless codec decodes to."""
    kinds = {"u8": "u8", "s16": "s16le", "s32": "s32le", "flt": "f32le", "dbl": "f64le"}
    kind = kinds.get(track.samples.removesuffix("p"), "s32le")
    return "pcm_s24le" if kind == "s32le" and 0 < track.bits <= 24 else f"pcm_{kind}"


def _tags(language: str, title: str) -> dict[str, str]:
    # Many players show the handler's name of mp4 tracks where Matroska has a title.
    return {"language": track_language(language), "title": title, "handler_name": title}


def add_subtitles(plan: Plan, inputs: StitchInputs, source: Node, kept: Kept, container: str) -> None:
    if container == "m4a":
        return
    codec = "mov_text" if container == "mp4" else "srt"
    for language, file in inputs.subtitles:
        if "-->" not in file.read_text(encoding="utf-8", errors="replace"):
            continue
        cues = media_input(file, f="srt", sub_charenc="UTF-8")
        tags = _tags(language, track_title(language))
        plan.add(cues["s:0"], "s", tags, locale=full_language(language), c=codec, disposition="0")
    for track in kept.subtitles:
        text = any(s.index == track.index and s.text for s in inputs.episode.subtitles)
        chosen = subtitle_codec(track.codec, container, text=text)
        if chosen:
            tags = {"title": track.title} if track.title else {}
            stream = source[str(track.index)]
            options: dict[str, Any] = {
                "origin": track.index,
                "locale": track.locale,
                "disposition": track.flags,
            }
            plan.add(stream, "s", tags, c=chosen, **options)


def add_data(plan: Plan, inputs: StitchInputs, source: Node, kept: Kept, container: str) -> None:
    """Keep tracks of data, such as a camera's measurements, where the container takes them."""
    for track in kept.data if container == "mp4" else ():
        if _takes(inputs.source, track, container):
            plan.options["copy_unknown"] = None
            plan.add(source[str(track.index)], "d", origin=track.index, c="copy")


def _takes(source: Path, track: KeptStream, container: str) -> bool:
    """Find out whether a container takes a track: which ones it does no table says."""
    options = {"c": "copy", "copy_unknown": None, "f": container, "t": _TRIAL_SECONDS}
    with tempfile.TemporaryDirectory() as folder:
        try:
            run_ffmpeg([media_input(source)[str(track.index)]], Path(folder) / "trial", options, timeout=60)
        except DiskFull:
            raise
        except ToolError:
            return False
    return True


def add_pictures(
    plan: Plan, inputs: StitchInputs, source: Node, kept: Kept, container: str, covers: Path
) -> None:
    """Keep covers and fonts. In Matroska a cover is an attachment; ffmpeg would make it a video track.

    `covers` is a folder for covers on their way.
    """
    taken = _COVERS if container == "mkv" else _MP4_COVERS
    known = [cover for cover in kept.covers if cover.codec in taken]
    if container != "mkv":
        for cover in known:
            stream = source[str(cover.index)]
            plan.add(stream, "v", origin=cover.index, c="copy", disposition="attached_pic")
        return
    for attachment in kept.attachments:
        plan.add(source[str(attachment.index)], "t", origin=attachment.index, c="copy")
    for number, cover in enumerate(known, start=plan.counts.get("t", 0)):
        kind, suffix = _COVERS[cover.codec]
        file = covers / f"cover{cover.index}.{suffix}"
        file.write_bytes(_cover_bytes(inputs.source, cover.index))
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
