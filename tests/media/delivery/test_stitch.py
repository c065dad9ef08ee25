"""A delivery is the source bit for bit, with the dub first and everything else kept."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from dubkit.errors import DiskFull, MediaError, SettingError, ToolError
from dubkit.media.delivery.settings import Stitch
from dubkit.media.delivery.stitch import StitchInputs, container_for, stitch, track_language, verify_delivery
from dubkit.media.delivery.verify import DeliveryCheck
from dubkit.media.files import ffmpeg as program
from dubkit.media.files.command import media_input
from dubkit.media.files.decode import decode_audio
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command, run_ffmpeg
from dubkit.media.files.probe import probe
from dubkit.media.splice.splice import splice
from dubkit.types import Episode
from tests.support.paths import MEDIA, needs_media

ODD = MEDIA / "d_odd"
TALK = MEDIA / "a_talk"

CUE = "1\n00:00:00,500 --> 00:00:01,500\nOlá, bom dia\n\n"


def ffmpeg(*arguments: str) -> Path:
    command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-y", *arguments]
    run_command(command, place=Path(arguments[-1]), timeout=60)
    return Path(arguments[-1])


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds with B frames, clicks in the sound, and two chapters."""
    folder = tmp_path_factory.mktemp("film")
    sound = np.random.default_rng(0).normal(0, 0.05, (144_144, 2))
    soundfile.write(folder / "a.wav", sound, 48_000)
    chapters = folder / "chapters.txt"
    chapters.write_text(
        ";FFMETADATA1\ntitle=My film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=3000\ntitle=Two\n"
    )
    return ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=160x120:r=30000/1001", "-i", str(folder / "a.wav")),
        *("-i", str(chapters), "-map_metadata", "2", "-map_chapters", "2", "-frames:v", "90"),
        *("-map", "0:v", "-map", "1:a", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-c:a", "aac"),
        *("-x264-params", "colorprim=bt709:transfer=bt709:colormatrix=bt709"),
        str(folder / "film.mp4"),
    )


def deliver(source: Path, folder: Path, container: str = "auto", **changes: object) -> tuple[Path, Episode]:
    """Stitch the source with its own sound as the dub."""
    episode = probe(source)
    decode_audio(source, episode, folder / "dub.wav", folder / "asr.wav")
    (folder / "pt.srt").write_text(CUE, encoding="utf-8")
    (folder / "en.srt").write_text("")
    inputs = StitchInputs(
        source=source,
        episode=episode,
        dub_audio=folder / "dub.wav",
        language="pt-BR",
        source_language="en",
        subtitles=(("pt-BR", folder / "pt.srt"), ("en", folder / "en.srt")),
    )
    chosen = container_for(episode, container)
    out = folder / f"delivery.{chosen}"
    stitch(replace(inputs, **changes), out, chosen)  # type: ignore[arg-type]
    return out, episode


def assert_faithful(check: DeliveryCheck, drift_ms: float = 0.001) -> None:
    assert check.frames == check.source_frames
    assert check.identical_packets == check.total_packets
    assert check.rate_equal
    assert check.drift_ms <= drift_ms
    assert [track.default for track in check.audio] == [True] + [False] * (len(check.audio) - 1)
    assert check.audio[0].language == "por"
    assert check.audio[0].codec == "aac"


def dub_lag(out: Path, folder: Path) -> int:
    """Samples by which the delivered dub is later than the dub that went in, on the episode's clock."""
    episode = probe(out, audio_track=1)
    decode_audio(out, episode, folder / "back.wav", folder / "back16.wav")
    before, _ = soundfile.read(folder / "dub.wav", always_2d=True)
    after, _ = soundfile.read(folder / "back.wav", always_2d=True)
    length = min(len(before), len(after))
    size = 1 << (2 * length).bit_length()
    spectra = (np.fft.rfft(sound[:length].mean(1), size) for sound in (after, before))
    product = np.fft.irfft(next(spectra) * np.conj(next(spectra)), size)
    best = int(np.argmax(product))
    return best - size if best > size // 2 else best


