"""The ways of the local ComfyUI server to fail, and a job in its queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.comfy_nodes import Film, write


@dataclass
class Faults:
    """What goes wrong; nothing by default."""

    fails_at: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Node -> type and words of its exception."""
    loses: int = 0
    """Jobs that are forgotten while they run, as by a server that was started again."""
    loses_done: int = 0
    """Jobs that are made and then forgotten; their files stay."""
    truncates: int = 0
    """Files of which only half is sent, and the connection closed."""
    gone: bool = False
    """Whether files that were made are deleted."""
    forgets_fetched: bool = False
    """Whether a job and its files are forgotten once all of them were fetched."""
    drops_answer: int = 0
    """Graphs that are taken without an answer."""
    cuts_size: bool = False
    """Whether pictures are 32 pixels narrower than asked for."""
    cuts_frames: bool = False
    half_file: bool = False
    """Whether a film is written in part."""
    drops_sockets: int = 0
    """Websockets that are closed after a few events."""
    no_socket: bool = False
    silent_socket: bool = False
    """Whether a websocket opens and says nothing."""
    spoils_one_result: bool = False
    """Whether one of two results does not pass, so that a 200 has errors of nodes."""
    key: str = "images"
    """Under which films are told."""
    suffix: str = ".mp4"
    step: float = 0.0
    """Seconds of a step of the sampler."""
    silent_ids: bool = False
    """Whether the server makes ids of its own, as old ones do."""
    broken: int = 0
    """Requests that get a status of 500 and plain text."""


@dataclass
class Job:
    """A job in the queue."""

    number: int
    id: str
    graph: dict[str, Any]
    client: str
    outputs: list[str]

    @property
    def item(self) -> list[Any]:
        return [self.number, self.id, self.graph, {}, self.outputs]


def save(root: Path, job: Job, name: str, film: Film, faults: Faults) -> dict[str, Any]:
    """Save a film or a sound as a node does; return what the node tells of it."""
    prefix = job.graph[name]["inputs"]["filename_prefix"]
    is_film = film.picture is not None
    folder = (root / "output" / prefix).parent
    folder.mkdir(parents=True, exist_ok=True)
    stem, suffix = Path(prefix).name, faults.suffix if is_film else ".flac"
    number = 1
    while (path := folder / f"{stem}_{number:05}{'_' if is_film else ''}{suffix}").exists():
        number += 1
    if is_film and (faults.cuts_size or faults.cuts_frames):
        picture = film.picture
        width = picture.width - 32 * faults.cuts_size
        film = type(film)(
            type(picture)(width, picture.height, picture.frames - 8 * faults.cuts_frames, 0, picture.source),
            film.sound,
            film.rate,
        )
    write(film, root / "input", path)
    if is_film and faults.half_file:
        path.write_bytes(path.read_bytes()[:2000])
    if faults.gone:
        path.unlink()
    told = {"filename": path.name, "subfolder": str(Path(prefix).parent), "type": "output"}
    return {faults.key if is_film else "audio": [told], "animated": [True]}
