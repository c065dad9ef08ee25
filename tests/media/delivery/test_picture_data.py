"""What a source says of its picture beside the frames, such as Dolby Vision, is in the dub, or is named."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import pytest

from dubkit.media.delivery.stitch import StitchInputs, stitch
from dubkit.media.files import units
from dubkit.media.files.decode import decode_audio
from dubkit.media.files.ffmpeg import ffmpeg_exe, run_command
from dubkit.media.files.inventory import read_inventory
from dubkit.media.files.mp4_picture import add_picture_boxes, picture_boxes
from dubkit.media.files.probe import probe
from dubkit.media.splice.splice import splice
from dubkit.types import Remark

HEVC = (
    "-c:v",
    "libx265",
    "-pix_fmt",
    "yuv420p10le",
    "-tag:v",
    "hvc1",
    "-x265-params",
    "log-level=none:keyint=6",
)
H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "6")
MPEG4 = ("-c:v", "mpeg4")


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full(kind: bytes, content: bytes = b"") -> bytes:
    return box(kind, bytes(4) + content)


EQUIRECTANGULAR = full(b"prhd", bytes(12)) + full(b"equi", bytes(16))
SIDE_BY_SIDE = {b"st3d": full(b"st3d", b"\x02")}
ROUND = {b"sv3d": box(b"sv3d", full(b"svhd", b"maker\0") + box(b"proj", EQUIRECTANGULAR))}
DOLBY_VISION = {b"dvvC": box(b"dvvC", bytes([1, 0, 8 << 1, 4 << 3 | 0b101, 4 << 4]) + bytes(19))}


def film(folder: Path, codec: tuple[str, ...], boxes: dict[bytes, bytes], suffix: str = ".mp4") -> Path:
    out = folder / f"source{suffix}"
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=0.6", "-f", "lavfi", "-i", "sine=r=48000:d=0.6")
    command = [ffmpeg_exe()[0], "-nostdin", "-loglevel", "error", "-y", *inputs, *codec]
    run_command([*command, "-c:a", "aac", str(out)], place=out, timeout=60)
    add_picture_boxes(out, boxes)
    assert picture_boxes(out) == boxes
    return out


def dubbed(source: Path, container: str, *, spliced: bool) -> tuple[Path, tuple[Remark, ...]]:
    folder, episode = source.parent, probe(source)
    assert episode.video is not None
    decode_audio(source, episode, folder / "dub.wav", folder / "narrow.wav")
    picture = None
    if spliced:
        picture = folder / "picture"
        splice(source, episode.video, [(3, 8)], lambda _, frame: frame, picture)
    out = folder / f"dub.{container}"
    inputs = StitchInputs(source, episode, folder / "dub.wav", "pt-BR", picture=picture)
    return out, stitch(inputs, out, container)


def side_data(path: Path) -> tuple[str, ...]:
    return read_inventory(path).tracks[0].side_data


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize("spliced", [False, True])
@pytest.mark.parametrize(
    ("codec", "boxes", "count"),
    [(HEVC, DOLBY_VISION, 1), (H264, ROUND, 1), (H264, SIDE_BY_SIDE, 1), (H264, SIDE_BY_SIDE | ROUND, 2)],
)
def test_what_lies_beside_the_frames_goes_along(
    codec: tuple[str, ...],
    boxes: dict[bytes, bytes],
    count: int,
    spliced: bool,
    container: str,
    tmp_path: Path,
) -> None:
    source = film(tmp_path, codec, boxes)
    out, remarks = dubbed(source, container, spliced=spliced)
    assert len(side_data(source)) == count
    assert sorted(side_data(out)) == sorted(side_data(source))
    assert remarks == ()
    if container == "mp4":
        assert set(picture_boxes(out)) >= set(boxes)
    with av.open(str(out)) as dub:
        assert sum(1 for _ in dub.decode(video=0)) == 15


def test_a_picture_that_is_coded_again_is_still_for_two_eyes(tmp_path: Path) -> None:
    source = film(tmp_path, MPEG4, SIDE_BY_SIDE | ROUND)
    out, remarks = dubbed(source, "mp4", spliced=True)
    assert side_data(out) == side_data(source)
    assert remarks == ()


def test_dolby_vision_that_is_lost_is_named(tmp_path: Path) -> None:
    source = film(tmp_path, (*MPEG4, "-tag:v", "mp4v"), DOLBY_VISION)
    _, remarks = dubbed(source, "mp4", spliced=True)
    assert [remark.code for remark in remarks] == ["picture-data-left-out"]
    assert "Dolby Vision (DOVI configuration record: " in remarks[0].sentence


def test_every_frame_keeps_what_dolby_vision_says_of_it(tmp_path: Path) -> None:
    plain = film(tmp_path, HEVC, DOLBY_VISION)
    source = tmp_path / "marked.mp4"
    with (
        av.open(str(plain)) as before,
        av.open(str(source), "w", container_options={"strict": "unofficial"}) as after,
    ):
        track = after.add_stream_from_template(before.streams.video[0], opaque=True)
        for number, packet in enumerate(before.demux(video=0)):
            if packet.size:
                marked = av.Packet(bytes(packet) + struct.pack(">I", 4) + bytes([62 << 1, 1, 0x19, number]))
                marked.pts, marked.dts, marked.duration = packet.pts, packet.dts, packet.duration
                marked.is_keyframe, marked.stream, marked.time_base = (
                    packet.is_keyframe,
                    track,
                    packet.time_base,
                )
                after.mux(marked)
    video = probe(source).video
    assert video is not None
    splice(source, video, [(3, 8)], lambda _, frame: frame, tmp_path / "picture")

    def marks(path: Path) -> dict[int, bytes]:
        with av.open(str(path)) as film:
            split = {p.pts: units.split_units(bytes(p), 4) for p in film.demux(video=0) if p.size}
        return {pts: parts[-1] for pts, parts in split.items()}

    assert all(units.unit_type(unit, "hevc") == 62 for unit in marks(source).values())
    assert marks(tmp_path / "picture") == marks(source)
