"""What a delivery is made of, and the plan of the one ffmpeg run that writes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from dubkit.media.delivery.picture import Picture
from dubkit.media.delivery.settings import Stitch
from dubkit.media.files.command import Stream
from dubkit.media.files.inventory import Inventory
from dubkit.types import Episode


@dataclass(frozen=True, slots=True)
class FurtherDub:
    """The dub in one more language, for a delivery of several: a track beside the first one's."""

    language: str
    dub_audio: Path
    """On the episode clock, as the first one's."""
    picture: Path | None = None
    """What `splice` wrote for it; None where its picture is the source's."""


@dataclass(frozen=True, slots=True)
class StitchInputs:
    """What a delivery is made of.

    `picture` is what `splice` wrote; without it the picture is the source's own, packet for packet.
    `dub_audio` is on the episode clock (sample 0 at the episode's zero) and `episode.samples` long.
    `language` and `source_language` are BCP-47 tags (`pt-BR`); `subtitles` are (language, SRT file)
    pairs in the order they shall have. `audio_bitrate` is per channel, in bits per second.

    With `further`, those languages follow, and the sound that was dubbed is flagged as the original.
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
    further: tuple[FurtherDub, ...] | None = None
    """None for a dub in one language; empty where a delivery of several has one only."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Streams of the source that go along, by kind, as (index, codec, flags, language) of each."""

    zero: Fraction
    picture: Picture | None
    all: Inventory
    """Everything that the source holds."""
    sound: tuple[KeptStream, ...]
    subtitles: tuple[KeptStream, ...]
    covers: tuple[KeptStream, ...]
    attachments: tuple[KeptStream, ...]
    data: tuple[KeptStream, ...]
    timecode: bool


@dataclass(frozen=True, slots=True)
class KeptStream:
    """A stream of the source that goes along. `flags` are its dispositions as ffmpeg takes them."""

    index: int
    codec: str
    flags: str
    title: str = ""
    locale: str = ""
    samples: str = ""
    """How its sound is stored when decoded, such as `s16` or `fltp`."""
    unframed: int = 0
    """Packets that no container takes but the source's own."""
    bits: int = 0
    """Bits of a sample that count, where fewer than are stored; 0 for all of them."""


@dataclass(slots=True)
class Plan:
    """Maps and options of one ffmpeg run, grown stream by stream in the order of the delivery."""

    maps: list[Stream] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    tags: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    origins: list[int | None] = field(default_factory=list)
    """Index in the source of each stream of the delivery; None for what dubkit made."""
    locales: list[str] = field(default_factory=list)
    """Language of each stream as BCP-47 says it, where that is more than ISO 639-2 does."""

    def add(
        self,
        source: Stream,
        kind: str,
        tags: dict[str, str] | None = None,
        *,
        origin: int | None = None,
        locale: str = "",
        **options: Any,
    ) -> None:
        """Map one stream; the names of `options` get the stream's specifier appended."""
        number = self.counts.get(kind, 0)
        self.counts[kind] = number + 1
        self.maps.append(source)
        self.origins.append(origin)
        self.locales.append(locale)
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


def full_language(tag: str) -> str:
    """Return a BCP-47 tag that says more than ISO 639-2 does (`pt-BR`), else nothing."""
    return tag if "-" in tag else ""


def track_title(tag: str) -> str:
    """Return the name of a language as its speakers write it."""
    import langcodes

    language = langcodes.get(tag)
    name = language.display_name(language.language or "en")
    return name[:1].upper() + name[1:]
