"""Subtitles to read: of the source, of a dub, of both, of what stays foreign, for those who do not hear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from dubkit.episode.context import Context
from dubkit.episode.cue_sheet import speaker_names
from dubkit.episode.results import heard_sounds
from dubkit.errors import DubkitError
from dubkit.formats.content import Cue
from dubkit.formats.layout.cues import Moment, laid_out, laid_out_pair, timed
from dubkit.formats.layout.reading import SubtitleKind, reading_of
from dubkit.formats.reading import read_cues
from dubkit.types import Segment
from dubkit.types.music import shared_seconds
from dubkit.types.nonverbal import Nonverbal
from dubkit.types.remarks import Tell, remark

NONVERBAL = "nonverbal.json"
MUSIC_SHOWN = 4.0
"""Seconds that the start of music is told for."""
SHORTEST_MUSIC = 2.0
"""Seconds of music that are worth telling."""
SOUND_WORDS = {
    "de": ("Musik", "Laut"),
    "en": ("music", "vocal sound"),
    "es": ("música", "sonido vocal"),
    "fr": ("musique", "son de voix"),
    "it": ("musica", "suono vocale"),
    "ja": ("音楽", "声"),
    "ko": ("음악", "목소리"),
    "nl": ("muziek", "stemgeluid"),
    "pl": ("muzyka", "odgłos"),
    "pt": ("música", "som de voz"),
    "ru": ("музыка", "звук голоса"),
    "sv": ("musik", "röstljud"),
    "tr": ("müzik", "ses"),
    "zh": ("音乐", "人声"),
}
"""Language -> what music, and what people utter besides words, are called."""


@dataclass(frozen=True, slots=True)
class SubtitleWish:
    """Which subtitles are wanted."""

    kind: SubtitleKind
    line: int = 0
    """Characters on a line; 0: as many as is usual in the language."""
    speed: float = 0.0
    """Characters a second; 0: as many as is usual."""


def subtitle_cues(context: Context, wish: SubtitleWish, tell: Tell | None = None) -> list[Cue]:
    """Return the cues of a kind, laid out for reading. `tell` hears what people should know of them.

    The language of the context is that of the text; without one it is the source's. Raises DubkitError for a
    kind that there is not of the source alone.
    """
    if wish.kind in ("target", "bilingual") and not context.language:
        raise DubkitError(f"Subtitles {wish.kind} need a target language.\nAdd --lang, such as --lang pt-BR.")
    here = context.fresh("") if wish.kind == "source" else context
    language = here.language or here.source_language
    reading = reading_of(language, line=wish.line, speed=wish.speed)
    said, signs = _said(here), _signs(here)
    if wish.kind == "forced":
        said = [one for one in said if _stays_foreign(here, one)]
        if not said and not signs and tell is not None:
            tell(remark("subtitles-empty", "Every line is spoken in the language of the viewers."))
    if wish.kind == "bilingual":
        other = here.source_language
        readings = reading, reading_of(other, line=wish.line, speed=wish.speed)
        pairs = [(one, one.segment.text) for one in said]
        cues = [
            cue for one, text in pairs for cue in laid_out_pair(one.cue, (language, other), text, readings)
        ]
    else:
        if wish.kind == "sdh":
            said = _told(here, language, said, tell)
        cues = [cue for one in said for cue in laid_out(one.cue, language, reading, one.moment)]
    pace = replace(reading, speed=reading.speed * (2 if wish.kind == "bilingual" else 1))
    shown = [cue for sign in signs for cue in laid_out(sign, language, reading)]
    return sorted([*timed(cues, pace, tell), *shown], key=lambda cue: (cue.start, cue.end))


def _signs(context: Context) -> list[Cue]:
    """Return the texts in the picture that the user's own subtitles have: nobody speaks them."""
    stage = "translate" if context.language else "transcribe"
    file = context.user_file(stage)
    if file is None:
        return []
    settings = context.settings
    encoding = settings.translate.encoding if context.language else settings.transcribe.encoding
    language = context.language or context.source_language
    return [cue for cue in read_cues(file, encoding=encoding, language=language) if cue.role == "sign"]


@dataclass(frozen=True, slots=True)
class _Said:
    segment: Segment
    cue: Cue
    moment: Moment | None = None