@needs_media
@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("a_talk/en_jordi_10s.mp4", "mp4"),
        ("a_talk/grid_swwp2s.mpg", "mp4"),
        ("a_talk/en_office_6s_vfr.mp4", "mp4"),
        ("a_talk/ru_contracted_10s_1080x1920_hevc.mp4", "mp4"),
        ("d_odd/orig/deer_23976_1s.mp4", "mp4"),
        ("d_odd/orig/nasa_2v2a2s.mp4", "mp4"),
        ("d_odd/orig/plant_45000over1499.mp4", "mp4"),
        ("d_odd/orig/no_duration.webm", "mkv"),
        ("d_odd/made/en_pal_interlaced.mpg", "mp4"),
        ("d_odd/made/en_vfr_gap.mp4", "mp4"),
        ("d_odd/made/en_audio_late_0.7s.mp4", "mp4"),
        ("d_odd/made/en_audio_gap.mkv", "mkv"),
        ("d_odd/made/en_51_aac.mp4", "mp4"),
        ("d_odd/made/en_pcm24_tmcd.mov", "mkv"),
        ("d_odd/made/en_odd_541x361_444.mp4", "mp4"),
        ("d_odd/made/en_vp9_opus.webm", "mkv"),
        ("d_odd/made/en_10bit_hevc.mp4", "mp4"),
        ("d_odd/made/en_truncated_faststart.mp4", "mp4"),
        ("d_odd/made/en_two_audio_ru_default.mkv", "mkv"),
        ("d_odd/made/en_tiny_0.2s.mp4", "mp4"),
    ],
)
def test_real_files_are_delivered_faithfully(name: str, container: str, tmp_path: Path) -> None:
    source = MEDIA / name
    out, episode = deliver(source, tmp_path)
    assert out.suffix == f".{container}"
    check = verify_delivery(source, out, episode)
    assert_faithful(check, 0.5 if container == "mkv" and source.suffix == ".mov" else 0.001)
    assert check.source_frames == (episode.video.frames if episode.video else 0)
    assert len(check.audio) == 1 + len(episode.audio)
    assert abs(dub_lag(out, tmp_path)) <= 1


