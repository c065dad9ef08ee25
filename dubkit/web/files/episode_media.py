"""Media files of an episode: which file it is, and how its preview is made."""

from __future__ import annotations

import base64
import hashlib
import re
from fractions import Fraction
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import HTTPException

from dubkit.episode.results import finished_dub
from dubkit.episode.store import EpisodeStore, Record, canonical, decode_json
from dubkit.errors import ArtifactDamaged, MediaError
from dubkit.types import Clips, DubbedClip, Episode, Shots
from dubkit.web.accounts.access import EpisodeFolder
from dubkit.web.files.previews import DerivedFile
from dubkit.web.files.send import ServedFile, inside

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


# --- source and dub ---------------------------------------------------------------------------


def plays_source(episode: EpisodeFolder) -> bool:
    """Tell whether browsers play the source as it is, with the dubbed sound track."""
    assert episode.source is not None
    source = probed(episode.store)
    return _plays(episode.source, source.track if source else 0)


def plays(file: ServedFile) -> bool:
    """Tell whether browsers play a finished dub as it is; its first sound track is the dub."""
    return _plays(file.path, 0)


def _plays(path: Path, track: int) -> bool:
    try:
        stat = path.stat()
    except OSError:
        return False
    return _plays_now(path, track, stat.st_size, stat.st_mtime_ns)


@lru_cache(1000)
def _plays_now(path: Path, track: int, size: int, mtime_ns: int) -> bool:
    from dubkit.media.delivery.preview import playable

    try:
        return playable(path, track=track)
    except MediaError:
        return False  # making the preview reports the reason


def probed(store: EpisodeStore) -> Episode | None:
    """Return the probed source; None before it was probed."""
    if not store.has("episode.json"):
        return None
    return store.read("episode.json", Episode)


def source_preview(episode: EpisodeFolder) -> DerivedFile:
    """Describe the preview of the source."""
    from dubkit.media.delivery.preview import make_preview

    source, probed_source = episode.source, probed(episode.store)
    assert source is not None
    audio = episode.store.path("audio.wav")
    sound = audio if probed_source is not None and probed_source.track and audio.is_file() else None

    def make(target: Path) -> None:
        make_preview(source, target, episode=probed_source, sound=sound)

    origin = (source, sound) if sound else (source,)
    return DerivedFile(episode.store, "source", origin, ".mp4", make, long=True)


def dub_file(episode: EpisodeFolder, language: str) -> str:
    """Return the name of the finished dub below the episode folder. Raises HTTP 404 when there is none."""
    dub = finished_dub(episode.store, language)
    if dub is None:
        raise HTTPException(404, f"There is no finished dub of {episode.name} in {language}.")
    return dub.relative_to(episode.store.root).as_posix()


def dub_preview(episode: EpisodeFolder, language: str, file: ServedFile) -> DerivedFile:
    """Describe the preview of a finished dub."""

    def make(target: Path) -> None:
        from dubkit.media.delivery.preview import make_preview
        from dubkit.media.files.probe import probe

        make_preview(file.path, target, episode=probe(file.path, audio_track=1))

    return DerivedFile(episode.store, f"{language}/dub", (file.path,), ".mp4", make, long=True)


# --- waveforms --------------------------------------------------------------------------------


def peaks(episode: EpisodeFolder, language: str) -> DerivedFile:
    """Describe the waveform of the source's sound, or of the dubbed sound of a language."""
    relative = f"{language}/mix/dub.wav" if language else "audio.wav"
    sound = inside(episode.store.root, relative).path

    def make(target: Path) -> None:
        from dubkit.media.sound.peaks import sound_peaks

        target.write_bytes(canonical(sound_peaks(sound)))

    slot = f"{language}/peaks" if language else "peaks"
    return DerivedFile(episode.store, slot, (sound,), ".json", make)


# --- takes ------------------------------------------------------------------------------------


def take_sound(episode: EpisodeFolder, language: str, item: str, take: str) -> ServedFile:
    """Return the sound of a take: the speech of a line, or the sound of a clip. Raises HTTP 404."""
    folder = f"{language}/takes/{item}/{take}"
    has_speech = episode.store.has(f"{folder}/speech.wav")
    return inside(episode.store.root, f"{folder}/{'speech' if has_speech else 'sound'}.wav")


