"""Put the dubbed sound under the picture, untouched or spliced, and keep everything else the source holds.

The source is read with its own time stamps, moved so that the episode's zero is the zero of the
delivered file, which is where sample 0 of the dub sits. Nothing is measured and added up.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubkit.errors import SettingError
from dubkit.media.delivery.containers import CONTAINERS, check_container, container_for
from dubkit.media.delivery.losses import Handed, count_cues, find_losses
from dubkit.media.delivery.mp4_tracks import turn_subtitles_off
from dubkit.media.delivery.picture import Picture, spliced_picture
from dubkit.media.delivery.plan import Kept, KeptStream, Plan, StitchInputs, track_language
from dubkit.media.delivery.tags import tag_words
from dubkit.media.delivery.tracks import (
    add_data,
    add_further_pictures,
    add_pictures,
    add_sound,
    add_subtitles,
)
from dubkit.media.delivery.verify import DeliveredTrack, DeliveryCheck, verify_delivery
from dubkit.media.files.command import Node, media_input
from dubkit.media.files.container import (
    PacketTrack,
    codec_name,
    episode_zero,
    open_media,
    scan,
    timed_streams,
)
from dubkit.media.files.ffmpeg import run_ffmpeg
from dubkit.media.files.inventory import Inventory, Track, read_inventory
from dubkit.media.files.matroska import MatroskaHead, complete_matroska, padding_for
from dubkit.media.files.mp4_clock import mp4_clock
from dubkit.media.files.mp4_picture import SHOWN, add_picture_boxes, picture_boxes, stereo_tags
from dubkit.types import Remark, remark

__all__ = [
    "DeliveredTrack",
    "DeliveryCheck",
    "StitchInputs",
    "container_for",
    "stitch",
    "track_language",
    "verify_delivery",
]

_STALL_SECONDS = 600.0


def stitch(inputs: StitchInputs, out: Path, container: str) -> tuple[Remark, ...]:
    """Write the delivery: source picture bit for bit, dub first and default, the rest kept.

    Returns what of the source is not in it, or not as it was. The same inputs give the same bytes. Raises
    `MediaError` when the picture does not fit the container, `ToolError` and `DiskFull` from ffmpeg.
    """
    if container not in CONTAINERS[1:]:
        raise SettingError("stitch.container", container, "must be one of mp4, mkv, m4a here")
    kept = _kept_streams(inputs)
    _check_picture(inputs, kept, container)
    # Without `genpts` AVI and some program streams have packets that no muxer takes.
    source = media_input(inputs.source, fflags="+genpts", itsoffset=f"{float(-kept.zero):.9f}")
    plan = Plan()
    _add_picture(plan, inputs, source, kept)
    add_further_pictures(plan, inputs, source)
    add_sound(plan, inputs, source, kept, container)
    add_subtitles(plan, inputs, source, kept, container)
    add_data(plan, inputs, source, kept, container)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".covers") as covers:
        add_pictures(plan, inputs, source, kept, container, Path(covers))
        _write(plan, inputs, kept, out, container)
    named = frozenset(_named_elsewhere(inputs, kept))
    handed = Handed(
        container, tuple(plan.origins), named, float(kept.zero), _cue_counts(plan, inputs, kept, out)
    )
    return (*_damaged_sound(kept), *find_losses(kept.all, read_inventory(out), handed))


def _cue_counts(plan: Plan, inputs: StitchInputs, kept: Kept, out: Path) -> dict[int, tuple[int, int]]:
    """Count the cues of subtitle tracks that were written in another form, in the source and in the dub."""
    texts = {track.index for track in kept.subtitles}
    places = {origin: place for place, origin in enumerate(plan.origins) if origin in texts}
    codecs = [value for name, value in sorted(plan.options.items()) if name.startswith("c:s:")]
    if not places or set(codecs[-len(places) :]) == {"copy"}:
        return {}
    before = count_cues(inputs.source, set(places))
    after = count_cues(out, set(places.values()))
    return {origin: (before[origin], after[place]) for origin, place in places.items() if origin is not None}


def _damaged_sound(kept: Kept) -> Iterator[Remark]:
    for track in (track for track in kept.sound if track.unframed):
        sentence = (
            f"The sound track {track.index} ({track.codec}) is coded again: {track.unframed} of its packets "
            "are damaged, and no container takes them."
        )
        yield remark("sound-re-encoded", sentence, f"stream {track.index}")


def _write(plan: Plan, inputs: StitchInputs, kept: Kept, out: Path, container: str) -> None:
    """Write the file, and into it what ffmpeg does not."""
    head, source = _matroska_head(plan, kept, container), kept.all.matroska
    options = _container_options(container, inputs, kept) | plan.options
    if head is not None:
        options["metadata_header_padding"] = padding_for(head, len(plan.origins))
    timeout = max(_STALL_SECONDS, 2 * float(inputs.episode.duration))
    words = (*plan.tags, *tag_words(kept.all.tags, container, source.title if source else ""))
    run_ffmpeg(plan.maps, out, options, timeout=timeout, repeated=words)
    if head is not None:
        complete_matroska(out, head, float(kept.zero))
    if container == "mp4":
        turn_subtitles_off(out, _subtitles_on(plan))
        add_picture_boxes(out, kept.picture.boxes if kept.picture else {})


def _matroska_head(plan: Plan, kept: Kept, container: str) -> MatroskaHead | None:
    """Return what FFmpeg does not write into a Matroska file; None when there is nothing."""
    if container != "mkv":
        return None
    head = replace(kept.all.matroska or MatroskaHead(), locales=tuple(plan.locales))
    return head if any(head.locales) or head.title or head.more_names or head.global_tags else None


def _subtitles_on(plan: Plan) -> frozenset[int]:
    """Return the numbers of the subtitle tracks that play by themselves."""
    count = plan.counts.get("s", 0)
    flags = (str(plan.options.get(f"disposition:s:{number}", "")) for number in range(count))
    return frozenset(number for number, text in enumerate(flags) if "default" in text.split("+"))


def _named_elsewhere(inputs: StitchInputs, kept: Kept) -> Iterator[int]:
    """Yield the tracks whose absence needs no word: not wanted, empty, or named when the source was read."""
    known = {audio.index for audio in inputs.episode.audio}
    for track in kept.all.tracks:
        empty = track.kind == "audio" and track.index not in known and track.known
        if track.kind == "video" or empty or (track.kind == "audio" and not inputs.settings.keep_original):
            yield track.index


def _add_picture(plan: Plan, inputs: StitchInputs, source: Node, kept: Kept) -> None:
    video, picture = inputs.episode.video, kept.picture
    if video is not None and inputs.picture is None:
        tags = stereo_tags(picture.boxes) if picture else {}
        locale = kept.all.tracks[video.index].locale
        copy = {"c": "copy", "copyinkf": None}
        plan.add(source[str(video.index)], "v", tags, origin=video.index, locale=locale, **copy)
        return
    # The first file that is mapped gives metadata and chapters: the source leads, with a stream that it
    # does not have (the question mark lets ffmpeg go on).
    plan.maps.append(source["v:9999?"])
    if video is None or picture is None or inputs.picture is None:
        return
    options: dict[str, object] = {"itsoffset": f"{float(-picture.zero):.9f}"}
    if picture.shown != (video.rotation, bool(video.mirrored)):
        # A picture that was coded as a whole is stored upright or not as its source was. ffmpeg mirrors
        # last, which turns the other way.
        options["display_rotation"] = -video.rotation if video.mirrored else video.rotation
        options |= {"display_hflip": None} if video.mirrored else {}
    spliced = media_input(inputs.picture, **options)["v:0"]
    # The rate is a statement of the container, which only the source makes.
    rate = f"{video.rate.numerator}/{video.rate.denominator}"
    options = {"c": "copy", "copyinkf": None, "disposition": picture.flags, "r": rate}
    locale, tags = kept.all.tracks[video.index].locale, picture.tags | stereo_tags(picture.boxes)
    plan.add(spliced, "v", tags, origin=video.index, locale=locale, **options)


def _check_picture(inputs: StitchInputs, kept: Kept, container: str) -> None:
    video, picture = inputs.episode.video, kept.picture
    if video is None:
        return
    codec, hidden = (picture.codec, picture.track.hidden) if picture else (video.codec, video.hidden or 0)
    check_container(inputs.source, container, codec, hidden)


def _kept_streams(inputs: StitchInputs) -> Kept:
    episode = inputs.episode
    numbers = {audio.index for audio in episode.audio} if inputs.settings.keep_original else set()
    subtitles = {subtitle.index for subtitle in episode.subtitles}
    picture = episode.video.index if episode.video else None
    found = read_inventory(inputs.source)
    with open_media(inputs.source) as container:
        tracks, _ = scan(container, timed_streams(container, picture))
        dubbed = {audio.index for audio in episode.audio if audio.number == episode.track}
        # The track that was dubbed comes first among the originals.
        sound = sorted((t for t in found.tracks if t.index in numbers), key=lambda t: t.index not in dubbed)
        zero = episode_zero(container, tracks)
        return Kept(
            zero=zero,
            picture=None
            if picture is None
            else _picture_of(inputs, container.streams[picture], tracks[picture], zero),
            all=found,
            sound=tuple(replace(_stream(t), unframed=tracks[t.index].unframed) for t in sound),
            subtitles=tuple(_stream(t) for t in found.tracks if t.index in subtitles),
            covers=tuple(_stream(t) for t in found.tracks if t.kind == "cover"),
            attachments=tuple(_stream(t) for t in found.tracks if t.kind == "attachment"),
            data=tuple(_stream(t) for t in found.tracks if _is_data(t, found)),
            timecode=any(
                t.tag in ("tmcd", "") and "timecode" in t.tags for t in found.tracks if t.kind == "data"
            ),
        )


def _is_data(track: Track, found: Inventory) -> bool:
    """Tell whether a track is data of its own: not a time code and not the names of chapters."""
    is_names = track.tag == "text" and bool(found.chapters)
    return track.kind == "data" and track.tag != "tmcd" and not is_names


def _picture_of(inputs: StitchInputs, stream: Any, track: PacketTrack, zero: Fraction) -> Picture:
    video = inputs.episode.video
    assert video is not None
    boxes = picture_boxes(inputs.source, stream.id) if "mp4" in inputs.episode.container else {}
    if inputs.picture is not None:
        boxes = {kind: box for kind, box in boxes.items() if kind in SHOWN}
        return replace(spliced_picture(inputs.picture, video, stream), boxes=boxes)
    return Picture(track, codec_name(stream), (video.rotation, bool(video.mirrored)), zero, boxes=boxes)


def _stream(track: Track) -> KeptStream:
    # The dub plays first; a subtitle track of signs goes on playing by itself.
    played = {"default"} if not {"default", "forced"} <= track.flags or track.kind != "subtitle" else set()
    return KeptStream(
        index=track.index,
        codec=track.codec,
        flags="+".join(sorted(track.flags - played)) or "0",
        title=track.title,
        locale=track.locale,
        samples=track.samples,
        bits=track.bits,
    )


def _metadata(inputs: StitchInputs, kept: Kept) -> dict[str, str]:
    """Say where the tags of the delivery come from; Ogg has those of the file at its only track."""
    of_track = "ogg" in inputs.episode.container and not kept.all.tags and inputs.episode.video is None
    return {"map_metadata": "0"} | ({"map_metadata:g": "0:s:0"} if of_track else {})


def _container_options(container: str, inputs: StitchInputs, kept: Kept) -> dict[str, Any]:
    video = inputs.episode.video
    options: dict[str, Any] = {
        **_metadata(inputs, kept),
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
    # Dolby Vision, 360 degrees and two eyes are no part of the standard, and left out without a word.
    options |= {"f": "mp4", "movflags": "+faststart", "strict": "unofficial"}
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