def test_same_inputs_give_the_same_bytes(film: Path, tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        files.append([deliver(film, tmp_path / name, kind)[0].read_bytes() for kind in ("mp4", "mkv")])
    assert files[0] == files[1]


def test_metadata_chapters_and_colours_are_kept(film: Path, tmp_path: Path) -> None:
    for kind in ("mp4", "mkv"):
        out, episode = deliver(film, tmp_path, kind)
        assert_faithful(verify_delivery(film, out, episode), 0.51)
        with av.open(str(out)) as container:
            assert container.metadata["title"] == "My film"
            assert "creation_time" not in container.metadata
            titles = [chapter["metadata"]["title"] for chapter in container.chapters()]
            context = container.streams.video[0].codec_context
            assert titles == ["One", "Two"]
            assert (context.color_primaries, context.color_trc, context.colorspace) == (1, 1, 1)


def test_dub_is_named_with_its_region(film: Path, tmp_path: Path) -> None:
    out, episode = deliver(film, tmp_path)
    check = verify_delivery(film, out, episode)
    assert check.audio[0].title == "Português (Brasil) \u2013 dubkit dub"
    assert [track.language for track in check.audio] == ["por", "eng"]
    assert check.subtitles == ("por",)  # the empty English file is left out


@pytest.mark.parametrize(
    ("tag", "code"),
    [("pt-BR", "por"), ("fr", "fra"), ("zh-Hant-TW", "zho"), ("eng", "eng"), ("!", "und")],
)
def test_language_codes(tag: str, code: str) -> None:
    assert track_language(tag) == code


def test_subtitle_times_and_text(film: Path, tmp_path: Path) -> None:
    for kind in ("mp4", "mkv"):
        out, _ = deliver(film, tmp_path, kind)
        back = ffmpeg("-i", str(out), "-map", "0:s:0", str(tmp_path / "back.srt"))
        text = back.read_text(encoding="utf-8")
        assert "00:00:00,500 --> 00:00:01,500\nOlá, bom dia" in text


def test_original_can_be_left_out(film: Path, tmp_path: Path) -> None:
    out, episode = deliver(film, tmp_path, settings=Stitch(keep_original=False))
    assert [track.language for track in verify_delivery(film, out, episode).audio] == ["por"]


def test_original_sound_is_copied_packet_for_packet(film: Path, tmp_path: Path) -> None:
    out, _ = deliver(film, tmp_path)
    packets = []
    for path, number in ((film, 0), (out, 1)):
        with av.open(str(path)) as container:
            stream = container.streams.audio[number]
            packets.append([(bytes(p), p.pts) for p in container.demux(stream) if p.size])
    assert packets[0] == packets[1]


@needs_media
def test_rotation_and_pixel_shape_are_kept(tmp_path: Path) -> None:
    for name, kind in (("made/en_rotate90.mp4", "mp4"), ("orig/sar2by3.mp4", "mkv")):
        out, episode = deliver(ODD / name, tmp_path, kind)
        video = probe(out).video
        assert episode.video is not None
        assert video is not None
        assert video.rotation == episode.video.rotation
        assert video.sample_aspect == episode.video.sample_aspect


@needs_media
def test_source_subtitles_are_kept(tmp_path: Path) -> None:
    source = ODD / "made/en_subs_srt_ass.mkv"
    out, _ = deliver(source, tmp_path)
    assert [(s.codec, s.language) for s in probe(out).subtitles] == [
        ("subrip", "por"),
        ("subrip", "eng"),
        ("ass", "cat"),
    ]
    out, episode = deliver(source, tmp_path, "mp4")
    assert verify_delivery(source, out, episode).subtitles == ("por", "eng", "cat")


@needs_media
def test_millisecond_source_states_its_exact_rate_in_mp4(tmp_path: Path) -> None:
    for name in ("en_subs_srt_ass.mkv", "en_vp9_opus.webm"):
        out, episode = deliver(ODD / "made" / name, tmp_path, "mp4")
        assert_faithful(verify_delivery(ODD / "made" / name, out, episode), 0.51)
        with av.open(str(out)) as container:
            assert container.streams.video[0].average_rate == 30


@needs_media
def test_cover_is_kept_and_never_the_picture(tmp_path: Path) -> None:
    for kind in ("m4a", "mkv"):
        out, episode = deliver(ODD / "made/cover_audio.m4a", tmp_path, kind)
        assert episode.video is None
        assert probe(out).video is None
        check = verify_delivery(ODD / "made/cover_audio.m4a", out, episode)
        assert (check.frames, check.rate_equal, check.drift_ms) == (0, True, 0.0)
        with av.open(str(out)) as container:
            assert any(stream.type in ("video", "attachment") for stream in container.streams)


@needs_media
def test_sound_with_two_vorbis_tracks(tmp_path: Path) -> None:
    source = ODD / "orig/audio_only_2tracks.mp4"
    out, episode = deliver(source, tmp_path)
    assert out.suffix == ".m4a"
    tracks = [(t.language, t.default, t.codec) for t in verify_delivery(source, out, episode).audio]
    assert tracks == [("por", True, "aac"), ("eng", False, "vorbis"), ("und", False, "vorbis")]


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("ts", ["-c", "copy"]),
        ("ts", ["-c:v", "libx265", "-x265-params", "log-level=error", "-c:a", "ac3"]),
        ("avi", ["-c:v", "mpeg4", "-bf", "2", "-c:a", "libmp3lame"]),
        ("avi", ["-c:v", "libx264", "-c:a", "libmp3lame"]),
        ("webm", ["-c:v", "libvpx", "-c:a", "libopus", "-auto-alt-ref", "1", "-lag-in-frames", "16"]),
        ("mov", ["-c:v", "prores", "-c:a", "pcm_s24le"]),
        ("wmv", ["-c:v", "wmv2", "-c:a", "wmav2"]),
    ],
)
def test_other_families(suffix: str, options: list[str], film: Path, tmp_path: Path) -> None:
    source = ffmpeg("-i", str(film), *options, str(tmp_path / f"source.{suffix}"))
    out, episode = deliver(source, tmp_path)
    assert_faithful(verify_delivery(source, out, episode), 0.51)
    assert abs(dub_lag(out, tmp_path)) <= 24


def test_trimmed_film_keeps_its_hidden_frames(film: Path, tmp_path: Path) -> None:
    cut = ffmpeg("-ss", "1.2", "-i", str(film), "-c", "copy", str(tmp_path / "cut.mp4"))
    out, episode = deliver(cut, tmp_path, "mp4")
    check = verify_delivery(cut, out, episode)
    assert_faithful(check)
    assert check.frames < check.total_packets
    with pytest.raises(MediaError, match=r"hides its first \d+ frames"):
        deliver(cut, tmp_path, "mkv")