def take_preview(episode: EpisodeFolder, language: str, item: str, take: str) -> DerivedFile:
    """Describe the preview of a clip's take. Raises HTTP 404 when it has no picture."""
    from dubkit.media.delivery.preview import ClipTake, make_clip_preview

    folder = f"{language}/takes/{item}/{take}"
    picture = inside(episode.store.root, f"{folder}/picture.mkv").path
    source = probed(episode.store)
    rate = source.video.rate if source and source.video else Fraction(25)
    lead = _lead(episode.store, language, item, take, rate)
    sound = picture.with_name("sound.wav")
    heard = sound if lead is not None and sound.is_file() else None
    clip = ClipTake(picture, heard, rate, lead or Fraction(0))
    return DerivedFile(
        episode.store,
        folder,
        (picture, heard) if heard else (picture,),
        ".mp4",
        lambda target: make_clip_preview(clip, target, height=720),
        # Both come from files of the episode, which may change.
        variant=f"{rate} {lead}",
    )


def _lead(store: EpisodeStore, language: str, item: str, take: str, rate: Fraction) -> Fraction | None:
    """Return the seconds of a clip's sound before its first kept frame; None when no longer known.

    The sound is that of the whole clip. A take made for another cut of the clip starts elsewhere in it, and
    is better silent than out of sync.
    """
    try:
        clips = store.read("clips.json", Clips, language).clips
        record = decode_json(store.path(f"takes/{item}/{take}/take.json", language).read_bytes(), Record)
        clip_take = decode_json(canonical(record.value), DubbedClip)
    except (ArtifactDamaged, OSError, ValueError):
        return None
    clip = next((clip for clip in clips if clip.id == item), None)
    if clip is None or clip.keep_end - clip.keep_start != clip_take.frames:
        return None
    return Fraction(clip.keep_start - clip.start_frame) / rate


# --- shots, subtitles, report -----------------------------------------------------------------


def shots(episode: EpisodeFolder) -> list[dict[str, Any]]:
    """List the shots with the URLs of their pictures; none before the shots are found."""
    if not episode.store.has("shots.json"):
        return []
    base = f"/media/{quote(episode.name, safe='')}/shots"
    images = []
    for shot in episode.store.read("shots.json", Shots).shots:
        image = f"{base}/{quote(shot.id, safe='')}.jpg"
        there = episode.store.has(f"thumbnails/{shot.id}.jpg")
        images.append({"id": shot.id, "start": shot.start, "end": shot.end, "image": image if there else ""})
    return images


def subtitle_file(episode: EpisodeFolder, language: str, *suffixes: str) -> str:
    """Return the name of the subtitles of a dub below the episode folder; "" when there are none."""
    folder = episode.store.path("", language)
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    endings = [f".{language}{suffix}" for suffix in suffixes]
    return next((f"{language}/{name}" for end in endings for name in names if name.endswith(end)), "")


def subtitles_from(episode: EpisodeFolder, language: str, file: Path) -> DerivedFile:
    """Describe WebVTT subtitles for a page, made from those in another format."""

    def make(target: Path) -> None:
        from dubkit.formats.reading import read_cues
        from dubkit.formats.vtt import write_vtt

        target.write_bytes(write_vtt(read_cues(file)))

    return DerivedFile(episode.store, f"{language}/subtitles", (file,), ".vtt", make)


@cache
def report_policy() -> str:
    """Return the Content-Security-Policy of a report.

    A report is a single file that opens without a server, so its style and script are inside it. The policy
    allows only the script of this version's template, by its hash: nothing in the texts of a report can run,
    and a report of another version is shown without its script.
    """
    template = (files("dubkit.qc.report") / "report.html.j2").read_text(encoding="utf-8")
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in _SCRIPT.findall(template)
    ]
    scripts = " ".join(f"'sha256-{value}'" for value in hashes) or "'none'"
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src 'self' data:; "
        "media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
