"""Decoded sound sits on the episode's clock to the sample, whatever the source does."""

from __future__ import annotations

import resource
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dubkit.errors import DiskFull, MediaError
from dubkit.media.files import decode
from dubkit.media.files.decode import decode_audio
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command
from dubkit.media.files.probe import probe
from tests.support.paths import MEDIA, needs_media

MADE = MEDIA / "d_odd" / "made"


def ffmpeg(*arguments: str) -> None:
    run_command(
        [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-y", *arguments],
        place=Path(arguments[-1]),
        timeout=60,
    )


def sound_of(source: Path, folder: Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Decode to arrays (samples, channels) at 48 kHz and (samples,) at 16 kHz."""
    episode = probe(source)
    remarks = decode_audio(source, episode, folder / "48.wav", folder / "16.wav")
    warnings = tuple(remark.sentence for remark in remarks)
    wide, rate = soundfile.read(folder / "48.wav", always_2d=True)
    narrow, asr_rate = soundfile.read(folder / "16.wav")
    assert (rate, asr_rate) == (48_000, 16_000)
    assert wide.shape == (episode.samples, episode.channels)
    assert narrow.shape == (round(episode.duration * 16_000),)
    return wide, narrow, warnings


def lag(one: np.ndarray, other: np.ndarray) -> int:
    """Samples by which `one` is later than `other`."""
    size = 1 << (len(one) + len(other)).bit_length()
    product = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    best = int(np.argmax(product))
    return best - size if best > size // 2 else best


def by_ffmpeg(source: Path, out: Path, channels: int) -> np.ndarray:
    where = "aresample=48000:async=1:first_pts=0"
    ffmpeg("-i", f"file:{source}", "-map", "0:a:0", "-af", where, "-ac", str(channels), str(out))
    sound, _ = soundfile.read(out, always_2d=True)
    return sound


@needs_media
@pytest.mark.parametrize(
    "name",
    [
        "../../a_talk/en_jordi_10s.mp4",
        "../../a_talk/grid_swwp2s.mpg",
        "../orig/nasa_2v2a2s.mp4",
        "en_51_aac.mp4",
        "en_mono_8k.mp4",
        "en_pcm24_tmcd.mov",
        "en_vp9_opus.webm",
        "en_audio_late_0.7s.mp4",
        "en_stream_header.wav",
        "cover_audio.m4a",
        "-dash first.mp4",
        "en_tiny_0.2s.mp4",
    ],
)
def test_same_place_as_ffmpeg_puts_it(name: str, tmp_path: Path) -> None:
    ours, narrow, warnings = sound_of(MADE / name, tmp_path)
    theirs = by_ffmpeg(MADE / name, tmp_path / "theirs.wav", ours.shape[1])
    shared = min(len(ours), len(theirs))
    assert lag(ours[:shared, 0], theirs[:shared, 0]) == 0
    assert lag(narrow[: shared // 3], ours[: shared // 3 * 3].mean(1)[::3]) == 0
    assert np.sqrt(np.mean((ours[:shared] - theirs[:shared]) ** 2)) < 2e-3
    assert warnings == ()


@needs_media
def test_hole_in_the_time_stamps_becomes_silence(tmp_path: Path) -> None:
    sound, narrow, _ = sound_of(MADE / "en_audio_gap.mkv", tmp_path)
    whole, _, _ = sound_of(MADE / "en_subs_srt_ass.mkv", tmp_path)
    hole = slice(round(3.1 * 48_000), round(4.4 * 48_000))
    assert not sound[hole].any()
    assert not narrow[hole.start // 3 : hole.stop // 3].any()
    after = slice(5 * 48_000, 9 * 48_000)
    assert abs(lag(sound[after, 0], whole[after, 0])) <= 48


@needs_media
def test_short_sound_is_padded_to_the_picture(tmp_path: Path) -> None:
    sound, _, _ = sound_of(MADE / "en_audio_short.mp4", tmp_path)
    assert sound[: 4 * 48_000].any()
    assert not sound[round(4.21 * 48_000) :].any()


@needs_media
def test_damage_is_bridged_and_said(tmp_path: Path) -> None:
    sound, _, warnings = sound_of(MADE / "en_truncated_faststart.mp4", tmp_path)
    assert sound.any()
    assert "damaged" in warnings[0]


def beeps(folder: Path, codec: str, suffix: str, *options: str) -> Path:
    """Two seconds with a click at 0.5 and 1.5 s."""
    sound = np.zeros(96_000)
    sound[24_000:24_010] = sound[72_000:72_010] = 0.9
    soundfile.write(folder / "clicks.wav", sound, 48_000, subtype="PCM_24")
    out = folder / f"clicks.{suffix}"
    ffmpeg("-i", str(folder / "clicks.wav"), "-c:a", codec, *options, str(out))
    return out


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("aac", "m4a"),
        ("libmp3lame", "mp3"),
        ("libopus", "webm"),
        ("flac", "flac"),
        ("aac", "mkv"),
        ("aac", "ts"),
    ],
)
def test_encoder_delay_does_not_move_the_sound(codec: str, suffix: str, tmp_path: Path) -> None:
    sound, _, _ = sound_of(beeps(tmp_path, codec, suffix), tmp_path)
    first = int(np.argmax(np.abs(sound[:48_000, 0])))
    second = 48_000 + int(np.argmax(np.abs(sound[48_000:, 0])))
    # Only transport streams cannot say how much of the sound is the encoder's run-up.
    delay = 1024 if suffix == "ts" else 0
    assert abs(first - 24_005 - delay) <= 60
    assert second - first == pytest.approx(48_000, abs=12)


def test_pcm_is_kept_bit_for_bit(tmp_path: Path) -> None:
    source = beeps(tmp_path, "pcm_s24le", "mov")
    sound, _, _ = sound_of(source, tmp_path)
    before, _ = soundfile.read(tmp_path / "clicks.wav", always_2d=True)
    assert np.array_equal(sound, before)


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    source = beeps(tmp_path, "aac", "m4a")
    files = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        sound_of(source, tmp_path / name)
        files.append((tmp_path / name / "48.wav").read_bytes() + (tmp_path / name / "16.wav").read_bytes())
    assert files[0] == files[1]


def test_overlap_is_trimmed(tmp_path: Path) -> None:
    """Two files joined with time stamps that overlap by half a second keep the later ones in place."""
    import av

    path = tmp_path / "overlap.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=48_000, layout="mono")
        for start, level in ((0, 1000), (24_000, 2000)):
            frame = av.AudioFrame.from_ndarray(np.full((1, 48_000), level, np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = 48_000, start
            for packet in stream.encode(frame):
                packet.pts = packet.dts = start
                packet.time_base = Fraction(1, 48_000)
                out.mux(packet)
    sound, _, _ = sound_of(path, tmp_path)
    levels = np.round(sound[:, 0] * 32768).astype(int)
    assert set(levels[:48_000]) == {1000}
    assert set(levels[48_000:72_000]) == {2000}


def test_no_track_is_refused(tmp_path: Path) -> None:
    source = beeps(tmp_path, "aac", "m4a")
    episode = replace(probe(source), track=0, channels=0, samples=0)
    with pytest.raises(MediaError, match="no sound track"):
        decode_audio(source, episode, tmp_path / "a.wav", tmp_path / "b.wav")


def test_long_sound_becomes_rf64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "_WAV_LIMIT", 1000)
    sound_of(beeps(tmp_path, "aac", "m4a"), tmp_path)
    assert (tmp_path / "48.wav").read_bytes()[:4] == b"RF64"


def test_full_disk_is_named(tmp_path: Path) -> None:
    source = beeps(tmp_path, "aac", "m4a")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(DiskFull, match=r"48\.wav"):
            decode_audio(source, probe(source), tmp_path / "48.wav", tmp_path / "16.wav")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
