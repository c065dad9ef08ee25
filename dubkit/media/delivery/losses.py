"""Find what of a source is not in its dub, or not as it was, and say so.

The two files are compared as they are, whatever the code that writes deliveries meant to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dubkit.media.delivery.containers import is_lossless
from dubkit.media.files.container import codec_name, open_media
from dubkit.media.files.inventory import Inventory, Track
from dubkit.types import Remark, remark

_TECHNICAL = {
    *("major_brand", "minor_version", "compatible_brands", "encoder", "encoded_by", "vendor_id", "duration"),
    *("bps", "number_of_frames", "number_of_bytes", "source_id", "handler_name", "language", "title", "name"),
    *(
        "filename",
        "mimetype",
        "variant_bitrate",
        "timecode",
        "isvbr",
        "wm/encodingtime",
        "device_conformance",
    ),
    *("wmfsdkneeded", "wmfsdkversion", "has_audio", "has_video", "has_metadata", "has_keyframes"),
    *("videodatarate", "audiodatarate", "metadatacreator", "canseektoend", "stereo", "software"),
    "stereo_mode",
}
"""Tags that say how a file was written, or that are compared by themselves."""
_PICTURE = {
    "DOVI": "Dolby Vision",
    "Spherical": "360 degrees",
    "Stereo 3D": "pictures for two eyes",
    "Mastering display": "the light of its HDR",
    "Content light": "the light of its HDR",
    "Display Matrix": "how it is turned",
    "Frame Cropping": "what is cut off its edges",
}
"""Beginnings of what ffmpeg says of a picture, in plain words."""
_STYLED = {"ass", "ssa", "ttml", "stl", "hdmv_text_subtitle"}
_MPEG = {"mp1", "mp2", "mp3"}
_CHAPTER_SECONDS = 0.1
_NUMBER = re.compile(r"[+-]\d+(?:\.\d+)?")
_DATE = len("2024-07-14T10:20:30")


@dataclass(frozen=True, slots=True)
class Handed:
    """What a delivery was made of: `origins` has, for each of its streams, the source's index or None."""

    container: str
    origins: tuple[int | None, ...]
    known: frozenset[int]
    """Tracks of the source whose absence needs no word here."""
    zero: float
    """Seconds on the source's clock where the delivery begins."""
    cues: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """Subtitle track of the source -> its cues and those in the dub, where its form is another one."""


def find_losses(source: Inventory, dub: Inventory, handed: Handed) -> tuple[Remark, ...]:
    """Return a remark for everything of the source that is missing in the dub or is not the same there."""
    there = {track.index: track for track in source.tracks}
    covers = {track.index for track in source.tracks if track.kind == "cover"}
    origins = [origin for origin in handed.origins if origin not in covers]
    pairs = [
        (there[origin], track)
        for origin, track in zip(origins, (t for t in dub.tracks if t.kind != "cover"), strict=False)
        if origin is not None
    ]
    return (
        *_missing(source, dub, {before.index for before, _ in pairs}, handed),
        *(found for before, after in pairs for found in _changed(before, after, handed.container)),
        *_tags(source, dub, pairs, handed.container),
        *_chapters(source, dub, handed),
        *_extras(source, dub),
        *_cues(source, handed),
    )


def count_cues(path: Path, indexes: set[int]) -> dict[int, int]:
    """Count the texts in subtitle tracks; mp4 also holds empty ones, where nothing is shown."""
    import av

    counts = dict.fromkeys(indexes, 0)
    with open_media(path) as container:
        streams = [stream for stream in container.streams if stream.index in indexes]
        if not streams:
            return counts
        empty = {stream.index: 2 if codec_name(stream) == "mov_text" else 0 for stream in streams}
        try:
            for packet in container.demux(streams):
                if packet.size:  # the last of all belongs to no stream
                    counts[packet.stream_index] += packet.size > empty[packet.stream_index]
        except (av.error.FFmpegError, OSError):
            pass  # a film that breaks off has been named when it was read
    return counts


def _cues(source: Inventory, handed: Handed) -> Iterator[Remark]:
    for track in source.tracks:
        before, after = handed.cues.get(track.index, (0, 0))
        if after < before:
            sentence = (
                f"{_name(track)} has {after} of its {before} cues in the dub: the others cannot be read."
            )
            yield remark("subtitles-left-out", sentence, _place(track))


def _missing(source: Inventory, dub: Inventory, carried: set[int], handed: Handed) -> Iterator[Remark]:
    # A picture of a rare kind is an attachment to FFmpeg, but it is the cover to players.
    covers = sum(t.kind == "cover" or t.tags.get("filename", "").startswith("cover.") for t in dub.tracks)
    codes = {
        value for track in dub.tracks for name, value in track.tags.items() if name.lower() == "timecode"
    }
    for track in source.tracks:
        if track.index in carried or track.index in handed.known:
            continue
        if track.kind == "cover" and covers:
            covers -= 1
            continue
        if track.tag == "tmcd" and track.tags.get("timecode", "") in codes:
            continue
        if track.tag == "text" and track.kind == "data" and source.chapters:
            continue  # the names of the chapters
        hidden = track.kind in ("data", "attachment")
        code = "data-left-out" if hidden else "stream-left-out"
        sentence = f"{_name(track)} is not in the dub: it cannot be written into {handed.container}."
        yield remark(code, sentence, _place(track))


