"""Replaced frames enter the picture stream; all other packets stay the source's, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from dubkit.errors import DiskFull, MediaError
from dubkit.media.files import units
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command
from dubkit.media.files.probe import probe
from dubkit.media.splice import job as splice_job
from dubkit.media.splice.plan import Coded, NotSpliceable, Survey, decoding_times, plan_spans
from dubkit.media.splice.splice import SpliceReport, splice
from tests.support.paths import MEDIA, needs_media

H264 = ("-c:v", "libx264", "-g", "12", "-bf", "2", "-pix_fmt", "yuv420p")
OPEN = (*H264, "-x264-params", "keyint=12:open-gop=1:bframes=2:scenecut=0")
HEVC = ("-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params")
HEVC_OPEN = (*HEVC, "log-level=none:keyint=12:open-gop=1:bframes=3:scenecut=0")
Ranges = list[tuple[int, int]]


def ffmpeg(*arguments: str) -> Path:
    command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-y", *arguments]
    run_command(command, place=Path(arguments[-1]), timeout=60)
    return Path(arguments[-1])


def film(folder: Path, name: str, *codec: str, rate: str = "25", frames: int = 40, look: str = "") -> Path:
    return ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc2=s=160x96:r={rate}{look}", "-frames:v", str(frames)),
        *(*codec, str(folder / name)),
    )


# --- an independent reading of the result ------------------------------------------------------


def planes(frame: Any) -> list[np.ndarray]:
    """Samples of each plane without the padding of its lines."""
    found = []
    for component, plane in zip(frame.format.components, frame.planes, strict=False):
        kind = np.uint16 if component.bits > 8 else np.uint8
        lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size).view(kind)
        found.append(lines[: component.height, : component.width].astype(np.int64))
    return found


def negative(number: int, frame: Any) -> Any:
    """Stand in for a generator: the source's picture with its luma turned over."""
    made = av.VideoFrame(frame.width, frame.height, frame.format.name)
    for place, (plane, target) in enumerate(zip(frame.planes, made.planes, strict=True)):
        content = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        samples = content.view(np.uint16 if frame.format.components[0].bits > 8 else np.uint8).copy()
        if place == 0:
            samples = ((1 << frame.format.components[0].bits) - 1 - samples) // 2 + samples.dtype.type(9)
        padded = np.zeros((len(content), target.line_size), np.uint8)
        width = min(plane.line_size, target.line_size)
        padded[:, :width] = np.ascontiguousarray(samples).view(np.uint8)[:, :width]
        target.update(padded.tobytes()[: target.buffer_size])
    return made


def decoded(path: Path, index: int = 0) -> list[Any]:
    with av.open(str(path)) as container:
        return list(container.decode(container.streams[index]))


def same(left: Any, right: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(planes(left), planes(right), strict=True))


def psnr(left: Any, right: Any) -> float:
    error = sum(float(((a - b) ** 2).sum()) for a, b in zip(planes(left), planes(right), strict=True))
    count = sum(plane.size for plane in planes(left))
    peak = (1 << left.format.components[0].bits) - 1
    return float(10 * np.log10(peak**2 / max(error / count, 1e-9)))


def kinds(report: SpliceReport) -> Iterator[str]:
    for first, last, origin in report.spans:
        yield from [origin] * (last - first)