def test_late_picture_keeps_its_place(film: Path, tmp_path: Path) -> None:
    late = ffmpeg(
        *("-itsoffset", "0.5", "-i", str(film), "-i", str(film), "-map", "0:v", "-map", "1:a"),
        *("-c", "copy", str(tmp_path / "late.mp4")),
    )
    out, episode = deliver(late, tmp_path)
    assert episode.video is not None
    assert episode.video.start == pytest.approx(Fraction(1, 2), abs=0.001)
    assert_faithful(verify_delivery(late, out, episode))


def test_flags_of_the_original_survive_but_not_default(film: Path, tmp_path: Path) -> None:
    source = ffmpeg(
        *("-i", str(film), "-c", "copy", "-disposition:a:0", "default+hearing_impaired"),
        str(tmp_path / "flags.mkv"),
    )
    out, _ = deliver(source, tmp_path)
    with av.open(str(out)) as container:
        flags = container.streams.audio[1].disposition
    assert flags == av.stream.Disposition.hearing_impaired


def test_timecode_and_fonts(film: Path, tmp_path: Path) -> None:
    timed = ffmpeg("-i", str(film), "-c", "copy", "-timecode", "01:00:00:00", str(tmp_path / "timed.mov"))
    out, _ = deliver(timed, tmp_path)
    with av.open(str(out)) as container:
        assert any(stream.type == "data" for stream in container.streams)
    (tmp_path / "a.ttf").write_bytes(b"font")
    fonts = ffmpeg(
        *("-i", str(film), "-c", "copy", "-attach", str(tmp_path / "a.ttf")),
        *("-metadata:s:t", "mimetype=application/x-truetype-font", str(tmp_path / "fonts.mkv")),
    )
    out, _ = deliver(fonts, tmp_path)
    with av.open(str(out)) as container:
        assert any(stream.type == "attachment" for stream in container.streams)


@pytest.mark.parametrize(
    "name", ["-dash.mp4", "it's 100% [%03d] (a);$(b) & c.mp4", "día 日本語 🎤.mp4", 'a"b:c.mp4']
)
def test_every_file_name_works(name: str, film: Path, tmp_path: Path) -> None:
    folder = tmp_path / name.removesuffix(".mp4")
    folder.mkdir()
    shutil.copy(film, folder / name)
    out, episode = deliver(folder / name, folder)
    assert_faithful(verify_delivery(folder / name, out, episode))


def test_container_choice(film: Path) -> None:
    episode = probe(film)
    video = episode.video
    assert video is not None
    assert container_for(episode) == "mp4"
    assert container_for(episode, "mkv") == "mkv"
    assert container_for(replace(episode, video=replace(video, codec="prores"))) == "mkv"
    assert container_for(replace(episode, audio=(replace(episode.audio[0], codec="pcm_s24le"),))) == "mkv"
    assert container_for(replace(episode, container="matroska,webm")) == "mkv"
    assert container_for(replace(episode, video=None)) == "m4a"
    with pytest.raises(SettingError, match=r"stitch\.container = 'avi'"):
        container_for(episode, "avi")


def test_containers_that_cannot_be(film: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="m4a"):
        deliver(film, tmp_path, "m4a")
    prores = ffmpeg("-i", str(film), "-c:v", "prores", str(tmp_path / "prores.mov"))
    with pytest.raises(MediaError, match="prores picture cannot go into an mp4"):
        deliver(prores, tmp_path, "mp4")
    episode = probe(film)
    with pytest.raises(SettingError, match=r"stitch\.container = 'auto'"):
        stitch(StitchInputs(film, episode, film, "pt"), tmp_path / "a.mp4", "auto")


def test_verification_sees_changed_pictures(film: Path, tmp_path: Path) -> None:
    episode = probe(film)
    fewer = ffmpeg("-i", str(film), "-c:v", "libx264", "-frames:v", "80", str(tmp_path / "fewer.mp4"))
    check = verify_delivery(film, fewer, episode)
    assert (check.frames, check.source_frames) == (80, 90)
    assert check.identical_packets < 80
    assert check.drift_ms == float("inf")
    slower = ffmpeg("-itsscale:v", "1.1", "-i", str(film), "-c", "copy", str(tmp_path / "slower.mp4"))
    check = verify_delivery(film, slower, episode)
    assert check.identical_packets == check.total_packets == 90
    assert not check.rate_equal
    assert check.drift_ms == pytest.approx(297, abs=2)
    sound = ffmpeg("-i", str(film), "-vn", str(tmp_path / "sound.m4a"))
    assert verify_delivery(film, sound, episode).drift_ms == float("inf")


