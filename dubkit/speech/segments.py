"""Words and cues into segments: one speaker, one sentence where possible, short enough to dub."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby

from dubkit.speech.phrases import (
    ABBREVIATIONS,
    BEFORE_DIGITS,
    CAPITAL_TITLES,
    CLAUSE_ENDS,
    CLOSERS,
    MONTHS,
    NEVER_CLOSE,
    OPENERS,
    SENTENCE_ENDS,
    STARTERS,
    TITLES,
)
from dubkit.speech.settings import Transcribe
from dubkit.speech.words import is_cjk
from dubkit.types import LanguageSpan, Segment, Turn, Word

STRAY_WORDS = 2
STRAY_SECONDS = 0.6
"""A run of words this short inside another speaker's sentence is an error of the turn, not an answer."""

FAST = 42.0
FAST_CJK = 18.0
"""Characters per second above which times or text are wrong. Quick talk reaches 36 by the recogniser's
tight word times."""

LOW_CONFIDENCE = 0.5

EndsSentence = Callable[[Sequence[Word], int, str], bool]
"""Whether a sentence of a language ends with a word, given by its place among words."""

MOST_CHARACTERS = 200
"""Width of a segment's text. Full-width characters count double, so that half as many fit."""


def build_segments(
    words: Sequence[Word],
    turns: Sequence[Turn],
    language: str,
    settings: Transcribe | None = None,
    languages: Sequence[LanguageSpan] = (),
    *,
    most_characters: int = MOST_CHARACTERS,
) -> tuple[Segment, ...]:
    """Return segments `s0001`, `s0002`, … that hold every word once, in order.

    A segment has one speaker and one language, ends with its sentence or at a pause, and is cut at
    the best place where it would be longer than `settings.max_seconds` or wider than `most_characters`.
    `languages` names the language of single stretches.
    """
    settings = settings or Transcribe()
    if most_characters < 20:
        raise ValueError(f"most_characters = {most_characters}: must be at least 20")
    speakers = _speakers(words, turns, language)
    tongues = [language_at(word, languages) or language for word in words]
    labels = list(zip(speakers, tongues, strict=True))
    segments: list[Segment] = []
    for (speaker, tongue), indices in groupby(range(len(words)), key=lambda i: labels[i]):
        run = [words[i] for i in indices]
        for sentence in sentences_of(run, settings.pause, tongue):
            for part in cut_short(sentence, settings.max_seconds, most_characters):
                segments.append(segment_of(len(segments) + 1, part, speaker, tongue))
    return tuple(segments)


def segments_from_cues(
    cues: Sequence[tuple[float, float, str, str]], turns: Sequence[Turn], language: str
) -> tuple[Segment, ...]:
    """Return one segment per subtitle cue (start, end, text, speaker), its times kept.

    An empty speaker is filled from `turns`. Cues without text are left out.
    """
    segments: list[Segment] = []
    for start, end, text, speaker in sorted(cues, key=lambda cue: (cue[0], cue[1])):
        said = " ".join(text.split())
        if not said:
            continue
        name = speaker.strip() or speaker_of(Word(start, end, said), turns)
        flags = ("fast",) if _too_fast(said, end - start) else ()
        segments.append(
            Segment(f"s{len(segments) + 1:04}", start, end, name, said, language=language, flags=flags)
        )
    return tuple(segments)


def joined_text(words: Sequence[Word]) -> str:
    """Return the text of words. Leading spaces tell where words begin; words without any are spaced.

    >>> joined_text([Word(0, 1, " real"), Word(1, 2, "-time")])
    'real-time'
    """
    if any(word.text.startswith(" ") for word in words) or is_cjk("".join(word.text for word in words)):
        text = "".join(word.text for word in words)
    else:
        text = " ".join(word.text for word in words)
    return " ".join(text.split())


def _speakers(words: Sequence[Word], turns: Sequence[Turn], language: str) -> list[str]:
    """Return a speaker per word, with strays inside another's sentence given to that speaker."""
    ordered = sorted(turns, key=lambda turn: turn.start)
    speakers = [speaker_of(word, ordered) for word in words]
    runs: list[list[int]] = [list(run) for _, run in groupby(range(len(words)), key=lambda i: speakers[i])]
    for before, run, after in zip(runs, runs[1:], runs[2:], strict=False):
        seconds = words[run[-1]].end - words[run[0]].start
        around = speakers[before[-1]] == speakers[after[0]]
        short = len(run) <= STRAY_WORDS and seconds <= STRAY_SECONDS
        if around and short and not _stands_alone(words, run, language):
            for index in run:
                speakers[index] = speakers[before[-1]]
    return _kept_sentences(words, speakers, language)