def _changed(before: Track, after: Track, container: str) -> Iterator[Remark]:
    name, place = _name(before), _place(before)
    if before.kind == "audio" and before.codec != after.codec and not _same_samples(before, after):
        why = f"{before.codec} cannot be written into {container}"
        sentence = f"{name} is coded again as {after.codec}: {why}."
        yield remark("sound-re-encoded", sentence, place)
    if before.kind == "subtitle" and before.codec in _STYLED and before.codec != after.codec:
        sentence = f"{name} is {after.codec} in the dub: its text and times are kept, its styles are not."
        yield remark("subtitles-simplified", sentence, place)
    if before.kind == "subtitle" and "default" in before.flags - after.flags:
        yield remark("flags-left-out", f"{name} is no longer shown unless it is chosen.", place)
    lost = sorted(before.flags - after.flags - {"default"})
    if lost:
        sentence = f"{name} has lost its flags in the dub: {', '.join(lost)}."
        yield remark("flags-left-out", sentence, place)
    if "-" in before.locale and before.locale != after.locale:
        sentence = (
            f"{name} has the language {after.locale or after.language} in the dub: {container} says no more."
        )
        yield remark("tags-left-out", sentence, place)
    elif not _same_language(before.language, after.language):
        sentence = f"{name} has the language {after.language} in the dub."
        yield remark("tags-left-out", sentence, place)
    if before.title and before.title not in after.tags.values():
        yield remark("tags-left-out", f"{name} has lost its name in the dub.", place)
    if before.kind == "video":
        for text in before.side_data:
            if text not in after.side_data:
                plain = next((words for label, words in _PICTURE.items() if text.startswith(label)), "")
                what = f"{plain} ({text})" if plain else text
                sentence = f"The dub does not say of its picture what the source says: {what}."
                yield remark("picture-data-left-out", sentence, place)


def _same_samples(before: Track, after: Track) -> bool:
    # mp4 has one name for all layers of MPEG audio.
    return {before.codec, after.codec} <= _MPEG or (is_lossless(before.codec) and is_lossless(after.codec))


def _same_language(before: str, after: str) -> bool:
    import langcodes

    if before == "und":
        return True
    try:
        return langcodes.get(before).to_alpha3() == langcodes.get(after).to_alpha3()
    except (LookupError, ValueError):
        return before == after


def _tags(
    source: Inventory, dub: Inventory, pairs: list[tuple[Track, Track]], container: str
) -> Iterator[Remark]:
    everywhere = [*dub.tags.values(), *(value for _, after in pairs for value in after.tags.values())]
    lost = _lost_tags(source.tags, everywhere, _TECHNICAL - {"title"})
    if lost:
        sentence = f"Tags of the source that cannot be written into {container}: {', '.join(lost)}."
        yield remark("tags-left-out", sentence)
    for before, after in pairs:
        known = [*after.tags.values(), *dub.tags.values()]
        lost = _lost_tags(before.tags, known, _TECHNICAL | {"creation_time"})
        if lost:
            name = _name(before, start=False)
            sentence = f"Tags of {name} that cannot be written into {container}: {', '.join(lost)}."
            yield remark("tags-left-out", sentence, _place(before))


def _lost_tags(before: dict[str, str], known: Iterable[str], left_out: set[str]) -> list[str]:
    """Return the names of tags whose value is nowhere: containers have names of their own for many."""
    values = "\n".join(known)
    lost = []
    for name, value in before.items():
        plain = name.lower()
        if plain in left_out or plain.startswith("_statistics") or not value.strip():
            continue
        text = value.strip()[:_DATE] if plain == "creation_time" else value.strip()
        if text not in values and not (plain.startswith("location") and _same_place(text, values)):
            lost.append(name)
    return sorted(lost)


def _same_place(text: str, values: str) -> bool:
    """Tell whether a place is known: `+48.1+011.5/` is written as `+48.1000+011.5000/`."""
    numbers = [float(number) for number in _NUMBER.findall(text)]
    return any(
        numbers and [float(number) for number in _NUMBER.findall(value)] == numbers
        for value in values.splitlines()
    )


def _extras(source: Inventory, dub: Inventory) -> Iterator[Remark]:
    lost = [name for name in source.extras if name not in dub.extras]
    if lost:
        sentence = f"The source holds blocks of data that are not in the dub: {', '.join(lost)}."
        yield remark("data-left-out", sentence)


def _chapters(source: Inventory, dub: Inventory, handed: Handed) -> Iterator[Remark]:
    if not source.chapters:
        return
    wanted = [(max(0.0, start - handed.zero), name) for start, _, name in source.chapters]
    found = [(start, name) for start, _, name in dub.chapters]
    same = len(wanted) == len(found) and all(
        abs(a - b) < _CHAPTER_SECONDS and said == name
        for (a, said), (b, name) in zip(wanted, found, strict=True)
    )
    lost = source.more_names - dub.more_names
    if same and lost > 0:
        sentence = f"{handed.container} does not hold {lost} inner chapters and names in other languages."
        yield remark("chapters-simplified", sentence)
    if not same:
        sentence = f"The source has {len(wanted)} chapters; the dub has {len(found)}, or others."
        yield remark("chapters-simplified", sentence)


_KINDS = {"audio": "sound", "cover": "cover picture", "data": "data"}
_CAPTIONS = {"eia_608", "dvb_teletext"}


def _name(track: Track, *, start: bool = True) -> str:
    """Name a track as people say it: `The data track (gpmd)`; its number stands in the place of a remark."""
    kind = "caption" if track.codec in _CAPTIONS else _KINDS.get(track.kind, track.kind)
    about = [
        track.tag.strip() if track.codec in ("bin_data", "unknown", "none") and track.tag else track.codec
    ]
    if track.language != "und":
        about.append(track.language)
    if track.title:
        about.append(track.title)
    track_of = kind if track.kind == "attachment" else f"{kind} track"
    return f"{'The' if start else 'the'} {track_of} ({', '.join(about)})"


def _place(track: Track) -> str:
    return f"stream {track.index}"
