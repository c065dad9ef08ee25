"""What a caller changes about the second stage: once for a pipeline, or for one clip.

Both are plain data that travels: `to_dict` leaves out what is not set, and `from_dict` reads it back. The
names of the fields are those of FastVideo's overrides for LTX-2, so either side reads the other's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from dubkit.dubbing.diffusion.recipes import SECOND_STAGE, Recipe

Override = TypeVar("Override", bound="RefinePreset | RefineOverride")

STEPS = {len(levels) - 1: levels for levels in (SECOND_STAGE[1:], SECOND_STAGE)}
"""Steps of a second stage -> its noise levels: the distilled weights know these two lists, and no other."""
MOST_GUIDANCE = 100.0
WORST_CRF = 51
"""The largest CRF of H.264; 0 is lossless."""
LONGEST_OFFSET = 60.0


@dataclass(frozen=True, slots=True)
class RefinePreset:
    """How the second stage is set up, for all clips; None leaves a field to the recipe.

    Raises:
        ValueError: a value that is not true or false.
    """

    enabled: bool | None = None
    """False only enlarges the picture: it has the same size, and what the upscaler alone makes of it."""
    add_noise: bool | None = None
    """False refines the enlarged latents without mixing noise into them."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (value is None or isinstance(value, bool)):
                raise ValueError(f"refine.{name} is {value!r}; true or false is expected.")

    def applied(self, recipe: Recipe) -> Recipe:
        """Return the recipe with what is set here."""
        return _changed(recipe, refine=self.enabled, second_noise=self.add_noise)

    def to_dict(self) -> dict[str, Any]:
        """Return what is set, and nothing else."""
        return refine_override_to_dict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RefinePreset:
        """Read what `to_dict` gave. Raises ValueError for a name that is no field."""
        return _read(cls, values)


@dataclass(frozen=True, slots=True)
class RefineOverride:
    """How one clip is refined; None leaves a field to the recipe.

    Raises:
        ValueError: a value outside its range, which the message names.
    """

    num_inference_steps: int | None = None
    """2 or 3: the distilled weights know no other noise levels."""
    guidance_scale: float | None = None
    """Classifier-free guidance against the negative prompt, 1 to 100; 1 is none. More than 1 takes twice as
    long."""
    image_crf: int | None = None
    """Quality of the H.264 round trip of the stills that the second stage sees, 0 to 51; 0 leaves them."""
    video_position_offset_sec: float | None = None
    """Seconds, 0 to 60, by which the picture's positions begin after the sound's, in the place of those of a
    continuation."""

    def __post_init__(self) -> None:
        steps, crf = self.num_inference_steps, self.image_crf
        if steps is not None and (not _is_whole(steps) or steps not in STEPS):
            known = " or ".join(map(str, STEPS))
            raise ValueError(f"refine.num_inference_steps is {steps!r}; {known} is expected.")
        _check_range("guidance_scale", self.guidance_scale, 1.0, MOST_GUIDANCE)
        if crf is not None and (not _is_whole(crf) or not 0 <= crf <= WORST_CRF):
            raise ValueError(
                f"refine.image_crf is {crf!r}; a whole number from 0 to {WORST_CRF} is expected."
            )
        _check_range("video_position_offset_sec", self.video_position_offset_sec, 0.0, LONGEST_OFFSET)

    def applied(self, recipe: Recipe) -> Recipe:
        """Return the recipe with what is set here."""
        steps = self.num_inference_steps
        return _changed(
            recipe,
            second_levels=None if steps is None else STEPS[steps],
            second_guidance=self.guidance_scale,
            second_still_crf=self.image_crf,
            second_offset=self.video_position_offset_sec,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what is set, and nothing else."""
        return refine_override_to_dict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RefineOverride:
        """Read what `to_dict` gave. Raises ValueError for an unknown name or a value out of range."""
        return _read(cls, values)


def refine_override_to_dict(override: RefinePreset | RefineOverride) -> dict[str, Any]:
    """Return what is set in an override, as plain JSON."""
    return {name: value for name, value in asdict(override).items() if value is not None}


def _read(kind: type[Override], values: Mapping[str, Any]) -> Override:
    known = [entry.name for entry in fields(kind)]
    unknown = sorted(values.keys() - set(known))
    if unknown:
        raise ValueError(f"refine has no {', '.join(unknown)}; it has {', '.join(known)}.")
    return kind(**values)


def _changed(recipe: Recipe, **changes: Any) -> Recipe:
    return recipe.with_(**{name: value for name, value in changes.items() if value is not None})


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_range(name: str, value: float | None, least: float, most: float) -> None:
    if value is None:
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not least <= value <= most:
        raise ValueError(f"refine.{name} is {value!r}; a number from {least:g} to {most:g} is expected.")