def spliced(source: Path, replaced: Ranges, out: Path, index: int = 0) -> SpliceReport:
    """Splice and hold the result against the source: times, untouched frames, made frames, seeking."""
    video = probe(source).video
    assert video is not None
    report = splice(source, video, replaced, negative, out)
    before, after = decoded(source, video.index), decoded(out, index)
    assert len(before) == len(after) == report.frames == video.frames
    assert [f.pts * f.time_base for f in before] == [f.pts * f.time_base for f in after]
    origins = list(kinds(report))
    assert [origins.count(kind) for kind in ("source", "recoded", "dubbed")] == [
        report.identical,
        report.recoded,
        report.dubbed,
    ]
    assert {n for n, kind in enumerate(origins) if kind == "dubbed"} == {
        number for first, last in replaced for number in range(first, last)
    }
    for number, (old, new, kind) in enumerate(zip(before, after, origins, strict=True)):
        if kind == "source":
            assert same(old, new), f"frame {number} differs"
        else:
            bound = negative(number, old) if kind == "dubbed" else old
            assert psnr(bound, new.reformat(format=old.format.name)) > 45, f"frame {number}"
    check_seeking(out, after, {edge for span in report.spans for edge in (span[0] - 1, span[0], span[1] - 1)})
    return report


def check_seeking(out: Path, frames: list[Any], numbers: set[int]) -> None:
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        for number in sorted(numbers & set(range(len(frames))), reverse=True):
            container.seek(frames[number].pts, stream=stream)
            found = next(f for f in container.decode(stream) if f.pts >= frames[number].pts)
            assert found.pts == frames[number].pts
            assert same(found, frames[number])


def packets(path: Path) -> dict[int, bytes]:
    with av.open(str(path)) as container:
        return {int(p.pts or 0): bytes(p) for p in container.demux(video=0) if p.size}


# --- spans ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001", "30", "60000/1001"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_every_rate_keeps_its_times(rate: str, suffix: str, tmp_path: Path) -> None:
    source = film(tmp_path, f"film.{suffix}", *H264, rate=rate)
    report = spliced(source, [(15, 18)], tmp_path / "out")
    assert report.dubbed == 3
    assert report.identical >= 28
    assert report.reason == ""
    old, new = packets(source), packets(tmp_path / "out")
    with av.open(str(source)) as a, av.open(str(tmp_path / "out")) as b:
        assert a.streams.video[0].time_base == b.streams.video[0].time_base
    assert sum(new[stamp] == content for stamp, content in old.items()) == report.identical


@pytest.mark.parametrize(
    "replaced",
    [
        [(0, 1)],
        [(39, 40)],
        [(10, 14)],
        [(11, 12)],
        [(12, 13)],
        [(4, 6), (6, 9)],
        [(3, 4), (25, 26), (37, 39)],
        [(0, 40)],
    ],
)
@pytest.mark.parametrize("codec", [H264, OPEN, HEVC_OPEN], ids=["h264", "open", "hevc-open"])
def test_every_place_can_be_replaced(replaced: Ranges, codec: tuple[str, ...], tmp_path: Path) -> None:
    source = film(tmp_path, "film.mp4", *codec)
    report = spliced(source, replaced, tmp_path / "out.mp4")
    assert report.reason == ""
    assert report.missing == 0


def test_nothing_replaced_writes_nothing(tmp_path: Path) -> None:
    video = probe(film(tmp_path, "film.mp4", *H264)).video
    assert video is not None
    report = splice(tmp_path / "film.mp4", video, [], negative, tmp_path / "out.mp4")
    assert report == SpliceReport(40, 40, 0, 0, "h264", ((0, 40, "source"),))
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("ten.mp4", ("-c:v", "libx264", "-g", "12", "-pix_fmt", "yuv420p10le")),
        ("422.mov", ("-c:v", "libx264", "-g", "12", "-pix_fmt", "yuv422p10le")),
        ("full.mp4", ("-c:v", "libx264", "-g", "12", "-pix_fmt", "yuvj420p", "-color_range", "pc")),
        ("base.mp4", (*H264, "-profile:v", "baseline", "-bf", "0")),
        ("film.ts", H264),
        ("open.mkv", OPEN),
        ("hevc.ts", HEVC_OPEN),
        ("hevc.mkv", (*HEVC, "log-level=none:keyint=12:open-gop=0")),
        ("hevc10.mp4", (*HEVC_OPEN[:2], "-pix_fmt", "yuv420p10le", *HEVC_OPEN[4:])),
    ],
)
def test_formats_and_containers(name: str, codec: tuple[str, ...], tmp_path: Path) -> None:
    report = spliced(film(tmp_path, name, *codec), [(15, 17)], tmp_path / "out")
    assert report.reason == ""
    assert report.identical >= 12


