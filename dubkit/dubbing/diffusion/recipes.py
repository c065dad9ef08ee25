"""What distinguishes one way of making a dubbed clip from another, as data: one sampler runs them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import prompts

if TYPE_CHECKING:
    from torch import Tensor

ModelFamily = Literal["LTX-2 (19B)", "LTX-2.3"]
LoRARole = Literal["dubbing-lora", "distilled-lora"]
"""Roles of the model store. A strength in a recipe multiplies the one that the user gives."""
SoundPlacement = Literal["in step", "before"]
"""Whether the source's sound lies at the target's own times, cut to the clip, or whole and before time 0."""
GivenSound = Literal["frozen", "following"]
"""How a given sound takes part in the first stage: clean in every step, or at the picture's noise level."""

NEGATIVE_PROMPT = prompts.read("negative")
"""What guidance steers away from where nothing else is said: the original's words, for clips and episodes."""

STRIDE = 32
"""A first stage's sides are multiples of this many pixels; the second stage doubles them."""
DOUBLE = 2


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a clip is made. All values are settings; what a call is about (prompt, seed, clip) is not here.

    Raises:
        ValueError: a value outside its range, which the message names.
    """

    name: str
    about: str
    files: ModelFamily
    """Generation of the checkpoint, upsampler and LoRAs; no other fits."""
    steps: int
    """Of the first stage, where `first_levels` does not fix them."""
    guidance: float
    """Classifier-free guidance of the first stage, against the negative prompt; 1 is none."""
    first_levels: tuple[float, ...]
    """Noise levels of the first stage; empty is LTX-2's own schedule of `steps`."""
    second_levels: tuple[float, ...]
    first_loras: tuple[tuple[LoRARole, float], ...]
    second_loras: tuple[tuple[LoRARole, float], ...]
    height: int
    """Of the first stage in pixels, where the caller chooses none; with the width it bounds the area."""
    width: int
    generation: Literal["A", "B", "C"] = "A"
    """What modulates the attentions between picture and sound: `dubkit.ltx.transformer.Generation`."""
    targets_only: bool = True
    """Whether picture and sound see each other's generated tokens alone, by cross-modal masks."""
    sound: SoundPlacement = "in step"
    given: GivenSound = "frozen"
    """How a given sound drives the picture. The dubbing LoRA was trained with sound as noisy as the picture,
    which is `following`; a clean sound is what it knows from second stages."""
    given_reference: bool = True
    """Whether the source's sound is a reference beside a given one, as it was in the LoRA's training."""
    first_frame: bool = True
    """Whether the clip's first frame replaces the target's, when the caller names no stills."""
    still_crf: int = 29
    """Quality of the H.264 round trip that stills go through."""
    still_strength: float = 1.0
    """Multiplies every still's own strength."""
    reference_strength: float = 1.0
    """How firmly the source's picture and sound are kept as references, 0 to 1."""
    reference_scale: int = 1
    """How many times smaller the reference picture is than the target; the LoRA file states it."""
    refine: bool = True
    """Whether the enlarged picture is refined; if not, the second stage leaves it as the upscaler made it."""
    second_noise: bool = True
    """Whether noise is mixed into the enlarged latents before they are refined."""
    second_guidance: float = 1.0
    """Guidance of the second stage; 1 is none."""
    second_still_crf: int | None = None
    """As `still_crf`, for the stills that the second stage sees; None is the same."""
    second_offset: float | None = None
    """Seconds by which the picture's positions begin after the sound's in the second stage; None takes those
    of the clip before, where one is continued."""
    final_size: bool = False
    """Whether the height and width that a user gives are the result's; otherwise the first stage's."""
    distilled_checkpoint: bool = False
    """Whether a distilled checkpoint is taken where one is here, in the place of the full one with the
    distilled LoRA."""
    rounded_positions: bool = False
    """Round target positions to the network's dtype as the original does. In bfloat16 it moves targets
    against their references by up to 12.5 ms, so it serves comparison with the original only."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"Recipe {self.name}: {self.steps} steps; at least 1 is needed.")
        if self.first_levels and self.steps != len(self.first_levels) - 1:
            raise ValueError(
                f"Recipe {self.name} has {len(self.first_levels) - 1} fixed steps, not {self.steps}."
            )
        for field in ("still_strength", "reference_strength"):
            if not 0.0 <= getattr(self, field) <= 1.0:
                raise ValueError(f"Recipe {self.name}: {field} is {getattr(self, field)}, not from 0 to 1.")
        if self.guidance != 1.0 and self.first_levels:
            raise ValueError(
                f"Recipe {self.name} runs distilled, which takes no guidance; got {self.guidance}."
            )
        if self.reference_scale < 1:
            raise ValueError(f"Recipe {self.name}: reference_scale is {self.reference_scale}, below 1.")

    def with_(self, **changes: Any) -> Recipe:
        """Return the recipe with other values: `recipe.with_(steps=20, guidance=2.5)`.

        Raises:
            ValueError: an unknown field, or a value that this recipe cannot have.
        """
        unknown = sorted(changes.keys() - {field for field in Recipe.__dataclass_fields__})
        if unknown:
            raise ValueError(f"A recipe has no {', '.join(unknown)}.")
        return replace(self, **changes)

    @property
    def negative_prompt(self) -> bool:
        """Whether a negative prompt changes anything."""
        return self.guidance != 1.0 or self.guides_second

    @property
    def guides_second(self) -> bool:
        """Whether the second stage is guided away from the negative prompt."""
        return self.refine and self.second_guidance != 1.0

    @property
    def second_steps(self) -> int:
        return len(self.second_levels) - 1 if self.refine else 0

    @property
    def runs_distilled(self) -> bool:
        """Whether the first stage has the fixed levels, without guidance, that distilled weights know."""
        return bool(self.first_levels)

    @property
    def lora_roles(self) -> frozenset[LoRARole]:
        """The LoRA files without which the recipe cannot run."""
        return frozenset(role for role, _ in (*self.first_loras, *self.second_loras))

    def first_sigmas(self) -> Tensor:
        """Return the first stage's noise levels, (steps + 1,) float32."""
        import torch

        from dubkit.dubbing.diffusion.schedules import ltx2_sigmas

        return torch.tensor(self.first_levels) if self.first_levels else ltx2_sigmas(self.steps)

    def second_sigmas(self) -> Tensor:
        """Return the second stage's noise levels, float32."""
        import torch

        return torch.tensor(self.second_levels)

    def first_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the first stage's height and width for those that a user gives.

        Raises:
            ValueError: a side off the grid; names the nearest that is on it.
        """
        factor = DOUBLE if self.final_size else 1
        step = STRIDE * factor * self.reference_scale
        for name, size in (("height", height), ("width", width)):
            if size < step or size % step:
                near = max(1, round(size / step)) * step
                raise ValueError(
                    f"The {name} of {self.name} is a multiple of {step}, not {size}; try {near}."
                )
        return height // factor, width // factor


DISTILLED = (1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875, 0.0)
"""Noise levels of a distilled checkpoint's first stage, eight steps."""
SECOND_STAGE = (0.909375, 0.725, 0.421875, 0.0)
"""Of the stock two-stage recipes' second stage, three steps."""
DUB_SECOND_STAGE = SECOND_STAGE[1:]
"""Of JustDubit's second stage, which starts one level lower and has two steps."""

