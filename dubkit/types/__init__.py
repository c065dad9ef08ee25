"""What an episode is made of, from the probed source to a finished line.

Times are exact where machines meet: frames are `int`, rates are `Fraction`, samples are `int` on
the episode clock (`SAMPLE_RATE` per second, sample 0 at the start of the container). Seconds are
`float` and serve people and models only; nothing is placed by adding up measured lengths.

Every class is a frozen dataclass that `dubkit.episode.store` writes as JSON and validates when it is read.
"""

from __future__ import annotations

from dubkit.types.clips import (
    Clip,
    Clips,
    DubbedClip,
    FaceBox,
    Faces,
    Fit,
    LineRoute,
    PictureReport,
    SpeakingFace,
    clip_id,
    is_clip,
)
from dubkit.types.clock import ASR_RATE, SAMPLE_BYTES, SAMPLE_RATE, sample_at
from dubkit.types.lines import (
    Age,
    Cast,
    Line,
    Prompt,
    Prompts,
    Route,
    Slot,
    Speaker,
    SpokenLine,
    Translation,
)
from dubkit.types.remarks import CODES, Code, Remark, Tell, Weight, remark
from dubkit.types.reports import (
    DubbedSpan,
    EpisodeQc,
    HeardBy,
    LineQc,
    Measures,
    MixReport,
)
from dubkit.types.source import (
    AudioStream,
    Episode,
    Shot,
    Shots,
    SubtitleStream,
    VideoStream,
)
from dubkit.types.speech import (
    Diarization,
    LanguageSpan,
    MovedWord,
    MoveReason,
    Recognised,
    Segment,
    Transcript,
    Turn,
    Word,
    WordTimes,
)
from dubkit.types.timing import (
    Adaptation,
    AdaptedLine,
    Candidate,
    Length,
    Schedule,
    ScheduledLine,
    TimingRecord,
)

__all__ = [
    "ASR_RATE",
    "CODES",
    "SAMPLE_BYTES",
    "SAMPLE_RATE",
    "Adaptation",
    "AdaptedLine",
    "Age",
    "AudioStream",
    "Candidate",
    "Cast",
    "Clip",
    "Clips",
    "Code",
    "Diarization",
    "DubbedClip",
    "DubbedSpan",
    "Episode",
    "EpisodeQc",
    "FaceBox",
    "Faces",
    "Fit",
    "HeardBy",
    "LanguageSpan",
    "Length",
    "Line",
    "LineQc",
    "LineRoute",
    "Measures",
    "MixReport",
    "MoveReason",
    "MovedWord",
    "PictureReport",
    "Prompt",
    "Prompts",
    "Recognised",
    "Remark",
    "Route",
    "Schedule",
    "ScheduledLine",
    "Segment",
    "Shot",
    "Shots",
    "Slot",
    "Speaker",
    "SpeakingFace",
    "SpokenLine",
    "SubtitleStream",
    "Tell",
    "TimingRecord",
    "Transcript",
    "Translation",
    "Turn",
    "VideoStream",
    "Weight",
    "Word",
    "WordTimes",
    "clip_id",
    "is_clip",
    "remark",
    "sample_at",
]
