"""Gather what the checks are asked about, from the files of a dub and its source alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dubkit.judge.alignment import ClockMatch
from dubkit.judge.films import OpenFilm
from dubkit.qc.evidence import EpisodeEvidence, LineEvidence
from dubkit.qc.text import base_language
from dubkit.types import SAMPLE_RATE, Segment, Word, sample_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dubkit.qc.settings import Qc
    from stages.shared.seen import LineSeen

Span = tuple[float, float]

REACH = 1.0
"""Seconds before and after a line in which its speech may lie."""
ALLOWANCE = 0.35
"""Seconds that speech may start early or late: a recogniser's times are that rough."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a dub says, and when somebody speaks in it."""

    words: tuple[Word, ...]
    spans: tuple[Span, ...]
    language: str


@dataclass(frozen=True, slots=True)
class DubPair:
    """A source and a dub of it."""

    source: OpenFilm
    dub: OpenFilm
    alignment: ClockMatch
    segments: tuple[Segment, ...]
    """Lines of the source."""
    heard: Heard
    texts: Mapping[str, str] | None
    """What each line should say; None where nobody told."""
    sights: Mapping[str, LineSeen]

    def span(self, segment: Segment) -> Span:
        """Return when a line of the source is due in the dub, in seconds of the dub."""
        return self.alignment.dub_time(segment.start), self.alignment.dub_time(segment.end)


def line_evidence(pair: DubPair, settings: Qc) -> list[LineEvidence]:
    """Return the evidence of each line, in order."""
    from dubkit.qc.measures import align_heard

    due = [(segment.id, *pair.span(segment)) for segment in pair.segments]
    said = spoken(due, pair.heard.spans)
    windows = [(id, min(start, said[id][0]), max(end, said[id][1])) for id, start, end in due]
    heard = align_heard(pair.heard.words, windows)
    return [_line(pair, segment, said[segment.id], heard[segment.id], settings) for segment in pair.segments]


def spoken(due: Sequence[tuple[str, float, float]], spans: Sequence[Span]) -> dict[str, Span]:
    """Return when the speech of each line is heard, near when it is due; an empty span where none is.

    The room of two lines ends half-way between them, so that each stretch of speech counts for one line.
    """
    found: dict[str, Span] = {}
    for number, (id, start, end) in enumerate(due):
        before = due[number - 1][2] if number else start - 2 * REACH
        after = due[number + 1][1] if number + 1 < len(due) else end + 2 * REACH
        first = max(start - REACH, min((before + start) / 2, start))
        last = min(end + REACH, max((end + after) / 2, end))
        parts = [(max(a, first), min(b, last)) for a, b in spans if min(b, last) - max(a, first) > 0.05]
        found[id] = (parts[0][0], parts[-1][1]) if parts else (start, start)
    return found


def _line(pair: DubPair, segment: Segment, said: Span, heard: str, settings: Qc) -> LineEvidence:
    from dubkit.media.sound.audio import read_span
    from dubkit.media.sound.loudness import dialogue_loudness

    start, end = pair.span(segment)
    speech = read_span(pair.dub.full, *_samples(said)).mean(axis=1)
    text = None if pair.texts is None else pair.texts.get(segment.id, "")
    sight = pair.sights.get(segment.id)
    picture = pair.source.episode.video
    return LineEvidence(
        id=segment.id,
        text=segment.text if text is None else text,
        language=pair.heard.language,
        heard=heard,
        line_start=start,
        speech_start=said[0],
        speech=speech,
        rate=SAMPLE_RATE,
        frame=float(1 / picture.rate) if picture else 0.04,
        start_allowance=ALLOWANCE,
        source_lufs=dialogue_loudness(
            pair.source.full, [_samples((segment.start, segment.end))], pair.source.layout
        ),
        dub_lufs=dialogue_loudness(pair.dub.full, [_samples(said)], pair.dub.layout) if len(speech) else None,
        sound=read_span(pair.dub.full, *_samples((start, end))),
        source=read_span(pair.source.full, *_samples((segment.start, segment.end))),
        settings=settings,
        source_text=segment.text,
        source_language=_other_language(segment, pair.heard.language),
        text_known=text is not None,
        making_known=False,
        pictures=sight.pictures if sight else None,
        letters=sight.letters if sight else None,
    )