JUSTDUBIT = Recipe(
    name="justdubit",
    about="JustDubit on LTX-2 (19B): 30 guided steps, then 2 at twice the size.",
    files="LTX-2 (19B)",
    steps=30,
    guidance=3.0,
    first_levels=(),
    second_levels=DUB_SECOND_STAGE,
    first_loras=(("dubbing-lora", 1.0),),
    second_loras=(("dubbing-lora", 1.0), ("distilled-lora", 1.0)),
    height=512,
    width=768,
)

DUB_IT = Recipe(
    name="dub-it",
    about="Dub-It, which needs the files of LTX-2.3, distilled: 8 steps, then 3, without guidance.",
    files="LTX-2.3",
    steps=8,
    guidance=1.0,
    first_levels=DISTILLED,
    second_levels=SECOND_STAGE,
    first_loras=(("dubbing-lora", 1.0),),
    second_loras=(("dubbing-lora", 1.0),),
    height=512,
    width=768,
    generation="C",
    targets_only=False,
    sound="before",
    first_frame=False,
    final_size=True,
)

PREVIEW = replace(
    JUSTDUBIT,
    name="preview",
    about="JustDubit distilled to 8 steps without guidance, then 2, at half the size: a quick look.",
    steps=8,
    guidance=1.0,
    first_levels=DISTILLED,
    first_loras=(("dubbing-lora", 1.0), ("distilled-lora", 1.0)),
    height=256,
    width=384,
)

DISTILLED_DUB = replace(
    PREVIEW,
    name="distilled",
    about="JustDubit distilled to 8 steps without guidance, then 2, at full size.",
    height=512,
    width=768,
    distilled_checkpoint=True,
)

RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe for recipe in (JUSTDUBIT, DUB_IT, PREVIEW, DISTILLED_DUB)
}
