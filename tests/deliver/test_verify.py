"""What can be told of a file that lies alone, in a pack, or was changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from dubkit.deliver.compare import SoundComparison
from dubkit.deliver.listing import listing_of, verify_listing
from dubkit.deliver.statement import (
    LISTING,
    PROVENANCE,
    Listing,
    NamedFile,
    PackedFile,
    Provenance,
    Stretch,
    TrackStatement,
)
from dubkit.deliver.verify import Verdict, verify
from dubkit.episode.store import file_digest, pretty
from dubkit.errors import DubkitError, MediaError
from dubkit.media.sound.audio import write_wav
from dubkit.media.sound.mark import mark_speech
from dubkit.types import SAMPLE_RATE

SPOKEN = Stretch(2.0, 4.0, "generated", "engine", "s0001")


def voice(seconds: int, seed: int = 5) -> np.ndarray:
    """Return noise that comes and goes as syllables do."""
    at = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    noise = np.random.default_rng(seed).normal(0.0, 0.1, len(at))
    return noise * (0.2 + np.abs(np.sin(2 * np.pi * 1.7 * at)))


def packed(folder: Path, *tracks: TrackStatement) -> Path:
    """Write a recording of six seconds and the provenance of a pack that holds it."""
    (folder / "sound").mkdir(parents=True)
    file = folder / "sound" / "mix.wav"
    write_wav(file, voice(6), SAMPLE_RATE)
    entry = PackedFile("sound/mix.wav", "sound", "es", tracks, file.stat().st_size, file_digest(file))
    said = Provenance("studio", "1", "talk", 6.0, NamedFile("talk.mp4", "0" * 64), "en", (), (entry,))
    (folder / PROVENANCE).write_bytes(pretty(said))
    own = PackedFile(PROVENANCE, "provenance", sha256=file_digest(folder / PROVENANCE))
    (folder / LISTING).write_bytes(pretty(Listing("studio", "talk", ("es",), (entry, own), ())))
    return file


def origins(verdict: Verdict, track: int = 0) -> list[str]:
    return [second.origin for second in verdict.tracks[track].seconds]


TRACK = TrackStatement("sound", 0, "es", "source", (SPOKEN,))


def test_a_file_of_a_pack_is_told_second_by_second(tmp_path: Path) -> None:
    verdict = verify(packed(tmp_path / "pack", TRACK))
    assert origins(verdict) == ["source", "source", "generated", "generated", "source", "source"]
    assert {second.witness for second in verdict.tracks[0].seconds} == {"provenance"}
    assert (verdict.exit_code, verdict.changed, verdict.unknown) == (0, (), ())
    assert verdict.provenance.endswith(PROVENANCE)


def test_a_changed_file_is_said_to_be_changed_and_its_provenance_not_believed(tmp_path: Path) -> None:
    file = packed(tmp_path / "pack", TRACK)
    raw = bytearray(file.read_bytes())
    raw[-100] ^= 1
    file.write_bytes(raw)
    verdict = verify(file)
    assert verdict.exit_code == 1
    assert "SHA-256 is not the one" in verdict.changed[0]
    assert set(origins(verdict)) == {"unknown"}


def test_a_file_alone_cannot_be_told_and_that_is_said(tmp_path: Path) -> None:
    file = packed(tmp_path / "pack", TRACK).rename(tmp_path / "alone.wav")
    verdict = verify(file)
    assert verdict.exit_code == 3
    assert "nothing says it" in verdict.unknown[-1]
    assert set(origins(verdict)) == {"unknown"}


def test_the_mark_tells_generated_speech_in_a_file_that_lies_alone(tmp_path: Path) -> None:
    file = tmp_path / "alone.wav"
    write_wav(file, np.concatenate([voice(5), mark_speech(voice(8, 6), 0), voice(5, 7)]), SAMPLE_RATE)
    found = verify(file).tracks[0].seconds
    assert {second.origin for second in found[6:12]} == {"generated"}
    assert {second.witness for second in found[6:12]} == {"mark"}
    assert {second.origin for second in (*found[:4], *found[14:])} == {"unknown"}


def test_marked_speech_that_is_said_to_be_the_sources_is_a_contradiction(tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    file = packed(folder, replace(TRACK, stretches=()))
    write_wav(file, mark_speech(voice(6), 0), SAMPLE_RATE)
    said = PackedFile("sound/mix.wav", "sound", "es", (replace(TRACK, stretches=()),), 0, file_digest(file))
    whole = Provenance("studio", "1", "talk", 6.0, NamedFile("t.mp4", "0" * 64), "en", (), (said,))
    (folder / PROVENANCE).write_bytes(pretty(whole))
    verdict = verify(file)
    assert verdict.exit_code == 1
    assert "mark of generated speech" in verdict.changed[0]


def test_a_damaged_provenance_is_said(tmp_path: Path) -> None:
    file = packed(tmp_path / "pack", TRACK)
    (tmp_path / "pack" / PROVENANCE).write_text("{")
    verdict = verify(file)
    assert "is damaged" in verdict.changed[0]


def test_a_pack_of_a_film_above_says_nothing_of_another_file(tmp_path: Path) -> None:
    packed(tmp_path / "pack", TRACK)
    other = tmp_path / "pack" / "other.wav"
    write_wav(other, voice(2), SAMPLE_RATE)
    verdict = verify(other)
    assert (verdict.provenance, verdict.changed) == ("", ())


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("words")
    with pytest.raises(MediaError):
        verify(text)


def test_a_listing_names_what_was_changed_removed_and_added(tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    file = packed(folder, TRACK)
    listing = listing_of(folder)
    assert listing == folder / LISTING
    assert verify_listing(listing) == ([], 2)
    (folder / "more.txt").write_text("more")
    file.write_bytes(b"other")
    (folder / PROVENANCE).unlink()
    changed, _ = verify_listing(listing)
    assert [sentence.split()[0] for sentence in changed] == ["sound/mix.wav", PROVENANCE, "more.txt"]
    with pytest.raises(DubkitError, match=r"no pack\.json"):
        listing_of(tmp_path)


@pytest.mark.parametrize("late", [0, 1_024])
def test_a_coded_sound_is_told_from_its_source_and_its_dub(tmp_path: Path, late: int) -> None:
    """Louder by half and a little late, as codecs leave it; the last second is of another film."""
    source, dub = voice(6), voice(6)
    dub[2 * SAMPLE_RATE : 4 * SAMPLE_RATE] = voice(2, 8)
    for name, sound in (("source", source), ("dub", dub)):
        sf.write(tmp_path / f"{name}.wav", sound, SAMPLE_RATE, subtype="FLOAT")
    delivered = 1.5 * np.concatenate([np.zeros(late), dub])[: 6 * SAMPLE_RATE]
    delivered[4 * SAMPLE_RATE : 5 * SAMPLE_RATE] = 0.0
    delivered[5 * SAMPLE_RATE :] = voice(1, 9)
    comparison = SoundComparison(tmp_path / "source.wav", [(TRACK, tmp_path / "dub.wav")])
    for start in range(0, len(delivered), 33_333):
        comparison.feed(delivered[start : start + 33_333])
    assert comparison.seconds() == ["source", "source", "generated", "generated", "silence", None]
