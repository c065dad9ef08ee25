"""The ways to make a film with LTX-2, as data: one sampler runs them all.

A way is one record in `PIPELINES`. What an order is about (prompt, seed, pictures, sound) is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from dubkit.dubbing.diffusion.recipes import DISTILLED, SECOND_STAGE

StillPlacement = Literal["replace", "append", "mixed"]
"""What becomes of a still: it takes the place of the latent frame that holds its frame; it is appended as a
key frame; or the first at frame 0 and the second elsewhere."""
Needs = Literal["stills", "reference", "audio", "source"]


class StreamGuidance(NamedTuple):
    """How strongly the prediction of picture or sound is pushed away from other passes."""

    cfg: float = 1.0
    """Against the negative prompt; 1 is none."""
    stg: float = 0.0
    """Against a pass in which one block's self-attention is perturbed; 0 is none."""
    modality: float = 1.0
    """Against a pass in which picture and sound do not see each other; 1 is none."""
    rescale: float = 0.0
    """How much of the prompt pass's standard deviation is restored, 0 to 1."""


NO_GUIDANCE = StreamGuidance()
PLAIN = StreamGuidance(cfg=3.0)


@dataclass(frozen=True, slots=True)
class FilmPipeline:
    """One way to make a film.

    Raises:
        ValueError: a value outside its range, which the message names.
    """

    name: str
    about: str
    stages: Literal[1, 2] = 2
    """One at the film's size, or one at half and one at the whole size."""
    steps: int = 40
    """Of the first stage, where `levels` does not fix them."""
    levels: tuple[float, ...] = ()
    """Noise levels of the first stage; empty is LTX-2's own schedule of `steps`."""
    second_levels: tuple[float, ...] = SECOND_STAGE
    guidance: StreamGuidance = PLAIN
    """Of the picture, in the first stage."""
    sound_guidance: StreamGuidance = PLAIN
    block: int | None = None
    """Block that `stg` perturbs; None takes the original's, in proportion to the depth."""
    generation: Literal["A", "B", "C"] = "A"
    """What modulates the attentions between picture and sound: `dubkit.ltx.transformer.Generation`."""
    stills: StillPlacement = "mixed"
    single_frames: bool = False
    """Whether an appended still spans one frame, as in originals from April 2026 on, or eight."""
    still_crf: int = 29
    """Quality of the H.264 round trip that stills go through."""
    needs: tuple[Needs, ...] = ()
    """Parts of an order without which there is nothing to do."""
    distilled: bool = False
    """Whether it runs on distilled weights: a distilled checkpoint, or a distilled LoRA in both stages."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"Pipeline {self.name}: {self.steps} steps; at least 1 is needed.")
        if self.levels and self.steps != len(self.levels) - 1:
            raise ValueError(
                f"Pipeline {self.name} has {len(self.levels) - 1} fixed steps, not {self.steps}."
            )
        guided = self.guidance != NO_GUIDANCE or self.sound_guidance != NO_GUIDANCE
        if guided and self.distilled:
            raise ValueError(f"Pipeline {self.name} runs on distilled weights, which take no guidance.")
        for stream in (self.guidance, self.sound_guidance):
            if not 0.0 <= stream.rescale <= 1.0:
                raise ValueError(f"Pipeline {self.name}: rescale is {stream.rescale}, not from 0 to 1.")

    def with_(self, **changes: Any) -> FilmPipeline:
        """Return the pipeline with other values: `pipeline.with_(steps=20)`.

        Raises:
            ValueError: an unknown field, or a value that this pipeline cannot have.
        """
        unknown = sorted(changes.keys() - set(FilmPipeline.__dataclass_fields__))
        if unknown:
            raise ValueError(f"A pipeline has no {', '.join(unknown)}.")
        return replace(self, **changes)

    def on_distilled_weights(self) -> FilmPipeline:
        """Return the pipeline with the schedule of distilled weights: eight steps without guidance."""
        none = StreamGuidance()
        steps = len(DISTILLED) - 1
        return self.with_(levels=DISTILLED, steps=steps, guidance=none, sound_guidance=none, distilled=True)

    @property
    def step_of_size(self) -> int:
        """Pixels of which the film's sides are multiples."""
        return 32 * self.stages


FULL = StreamGuidance(cfg=3.0, stg=1.0, modality=3.0, rescale=0.7)
"""The guidance of originals from March 2026 on: four passes of the network for each step."""

TWO_STAGES = FilmPipeline(
    name="two-stages",
    about="From words and stills: at half the size, then doubled and refined.",
    stills="replace",
)
ONE_STAGE = FilmPipeline(
    name="one-stage",
    about="From words and stills, at the film's size at once; sides are multiples of 32.",
    stages=1,
    stills="replace",
)
KEYFRAMES = FilmPipeline(
    name="keyframes",
    about="Goes from still to still, each at its frame.",
    stills="append",
    needs=("stills",),
)
IC_LORA = FilmPipeline(
    name="ic-lora",
    about="Follows a reference clip, as the IC-LoRA was trained to.",
    stills="replace",
    needs=("reference",),
)
DISTILLED_FILM = FilmPipeline(
    name="distilled",
    about="Distilled weights: 8 steps, then 3 at twice the size, without guidance.",
    stills="replace",
).on_distilled_weights()
CHAINED = FilmPipeline(
    name="chained",
    about="Window after window, each from the last frames of the one before; also goes on from a clip.",
)
AUDIO = FilmPipeline(
    name="audio",
    about="Makes the picture for a sound of yours, which stays as it is.",
    guidance=FULL,
    sound_guidance=NO_GUIDANCE,
    generation="B",
    still_crf=33,
    needs=("audio",),
)
RETAKE = FilmPipeline(
    name="retake",
    about="Makes a time range of a clip again, in one stage; the rest of it stays.",
    stages=1,
    guidance=FULL,
    sound_guidance=FULL._replace(cfg=7.0),
    generation="B",
    still_crf=33,
    needs=("source",),
)

PIPELINES: Mapping[str, FilmPipeline] = {
    pipeline.name: pipeline
    for pipeline in (
        TWO_STAGES,
        ONE_STAGE,
        KEYFRAMES,
        IC_LORA,
        DISTILLED_FILM,
        CHAINED,
        AUDIO,
        RETAKE,
    )
}
