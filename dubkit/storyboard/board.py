"""A storyboard as data: what is said once for the film, its elements, and the shots of its scenes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(max_length=8000)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
"""Lower-case letters, digits, `-` and `_`; names of scenes and shots become names of folders."""
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Side = Annotated[int, msgspec.Meta(ge=32, le=8192)]
Frames = Annotated[int, msgspec.Meta(ge=9, le=100_000)]
Steps = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Guidance = Annotated[float, msgspec.Meta(ge=1.0, le=100.0)]
Seconds = Annotated[float, msgspec.Meta(gt=0.0, le=3600.0)]


class Element(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person, thing or place that several shots show."""

    trigger: tuple[str, ...] | str
    """The word or words of a prompt that mean it."""
    look: Text = ""
    """What it looks like, put behind its first mention in a prompt: `a woman of thirty in a yellow coat`."""
    still: str = ""
    """A picture of it, relative to the storyboard. The first shot of a scene that names it begins with it."""
    loras: str = ""
    """LoRAs of the shots that name it: `ana.safetensors:0.8`, commas between several."""

    @property
    def triggers(self) -> tuple[str, ...]:
        """The words that mean it."""
        words = (self.trigger,) if isinstance(self.trigger, str) else self.trigger
        return tuple(word.strip() for word in words if word.strip())


class Shot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is seen and heard without a cut."""

    prompt: Text
    name: Name | None = None
    """Unique in its scene; its number where there is none."""
    frames: Frames | None = None
    """8n+1, the frame that it takes over from the shot before among them."""
    seconds: Seconds | None = None
    """In the place of `frames`."""
    seed: Seed | None = None
    negative_prompt: Text | None = None
    still: str = ""
    """A picture to begin with, relative to the storyboard, instead of the last one of the shot before."""
    strength: Share = 1.0
    """How firmly the first picture is kept, whether a still or the last one of the shot before."""


class Scene(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shots that go on from each other; a new scene begins afresh."""

    shots: tuple[Shot, ...]
    name: Name | None = None
    """Unique; its number where there is none."""
    setting: Text = ""
    """Put behind the prompt of each of its shots: place, light, time of day."""


class Storyboard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A film of several shots."""

    scenes: tuple[Scene, ...]
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    seed: Seed = 42
    """Of every shot that has none of its own."""
    height: Side = 512
    """Of the film in pixels, as the width is."""
    width: Side = 768
    rate: int | float | str = 24
    """Frames per second: 24, 23.976 or "24000/1001"."""
    frames: Frames = 121
    """Of every shot that does not say, 8n+1."""
    style: Text = ""
    """Put behind every prompt."""
    negative_prompt: Text | None = None
    """None takes that of the settings."""
    pipeline: str = "auto"
    """How shots are made: `auto`, or a name that `dubkit ltx` lists."""
    steps: Steps | None = None
    guidance: Guidance | None = None
    enhance: bool = False
    """Whether Gemma writes every prompt out first."""
    loras: str = ""
    """LoRAs of every shot."""
    elements: dict[Name, Element] = {}
    folder: Path = Path()
    """Where files that it names lie; not written in it."""

    @property
    def exact_rate(self) -> Fraction:
        """Frames per second as a fraction. Raises ValueError for what is no rate."""
        from dubkit.dubbing.clip.mp4 import exact_rate

        if isinstance(self.rate, str):
            value = Fraction(self.rate)
            return value if value.denominator != 1 and "/" in self.rate else exact_rate(float(value))
        return exact_rate(Fraction(self.rate) if isinstance(self.rate, int) else self.rate)

    def frames_of(self, shot: Shot) -> int:
        """Return the frames that a shot is made of, 8n+1, the one that it takes over among them."""
        if shot.frames is not None:
            return shot.frames
        if shot.seconds is None:
            return self.frames
        return max(1, round((float(self.exact_rate) * shot.seconds - 1) / 8)) * 8 + 1