def _said(context: Context) -> list[_Said]:
    """Return what is said in the language of the context, with when each part of it is."""
    names = speaker_names(context)
    if not context.language:
        return [_Said(s, _cue(s, s.text, names), _moments(s)) for s in context.segments if s.text]
    return [_Said(s, _cue(s, line.text, names)) for s, line in context.lines if line.text]


def _cue(segment: Segment, text: str, names: dict[str, str]) -> Cue:
    return Cue(segment.start, segment.end, text, names.get(segment.speaker, segment.speaker))


def _moments(segment: Segment) -> Moment | None:
    """Return when each share of a segment is spoken, by its words; None where it has none."""
    words = [word for word in segment.words if word.text.strip()]
    if not words or _letters("".join(word.text for word in words)) != _letters(segment.text):
        return None
    total = sum(len(word.text.strip()) + 1 for word in words)
    ends: list[tuple[float, float]] = [(0.0, segment.start)]
    at = 0
    for word in words:
        at += len(word.text.strip()) + 1
        ends.append((at / total, word.end))

    def moment(share: float) -> float:
        for (low, start), (high, end) in pairwise(ends):
            if share <= high:
                return start + (end - start) * (share - low) / (high - low)
        return segment.end

    return moment


def _letters(text: str) -> str:
    return "".join(text.split())


def _stays_foreign(context: Context, one: _Said) -> bool:
    """Tell whether viewers hear another language than theirs during a line."""
    spoken_in = one.segment.language or context.source_language
    if not context.language:
        return _base(spoken_in) != _base(context.source_language)
    kept = context.routes.get(one.segment.id) == "keep"
    return kept and _base(spoken_in) != _base(context.language)


def _base(language: str) -> str:
    return language.lower().split("-")[0]


# --- for people who do not hear ---------------------------------------------------------------


def _told(context: Context, language: str, said: Sequence[_Said], tell: Tell | None) -> list[_Said]:
    """Return what is said with who says it, and the sounds beside it."""
    names = speaker_names(context)
    music = heard_sounds(context.store)
    before = ""
    found = []
    for one in said:
        cue = one.cue
        length = max(0.001, cue.end - cue.start)
        if shared_seconds(cue.start, cue.end, music, "singing") / length > 0.5:
            cue = replace(cue, text=f"♪ {cue.text} ♪", role="song")
        if cue.speaker and cue.speaker != before:
            cue = replace(cue, text=f"{_capitals(cue.speaker, language)}: {cue.text}")
        before = one.cue.speaker
        found.append(_Said(one.segment, cue, one.moment))
    sounds = _sounds(context, language, names, tell)
    return sorted([*found, *sounds], key=lambda one: (one.cue.start, one.cue.end))


def _capitals(name: str, language: str) -> str:
    """Return a name in capital letters, which tell it from what is said."""
    dotted = name.replace("i", "İ") if _base(language) in ("tr", "az") else name
    return dotted.upper()


def _sounds(context: Context, language: str, names: dict[str, str], tell: Tell | None) -> list[_Said]:
    words = SOUND_WORDS.get(_base(language))
    heard = {name: context.store.has(name) for name in ("music.json", NONVERBAL)}
    missing = [name for name, there in heard.items() if not there]
    if tell is not None and missing:
        tell(remark("sounds-not-told", f"Nobody listened for sounds of {' and '.join(missing)}."))
    if tell is not None and words is None and heard[NONVERBAL]:
        tell(remark("sounds-not-told", f"There is no word for sounds of the voice in {language}."))
    found = []
    for span in heard_sounds(context.store):
        if span.kind == "music" and span.seconds >= SHORTEST_MUSIC and not _speech_in(context, span.start):
            end = min(span.end, span.start + MUSIC_SHOWN)
            found.append(Cue(span.start, end, f"[♪ {words[0]}]" if words else "[♪]"))
    if words is not None and heard[NONVERBAL]:
        for sound in context.store.read(NONVERBAL, Nonverbal).sounds:
            who = names.get(sound.speaker, sound.speaker)
            found.append(Cue(sound.start, sound.end, f"[{who}: {words[1]}]" if who else f"[{words[1]}]"))
    return [_Said(Segment("", cue.start, cue.end, "", ""), cue) for cue in found]


def _speech_in(context: Context, moment: float) -> bool:
    """Tell whether somebody speaks at a moment, so that its subtitle has no room for another."""
    return any(segment.start <= moment < segment.end for segment in context.segments)
