"""Judge dubs of one source: hear them, lay them on its clock, and ask every check that can be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from dubkit.errors import DubkitError
from dubkit.judge.alignment import ClockMatch, align
from dubkit.judge.evidence import DubPair, Heard, episode_evidence, line_evidence, texts_of_lines
from dubkit.judge.films import OpenFilm, open_film
from dubkit.judge.hearing import Ears
from dubkit.judge.seeing import See
from dubkit.qc.check import CHECKS, flag_words
from dubkit.qc.remarks import episode_sentence
from dubkit.types import EpisodeQc, Segment

if TYPE_CHECKING:
    from dubkit.config import Settings
    from dubkit.models.store import ModelStore
    from dubkit.qc.evidence import EpisodeEvidence, LineEvidence

Say = Callable[[str], None]
Tone = Literal["good", "look", "bad"]

WHY = {
    "heard": "nobody listened to it",
    "text": "nobody told what its lines should say (--text FILE)",
    "sound": "its sound was not read",
    "source": "the source's sound was not read",
    "likeness": "it is not known from whom its voices were cloned",
    "making": "it is not known how it was made",
}


@dataclass(frozen=True, slots=True)
class ToJudge:
    """What is judged, and by what."""

    source: Path
    dubs: tuple[Path, ...]
    language: str = ""
    """Tag of the dubs' language; empty: what is heard."""
    text: Path | None = None
    """Subtitles of what the dubs should say, on their clock."""


@dataclass(frozen=True, slots=True)
class JudgedLine:
    """A line of the source, and what a dub makes of it. Times in seconds of the dub."""

    id: str
    start: float
    end: float
    speaker: str
    source_text: str
    text: str
    """What it should say; empty where nobody told."""
    heard: str
    flags: tuple[str, ...]
    measures: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Checks that have no evidence, by why."""

    why: str
    checks: tuple[str, ...]
    """Titles."""


@dataclass(frozen=True, slots=True)
class DubVerdict:
    """What is to be said of a dub."""

    name: str
    language: str
    tone: Tone
    sentence: str
    alignment: ClockMatch
    measured: EpisodeQc
    lines: tuple[JudgedLine, ...]
    remarks: tuple[str, ...] = ()
    """What is wrong with the dub as a whole."""
    not_asked: tuple[NotAsked, ...] = ()

    @property
    def flagged(self) -> tuple[JudgedLine, ...]:
        """The lines that need a look."""
        return tuple(line for line in self.lines if not is_mild(line.flags))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be said of the dubs of a source."""

    source: str
    language: str
    verdicts: tuple[DubVerdict, ...]


def is_mild(flags: Sequence[str]) -> bool:
    """Tell whether a line with these flags needs no look."""
    return all((check := CHECKS.get(flag)) is not None and check.mild for flag in flags)


def judge(asked: ToJudge, settings: Settings, models: ModelStore, cache: Path, say: Say) -> Judgement:
    """Judge each dub. Raises DubkitError for a file that cannot be read or heard."""
    ears = Ears(settings, models, cache)
    with TemporaryDirectory(prefix="dubkit-judge-") as temporary:
        folder = Path(temporary)
        say(f"{asked.source.name}: listening")
        source = open_film(asked.source, folder, "source")
        language, segments = _lines(source, ears, settings)
        if not segments:
            raise DubkitError(
                f"{asked.source}: nobody speaks in it.\n"
                "A dub is judged by the lines of its source; name one that has some."
            )
        see = See(source, segments, models)
        verdicts = []
        for number, path in enumerate(asked.dubs):
            say(f"{path.name}: listening and looking")
            dub = open_film(path, folder, f"dub-{number}", language=asked.language)
            verdicts.append(_verdict(asked, (source, segments), dub, (ears, see), settings))
        names = _names(asked.dubs)
        verdicts = [replace(verdict, name=name) for verdict, name in zip(verdicts, names, strict=True)]
    return Judgement(asked.source.name, language, tuple(verdicts))


def _names(paths: Sequence[Path]) -> list[str]:
    """Return names of files that tell them apart: with their folders where two are called the same."""
    same = {path.name for path in paths if sum(other.name == path.name for other in paths) > 1}
    return [str(path) if path.name in same else path.name for path in paths]


def _lines(source: OpenFilm, ears: Ears, settings: Settings) -> tuple[str, tuple[Segment, ...]]:
    """Return the source's language and lines."""
    from dubkit.speech.segments import build_segments

    heard = ears.words(source.speech, settings.transcribe.language or "auto")
    turns = ears.speakers(source.speech).turns
    return heard.language, build_segments(
        heard.words, turns, heard.language, settings.transcribe, heard.languages
    )


