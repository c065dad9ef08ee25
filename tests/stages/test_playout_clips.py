"""A dub in chunks with generated lips: chunks have the new picture, and the final file is the plain dub."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from dubkit.chain.chain import Request
from dubkit.config import all_settings, configure
from dubkit.engines.engine import ENGINES, ClipMade, ClipOrder, TakeEngine
from dubkit.progress import Silent
from dubkit.studio import dub, open_session
from tests.support.playout import CHUNK_SECONDS, write_film

pytestmark = pytest.mark.slow

GREY, DARK = 40, 90
"""What is painted, and what is darker than all else in the film: colours of a clip follow the source."""
STREAM: dict[str, Any] = {"stream.mode": "on", "stream.chunk_seconds": CHUNK_SECONDS}
LIPS = {"lines": {"s0002": {"route": "lipdub"}, "s0004": {"route": "lipdub"}}}
"""Lines whose lips are generated, because somebody said so: nobody is seen in the film."""


def paint(order: ClipOrder) -> ClipMade:
    """Make every picture of a clip grey, and a hum for its speech."""
    pictures = (np.full((order.height, order.width, 3), GREY, np.uint8) for _ in order.pictures())
    hum = 0.2 * np.sin(2 * np.pi * 200 * np.arange(order.sound.shape[1]) / 48_000)
    return ClipMade(pictures, hum[None].astype(np.float32), 48_000, ())


@pytest.fixture(scope="module", autouse=True)
def _painter() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ENGINES.records, "paint", TakeEngine("paint", "A painter", lambda _: "", make=paint))
        all_settings.cache_clear()
        yield
    all_settings.cache_clear()


def run(film: Path, output: Path, until: str = "", **changes: Any) -> Path:
    """Dub the film into French with the painter; return the folder of the language."""
    folder = film.parent
    settings: dict[str, Any] = {
        "engine": "paint",
        "models.cache": str(folder / "cache"),
        "speak.provider": "command",
        "speak.command.command": f"{sys.executable} {folder / 'voice.py'} {{out}} {{text_file}}",
        "qc.round_trip": False,
        "timing.fit": False,
        "music.marks": "off",
        "diarize.speakers": 1,
        **changes,
    }
    made = configure(settings, environment={})
    session = open_session(made.settings, output, made.origins)
    uses = {"transcribe": folder / "en.srt", "translate": folder / "fr.srt"}
    outcome = dub(session, film, Request(("fr",), until=until, uses=uses), Silent())
    assert outcome.exit_code in (0, 3), outcome.errors
    return output / "film" / "fr"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("lips"))


@pytest.fixture(scope="module")
def plain(film: Path) -> Path:
    language = run(film, film.parent / "plain", until="translate")
    (language / "edits.json").write_text(json.dumps(LIPS))
    shutil.copytree(film.parent / "plain", film.parent / "streamed")
    return run(film, film.parent / "plain")


@pytest.fixture(scope="module")
def streamed(film: Path, plain: Path) -> Path:
    return run(film, film.parent / "streamed", **STREAM)


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "stream/manifest.json").read_text())
    return found


def greys(path: Path) -> list[bool]:
    """Tell of each frame of a film whether it is painted, in its middle."""
    with av.open(str(path)) as container:
        frames = (frame.to_ndarray(format="gray") for frame in container.decode(video=0))
        return [bool(image[20:-20, 40:-40].mean() < DARK) for image in frames]


def test_the_final_file_is_the_plain_dub(plain: Path, streamed: Path) -> None:
    told = manifest(streamed)
    assert told["complete"]
    assert (streamed / "stream" / told["final"]).read_bytes() == (plain / "dub.mp4").read_bytes()
    assert 0.1 < np.mean(greys(plain / "dub.mp4")) < 0.9, "some frames are painted and some are not"


def test_every_chunk_has_the_picture_of_the_dub(plain: Path, streamed: Path, tmp_path: Path) -> None:
    told = manifest(streamed)
    assert told["has_picture"]
    assert len(told["chunks"]) >= 2
    joined = tmp_path / "joined.mp4"
    stream = streamed / "stream"
    files = ["init.mp4", *(chunk["file"] for chunk in told["chunks"])]
    joined.write_bytes(b"".join((stream / name).read_bytes() for name in files))
    assert greys(joined) == greys(plain / "dub.mp4")


def test_another_take_of_a_clip_makes_the_chunks_anew_and_the_same_final_file(
    film: Path, plain: Path, streamed: Path
) -> None:
    for folder in (plain, streamed):
        table = json.loads((folder / "edits.json").read_text())
        table["lines"]["s0002"]["route"] = "voice"
        (folder / "edits.json").write_text(json.dumps(table))
    before = sum(greys(plain / "dub.mp4"))
    run(film, film.parent / "plain")
    run(film, film.parent / "streamed", **STREAM)
    told = manifest(streamed)
    assert told["complete"]
    assert (streamed / "stream" / told["final"]).read_bytes() == (plain / "dub.mp4").read_bytes()
    assert 0 < sum(greys(plain / "dub.mp4")) < before