def test_stream_with_one_key_frame_keeps_its_beginning(tmp_path: Path) -> None:
    source = film(tmp_path, "film.mp4", *H264[:2], "-g", "999", "-pix_fmt", "yuv420p", frames=120)
    report = spliced(source, [(60, 62)], tmp_path / "out.mp4")
    assert report.identical >= 55
    with av.open(str(tmp_path / "out.mp4")) as container:  # what is coded anew can be sought in
        assert sum(p.is_keyframe for p in container.demux(video=0)) >= 3


def test_variable_rate(tmp_path: Path) -> None:
    vary = ",select='not(mod(n\\,7))+mod(n\\,3)'"
    for name in ("film.mp4", "film.mkv"):
        source = film(tmp_path, name, *H264, "-fps_mode", "vfr", look=vary)
        video = probe(source).video
        assert video is not None
        assert video.variable
        assert spliced(source, [(15, 17)], tmp_path / "out").reason == ""


def test_hidden_frames_before_an_edit(tmp_path: Path) -> None:
    film(tmp_path, "film.mp4", *H264, frames=60)
    cut = ffmpeg("-ss", "0.68", "-i", str(tmp_path / "film.mp4"), "-c", "copy", str(tmp_path / "cut.mp4"))
    for replaced in ([(0, 2)], [(20, 22)]):
        report = spliced(cut, replaced, tmp_path / "out.mp4")
        assert report.reason == ""


def test_look_is_kept(tmp_path: Path) -> None:
    turned = film(
        tmp_path,
        "film.mp4",
        *H264,
        *("-vf", "setsar=4/3", "-x264-params", "colorprim=bt709:transfer=bt709:colormatrix=bt709"),
    )
    source = ffmpeg("-display_rotation", "90", "-i", str(turned), "-c", "copy", str(tmp_path / "turned.mp4"))
    spliced(source, [(15, 16)], tmp_path / "out.mp4")
    before, after = probe(source).video, probe(tmp_path / "out.mp4").video
    assert before is not None
    assert after is not None
    assert (
        (after.rotation, after.sample_aspect)
        == (before.rotation, before.sample_aspect)
        == (90, Fraction(4, 3))
    )
    for frame in decoded(tmp_path / "out.mp4"):
        assert (frame.color_primaries, frame.color_trc, frame.colorspace) == (1, 1, 1)


def test_copied_groups_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = film(tmp_path, "film.mp4", *H264, frames=120)
    video = probe(source).video
    assert video is not None
    from dubkit.media.splice import spans

    fed: list[int] = []
    decode = spans._Splicer._decode

    def counted(self: Any, packet: Any) -> None:
        fed.append(packet.pts)
        decode(self, packet)

    monkeypatch.setattr(spans._Splicer, "_decode", counted)
    splice(source, video, [(61, 62)], negative, tmp_path / "out.mp4")
    assert len(fed) == 12


def test_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    for name, codec in (("a.mp4", H264), ("b.mkv", OPEN), ("c.mp4", HEVC_OPEN)):
        source = film(tmp_path, name, *codec)
        video = probe(source).video
        assert video is not None
        results = []
        for _ in range(2):
            splice(source, video, [(15, 17)], negative, tmp_path / "out")
            results.append((tmp_path / "out").read_bytes())
        assert results[0] == results[1]


