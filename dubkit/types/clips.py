"""What the generator makes: faces, clips, and where the pictures of the dub come from."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.types.lines import Route

_CLIP = "c"
"""First letter of a clip's id; that of a line is `s`, as of its segment."""


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A face in one frame of the source, in pixels of the picture as shown (rotation applied)."""

    frame: int
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SpeakingFace:
    """What the picture shows of a segment's speaker: whether a mouth moves during the speech."""

    segment: str
    visible: float
    """Share of the examined frames that show a face, 0 to 1."""
    mouth: float
    """How much the mouth opens and closes, as a share of its width (standard deviation)."""
    boxes: tuple[FaceBox, ...] = ()
    """The speaker's face in some frames of the segment, in order; between them it moves evenly."""


@dataclass(frozen=True, slots=True)
class Faces:
    """Artifact `faces.json`: the faces that speak."""

    method: str
    """What found them: `mediapipe`, `opencv`, `none`."""
    faces: tuple[SpeakingFace, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """How a source picture is laid into a generator's canvas, and back.

    The picture is scaled to `scaled_width` x `scaled_height` and put at (`left`, `top`) of a canvas of
    `width` x `height`; the rest of the canvas repeats the picture's edge. All sizes are those of the
    first stage; the second stage doubles every one of them.
    """

    width: int
    height: int
    left: int
    top: int
    scaled_width: int
    scaled_height: int


@dataclass(frozen=True, slots=True)
class Clip:
    """One call of the generator: frames `start_frame` to `start_frame + frames` of the source.

    Of the result, frames `keep_start` to `keep_end` (episode numbers, one past the last) enter the episode.
    """

    id: str
    shot: str
    start_frame: int
    frames: int
    """8k+1."""
    real_frames: int
    """Frames that the source has there; where there are fewer, the last one is repeated."""
    keep_start: int
    keep_end: int
    lines: tuple[str, ...]
    prompt: str
    fit: Fit
    follows: str = ""
    """Clip of the same shot whose latents this one takes over where they overlap."""

    @property
    def window(self) -> str:
        """Name of the frames that the generator sees, with their size: the same for all languages."""
        fit = self.fit
        return f"f{self.start_frame}n{self.real_frames}of{self.frames}_{fit.width}x{fit.height}"


def clip_id(number: int) -> str:
    """Return the id of the clip of that number, counted from 1."""
    return f"{_CLIP}{number:04d}"


def is_clip(name: str) -> bool:
    """Tell whether an item or a take (`c0003/v002`) is a clip's; else it is a line's (`s0003/v002`)."""
    return name.startswith(_CLIP)


@dataclass(frozen=True, slots=True)
class LineRoute:
    """How a line gets into the dub, and why."""

    line: str
    route: Route
    reason: str


@dataclass(frozen=True, slots=True)
class Clips:
    """Artifact `clips.json`: the clips to generate, and the route of every line."""

    engine: str
    clips: tuple[Clip, ...]
    routes: tuple[LineRoute, ...]


@dataclass(frozen=True, slots=True)
class DubbedClip:
    """One generated clip: `takes/<clip>/v001/take.json` beside `picture.mkv` and `sound.wav`.

    The picture is lossless and holds the kept frames only, on the generator's canvas of the second stage.
    The sound is that of the whole clip, from its first frame on, as the generator made it.
    """

    id: str
    engine: str
    recipe: str
    seed: int
    frames: int
    """Kept ones."""
    sample_rate: int
    samples: int


@dataclass(frozen=True, slots=True)
class PictureReport:
    """Artifact `mix/picture.json`: where every frame of the dub comes from."""

    frames: int
    identical: int
    """Frames whose packets are the source's own, byte for byte."""
    recoded: int
    """Untouched frames that share a group of pictures with dubbed ones and were encoded again."""
    dubbed: int
    codec: str
    spans: tuple[tuple[int, int, str], ...] = ()
    """First frame, one past the last, and what it comes from: `source`, `recoded` or a clip's id."""
    reason: str = ""
    """Why the whole picture was encoded; empty when only spans of it were."""
    missing: int = 0
    """Damaged frames of encoded spans, for which a neighbour stands in."""