def _kept_sentences(words: Sequence[Word], speakers: list[str], language: str) -> list[str]:
    """Move a speaker change by up to two words to the sentence end next to it.

    Turns are right to a few tenths of a second only, so the first or last word of a sentence falls on
    the wrong side.
    """
    moved = list(speakers)
    for index in range(1, len(words)):
        if speakers[index] == speakers[index - 1] or ends_sentence(words, index - 1, language):
            continue
        for shift in range(1, STRAY_WORDS + 1):
            late, early = index + shift - 1, index - shift - 1
            if (
                late < len(words)
                and speakers[late] == speakers[index]
                and ends_sentence(words, late, language)
            ):
                if late + 1 < len(words) and speakers[late + 1] == speakers[index]:
                    moved[index : late + 1] = [speakers[index - 1]] * shift
                    break
            elif (
                early >= 0
                and speakers[early] == speakers[index - 1]
                and ends_sentence(words, early, language)
            ):
                moved[early + 1 : index] = [speakers[index]] * shift
                break
    return moved


def _stands_alone(words: Sequence[Word], run: Sequence[int], language: str) -> bool:
    """Whether the words are a sentence of their own: a short answer, not a stray."""
    begins = run[0] == 0 or ends_sentence(words, run[0] - 1, language)
    return begins and ends_sentence(words, run[-1], language)


def speaker_of(word: Word, turns: Sequence[Turn]) -> str:
    """Return who speaks most of the word, else the nearest turn's speaker, else the only one.

    Where two turns cover the word equally, the shorter is meant: an interjection lies inside the
    other's turn.
    """
    if not turns:
        return "spk1"

    def score(turn: Turn) -> tuple[float, float]:
        shared = min(turn.end, word.end) - max(turn.start, word.start)
        return round(shared, 3), turn.start - turn.end

    return max(turns, key=score).speaker


def language_at(word: Word, languages: Sequence[LanguageSpan]) -> str:
    """Return the language of the span that the word lies in, or is nearest to; empty where there is none."""
    if not languages:
        return ""
    middle = (word.start + word.end) / 2
    return min(languages, key=lambda span: max(span.start - middle, middle - span.end)).language


def ends_sentence(words: Sequence[Word], index: int, language: str = "") -> bool:
    """Whether a sentence ends with word `index`.

    None does after `Mr.`, after an initial, inside `3.5`, after a German ordinal (`2. Weltkrieg`), or
    where the next word is in lower case. After `Av.`, `etc.` or `U.S.` one does before a word that
    begins sentences.
    """
    text = words[index].text.strip().rstrip(CLOSERS)
    if not text or text[-1] not in SENTENCE_ENDS:
        return False
    following = words[index + 1].text.strip().lstrip(OPENERS) if index + 1 < len(words) else ""
    if not following:
        return True
    if text.endswith(("...", "…")):
        return not following[0].islower()
    if not text.endswith("."):
        return True
    stem = text.rstrip(".").lstrip(OPENERS)
    joined = not words[index + 1].text.startswith(" ") and not is_cjk(following)
    if following[0].islower() or (stem[-1:].isdigit() and following[0].isdigit() and joined):
        return False
    if stem.isdigit():
        return not _is_ordinal(stem, following, language)
    before = words[index - 1].text.strip() if index else ""
    return not _is_short(stem, before, following)


def _is_ordinal(number: str, following: str, language: str) -> bool:
    """Whether a number with a full stop counts what follows it, as in German."""
    if following.rstrip(".,").casefold() in MONTHS:
        return True
    german = language.partition("-")[0].casefold() == "de"
    return german and len(number) <= 3 and following[0].isupper() and not begins_sentence(following)


