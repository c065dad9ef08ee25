"""Make one clip with a ComfyUI server: what is sent, and what is taken back."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.engines.comfyui import NAME, NEGATIVE
from dubkit.engines.comfyui.checks import problems
from dubkit.engines.comfyui.definitions import Definitions
from dubkit.engines.comfyui.files import find_files
from dubkit.engines.comfyui.job import FOLDER, Results, Work
from dubkit.engines.comfyui.recipes import Wanted, build, example, place_results
from dubkit.engines.comfyui.server import Server
from dubkit.engines.comfyui.settings import ComfySettings
from dubkit.engines.engine import ClipMade, ClipOrder
from dubkit.errors import GeneratorError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CHUNK = 2048
"""Samples by which the length that a file tells of may be off."""
_MOST_MISSING = 0.5
"""Seconds at the end of a sound that may be missing."""


def make(order: ClipOrder) -> ClipMade:
    """Make one whole clip. Raises GeneratorError for whatever goes wrong on the way or on the server."""
    settings: ComfySettings = order.settings
    with Server(settings) as server, tempfile.TemporaryDirectory(prefix="dubkit-comfyui-") as name:
        sources = _sources(order, settings, Path(name))
        nodes = server.definitions()
        wanted = wanted_clip(order, settings, *(f"{FOLDER}/{file.name}" for file in sources))
        graph = build(wanted, find_files(nodes, settings), nodes)
        _check(place_results(graph, FOLDER), nodes, order, server.place)
        loaded = {value for entry in graph.entries.values() for value in map(str, entry["inputs"].values())}
        expected = {f"{FOLDER}/{file.name}": file for file in sources if f"{FOLDER}/{file.name}" in loaded}

        def upload() -> None:
            for stored, file in expected.items():
                if server.upload(file.name, FOLDER, file.read_bytes()).replace("\\", "/") != stored:
                    raise GeneratorError(
                        f"The ComfyUI at {server.place} put {file.name} elsewhere than asked.\n"
                        "Update ComfyUI."
                    )

        work = Work(
            server, settings, graph, order.clip.id, order.given is None, upload, order.advance
        )  # fmt: skip
        made: ClipMade = work.do(lambda results: _read(results, order, wanted, Path(name)))
        return made


def wanted_clip(order: ClipOrder, settings: ComfySettings, picture: str, sound: str) -> Wanted:
    """Return what a graph has to make for an order."""
    from dubkit.dubbing.diffusion.recipes import NEGATIVE_PROMPT

    return replace(
        example(settings),
        width=order.width,
        height=order.height,
        frames=order.clip.frames,
        rate=order.rate,
        seed=order.seed,
        prompt=order.clip.prompt,
        negative=order.host.setting(NEGATIVE) or NEGATIVE_PROMPT,
        picture=picture,
        sound=sound,
        given=order.given is not None,
    )


def _sources(order: ClipOrder, settings: ComfySettings, folder: Path) -> tuple[Path, Path]:
    """Write what the graph loads; each file is named after its content."""
    from dubkit.engines.exchange import write_clip, write_sound

    picture, sound = folder / "picture.mp4", folder / "sound.wav"
    if settings.recipe == "image":
        picture = picture.with_suffix(".png")
        _write_still(order, picture)
    else:
        write_clip(order, picture)
    write_sound(_in_stereo(order), sound)
    return _named(picture), _named(sound)


def _in_stereo(order: ClipOrder) -> ClipOrder:
    """Return an order whose sound has two channels at least, as the model's own sound has."""
    import numpy as np

    given = order.given
    if len(order.sound) == 1:
        order = replace(order, sound=np.repeat(order.sound, 2, axis=0))
    return (
        replace(order, given=np.repeat(given, 2, axis=0)) if given is not None and len(given) == 1 else order
    )


def _write_still(order: ClipOrder, path: Path) -> None:
    import cv2

    first = next(iter(order.pictures()))
    if not cv2.imwrite(str(path), first[..., ::-1]):
        raise GeneratorError(f"The first frame of clip {order.clip.id} cannot be written to {path}.")


def _named(path: Path) -> Path:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
    return path.rename(path.with_name(f"{digest}{path.suffix}"))


def _check(entries: Any, nodes: Definitions, order: ClipOrder, place: str) -> None:
    found = problems(entries, nodes)
    if found:
        raise GeneratorError(
            f"The ComfyUI at {place} cannot take the graph of clip {order.clip.id}:\n"
            + "\n".join(f"- {problem}" for problem in found[:5])
            + "\nUpdate ComfyUI and its nodes, or change the settings of dub.comfyui."
        )


