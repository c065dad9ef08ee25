"""What every shot is made of, its key, and whether it has to be made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit.dubbing.diffusion.recipes import NEGATIVE_PROMPT
from dubkit.dubbing.loras import ExtraLoRA, content_digest, lora_identities, read_loras
from dubkit.storyboard.board import Scene, Shot, Storyboard
from dubkit.storyboard.folder import FilmFolder
from dubkit.storyboard.wording import enriched, named_elements

VERSION = 1
"""Of what is made of a shot; raised when the same key would give another result."""


@dataclass(frozen=True, slots=True)
class PlannedShot:
    """A shot with everything that it is made of."""

    id: str
    """Scene and shot: `pier-walk`."""
    scene: str
    written: str
    """Its prompt as it is written."""
    prompt: str
    """With its elements, setting and style."""
    negative_prompt: str
    seed: int
    frames: int
    """8n+1, the one that it takes over from the shot before among them."""
    strength: float
    still: Path | None
    """The picture that it begins with."""
    after: str
    """The shot whose last frame it begins with; empty where there is none."""
    elements: tuple[str, ...]
    loras: tuple[ExtraLoRA, ...]
    parts: Mapping[str, Any]
    """What the key is made of."""
    due: str = ""
    """Why it has to be made; empty where it is there."""

    @property
    def key(self) -> str:
        """SHA-256 of the parts."""
        text = json.dumps(self.parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def shown(self) -> int:
        """Frames that it adds to the film."""
        return self.frames - (1 if self.after else 0)


def plan_shots(
    board: Storyboard,
    folder: FilmFolder,
    models: Mapping[str, str],
    *,
    negative_prompt: str = NEGATIVE_PROMPT,
) -> list[PlannedShot]:
    """Return the shots of a storyboard in order, each with why it has to be made.

    `models` are the identities of the model files, and whatever else of the machine's settings changes a
    result; `negative_prompt` is for shots without one. Raises OSError where a still has gone.
    """
    planned: list[PlannedShot] = []
    for number, scene in enumerate(board.scenes, 1):
        before: PlannedShot | None = None
        for place, shot in enumerate(scene.shots, 1):
            scene_name = scene.name or f"{number:02d}"
            name = f"{scene_name}-{shot.name or f'{place:02d}'}"
            made = _planned(board, scene, shot, (name, scene_name), before, models, negative_prompt)
            before = _with_reason(made, before, folder)
            planned.append(before)
    return planned


def _planned(
    board: Storyboard,
    scene: Scene,
    shot: Shot,
    names: tuple[str, str],
    before: PlannedShot | None,
    models: Mapping[str, str],
    negative_prompt: str,
) -> PlannedShot:
    elements = tuple(name for _, _, name in named_elements(shot.prompt, board.elements))
    still = _still(board, shot, elements, first=before is None)
    after = before if still is None else None
    texts = [board.loras, *(board.elements[name].loras for name in elements)]
    loras = tuple(lora for text in texts for lora in read_loras(text, "loras", board.folder))
    prompt = enriched(shot.prompt, board.elements, [scene.setting, board.style])
    own = shot.negative_prompt if shot.negative_prompt is not None else board.negative_prompt
    negative = negative_prompt if own is None else own
    seed = board.seed if shot.seed is None else shot.seed
    parts: dict[str, Any] = {
        "version": VERSION,
        "prompt": prompt,
        "negative prompt": negative,
        "seed": seed,
        "size": [board.height, board.width],
        "rate": str(board.exact_rate),
        "frames": board.frames_of(shot),
        "pipeline": board.pipeline,
        "steps": board.steps,
        "guidance": board.guidance,
        "enhance": board.enhance,
        "models": dict(models),
        "loras": lora_identities(loras),
        "still": content_digest(still) if still else "",
        "shot before": after.key if after else "",
        "strength": shot.strength if still or after else None,
    }
    return PlannedShot(
        *names,
        shot.prompt,
        prompt,
        negative,
        seed,
        board.frames_of(shot),
        shot.strength,
        still,
        after.id if after else "",
        elements,
        loras,
        parts,
    )


def _still(board: Storyboard, shot: Shot, elements: tuple[str, ...], *, first: bool) -> Path | None:
    """Return the picture that a shot begins with: its own, or at a scene's beginning that of an element."""
    if shot.still:
        return board.folder / Path(shot.still).expanduser()
    stills = (board.elements[name].still for name in elements) if first else ()
    return next((board.folder / Path(still).expanduser() for still in stills if still), None)


def _with_reason(shot: PlannedShot, before: PlannedShot | None, folder: FilmFolder) -> PlannedShot:
    from dataclasses import replace

    record = folder.record(shot.id)
    if record is None:
        return replace(shot, due="it is not there")
    if record.get("key") == shot.key:
        return shot
    old = record.get("parts", {})
    changed = [name for name, value in shot.parts.items() if old.get(name) != value]
    if changed == ["shot before"] and before is not None and shot.after == before.id:
        return replace(shot, due=f"{before.id} is made again")
    said = ", ".join(name for name in changed if name != "shot before") or "shot before"
    return replace(shot, due=f"changed: {said}")