def test_header_names_both_kinds_of_groups(tmp_path: Path) -> None:
    for codec, arguments in (("h264", H264), ("hevc", HEVC_OPEN)):
        source = film(tmp_path, "film.mp4", *arguments)
        spliced(source, [(15, 17)], tmp_path / "out.mp4")
        with av.open(str(tmp_path / "out.mp4")) as container:
            header = bytes(container.streams.video[0].codec_context.extradata or b"")
        sets = units.header_units(header, codec)
        ids = [(units.unit_type(unit, codec), units.set_id(unit, codec)) for unit in sets]
        assert len(ids) == len(set(ids)) == 2 * len(units.PARAMETER_SETS[codec])


def test_captions_stay_with_their_frames(tmp_path: Path) -> None:
    captions = bytes([6, 4, 8]) + b"\xb5\x00\x31GA94\x03" + b"\x80"
    source = film(tmp_path, "plain.mp4", *H264)
    marked = tmp_path / "marked.mp4"
    with av.open(str(source)) as reading, av.open(str(marked), "w") as writing:
        track = writing.add_stream_from_template(reading.streams.video[0], opaque=True)
        for packet in reading.demux(video=0):
            if packet.size:
                content = units.join_units([captions], 4) + bytes(packet)
                copy = av.Packet(content)
                copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                copy.is_keyframe, copy.stream = packet.is_keyframe, track
                writing.mux(copy)
    report = spliced(marked, [(15, 17)], tmp_path / "out.mp4")
    assert report.reason == ""
    assert all(captions in content for content in packets(tmp_path / "out.mp4").values())


# --- the whole picture ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "codec", "reason", "stored"),
    [
        ("a.mpg", ("-c:v", "mpeg2video", "-q:v", "2"), "mpeg2video", "yuv420p"),
        ("a.mov", ("-c:v", "prores_ks"), "prores", "yuv422p10le"),
        ("a.webm", ("-c:v", "libvpx-vp9", "-cpu-used", "8"), "vp9", "yuv420p"),
        ("a.mp4", (*H264, "-flags", "+ilme+ildct"), "interlaced", "yuv420p"),
        ("b.mp4", (*H264, "-flags", "+ilme+ildct", "-x264-params", "bff=1"), "interlaced", "yuv420p"),
        ("a.avi", H264, "order", "yuv420p"),
    ],
)
def test_other_streams_are_coded_once_and_it_is_said(
    name: str, codec: tuple[str, ...], reason: str, stored: str, tmp_path: Path
) -> None:
    source = film(tmp_path, name, *codec)
    video = probe(source).video
    assert video is not None
    report = splice(source, video, [(15, 17)], negative, tmp_path / "out")
    assert reason in report.reason
    assert (report.identical, report.recoded, report.dubbed, report.codec) == (0, 38, 2, "h264")
    before, after = decoded(source), decoded(tmp_path / "out")
    assert len(after) == len(before) == 40
    assert after[0].format.name == stored
    assert all(psnr(old, new) > 45 for old, new in zip(before[:15], after[:15], strict=True))
    assert psnr(negative(15, before[15]), after[15]) > 45
    if name != "a.avi":  # an AVI has no times for frames out of order
        assert [f.pts * f.time_base for f in before] == [f.pts * f.time_base for f in after]