# --- what comes back ---------------------------------------------------------------------------


def _read(results: Results, order: ClipOrder, wanted: Wanted, folder: Path) -> ClipMade:
    """Read results as a clip of the order. Raises GeneratorError for what does not fit it."""
    from dubkit.engines.exchange import read_clip

    film = folder / f"made{results.picture_suffix}"
    film.write_bytes(results.picture)
    _check_made(film, order, wanted)
    if results.sound is None:
        return read_clip(film, order, NAME)
    heard = folder / f"made-sound{results.sound_suffix}"
    heard.write_bytes(results.sound)
    sound, rate = _sound(heard, order)
    # The film's own sound is a lossy copy: it is not looked at.
    silent = replace(order, given=sound)
    return replace(read_clip(film, silent, NAME), sound=sound, sound_rate=rate)


def _check_made(film: Path, order: ClipOrder, wanted: Wanted) -> None:
    """Raise GeneratorError where the server has cut the size or the length, which it does without a word."""
    from dubkit.media.files.container import is_picture, open_media

    with _readable(film, order), open_media(film) as container:
        stream: Any = next((s for s in container.streams.video if is_picture(s)), None)
        if stream is None:
            raise GeneratorError(f"{NAME} made no picture of clip {order.clip.id}.")
        size, frames = (stream.width, stream.height), int(stream.frames)
    if size != wanted.made_size:
        asked = "x".join(map(str, wanted.made_size))
        raise GeneratorError(
            f"{NAME} made clip {order.clip.id} in {size[0]}x{size[1]}, and was asked for {asked}.\n"
            "A node of the server has cut it: update ComfyUI and its nodes."
        )
    if frames and frames != wanted.frames:
        raise GeneratorError(
            f"{NAME} made {frames} frames of clip {order.clip.id}, and was asked for {wanted.frames}.\n"
            "A node of the server has cut it: update ComfyUI and its nodes."
        )


def _sound(path: Path, order: ClipOrder) -> tuple[NDArray[np.float32], int]:
    """Return a sound (C, N) of any container, as long as the clip, and its samples per second."""
    import av
    import numpy as np

    from dubkit.media.files.container import open_media

    parts: list[Any] = []
    with _readable(path, order), open_media(path) as container:
        stream: Any = next(iter(container.streams.audio), None)
        if stream is None:
            raise GeneratorError(f"{NAME} made no sound of clip {order.clip.id}.")
        rate, layout = int(stream.rate), "mono" if stream.channels == 1 else "stereo"
        shaper = av.AudioResampler(format="fltp", layout=layout, rate=rate)
        for frame in container.decode(stream):
            parts += [part.to_ndarray() for part in shaper.resample(frame)]
        parts += [part.to_ndarray() for part in shaper.resample(None)]
        told = float((stream.duration or 0) * stream.time_base)
    made = np.concatenate(parts, axis=1) if parts else np.zeros((1, 0), np.float32)
    count = round(order.clip.frames / order.rate * rate)
    if made.shape[1] < round(told * rate) - _CHUNK:
        raise GeneratorError(
            f"{NAME} made a sound for clip {order.clip.id} of which {told - made.shape[1] / rate:.2f} s are "
            "missing.\nRun the same command again."
        )
    if made.shape[1] < count - _MOST_MISSING * rate:
        raise GeneratorError(
            f"{NAME} made {made.shape[1] / rate:.2f} s of sound for clip {order.clip.id}, which has "
            f"{count / rate:.2f} s.\nRun the same command again, or update ComfyUI."
        )
    whole = np.zeros((len(made), count), np.float32)
    whole[:, : made.shape[1]] = made[:, :count]
    return whole, rate


@contextmanager
def _readable(path: Path, order: ClipOrder) -> Iterator[None]:
    """Turn what PyAV says of a broken file into an error of the clip."""
    import av

    from dubkit.errors import MediaError

    try:
        yield
    except (MediaError, av.error.FFmpegError, OSError) as error:
        reason = str(error).splitlines()[0].replace(str(path), "it")
        raise GeneratorError(
            f"{NAME} made a file for clip {order.clip.id} that cannot be read: {reason}.\n"
            "Run the same command again."
        ) from error