def test_sound_only_keeps_its_metadata_without_the_original(film: Path, tmp_path: Path) -> None:
    source = ffmpeg("-i", str(film), "-vn", "-c:a", "copy", str(tmp_path / "sound.m4a"))
    out, _ = deliver(source, tmp_path, settings=Stitch(keep_original=False))
    with av.open(str(out)) as container:
        assert container.metadata["title"] == "My film"
        assert len(container.chapters()) == 2


# --- a spliced picture ------------------------------------------------------------------------


def dimmed(number: int, frame: av.VideoFrame) -> av.VideoFrame:
    made = av.VideoFrame(frame.width, frame.height, frame.format.name)
    for plane, target in zip(frame.planes, made.planes, strict=True):
        lines = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
        padded = np.full((len(lines), target.line_size), 64, np.uint8)
        width = min(plane.line_size, target.line_size)
        padded[:, :width] = lines[:, :width] // 2 + 32
        target.update(padded.tobytes()[: target.buffer_size])
    return made


def brightness(path: Path, index: int) -> list[float]:
    with av.open(str(path)) as container:
        frames = container.decode(container.streams.video[index])
        return [float(frame.to_ndarray(format="gray").mean()) for frame in frames]


@pytest.mark.parametrize(
    ("suffix", "codec", "kind"),
    [
        ("mp4", ["-c", "copy"], "mp4"),
        ("mp4", ["-c", "copy"], "mkv"),
        ("mkv", ["-c", "copy"], "mp4"),
        ("mkv", ["-c", "copy"], "mkv"),
        ("ts", ["-c", "copy"], "mp4"),
        ("mp4", ["-c:v", "libx265", "-x265-params", "log-level=none:keyint=20", "-c:a", "copy"], "mp4"),
        ("webm", ["-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus"], "mkv"),
    ],
)
def test_spliced_picture_is_delivered(
    suffix: str, codec: list[str], kind: str, film: Path, tmp_path: Path
) -> None:
    source = ffmpeg("-i", str(film), *codec, str(tmp_path / f"source.{suffix}"))
    video = probe(source).video
    assert video is not None
    report = splice(source, video, [(40, 44)], dimmed, tmp_path / "picture")
    out, episode = deliver(source, tmp_path, kind, picture=tmp_path / "picture")
    changed = [(first, last) for first, last, origin in report.spans if origin != "source"]
    check = verify_delivery(source, out, episode, changed)
    assert check.frames == check.source_frames == 90
    assert (check.identical_packets, check.changed_outside) == (report.identical, 0)
    assert check.rate_equal
    assert check.drift_ms <= 0.51
    assert verify_delivery(source, out, episode).changed_outside == report.recoded + report.dubbed
    assert abs(dub_lag(out, tmp_path)) <= 24
    bright, before = brightness(out, 0), brightness(source, video.index)
    moved = [
        number for number, pair in enumerate(zip(bright, before, strict=True)) if abs(pair[0] - pair[1]) > 4
    ]
    assert moved == [40, 41, 42, 43]


def test_spliced_picture_keeps_tags_flags_and_chapters(film: Path, tmp_path: Path) -> None:
    source = ffmpeg(
        *("-display_rotation", "90", "-i", str(film), "-c", "copy", "-metadata:s:v:0", "language=fra"),
        *("-timecode", "01:00:00:00", str(tmp_path / "s.mp4")),
    )
    video = probe(source).video
    assert video is not None
    splice(source, video, [(40, 44)], dimmed, tmp_path / "picture")
    out, _ = deliver(source, tmp_path, picture=tmp_path / "picture", settings=Stitch(keep_original=False))
    after = probe(out).video
    assert after is not None
    assert (after.rotation, after.start) == (90, video.start)
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert stream.metadata["language"] == "fra"
        context = stream.codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace) == (1, 1, 1)
        assert container.metadata["title"] == "My film"
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["One", "Two"]
        assert any(other.type == "data" for other in container.streams)