def _verdict(
    asked: ToJudge,
    of: tuple[OpenFilm, tuple[Segment, ...]],
    dub: OpenFilm,
    senses: tuple[Ears, See],
    settings: Settings,
) -> DubVerdict:
    from dubkit.media.sound.audio import read_mono16
    from dubkit.speech.vad import speech_spans

    (source, segments), (ears, see) = of, senses
    alignment = align(source.shown, dub.shown)
    words = ears.words(dub.speech, asked.language or "auto")
    heard = Heard(words.words, tuple(speech_spans(read_mono16(dub.speech))), asked.language or words.language)
    sights, blind = see.sights(dub, alignment)
    due = [(s.id, alignment.dub_time(s.start), alignment.dub_time(s.end)) for s in segments]
    texts = None if asked.text is None else texts_of_lines(_cues(asked.text, heard.language), due)
    pair = DubPair(source, dub, alignment, segments, heard, texts, sights)
    lines = line_evidence(pair, settings.qc)
    whole = episode_evidence(pair, lines, settings.qc)
    return verdict_of(pair, lines, whole, settings, blind)


def _cues(path: Path, language: str) -> list[tuple[float, float, str]]:
    from dubkit.formats.reading import read_cues

    return [(cue.start, cue.end, cue.text) for cue in read_cues(path, language=language)]


def verdict_of(
    pair: DubPair,
    lines: Sequence[LineEvidence],
    whole: EpisodeEvidence,
    settings: Settings,
    blind: Mapping[str, str],
) -> DubVerdict:
    """Ask the checks, and put their answers into words."""
    from dubkit.qc.check import shown_measures
    from dubkit.qc.measures import episode_qc, line_qc

    tables: dict[str, object] = {
        check.name: settings.table(f"qc.{check.name}", check.settings)
        for check in CHECKS
        if check.settings is not None
    }
    found = [line_qc(line, tables) for line in lines]
    measured = episode_qc(found, whole, tables)
    judged = tuple(
        JudgedLine(
            id=segment.id,
            start=round(line.line_start, 3),
            end=round(pair.span(segment)[1], 3),
            speaker=segment.speaker,
            source_text=segment.text,
            text=line.text if line.text_known else "",
            heard=line.heard or "",
            flags=answer.flags,
            measures=shown_measures(answer.measures),
        )
        for segment, line, answer in zip(pair.segments, lines, found, strict=True)
    )
    remarks = [f"{flag_words(flag)[0]}: {episode_sentence(flag, measured)}" for flag in measured.flags]
    remarks += _clock_remarks(pair.alignment)
    bad = [flag for flag in measured.flags if (check := CHECKS.get(flag)) is not None and check.blocks]
    looks = sum(not is_mild(line.flags) for line in judged)
    tone: Tone = "bad" if bad else "look" if looks or remarks else "good"
    return DubVerdict(
        name=pair.dub.path.name,
        language=pair.heard.language,
        tone=tone,
        sentence=_sentence(tone, looks, len(judged), remarks),
        alignment=pair.alignment,
        measured=measured,
        lines=judged,
        remarks=tuple(remarks),
        not_asked=_not_asked(lines, whole, blind),
    )


def _clock_remarks(alignment: ClockMatch) -> list[str]:
    if alignment.alike is not None and not alignment.is_same_picture:
        other = "the dub does not show the source's picture, so its clock is taken as the source's."
        return [f"Other picture: {other}"]
    said = []
    if alignment.speed != 1:
        said.append(f"Other speed: the dub lasts {alignment.speed:.4f} times as long as its source.")
    return said


def _sentence(tone: Tone, looks: int, lines: int, remarks: Sequence[str]) -> str:
    from dubkit.qc.numbers import count

    if tone == "good":
        return f"Nothing to look at in {count(lines, 'line')}."
    parts = [f"{looks} of {count(lines, 'line')} to look at"] if looks else []
    parts += [f"{count(len(remarks), 'fault')} of the whole"] if remarks else []
    return f"{' and '.join(parts)}."


def _not_asked(
    lines: Sequence[LineEvidence], whole: EpisodeEvidence, blind: Mapping[str, str]
) -> tuple[NotAsked, ...]:
    """Return the checks that measure something and were asked nothing, by why."""
    reasons: dict[str, list[str]] = {}
    for check in CHECKS:
        if check.line is None and check.episode is None:
            continue
        of_line = check.line is not None and any(all(line.has(n) for n in check.needs) for line in lines)
        of_whole = check.episode is not None and all(whole.has(need) for need in check.needs)
        if of_line or of_whole:
            continue
        lacking = [n for n in check.needs if not any(line.has(n) for line in lines)] or ["sound"]
        why = blind.get(lacking[0]) or WHY.get(lacking[0], f"there is no evidence of its {lacking[0]}")
        reasons.setdefault(why, []).append(check.title)
    return tuple(NotAsked(why, tuple(titles)) for why, titles in reasons.items())
