"""Orders and made clips as files that travel: a ZIP of JSON, pictures without loss and exact sounds.

What arrives is what was sent, bit for bit, so a clip is the same wherever it is made.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dubkit.engines.engine import ClipMade, ClipOrder
from dubkit.errors import GeneratorError
from dubkit.host import Host
from dubkit.types import SAMPLE_RATE, Clip, Remark

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = 1
TEXT, PICTURES, SOUND, GIVEN = "clip.json", "pictures.mkv", "sound.npy", "given.npy"
_PARTS = frozenset((TEXT, PICTURES, SOUND, GIVEN))
MOST_TEXT = 1 << 20
"""Bytes of the JSON in a package."""


class PackageRefused(ValueError):
    """A package that is damaged or not one of these; the message is a clause."""


@dataclass(frozen=True, slots=True)
class OrderText:
    """What of an order is words and numbers."""

    version: int
    engine: str
    """The engine that must make it; empty for any."""
    clip: Clip
    language: str
    texts: tuple[str, ...]
    rate: str
    seed: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class MadeText:
    """What of a made clip is words and numbers."""

    version: int
    engine: str
    sound_rate: int
    remarks: tuple[Remark, ...]


def write_order(order: ClipOrder, engine: str, path: Path) -> None:
    """Write an order. The same order gives the same bytes."""
    text = OrderText(
        VERSION,
        engine,
        order.clip,
        order.language,
        order.texts,
        str(order.rate),
        order.seed,
        order.width,
        order.height,
    )
    sounds = {SOUND: order.sound} | ({GIVEN: order.given} if order.given is not None else {})
    _write(path, text, order.pictures(), sounds)


def read_order(
    path: Path, folder: Path, host: Host, settings: Callable[[], Any]
) -> tuple[OrderText, ClipOrder]:
    """Read an order into an empty folder. Raises PackageRefused.

    Args:
        path: what `write_order` wrote.
        folder: for its pictures, which are read when they are asked for.
        host: of the machine that makes the clip.
        settings: gives the engine's own settings there.
    """
    names = _unpack(path, folder)
    text = _text(folder, OrderText)
    if text.width < 2 or text.height < 2 or text.clip.frames < 1:
        raise PackageRefused("its clip has no picture")
    try:
        rate = Fraction(text.rate)
    except (ValueError, ZeroDivisionError) as error:
        raise PackageRefused(f"its rate is {text.rate!r}") from error
    if rate <= 0:
        raise PackageRefused(f"its rate is {text.rate!r}")
    order = ClipOrder(
        text.clip,
        text.language,
        text.texts,
        rate,
        text.seed,
        text.width,
        text.height,
        lambda: _frames(folder / PICTURES),
        _sound(folder / SOUND),
        _sound(folder / GIVEN) if GIVEN in names else None,
        settings(),
        host,
    )
    return text, order


def write_made(made: ClipMade, engine: str, path: Path) -> None:
    """Write a made clip."""
    text = MadeText(VERSION, engine, made.sound_rate, made.remarks)
    _write(path, text, made.pictures, {SOUND: made.sound})


def read_made(path: Path, folder: Path) -> tuple[MadeText, ClipMade]:
    """Read a made clip into an empty folder; all of it is in memory then. Raises PackageRefused."""
    _unpack(path, folder)
    text = _text(folder, MadeText)
    pictures = list(_frames(folder / PICTURES))
    return text, ClipMade(iter(pictures), _sound(folder / SOUND), text.sound_rate, text.remarks)


def _write(
    path: Path, text: object, pictures: Iterator[NDArray[np.uint8]], sounds: dict[str, NDArray[np.float32]]
) -> None:
    import numpy as np

    from dubkit.media.picture.lossless import write_frames

    film = path.with_suffix(".mkv")
    try:
        write_frames((picture[None] for picture in pictures), film)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as package:
            # A name without a time, so that the same content gives the same bytes.
            package.writestr(zipfile.ZipInfo(TEXT), msgspec.json.encode(text))
            for name in sorted(sounds):
                stream = io.BytesIO()
                np.save(stream, np.ascontiguousarray(sounds[name], np.float32), allow_pickle=False)
                package.writestr(zipfile.ZipInfo(name), stream.getvalue())
            with film.open("rb") as source, package.open(zipfile.ZipInfo(PICTURES), "w") as target:
                while block := source.read(1 << 20):
                    target.write(block)
    finally:
        film.unlink(missing_ok=True)


def _unpack(path: Path, folder: Path) -> set[str]:
    """Write the parts of a package into a folder; return their names."""
    try:
        with zipfile.ZipFile(path) as package:
            entries = package.infolist()
            names = {entry.filename for entry in entries}
            if not {TEXT, PICTURES, SOUND} <= names <= _PARTS or len(entries) != len(names):
                raise PackageRefused(f"it holds {', '.join(sorted(names)) or 'nothing'}")
            # What is packed could be far larger than what was sent.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise PackageRefused("its parts are compressed")
            for name in sorted(names):
                package.extract(name, folder)
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise PackageRefused(f"it is damaged ({error})") from error
    return names


def _text(folder: Path, kind: type[Any]) -> Any:
    path = folder / TEXT
    if path.stat().st_size > MOST_TEXT:
        raise PackageRefused(f"its words are longer than {MOST_TEXT} bytes")
    try:
        text = msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.DecodeError as error:
        raise PackageRefused(f"its words cannot be read ({error})") from error
    if text.version != VERSION:
        raise PackageRefused(
            f"it has version {text.version}, and {VERSION} is read here: update the older side"
        )
    return text


def _sound(path: Path) -> NDArray[np.float32]:
    import numpy as np

    try:
        sound = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise PackageRefused(f"its {path.name} cannot be read ({error})") from error
    if sound.dtype != np.float32 or sound.ndim != 2 or not 1 <= len(sound) <= 64:
        raise PackageRefused(f"its {path.name} is no sound at {SAMPLE_RATE} Hz")
    return np.asarray(sound, np.float32)


def _frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    from dubkit.errors import MediaError
    from dubkit.media.picture.lossless import read_frames

    try:
        yield from read_frames(path)
    except (MediaError, OSError) as error:
        raise GeneratorError(f"The pictures of the clip cannot be read: {error}") from error
