"""Languages, chapters and tags of Matroska that FFmpeg does not pass on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import av
import pytest

from dubkit.media.files import ebml
from dubkit.media.files.matroska import MatroskaHead, complete_matroska, padding_for, read_matroska
from tests.media.delivery.test_stitch import ffmpeg

EDITION, CHAPTER, UID, START, END, DISPLAY, NAME, LANGUAGE = (
    0x45B9,
    0xB6,
    0x73C4,
    0x91,
    0x92,
    0x80,
    0x85,
    0x437C,
)


def chapter(
    uid: int, start: float, end: float, names: dict[str, str], *inner: tuple[int, bytes]
) -> tuple[int, bytes]:
    displays = [
        (DISPLAY, ebml.join([(NAME, name.encode()), (LANGUAGE, language.encode())]))
        for language, name in names.items()
    ]
    times = [(START, round(start * 1e9).to_bytes(8, "big")), (END, round(end * 1e9).to_bytes(8, "big"))]
    return CHAPTER, ebml.join([(UID, bytes([uid])), *times, *displays, *inner])


INNER = chapter(3, 0.5, 0.8, {"eng": "Inside"})
CHAPTERS = ebml.join(
    [
        (
            EDITION,
            ebml.join(
                [
                    chapter(1, 0.4, 1, {"eng": "Intro", "ger": "Einleitung"}, INNER),
                    chapter(2, 1, 2, {"eng": "End"}),
                ]
            ),
        )
    ]
)
TARGETS, SIMPLE, TAG_NAME, TAG_TEXT = 0x63C0, 0x67C8, 0x45A3, 0x4487
SERIES = ebml.join(
    [
        (0x7373, ebml.join([(TARGETS, ebml.join([(0x68CA, b"F")])),
         (SIMPLE, ebml.join([(TAG_NAME, b"TITLE"), (TAG_TEXT, b"Die Serie")]))])),
    ]
)  # fmt: skip
HEAD = MatroskaHead("Episode 1", ("", "pt-BR"), CHAPTERS, SERIES)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with room for a head."""
    return ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=96x64:r=25:d=2", "-f", "lavfi", "-i", "sine=r=48000:d=2"),
        *("-c:v", "libx264", "-g", "10", "-pix_fmt", "yuv420p", "-c:a", "aac", "-fflags", "+bitexact"),
        *("-metadata:s:a:0", "language=por", "-metadata", "title=Other", "-cluster_time_limit", "500"),
        *("-metadata_header_padding", str(padding_for(HEAD, 2))),
        str(tmp_path_factory.mktemp("film") / "film.mkv"),
    )


@pytest.fixture
def done(film: Path, tmp_path: Path) -> Path:
    path = Path(shutil.copy(film, tmp_path / "done.mkv"))
    assert complete_matroska(path, HEAD)
    return path


def packets(path: Path, seek: float = 0.0) -> list[bytes]:
    with av.open(str(path)) as container:
        container.seek(round(seek * av.time_base))
        return [bytes(packet) for packet in container.demux() if packet.size]


def test_a_head_is_read_back_as_it_was_written(done: Path) -> None:
    found = read_matroska(done)
    assert found is not None
    assert (found.title, found.locales, found.more_names) == ("Episode 1", ("", "pt-BR"), 2)
    assert ebml.read_elements(found.chapters)[0][1] == ebml.read_elements(CHAPTERS)[0][1]
    assert found.global_tags == HEAD.global_tags


def test_everything_else_of_the_file_stays(film: Path, done: Path) -> None:
    assert done.stat().st_size == film.stat().st_size
    assert packets(done) == packets(film)
    assert packets(done, 1.5) == packets(film, 1.5)
    assert len(packets(done, 1.5)) < len(packets(done))


def test_other_readers_see_the_chapters_and_tags(done: Path) -> None:
    with av.open(str(done)) as container:
        names = [chapter["metadata"]["title"] for chapter in container.chapters()]
        assert names == ["Einleitung", "End"]
        assert container.metadata["TITLE"] == "Die Serie"


def test_chapters_move_with_the_beginning_of_the_film(film: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(film, tmp_path / "moved.mkv"))
    assert complete_matroska(path, HEAD, 0.45)
    with av.open(str(path)) as container:
        starts = [chapter["start"] * chapter["time_base"] for chapter in container.chapters()]
    assert [float(start) for start in starts] == [0.0, 0.55]


def test_without_room_nothing_is_changed(film: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(film, tmp_path / "full.mkv"))
    assert not complete_matroska(path, replace(HEAD, title="x" * 100_000))
    assert path.read_bytes() == film.read_bytes()


@pytest.mark.parametrize("cut", [0, 1, 4, 5, 20, 60, 300, 900, 2000])
def test_a_file_that_is_cut_or_something_else_is_read_as_far_as_it_goes(
    done: Path, tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "cut.mkv"
    path.write_bytes(done.read_bytes()[:cut])
    found = read_matroska(path)
    assert found is None or found.title in ("", "Episode 1")
    path.write_bytes(b"\x1a\x45\xdf\xa3" + bytes(range(256)) * 4)
    read_matroska(path)
