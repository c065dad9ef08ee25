"""A clip's media: pictures and sound as the generator takes them.

Letters: F frames, H and W rows and columns of the source, N samples, C sides of the sound.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from dubkit.dubbing.clip import pixels
from dubkit.dubbing.planning.sizes import picture_rect
from dubkit.errors import MediaError
from dubkit.ltx.latents import FRAMES_PER_LATENT, latent_frames
from dubkit.media.picture.window import shown_size, turned
from dubkit.memory import free_memory
from dubkit.types import SAMPLE_RATE, Fit

if TYPE_CHECKING:
    from dubkit.types import Episode, VideoStream

BLOCK = 16
"""Frames that are scaled at a time: a film as float32 takes four times what it takes as bytes."""
TRAINED_SECONDS = 20.0
"""The longest clip within the positions that the network was trained on."""


@dataclass(frozen=True, slots=True)
class Still:
    """A picture (H, W, 3), uint8, in the place of a latent frame; only frame 0 is a single picture."""

    picture: Tensor
    frame: int = 0
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class GivenWave:
    """Sound that a clip's picture is made for.

    Raises:
        ValueError: a shape that is no sound.
    """

    wave: Tensor
    """(1 or 2, N) float32 in -1 to 1, from the clip's first frame on; it need not reach its end."""
    sample_rate: int

    def __post_init__(self) -> None:
        shape = tuple(self.wave.shape)
        if len(shape) != 2 or shape[0] not in (1, 2) or not shape[1]:
            raise ValueError(f"The given sound is {shape}; (1 or 2, samples) is needed.")


@dataclass(frozen=True, slots=True)
class ClipMedia:
    """What the generator looks at and listens to.

    Raises:
        ValueError: lengths or shapes that do not belong together.
    """

    pictures: Tensor | None
    """(F, H, W, 3) uint8, as shown; fewer than `frames` are continued with the last. None: nothing to look
    at, picture and sound come from the prompt and the stills alone."""
    wave: Tensor | None
    """(1 or 2, N) float32 in -1 to 1, from the first frame on; None where the source has no sound."""
    sample_rate: int
    rate: Fraction
    """Frames per second, exact."""
    frames: int
    """8k+1."""
    fit: Fit | None = None
    """Where the pictures lie on the canvas; None scales them until they cover it and cuts out the centre."""
    stills: tuple[Still, ...] | None = None
    """None leaves it to the recipe, which may take the first frame."""
    name: str = "the clip"
    """For messages."""
    given: GivenWave | None = None
    """Sound that the picture follows; None generates it."""

    def __post_init__(self) -> None:
        latent_frames(self.frames)
        if self.rate <= 0:
            raise ValueError(f"{self.name}: {self.rate} frames per second; the rate must be positive.")
        if self.pictures is not None:
            shape = tuple(self.pictures.shape)
            if len(shape) != 4 or shape[3] != 3 or not 0 < shape[0] <= self.frames:
                raise ValueError(
                    f"{self.name}: pictures are {shape}; (1 to {self.frames}, rows, columns, 3) are needed."
                )
        if self.wave is not None and (self.wave.ndim != 2 or self.wave.shape[0] not in (1, 2)):
            raise ValueError(f"{self.name}: sound is {tuple(self.wave.shape)}; (1 or 2, samples) is needed.")

    @property
    def real_frames(self) -> int:
        """Frames that the source has there; all of `frames` where there is nothing to look at."""
        return self.frames if self.pictures is None else self.pictures.shape[0]