def test_flags_of_the_picture_stay_with_a_spliced_one(film: Path, tmp_path: Path) -> None:
    source = ffmpeg(
        "-i", str(film), "-c", "copy", "-disposition:v:0", "default+original", str(tmp_path / "s.mkv")
    )
    video = probe(source).video
    assert video is not None
    splice(source, video, [(40, 44)], dimmed, tmp_path / "picture")
    out, _ = deliver(source, tmp_path, picture=tmp_path / "picture")
    with av.open(str(out)) as container:
        flags = container.streams.video[0].disposition
    assert flags == av.stream.Disposition.default | av.stream.Disposition.original


def test_picture_coded_as_a_whole_is_turned_like_its_source(film: Path, tmp_path: Path) -> None:
    encoded = ffmpeg("-i", str(film), "-c:v", "mpeg4", "-q:v", "2", "-c:a", "copy", str(tmp_path / "a.mp4"))
    source = ffmpeg("-display_rotation", "90", "-i", str(encoded), "-c", "copy", str(tmp_path / "s.mp4"))
    video = probe(source).video
    assert video is not None
    assert splice(source, video, [(40, 44)], dimmed, tmp_path / "picture").reason
    out, _ = deliver(source, tmp_path, picture=tmp_path / "picture")
    after = probe(out).video
    assert after is not None
    assert (after.codec, after.rotation) == ("h264", 90)


def test_picture_of_another_film_is_refused(film: Path, tmp_path: Path) -> None:
    fewer = ffmpeg("-i", str(film), "-an", "-frames:v", "80", str(tmp_path / "fewer.mp4"))
    with pytest.raises(MediaError, match="80 of 90 frames"):
        deliver(film, tmp_path, picture=fewer)


# --- the program ------------------------------------------------------------------------------


def test_failure_names_file_and_reason(tmp_path: Path) -> None:
    stream = media_input(tmp_path / "none.mp4")["v:0"]
    with pytest.raises(ToolError, match=r"(?s)out\.mp4.*No such file"):
        run_ffmpeg([stream], tmp_path / "out.mp4", {}, timeout=30)


def test_full_disk_is_told_apart(tmp_path: Path) -> None:
    script = "import sys; sys.exit('av_interleaved_write_frame(): No space left on device')"
    with pytest.raises(DiskFull, match=r"out\.mp4"):
        run_command([sys.executable, "-c", script], place=tmp_path / "out.mp4", timeout=30)


def test_program_that_hangs_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="within 1 s"):
        run_command(_sleeper(), place=tmp_path / "out.mp4", timeout=1)


def _sleeper() -> list[str]:
    return [sys.executable, "-c", "import time; time.sleep(60)"]


def test_program_never_reads_the_terminal(tmp_path: Path) -> None:
    run_command([sys.executable, "-c", "import sys; assert not sys.stdin.read()"], place=tmp_path, timeout=30)


def test_program_dies_with_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    wait = subprocess.Popen.wait

    def interrupted(child: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if child in started:
            return wait(child, timeout)
        started.append(child)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_command(_sleeper(), place=tmp_path, timeout=30)
    assert started[0].poll() is not None


def test_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="nowhere cannot be started"):
        run_command([str(tmp_path / "nowhere")], place=tmp_path, timeout=1)


def test_silent_failure_gives_its_code(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="exit code 3"):
        run_command([sys.executable, "-c", "raise SystemExit(3)"], place=tmp_path, timeout=30)


@pytest.mark.parametrize(
    ("versions", "chosen"),
    [
        ({"/packaged": "7.0.2-static", "/system": "5.1.9-0+deb12u1"}, "/packaged"),
        ({"/packaged": "7.0.2-static", "/system": "n8.1-12-gabc"}, "/system"),
        ({"/packaged": "7.0.2-static", "/system": "7.0.2"}, "/packaged"),
        ({"/packaged": "", "/system": "N-1234-gabc"}, "/system"),
    ],
)
def test_newest_program_is_used(
    versions: dict[str, str], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_candidates", lambda: list(versions))
    monkeypatch.setattr(program, "_version", versions.__getitem__)
    assert ffmpeg_exe.__wrapped__() == (chosen, versions[chosen])


def test_no_program_at_all_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(program, "_candidates", lambda: [str(tmp_path / "nowhere")])
    with pytest.raises(ToolError, match="pip install imageio-ffmpeg"):
        ffmpeg_exe.__wrapped__()