def _other_language(segment: Segment, language: str) -> str:
    """Return the language of a source line; empty where the dub has the same."""
    return "" if base_language(segment.language) == base_language(language) else segment.language


def _samples(span: Span) -> tuple[int, int]:
    return max(0, sample_at(span[0])), max(0, sample_at(span[1]))


def texts_of_lines(
    cues: Iterable[tuple[float, float, str]], pair_due: Sequence[tuple[str, float, float]]
) -> dict[str, str]:
    """Give each cue of the dub's text to the line that it overlaps most, or the nearest."""
    texts: dict[str, list[str]] = {id: [] for id, _, _ in pair_due}
    for start, end, text in cues:
        if pair_due:
            best = max(pair_due, key=lambda line: min(end, line[2]) - max(start, line[1]))
            texts[best[0]].append(text)
    return {id: " ".join(parts) for id, parts in texts.items()}


def episode_evidence(pair: DubPair, lines: Sequence[LineEvidence], settings: Qc) -> EpisodeEvidence:
    """Return the evidence of the dub as a whole."""
    from dubkit.media.sound.loudness import dialogue_loudness, true_peak_of_file

    source_spans = [_samples((segment.start, segment.end)) for segment in pair.segments]
    dub_spans = [
        _samples((line.speech_start, line.speech_start + len(line.speech) / SAMPLE_RATE)) for line in lines
    ]
    whole = EpisodeEvidence(
        texts=tuple((line.text, line.heard or "") for line in lines if line.text_known),
        language=pair.heard.language,
        source_lufs=_rounded(dialogue_loudness(pair.source.full, source_spans, pair.source.layout)),
        dub_lufs=_rounded(
            dialogue_loudness(
                pair.dub.full, [span for span in dub_spans if span[1] > span[0]], pair.dub.layout
            )
        ),
        true_peak_db=_rounded(true_peak_of_file(pair.dub.full)),
        source_peak_db=_rounded(true_peak_of_file(pair.source.full)),
        frames=0,
        source_frames=0,
        identical_packets=0,
        drift_ms=0.0,
        sound=pair.dub.full,
        source=pair.source.full,
        settings=settings,
    )
    return _with_picture(pair, whole)


def _with_picture(pair: DubPair, whole: EpisodeEvidence) -> EpisodeEvidence:
    """Add what the pictures show.

    Frames are counted as the source's are, whatever rate the dub has: what is more or less in time is more or
    fewer frames. Frames of a dub that shows the source's picture count as coded again.
    """
    from dubkit.media.delivery.verify import verify_delivery

    video = pair.source.episode.video
    if video is None or pair.dub.episode.video is None:
        return whole
    delivered = verify_delivery(pair.source.path, pair.dub.path, pair.source.episode)
    alignment = pair.alignment
    ends = alignment.dub_time(float(video.end))
    missing = round((ends - float(pair.dub.episode.video.end)) / alignment.speed * float(video.rate))
    frames = video.frames if abs(missing) <= 1 or missing < 0 else video.frames - missing
    same = delivered.identical_packets
    return replace(
        whole,
        frames=frames,
        source_frames=video.frames,
        identical_packets=same,
        recoded_frames=max(0, min(frames, video.frames) - same) if alignment.is_same_picture else 0,
        drift_ms=round(delivered.drift_ms, 3)
        if delivered.drift_ms < float("inf") and alignment.speed == 1
        else 0.0,
    )


def _rounded(level: float | None) -> float | None:
    return None if level is None or not -200 < level < 200 else round(level, 2)
