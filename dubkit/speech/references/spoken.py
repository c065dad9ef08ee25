"""What each person says in one go: sentences of the transcript, and the pieces that they make.

Times are seconds on the episode clock. No piece begins or ends inside a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dubkit.speech.phrases import CLOSERS, SENTENCE_ENDS
from dubkit.speech.words import is_cjk
from dubkit.types import Segment, Turn, Word

LEAST, MOST = 3.0, 12.0
"""Seconds that engines which clone a voice ask for."""
SHORTEST = 1.5
"""Seconds below which a voice is not known by what is heard."""
ENOUGH = 6.0
"""Seconds at which joined sentences are enough."""
PAUSE = 1.0
"""Seconds of silence that a piece may have inside."""
MARGIN = 0.08
"""Seconds kept before and after a piece, where nobody speaks."""
SLACK = 0.1
"""Seconds that the turn of another person may reach into a piece: turns are that exact."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words that one person says in one go."""

    start: float
    end: float
    text: str
    whole: bool
    """Whether it ends as a sentence does."""
    heard_as: str
    """Who speaks it by the diarisation, before anybody corrected it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Sentences of one person that may be a reference: one after the other, or joined."""

    spans: tuple[Span, ...]
    text: str
    whole: bool
    heard_as: frozenset[str]

    @property
    def seconds(self) -> float:
        """How long its spans last together."""
        return sum(end - start for start, end in self.spans)


def sentences_of(segments: Sequence[Segment], heard_as: Mapping[str, str]) -> dict[str, list[Sentence]]:
    """Return the sentences of each speaker in order of time.

    `heard_as` is segment -> the speaker that the diarisation found. A segment whose words are not known is
    one sentence.
    """
    found: dict[str, list[Sentence]] = {}
    for segment in segments:
        heard = heard_as.get(segment.id, segment.speaker)
        found.setdefault(segment.speaker, []).extend(_cut(segment, heard))
    return found


def _cut(segment: Segment, heard: str) -> Iterator[Sentence]:
    if not segment.words:
        yield Sentence(segment.start, segment.end, segment.text, _ends(segment.text), heard)
        return
    words: list[Word] = []
    for word in segment.words:
        words.append(word)
        if _ends(word.text):
            yield _sentence(words, heard)
            words = []
    if words:
        yield _sentence(words, heard)


def _sentence(words: Sequence[Word], heard: str) -> Sentence:
    text = "".join(word.text for word in words).strip()
    return Sentence(words[0].start, words[-1].end, text, _ends(text), heard)


def _ends(text: str) -> bool:
    bare = text.rstrip().rstrip(CLOSERS)
    return bool(bare) and bare[-1] in SENTENCE_ENDS


def pieces_of(sentences: Sequence[Sentence], others: Sequence[Span]) -> list[Piece]:
    """Return the pieces of 3 to 12 s that neighbouring sentences of one person make.

    `others` are the spans in which somebody else speaks; none lies inside a piece. Where there is no such
    piece, sentences that lie apart are joined, and what is left may be shorter than 3 s.
    """
    runs = list(_runs(sentences, others))
    found = [piece for run in runs for piece in _stretches(run)]
    if found:
        return found
    joined = _joined([sentence for run in runs for sentence in run if _length(sentence) <= MOST])
    return [joined] if joined and joined.seconds >= SHORTEST else []


def _runs(sentences: Sequence[Sentence], others: Sequence[Span]) -> Iterator[list[Sentence]]:
    """Yield sentences that follow each other without a long pause or another person between them."""
    run: list[Sentence] = []
    for sentence in sentences:
        if _meets(sentence.start, sentence.end, others):
            continue
        follows = run and sentence.start - run[-1].end <= PAUSE
        if run and (not follows or _meets(run[-1].end - SLACK, sentence.start + SLACK, others)):
            yield run
            run = []
        run.append(sentence)
    if run:
        yield run


def _meets(start: float, end: float, spans: Sequence[Span]) -> bool:
    return any(min(end, last) - max(start, first) > SLACK for first, last in spans)


def _stretches(run: Sequence[Sentence]) -> Iterator[Piece]:
    for first in range(len(run)):
        for last in range(first, len(run)):
            length = run[last].end - run[first].start
            if length > MOST:
                break
            if length >= LEAST:
                opens = first == 0 or run[first - 1].whole
                yield _piece(run[first : last + 1], opens=opens)


def _piece(sentences: Sequence[Sentence], *, opens: bool) -> Piece:
    text = _text(sentences)
    heard = frozenset(sentence.heard_as for sentence in sentences)
    span = (sentences[0].start, sentences[-1].end)
    return Piece((span,), text, opens and sentences[-1].whole, heard)


def _text(sentences: Sequence[Sentence]) -> str:
    text = ""
    for sentence in sentences:
        unspaced = text and is_cjk(text[-1:] if text[-1].isalpha() else text[-2:])
        text += ("" if not text or unspaced else " ") + sentence.text
    return text


def _joined(sentences: Sequence[Sentence]) -> Piece | None:
    """Join the longest sentences, in order of time, until they are long enough."""
    taken: list[Sentence] = []
    seconds = 0.0
    for sentence in sorted(sentences, key=lambda one: (-_length(one), one.start)):
        if seconds + _length(sentence) <= MOST:
            taken.append(sentence)
            seconds += _length(sentence)
        if seconds >= ENOUGH:
            break
    taken.sort(key=lambda one: one.start)
    if not taken:
        return None
    heard = frozenset(sentence.heard_as for sentence in taken)
    spans = tuple((sentence.start, sentence.end) for sentence in taken)
    return Piece(spans, _text(taken), all(sentence.whole for sentence in taken), heard)


def _length(sentence: Sentence) -> float:
    return sentence.end - sentence.start


def others_of(
    speaker: str, segments: Sequence[Segment], turns: Sequence[Turn], own: frozenset[str]
) -> list[Span]:
    """Return the spans in which anybody but a speaker speaks.

    `own` are the names that the diarisation gave the speaker's lines.
    """
    said = [(segment.start, segment.end) for segment in segments if segment.speaker != speaker]
    return sorted([*said, *((turn.start, turn.end) for turn in turns if turn.speaker not in own)])


def with_margins(spans: Sequence[Span], said: Sequence[Span], length: float) -> tuple[Span, ...]:
    """Widen spans by a little silence, at most half of the way to what is said before and after."""
    starts = sorted(start for start, _ in said)
    ends = sorted(end for _, end in said)
    widened = []
    for start, end in spans:
        before = max((e for e in ends if e <= start), default=0.0)
        after = min((s for s in starts if s >= end), default=length)
        left, right = min(MARGIN, (start - before) / 2), min(MARGIN, (after - end) / 2)
        widened.append((round(max(0.0, start - left), 3), round(min(length, end + right), 3)))
    return tuple(widened)