def _is_short(stem: str, before: str, following: str) -> bool:
    """Whether a word with a full stop is an abbreviation or an initial that the sentence goes on after."""
    stem = re.split(r"['\u2019]", stem)[-1] or stem  # "l'Avv."
    folded = stem.casefold()
    if folded in {"no", "nr", "n", "nos"} and following[0].isdigit():
        return True  # "No. 5", while "No." is a whole sentence elsewhere
    if folded in BEFORE_DIGITS:
        return following[0].isdigit()
    if folded in TITLES or (folded in CAPITAL_TITLES and stem[0].isupper() and before):
        return True
    single = len(folded) == 1 and folded.isalpha() and folded != "i" and not is_cjk(folded)
    if single and len(before) == 2 and before.endswith("."):
        return True  # the second half of "z. B." and of "J. R."
    dotted = re.fullmatch(r"(?:[^\W\d_]\.-?)+[^\W\d_]", stem) is not None
    street = folded.endswith("str") and len(folded) > 3
    if folded in ABBREVIATIONS or single or dotted or street:
        return folded in NEVER_CLOSE or following[0].isdigit() or not begins_sentence(following)
    return False


def begins_sentence(word: str) -> bool:
    """Whether a word is one that sentences begin with; an initial such as `A.` is none."""
    bare = word.rstrip(",;:!?…\"'»”\u2019").casefold()
    return word[0].isupper() and bare.rstrip(".") in STARTERS and not (len(bare) == 2 and bare[1] == ".")


def sentences_of(
    words: Sequence[Word], pause: float, language: str, ends: EndsSentence | None = None
) -> list[list[Word]]:
    """Return runs of words that end with a sentence or before a long pause; `ends` says where one does."""
    ends = ends or ends_sentence
    sentences: list[list[Word]] = [[]]
    for index, word in enumerate(words):
        sentences[-1].append(word)
        if index + 1 < len(words) and (
            ends(words, index, language) or words[index + 1].start - word.end >= pause
        ):
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


def cut_short(
    words: list[Word], max_seconds: float, most_characters: int, marks: frozenset[str] = CLAUSE_ENDS
) -> list[list[Word]]:
    """Return the words in parts within the limits, halved at the best place until they are."""
    long = words[-1].end - words[0].start > max_seconds
    wide = _width("".join(word.text for word in words)) > most_characters
    if len(words) < 2 or not (long or wide):
        return [words]
    cut = max(range(1, len(words)), key=lambda index: _cut_merit(words, index, marks))
    parts = words[:cut], words[cut:]
    return [short for part in parts for short in cut_short(part, max_seconds, most_characters, marks)]


def _cut_merit(words: Sequence[Word], index: int, marks: frozenset[str]) -> float:
    """Return how good it is to cut before word `index`: pauses and commas, near the middle."""
    pause = max(0.0, words[index].start - words[index - 1].end)
    comma = words[index - 1].text.strip().rstrip(CLOSERS)[-1:] in marks
    # A part of a word ("real" + "-time") begins without a space, and is never a place to cut.
    glued = not words[index].text.startswith(" ") and not is_cjk(words[index].text)
    spaced = any(word.text.startswith(" ") for word in words)
    total = words[-1].end - words[0].start or 1.0
    place = (words[index - 1].end - words[0].start) / total
    return 2.0 * min(pause, 1.0) + 0.8 * comma - 2.5 * abs(place - 0.5) - 5.0 * (glued and spaced)


def segment_of(number: int, words: Sequence[Word], speaker: str, language: str) -> Segment:
    """Return the words as the segment of a number, with what is doubtful about it as flags."""
    text = joined_text(words)
    start, end = words[0].start, max(word.end for word in words)
    confidence = sum(word.probability for word in words) / len(words)
    flags = ["low-confidence"] if confidence < LOW_CONFIDENCE else []
    if _too_fast(text, end - start):
        flags.append("fast")
    return Segment(
        f"s{number:04}", start, end, speaker, text, tuple(words), language, round(confidence, 4), tuple(flags)
    )


def _too_fast(text: str, seconds: float) -> bool:
    """Whether the text cannot be spoken in the time; single short words are too rough to judge."""
    limit = FAST_CJK if is_cjk(text) else FAST
    return len(text) > 8 and len(text) / max(seconds, 0.001) > limit


def _width(text: str) -> int:
    return sum(2 if is_cjk(letter) else 1 for letter in text)
