"""Make the film of a storyboard: shot after shot, each kept as soon as it is whole, and one film of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.dubbing.diffusion.recipes import NEGATIVE_PROMPT
from dubkit.errors import DubkitError
from dubkit.storyboard.board import Storyboard
from dubkit.storyboard.folder import (
    FILES,
    FILM,
    FILM_RECORD,
    LAST,
    PICTURE,
    RECORD,
    SOUND,
    THUMBNAIL,
    FilmFolder,
    digest_of,
    read_json,
    write_json,
)
from dubkit.storyboard.planning import VERSION, PlannedShot, plan_shots

if TYPE_CHECKING:
    from torch import Tensor

    from dubkit.dubbing.enhance import Enhanced
    from dubkit.generation import Film, FilmOrder, FilmParts

THUMBNAIL_WIDTH = 320
STEPS = ("text", "encode", "first stage", "second stage", "decode")
"""Steps of a shot in their order, and below how much of it is done when each begins."""
BEGINS = (0.0, 0.05, 0.1, 0.6, 0.85)

Make = Callable[["FilmOrder", "FilmParts", Callable[[str, int, int], None]], "Film"]


class ShotFailed(DubkitError):
    """A shot of a storyboard could not be made; the message names it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How far a film has come: within one step of one shot."""

    shot: str
    number: int
    """Of the shots that are to be made, from 1."""
    count: int
    """Shots that are to be made."""
    step: str
    done: int
    total: int
    share: float
    """Share of the whole work, 0 to 1; it never falls."""


@dataclass(frozen=True, slots=True)
class BoardFilm:
    """A film that is made."""

    path: Path
    thumbnail: Path
    frames: int
    made: tuple[str, ...]
    """Shots that were made in this run."""
    kept: tuple[str, ...]
    """Shots that were there."""
    not_enhanced: tuple[tuple[str, str], ...] = ()
    """Shot and reason, where enhancement of the prompt gave nothing of use."""


OnMoment = Callable[[Moment], None]
"""Called between the steps; what it raises ends the work, and shots that are whole are kept."""


def make_film(
    board: Storyboard,
    root: Path,
    parts: FilmParts,
    models: Mapping[str, str],
    *,
    negative_prompt: str = NEGATIVE_PROMPT,
    progress: OnMoment | None = None,
    make: Make | None = None,
) -> BoardFilm:
    """Make what is missing of a storyboard's film in the folder `root`, and the film.

    Args:
        parts: opens the model files.
        models: their identities, and what else of the settings changes a result; for the keys of shots.
        negative_prompt: for shots that have none.
        progress: is told every step; what it raises ends the work.
        make: makes one shot; None takes `dubkit.generation.generate`.

    Raises:
        ShotFailed: a shot cannot be made.
        EpisodeBusy: another run works in the folder.
    """
    folder = FilmFolder(root)
    with folder.locked():
        shots = plan_shots(board, folder, models, negative_prompt=negative_prompt)
        due = [shot for shot in shots if shot.due]
        watch = _Watch(due, progress)
        for shot in due:
            watch.begin(shot)
            _make_shot(board, shot, folder, parts, watch, make or _generated)
        folder.without({shot.id for shot in shots})
        return _film(board, shots, folder, watch)


def _generated(order: FilmOrder, parts: FilmParts, progress: Callable[[str, int, int], None]) -> Film:
    from dubkit.generation import generate

    return generate(order, parts, progress=progress)


class _Watch:
    """Turns the steps of a shot into moments of the whole work."""

    def __init__(self, due: Sequence[PlannedShot], progress: OnMoment | None) -> None:
        self.due, self.progress = due, progress
        self.frames = sum(shot.frames for shot in due) or 1
        self.before, self.share, self.number = 0, 0.0, 0

    def begin(self, shot: PlannedShot) -> None:
        self.before = sum(one.frames for one in self.due[: self.number])
        self.number += 1
        self(0, "text", 0, 1)

    def __call__(self, made: float, step: str, done: int, total: int) -> None:
        """Tell a step; `made` is the share of the shot that is made."""
        if self.progress is None:
            return
        shot = self.due[self.number - 1]
        inside = self.before + shot.frames * min(1.0, made)
        self.share = max(self.share, min(1.0, inside / self.frames))
        self.progress(Moment(shot.id, self.number, len(self.due), step, done, total, self.share))

    def step(self, step: str, done: int, total: int) -> None:
        """Take what the generator reports: `first stage`, or `window 2 of 3: first stage`."""
        head, _, plain = step.rpartition(": ")
        words = head.split()
        number, count = (int(words[1]), int(words[3])) if len(words) == 4 else (1, 1)
        place = STEPS.index(plain) if plain in STEPS else 0
        end = (*BEGINS, 1.0)[place + 1]
        share = BEGINS[place] + (end - BEGINS[place]) * (done / total if total else 0.0)
        self((number - 1 + share) / count, step, done, total)


def _make_shot(
    board: Storyboard,
    shot: PlannedShot,
    folder: FilmFolder,
    parts: FilmParts,
    watch: _Watch,
    make: Make,
) -> None:
    from dubkit.generation import FilmOrder, FilmStill, LoRA

    told: list[Enhanced] = []
    first = shot.still or (folder.shot(shot.after) / LAST if shot.after else None)
    order = FilmOrder(
        shot.prompt,
        shot.negative_prompt,
        shot.seed,
        board.height,
        board.width,
        shot.frames,
        board.exact_rate,
        stills=() if first is None else (FilmStill(first, 0, shot.strength),),
        loras=tuple(LoRA(lora.path, lora.strength) for lora in shot.loras),
        pipeline=board.pipeline,
        steps=board.steps,
        guidance=board.guidance,
    )
    parts.enhancing = told.append if board.enhance else None
    try:
        film = make(order, parts, watch.step)
    except DubkitError as error:
        raise ShotFailed(f"Shot {shot.id}: {error}") from error
    finally:
        parts.enhancing = None
    with folder.writing(shot.id) as place:
        _write_files(film, shot, place)
        record = _record(shot, film, told[0] if told else None)
        record["files"] = {name: digest_of(place / name) for name in FILES}
        write_json(place / RECORD, record)


def _write_files(film: Film, shot: PlannedShot, place: Path) -> None:
    """Write the new frames of a shot, their sound, its last frame and its small picture."""
    import soundfile as sf  # type: ignore[import-untyped]
    from PIL import Image

    from dubkit.dubbing.clip.mp4 import encode_video
    from dubkit.ltx import mel

    hidden = film.frames - shot.shown
    at = mel.sample_count(hidden, film.rate, film.sample_rate)
    wave = film.sound[:, at:].float()
    out = place / PICTURE
    encode_video(_after(film, hidden), film.rate, wave, film.sample_rate, out)
    sf.write(place / SOUND, wave.clamp(-1, 1).T.numpy(), film.sample_rate, subtype="PCM_24")
    Image.fromarray(film.frame(-1).contiguous().numpy()).save(place / LAST)
    middle = Image.fromarray(film.frame(hidden + shot.shown // 2).contiguous().numpy())
    height = max(1, round(middle.height * THUMBNAIL_WIDTH / middle.width))
    middle.resize((THUMBNAIL_WIDTH, height), Image.Resampling.LANCZOS).save(place / THUMBNAIL, quality=88)


def _after(film: Film, hidden: int) -> Any:
    """Yield the pieces of a film without its first frames."""
    done = 0
    for piece in film:
        fresh: Tensor = piece[max(0, hidden - done) :]
        done += len(piece)
        if len(fresh):
            yield fresh


def _record(shot: PlannedShot, film: Film, enhanced: Enhanced | None) -> dict[str, Any]:
    """Return what is kept of how a shot was made: nothing of when, so that the bytes are the same."""
    return {
        "shot": shot.id,
        "scene": shot.scene,
        "key": shot.key,
        "parts": dict(shot.parts),
        "prompt": {
            "written": shot.written,
            "enriched": shot.prompt,
            "used": enhanced.prompt if enhanced else shot.prompt,
            "not enhanced": enhanced.fault if enhanced else "",
        },
        "elements": list(shot.elements),
        "after": shot.after,
        "frames": shot.shown,
        "size": [film.height, film.width],
        "rate": str(film.rate),
        "sample rate": film.sample_rate,
        "pipeline": film.pipeline,
        "why": film.why,
        "windows": film.windows,
    }


def _film(board: Storyboard, shots: Sequence[PlannedShot], folder: FilmFolder, watch: _Watch) -> BoardFilm:
    """Put the shots together, where the film is not there yet, and return it."""
    from dubkit.storyboard.stitching import stitch

    records = [folder.record(shot.id) or {} for shot in shots]
    content = {
        "version": VERSION,
        "shots": [[r["shot"], r["files"][PICTURE], r["files"][SOUND]] for r in records],
    }
    path, old = folder.root / FILM, read_json(folder.root / FILM_RECORD)
    there = old is not None and old.get("content") == content
    if not there or not path.is_file() or digest_of(path) != (old or {}).get("film"):
        stitch([folder.shot(shot.id) for shot in shots], board.exact_rate, path)
        thumbnail = folder.shot(shots[0].id) / THUMBNAIL
        (folder.root / THUMBNAIL).write_bytes(thumbnail.read_bytes())
        record: dict[str, Any] = {"title": board.title, "content": content, "film": digest_of(path)}
        record["frames"] = sum(shot.shown for shot in shots)
        record["begins"] = _begins(shots)
        write_json(folder.root / FILM_RECORD, record)
    faults = [(r["shot"], r["prompt"]["not enhanced"]) for r in records if r["prompt"]["not enhanced"]]
    return BoardFilm(
        path,
        folder.root / THUMBNAIL,
        sum(shot.shown for shot in shots),
        tuple(shot.id for shot in shots if shot.due),
        tuple(shot.id for shot in shots if not shot.due),
        tuple(faults),
    )


def _begins(shots: Sequence[PlannedShot]) -> dict[str, int]:
    """Return the first frame of every shot in the film."""
    begins, at = {}, 0
    for shot in shots:
        begins[shot.id] = at
        at += shot.shown
    return begins
