"""A storyboard with this machine's settings and models: planned, and made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.config import Settings
from dubkit.models.store import ModelStore
from dubkit.storyboard.board import Storyboard
from dubkit.storyboard.folder import SUFFIX, FilmFolder
from dubkit.storyboard.making import BoardFilm, OnMoment, make_film
from dubkit.storyboard.planning import PlannedShot, plan_shots
from dubkit.types import Remark

if TYPE_CHECKING:
    from dubkit.generation import FilmFiles

ROLES = ("checkpoint", "distilled-checkpoint", "text-encoder", "spatial-upscaler", "distilled-lora")
"""Roles of the models that films are made with."""


@dataclass(frozen=True, slots=True)
class BoardSession:
    """What storyboards are made with: settings and models."""

    settings: Settings
    models: ModelStore

    @property
    def negative_prompt(self) -> str:
        """What shots avoid where their storyboard says nothing: as clips of an episode do."""
        from dubkit.dubbing.diffusion.recipes import NEGATIVE_PROMPT

        return self.settings.dub.negative_prompt or NEGATIVE_PROMPT

    def plan(self, board: Storyboard, root: Path) -> list[PlannedShot]:
        """Return the shots and why each has to be made. Raises ModelMissing."""
        identities = self._identities(self._files(board))
        return plan_shots(board, FilmFolder(root), identities, negative_prompt=self.negative_prompt)

    def make(
        self,
        board: Storyboard,
        root: Path,
        progress: OnMoment | None = None,
        tell: Callable[[Remark], None] | None = None,
    ) -> BoardFilm:
        """Make what is missing of the film.

        Raises:
            ModelMissing: a model file is not here.
            ShotFailed: a shot cannot be made.
            EpisodeBusy: another run works in the folder.
        """
        from dubkit.engines.devices import generating_devices
        from dubkit.generation import FilmParts

        files, own = self._files(board), self.settings.dub
        device = generating_devices(self.settings.device, own.devices)[0]
        parts = FilmParts(files, device, float8=own.float8, tell=tell or (lambda _remark: None))
        return make_film(
            board,
            root,
            parts,
            self._identities(files),
            negative_prompt=self.negative_prompt,
            progress=progress,
        )

    def _files(self, board: Storyboard) -> FilmFiles:
        from dubkit.generation import film_files

        return film_files(self.models, board.pipeline)

    def _identities(self, files: FilmFiles) -> dict[str, str]:
        lora = files.distilled_lora.path if files.distilled_lora else None
        used = {files.checkpoint, files.gemma, files.upsampler, lora}
        found = {role: model for role in ROLES if (model := self.models.find(role)) and model.path in used}
        rounded = {"float8": "yes"} if self.settings.dub.float8 else {}
        return {role: model.identity for role, model in found.items()} | rounded


def film_folder(output: Path, storyboard: Path) -> Path:
    """Return the folder of a storyboard's film below the output folder: `pier.storyboard` for `pier.toml`."""
    return output / f"{storyboard.stem.removesuffix(SUFFIX)}{SUFFIX}"
