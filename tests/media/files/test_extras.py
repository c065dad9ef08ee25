"""Blocks that FFmpeg neither shows nor copies are known by name."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from dubkit.media.files.extras import extra_blocks, languages_of_mp4
from dubkit.media.files.inventory import read_inventory
from tests.media.delivery.test_stitch import ffmpeg


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def grown(path: Path, target: Path, added: bytes, *parents: bytes) -> Path:
    """Put a box at the end of the last box of each name, one in another; the index lies at the end."""
    data = bytearray(path.read_bytes())
    places = [data.rindex(name) - 4 for name in parents]
    end = places[-1] + struct.unpack_from(">I", data, places[-1])[0]
    for place in places:
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + len(added))
    data[end:end] = added
    target.write_bytes(data)
    return target


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=0.2", "-f", "lavfi", "-i", "sine=r=48000:d=0.2"),
        *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-metadata:s:a:0", "language=chi"),
        *("-metadata", "title=Name", "-metadata", "artist=Me"),
        str(tmp_path_factory.mktemp("film") / "film.mp4"),
    )


def test_a_plain_film_has_none(film: Path) -> None:
    assert extra_blocks(film) == ()
    assert languages_of_mp4(film) == ["", ""]


@pytest.mark.parametrize(
    ("added", "parents", "names"),
    [
        (box(b"GPMF", b"measures"), (b"moov", b"udta"), ("GPMF",)),
        (box(b"Xtra", b"stars"), (b"moov", b"trak", b"udta"), ("Xtra",)),
        (box(b"\xa9xyz", b"+48.1"), (b"moov", b"udta"), ()),
    ],
)
def test_boxes_of_makers_are_named(
    film: Path, tmp_path: Path, added: bytes, parents: tuple[bytes, ...], names: tuple[str, ...]
) -> None:
    source = film
    if b"trak" in parents:
        source = grown(film, tmp_path / "user.mp4", box(b"udta", added), b"moov", b"trak")
        assert extra_blocks(source) == names
        return
    assert extra_blocks(grown(source, tmp_path / "made.mp4", added, *parents)) == names


def test_words_behind_the_film_are_named(film: Path, tmp_path: Path) -> None:
    source = tmp_path / "xmp.mp4"
    xmp = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + b"<x:xmpmeta/>"
    source.write_bytes(film.read_bytes() + box(b"uuid", xmp) + box(b"uuid", bytes(20)))
    assert extra_blocks(source) == ("XMP", "uuid")


def test_chunks_of_recorders_are_named(tmp_path: Path) -> None:
    source = ffmpeg("-f", "lavfi", "-i", "sine=d=0.1", str(tmp_path / "take.wav"))
    data = source.read_bytes() + struct.pack("<4sI", b"iXML", 3) + b"<a>\0" + struct.pack("<4sI", b"cue ", 0)
    source.write_bytes(data)
    assert extra_blocks(source) == ("iXML", "cue")


def test_the_language_of_a_track_is_read_in_full(film: Path, tmp_path: Path) -> None:
    language = box(b"elng", bytes(4) + b"zh-Hant\0")
    source = grown(film, tmp_path / "chinese.mp4", language, b"moov", b"trak", b"mdia")
    assert languages_of_mp4(source) == ["", "zh-Hant"]
    assert [track.locale for track in read_inventory(source).tracks] == ["", "zh-Hant"]


@pytest.mark.parametrize("cut", [0, 3, 9, 40, 200, 1000, 3000])
def test_a_damaged_file_is_read_as_far_as_it_goes(film: Path, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.mp4"
    data = film.read_bytes()
    path.write_bytes(data[:cut])
    extra_blocks(path)
    languages_of_mp4(path)
    path.write_bytes(data[: -cut or None] + bytes(cut))
    extra_blocks(path)
    languages_of_mp4(path)
