"""A film that is judged, or judged by: its streams, its decoded sound, and when its pictures are shown."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dubkit.errors import MediaError
from dubkit.judge.alignment import Shown, shown
from dubkit.types import Episode


@dataclass(frozen=True, slots=True)
class OpenFilm:
    """A film with its sound decoded into a working folder."""

    path: Path
    episode: Episode
    full: Path
    """48 kHz WAV."""
    speech: Path
    """16 kHz mono WAV."""
    shown: Shown | None
    """None without a picture."""

    @property
    def layout(self) -> str:
        """Layout of the track that is judged, as loudness weighs its channels."""
        return next((a.layout for a in self.episode.audio if a.number == self.episode.track), "")

    @property
    def times(self) -> Sequence[float]:
        """Seconds at which its pictures are shown; none without."""
        return () if self.shown is None else [float(time) for time in self.shown.times]


def open_film(path: Path, folder: Path, name: str, *, language: str = "") -> OpenFilm:
    """Probe a film and decode its sound into a folder, under a name of its own.

    Args:
        language: tag of the track that is judged, where the film has several; empty takes the default one.

    Raises MediaError for a file without sound, or that is no film.
    """
    from dubkit.media.files.decode import decode_audio
    from dubkit.media.files.probe import probe

    if not path.is_file():
        raise MediaError(path, "there is no such file", "Check the path; quote it when it has spaces.")
    episode = probe(path)
    if language and len(episode.audio) > 1:
        with suppress(MediaError):  # no track says that it is in the language: the default one is judged
            episode = probe(path, audio_language=language)
    if not episode.track:
        raise MediaError(path, "it has no sound", "A dub and its source are compared by what they say.")
    full, speech = folder / f"{name}.wav", folder / f"{name}-16k.wav"
    decode_audio(path, episode, full, speech)
    return OpenFilm(path, episode, full, speech, shown(path, episode))
