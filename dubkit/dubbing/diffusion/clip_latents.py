"""What one step of making a clip hands to the next, also as named tensors for a file.

Letters: C latent channels, F latent frames, H and W latent rows and columns, T sound latents, M mel bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class View(NamedTuple):
    """What one stage sees, at its size."""

    stills: tuple[Tensor, ...]
    """(1, C, 1, H, W) each."""
    reference: Tensor | None
    """The whole clip, (1, C, F, H, W), where the recipe looks at it."""


class Contexts(NamedTuple):
    """A prompt's contexts for picture and sound, (1, 1024, width) each."""

    video: Tensor
    audio: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """Return both under names, for a file."""
        return self._asdict()

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Contexts:
        """Return what `tensors` gave."""
        return cls(tensors["video"], tensors["audio"])


@dataclass(frozen=True, slots=True)
class EncodedClip:
    """A clip as latents."""

    frames: int
    """Of the picture, 8k+1; `height` and `width` are the first stage's pixels."""
    height: int
    width: int
    channels: int
    """Of a sound latent (1, channels, T, bins)."""
    bins: int
    first: View
    second: View
    places: tuple[tuple[int, float], ...] = ()
    """Latent frame and strength of each still, before the recipe's factor."""
    sound: Tensor | None = None
    """The source's sound, (1, channels, T, bins)."""
    given: Tensor | None = None
    """Sound that the picture is made for, (1, channels, T, bins); None where it is generated."""

    def tensors(self) -> dict[str, Tensor]:
        """Return everything under names, for a file."""
        tensors = {
            "sizes": torch.tensor([self.frames, self.height, self.width, self.channels, self.bins]),
            "places": torch.tensor(self.places, dtype=torch.float64).reshape(-1, 2),
        }
        for name, view in (("first", self.first), ("second", self.second)):
            tensors |= {f"{name}.still{index}": latent for index, latent in enumerate(view.stills)}
            if view.reference is not None:
                tensors[f"{name}.reference"] = view.reference
        sounds = {"sound": self.sound, "given": self.given}
        return tensors | {name: sound for name, sound in sounds.items() if sound is not None}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> EncodedClip:
        """Return what `tensors` gave."""
        places = tuple((int(frame), float(strength)) for frame, strength in tensors["places"].tolist())

        def view(name: str) -> View:
            stills = (tensors.get(f"{name}.still{index}") for index in range(len(places)))
            return View(tuple(x for x in stills if x is not None), tensors.get(f"{name}.reference"))

        frames, height, width, channels, bins = tensors["sizes"].tolist()
        views = view("first"), view("second")
        sounds = tensors.get("sound"), tensors.get("given")
        return cls(frames, height, width, channels, bins, *views, places, *sounds)


@dataclass(frozen=True, slots=True)
class Carry:
    """Latents of the clip before, of the same shot, that this clip takes over where the two overlap.

    Latent frame 0 stands for one frame, a later one for eight, so frame 0 cannot be taken over: the overlap
    begins at latent frame 1 at the earliest.
    """

    video: Tensor | None
    """(1, C, k, H, W) of this stage's size."""
    first_latent: int
    """Latent frame of this clip that `video` begins at."""
    audio: Tensor | None = None
    """(1, C, n, M)."""
    first_sound: int = 0
    strength: float = 1.0
    """1 keeps the picture's latents as they are, 0 leaves them to be generated."""
    sound_strength: float = 1.0
    """The same for the sound's."""
    picture_offset: float = 0.0
    """Seconds by which the picture, the reference's too, begins after the sound."""

    def __post_init__(self) -> None:
        if self.first_latent < 1:
            raise ValueError(
                f"Latents cannot be taken over from latent frame {self.first_latent} on: frame 0 of a clip "
                "stands for one frame, those of the clip before for eight. Begin at 1."
            )
        if self.first_sound < 0 or self.picture_offset < 0.0:
            raise ValueError(
                f"Sound latent {self.first_sound} and offset {self.picture_offset} s must be 0 or more."
            )
        for name, value in (("strength", self.strength), ("sound strength", self.sound_strength)):
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} {value} of the latents taken over is not from 0 to 1.")


@dataclass(frozen=True, slots=True)
class FirstStage:
    """The first stage's result, and where the generator of random numbers stopped."""

    video: Tensor
    """(1, C, F, H, W)."""
    audio: Tensor
    """(1, C, T, M)."""
    generator: Tensor
    """uint8; the second stage goes on from it, on the same kind of device."""

    def tensors(self) -> dict[str, Tensor]:
        return {"video": self.video, "audio": self.audio, "generator": self.generator}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> FirstStage:
        return cls(tensors["video"], tensors["audio"], tensors["generator"])


@dataclass(frozen=True, slots=True)
class SecondStage:
    """The finished clip's latents; the sound is the first stage's, which the second leaves alone."""

    video: Tensor
    audio: Tensor

    def tensors(self) -> dict[str, Tensor]:
        return {"video": self.video, "audio": self.audio}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> SecondStage:
        return cls(tensors["video"], tensors["audio"])