def test_odd_sizes_and_rgb_find_a_format(tmp_path: Path) -> None:
    odd = film(tmp_path, "odd.webm", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-vf", "scale=161:97", frames=6)
    rgb = film(tmp_path, "rgb.mkv", "-c:v", "ffv1", "-pix_fmt", "gbrp", frames=6)
    for source in (odd, rgb):
        video = probe(source).video
        assert video is not None
        splice(source, video, [(2, 3)], lambda number, frame: frame, tmp_path / "out")
        before, after = decoded(source), decoded(tmp_path / "out")
        assert (after[0].width, after[0].height) == (before[0].width, before[0].height)
        assert after[0].format.name == "yuv444p"
        difference = [
            np.abs(
                old.to_ndarray(format="rgb24").astype(int)
                - new.to_ndarray(format="rgb24", src_colorspace=new.colorspace).astype(int)
            ).mean()
            for old, new in zip(before, after, strict=True)
        ]
        assert max(difference) < 6


def test_frames_that_cannot_be_decoded_are_stood_in_for(tmp_path: Path) -> None:
    source = film(tmp_path, "film.mp4", *H264[:4], "-pix_fmt", "yuv420p", "-bf", "0")
    old = packets(source)
    content = source.read_bytes()
    victim = old[sorted(old)[20]]
    source.write_bytes(content.replace(victim, victim[:4] + bytes([0x1F]) * (len(victim) - 4)))
    video = probe(source).video
    assert video is not None
    report = splice(source, video, [(16, 23)], negative, tmp_path / "out.mp4")
    assert report.missing == 1
    assert len(decoded(tmp_path / "out.mp4")) == 40


# --- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize("replaced", [[(5, 5)], [(8, 9), (3, 4)], [(3, 6), (5, 8)], [(-1, 3)]])
def test_ranges_must_be_in_order(replaced: Ranges, tmp_path: Path) -> None:
    video = probe(film(tmp_path, "film.mp4", *H264)).video
    assert video is not None
    with pytest.raises(ValueError, match="empty or out of order"):
        splice(tmp_path / "film.mp4", video, replaced, negative, tmp_path / "out.mp4")


def test_ranges_must_lie_in_the_film(tmp_path: Path) -> None:
    video = probe(film(tmp_path, "film.mp4", *H264)).video
    assert video is not None
    with pytest.raises(MediaError, match=r"up to 41 .* 40 only"):
        splice(tmp_path / "film.mp4", video, [(39, 41)], negative, tmp_path / "out.mp4")


def test_made_pictures_must_fit(tmp_path: Path) -> None:
    video = probe(film(tmp_path, "film.mp4", *H264)).video
    assert video is not None
    with pytest.raises(ValueError, match="made for frame 15"):
        splice(
            tmp_path / "film.mp4",
            video,
            [(15, 16)],
            lambda number, frame: frame.reformat(width=80),
            tmp_path / "out.mp4",
        )
    assert not (tmp_path / "out.mp4").exists()


def test_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    import errno

    video = probe(film(tmp_path, "film.mp4", *H264)).video
    assert video is not None

    def full(number: int, frame: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskFull):
        splice(tmp_path / "film.mp4", video, [(15, 16)], full, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


def test_nothing_to_decode_is_an_error(tmp_path: Path) -> None:
    filler = splice_job.Filler(_job(tmp_path), 3, 5)
    with pytest.raises(MediaError, match="frames 3 to 5"):
        list(filler.rest())


def _job(folder: Path) -> Any:
    found = Survey("h264", Fraction(1, 25), b"")
    video = probe(film(folder, "film.mp4", *H264)).video
    assert video is not None
    return splice_job.SpliceJob(folder / "film.mp4", video, [(3, 5)], negative, folder / "out.mp4", found)


# --- plan and units ---------------------------------------------------------------------------


def _coded(stamps: list[int], entries: set[int]) -> Survey:
    found = Survey("h264", Fraction(1, 25), b"")
    found.coded = [Coded(pts, None, 1, number in entries) for number, pts in enumerate(stamps)]
    found.stamps = sorted(stamps)
    return found


def test_span_begins_late_and_ends_at_an_entry() -> None:
    # I P B P B | I P B
    found = _coded([0, 2, 1, 4, 3, 5, 7, 6], {0, 5})
    (span,) = plan_spans(found, [(3, 4)])
    assert (span.first, span.last, span.decode_from, span.decode_until, span.resume) == (3, 5, 0, 5, 5)
    (span,) = plan_spans(found, [(1, 2), (6, 7)][:1])
    assert (span.first, span.last) == (1, 5)
    assert [(s.first, s.last) for s in plan_spans(found, [(4, 5), (6, 7)])] == [(3, 5), (6, 8)]
    assert [(s.first, s.last) for s in plan_spans(found, [(1, 2), (4, 5)])] == [(1, 5)]


def test_leading_frames_belong_to_the_span_before() -> None:
    # I P B | C b b P: the b frames are stored behind C and shown before it.
    found = _coded([0, 2, 1, 5, 3, 4, 6], {0, 3})
    (span,) = plan_spans(found, [(1, 2)])
    assert (span.first, span.last, span.decode_until, span.resume) == (1, 5, 6, 3)
    assert [(s.first, s.last) for s in plan_spans(found, [(1, 2), (5, 6)])] == [(1, 7)]


def test_decoding_times_are_made_up_evenly() -> None:
    found = _coded([0, 4, 2, 8, 6], {0})
    times = decoding_times(found, [0, 4, 2, 8, 6])
    assert times == [-2, 0, 2, 4, 6]


def test_parameter_sets_take_free_ids() -> None:
    used = [bytes([0x67, 100, 0, 31, 0x80]), bytes([0x68, 0x80])]
    assert units.free_id(used, "h264") == 31
    taken = [bytes([0x68]) + ((number + 1) << (16 - 11)).to_bytes(2, "big") for number in (31,)]
    assert units.set_id(taken[0], "h264") == 31
    assert units.free_id([*used, *taken], "h264") == 30
    vps = bytes([32 << 1, 1, 15 << 4])
    with pytest.raises(ValueError, match="taken"):
        units.free_id([vps], "hevc")


def test_a_stream_without_free_ids_is_coded_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = film(tmp_path, "film.mp4", *H264)
    video = probe(source).video
    assert video is not None

    def none_free(sets: list[bytes], codec: str) -> int:
        raise ValueError("every id of parameter sets is taken")

    monkeypatch.setattr("dubkit.media.splice.encode.free_id", none_free)
    report = splice(source, video, [(15, 16)], negative, tmp_path / "out.mp4")
    assert report.reason == "every id of parameter sets is taken"
    assert report.recoded == 39


def test_units_come_back_as_they_went() -> None:
    content = [b"\x65\x01\x02", b"\x41\x00\x00\x03\x01"]
    for size in (0, 2, 4):
        assert units.split_units(units.join_units(content, size), size) == content
    assert issubclass(NotSpliceable, Exception)


# --- real films -------------------------------------------------------------------------------


@needs_media
@pytest.mark.parametrize(
    "name",
    [
        "a_talk/en_office_6s_vfr.mp4",
        "a_talk/en_google_paris_35s_2997.mp4",
        "d_odd/orig/nasa_rotated_17frames.mp4",
        "d_odd/orig/h265_10bits.mp4",
        "d_odd/orig/deer_23976_1s.mp4",
        "d_odd/orig/plant_45000over1499.mp4",
        "d_odd/made/en_rotate90.mp4",
        "d_odd/made/en_odd_541x361_444.mp4",
        "d_odd/made/en_subs_srt_ass.mkv",
    ],
)
def test_real_films(name: str, tmp_path: Path) -> None:
    source = MEDIA / name
    video = probe(source).video
    assert video is not None
    third = video.frames // 3
    report = spliced(source, [(third, third + 2)], tmp_path / "out")
    assert report.reason == ""
    assert report.identical >= third - 8


@pytest.mark.parametrize("codec", [H264, ("-c:v", "mpeg2video")])
def test_a_clock_that_runs_over_loses_no_frame(codec: tuple[str, ...], tmp_path: Path) -> None:
    source = film(tmp_path, "film.ts", *codec, "-output_ts_offset", "95442.5")  # 2^33 ticks are 95443.7 s
    video = probe(source).video
    assert video is not None
    report = splice(source, video, [(20, 25)], negative, tmp_path / "out")
    before, after = decoded(source), decoded(tmp_path / "out")
    assert len(before) == len(after) == report.frames
    assert [f.pts - before[0].pts for f in before] == [f.pts - after[0].pts for f in after]