def grid_frames(count: int) -> int:
    """Return the shortest clip of 8k+1 frames that holds so many: the original drops what is beyond.

    >>> [grid_frames(n) for n in (1, 2, 9, 27)]
    [1, 9, 9, 33]
    """
    if count < 1:
        raise ValueError(f"A clip has at least 1 frame, not {count}.")
    return -(-(count - 1) // FRAMES_PER_LATENT) * FRAMES_PER_LATENT + 1


def laid(pictures: Tensor, fit: Fit | None, height: int, width: int, dtype: torch.dtype) -> Tensor:
    """Return pictures (F, H, W, 3) on a canvas, (1, 3, F, height, width) in -1 to 1.

    Bilinear without antialiasing, as the model was trained with. The canvas is the fit's, or a whole multiple
    or part of it.

    Raises:
        ValueError: the canvas has another shape than the fit's.
    """
    if fit is not None and fit.height * width != fit.width * height:
        raise ValueError(
            f"A fit of {fit.width}x{fit.height} does not belong to a canvas of {width}x{height}."
        )
    blocks = [
        pixels.to_signed(_placed(block, fit, height, width)).to(dtype)
        for block in torch.split(pictures, BLOCK)
    ]
    return torch.cat(blocks, dim=2)


def _placed(pictures: Tensor, fit: Fit | None, height: int, width: int) -> Tensor:
    if fit is None:
        return pixels.cover(pictures, height, width)
    times = Fraction(width, fit.width)
    rows, columns = round(fit.scaled_height * times), round(fit.scaled_width * times)
    top, left = round(fit.top * times), round(fit.left * times)
    planes = F.interpolate(
        pictures.permute(0, 3, 1, 2).float(), (rows, columns), mode="bilinear", align_corners=False
    )
    edges = (left, width - columns - left, top, height - rows - top)
    return F.pad(planes, edges, mode="replicate").permute(1, 0, 2, 3).unsqueeze(0)


def uncovered(frames: Tensor, fit: Fit | None) -> Tensor:
    """Return the part of the second stage's frames (F, H, W, 3) that shows the source's picture."""
    if fit is None:
        return frames
    rect = picture_rect(fit, 2)
    return frames[:, rect.top : rect.top + rect.height, rect.left : rect.left + rect.width]


# --- files ------------------------------------------------------------------------------------


def probe_clip(path: Path) -> Episode:
    """Read what a clip holds. Raises `MediaError` where it has no picture or no sound."""
    from dubkit.media.files.probe import probe

    episode = probe(path)
    if episode.video is None:
        raise MediaError(path, "it has no picture", "Name a film that shows the speaker.")
    if not episode.track:
        raise MediaError(
            path, "it has no sound track, and a dub listens to the source", "Name a clip with its sound."
        )
    return episode


def read_clip(path: Path, episode: Episode | None = None, *, rate: Fraction | None = None) -> ClipMedia:
    """Read a whole film as one clip: every frame, upright and in square pixels, and its sound in step.

    `rate` takes the place of the film's own; the frames stay as they are. A film whose `episode` is given may
    have no sound. Raises `MediaError` where it cannot be read or is too long for the memory.
    """
    episode = episode or probe_clip(path)
    video = episode.video
    assert video is not None
    _check_room(path, video)
    pictures = torch.stack(list(_upright_frames(path, episode)))
    return ClipMedia(
        pictures=pictures,
        wave=_sound(path, episode) if episode.track else None,
        sample_rate=SAMPLE_RATE,
        rate=rate or video.rate,
        frames=grid_frames(len(pictures)),
        name=str(path),
    )


def read_given(path: Path) -> GivenWave:
    """Read a sound file as its samples are, at their own rate; more than two channels become their mean.

    Raises `MediaError` where it cannot be read or holds no sound.
    """
    import av
    import numpy as np

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise MediaError(path, "it has no sound", "Name a sound file, such as a WAV or FLAC.")
            rate = container.streams.audio[0].rate
            resampler = av.AudioResampler(format="fltp", rate=rate)
            frames = [*container.decode(audio=0), None]
            parts = [made.to_ndarray() for frame in frames for made in resampler.resample(frame)]
    except (OSError, av.FFmpegError) as error:
        raise MediaError(path, str(error), "Name a sound file, such as a WAV or FLAC.") from error
    if not parts or not sum(part.shape[1] for part in parts):
        raise MediaError(path, "it has no sound", "Name a sound file, such as a WAV or FLAC.")
    wave = torch.from_numpy(np.concatenate(parts, axis=1))
    return GivenWave(wave if wave.shape[0] <= 2 else wave.mean(dim=0, keepdim=True), rate)


def _check_room(path: Path, video: VideoStream) -> None:
    width, height = shown_size(video)
    size, free = 2 * 3 * video.frames * height * width, free_memory()
    if size > free:
        raise MediaError(
            path,
            f"its {video.frames} frames of {width}x{height} take {size / 1e9:.1f} of {free / 1e9:.1f} GB",
            "Cut the clip shorter, or dub the whole film with: dubkit run",
        )


def _upright_frames(path: Path, episode: Episode) -> list[Tensor]:
    """Return every frame (H, W, 3), RGB; the one before stands in for one that cannot be decoded."""
    import cv2
    import numpy as np

    from dubkit.media.picture.frames import iter_frames

    video = episode.video
    assert video is not None
    width = max(1, round(video.width * video.sample_aspect))
    frames: list[Tensor] = []
    for number, image in iter_frames(path, episode):
        if width != image.shape[1]:
            image = np.asarray(cv2.resize(image, (width, image.shape[0])), dtype=np.uint8)
        upright = np.ascontiguousarray(turned(image, video)[..., ::-1])
        missing = number - len(frames) if frames else number
        frames += [frames[-1] if frames else torch.from_numpy(upright)] * missing
        frames.append(torch.from_numpy(upright))
    if not frames:
        raise MediaError(path, "no frame of its picture can be decoded", "Check that the file plays.")
    return frames + [frames[-1]] * (video.frames - len(frames))


def _sound(path: Path, episode: Episode) -> Tensor:
    """Return the sound (1 or 2, N) from the first frame on, placed by its time stamps."""
    import soundfile  # type: ignore[import-untyped]

    from dubkit.media.files.decode import decode_audio

    assert episode.video is not None
    with tempfile.TemporaryDirectory(prefix="dubkit-") as folder:
        wide, narrow = Path(folder) / "48k.wav", Path(folder) / "16k.wav"
        decode_audio(path, episode, wide, narrow)
        samples, rate = soundfile.read(str(wide), dtype="float32", always_2d=True)
    wave = torch.from_numpy(samples.T.copy())[:, round(episode.video.start * rate) :]
    # More than two channels are rare in a clip; their mean on both sides loses no speech.
    return wave if wave.shape[0] <= 2 else wave.mean(dim=0, keepdim=True)
