"""What a file of subtitles says: every word once, with its speaker, inside the film."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from dubkit.formats.content import Cue
from dubkit.formats.text import one_line
from dubkit.speech.captions.labels import Part, names_of, parts_of
from dubkit.speech.captions.languages import in_language
from dubkit.speech.captions.layers import without_copies
from dubkit.speech.captions.rolling import unroll
from dubkit.speech.captions.sounds import without_sounds
from dubkit.types.remarks import Remark, Tell, remark

_NAMED = 5
"""Cues that a remark names; of the others it gives the number."""

_RATE = 15.0
"""Characters per second of a cue that has no length of its own."""


@dataclass(frozen=True, slots=True)
class Captions:
    """How a file of subtitles is read as speech."""

    file: str
    """Its name, for remarks."""
    language: str
    """Tag of the language of its text; empty where it is not known."""
    seconds: float
    """Length of the film."""
    labels: bool = True
    """Whether names, dashes and `>>` in it say who speaks."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One stretch of speech: a cue, or what one speaker says of it."""

    start: float
    end: float
    text: str
    speaker: str
    """Empty where the file does not say it."""
    turn: bool
    """Whether the file says that another speaker than before begins here."""
    place: str


def spoken_cues(cues: Iterable[Cue], captions: Captions, tell: Tell) -> list[Spoken]:
    """Return what is said in order of time; `tell` takes remarks of all that is left out or changed."""
    ordered = sorted(
        (_with_lines(cue) for cue in cues if cue.text.strip()), key=lambda cue: (cue.start, cue.end)
    )
    shown = [cue for cue in ordered if cue.role]
    single, copies = without_copies([cue for cue in ordered if not cue.role])
    own = in_language(single, captions.language)
    once = unroll(own)
    said = [_without_sounds(cue, captions.language) for cue in once]
    silent = [cue for cue, rest in zip(once, said, strict=True) if cue.text and not rest.text]
    cut = [cue for cue, rest in zip(once, said, strict=True) if rest.text and rest.text != cue.text]
    if shown:
        tell(_listing("subtitles-not-spoken", "written in the picture or sung", shown, captions))
    if copies:
        tell(_listing("subtitles-repeated", "there twice at the same time and taken once", copies, captions))
    if own != single:
        tell(remark("other-languages", "It is in two languages; the lines in one were taken.", captions.file))
    if sum(len(cue.text) for cue in once) < sum(len(cue.text) for cue in own):
        tell(remark("subtitles-repeated", "The captions roll: every line was taken once.", captions.file))
    if silent:
        tell(_listing("subtitles-not-spoken", "without speech and left out", silent, captions))
    if cut:
        tell(_listing("subtitles-not-spoken", "spoken without the sounds that they name", cut, captions))
    return _inside(_by_speaker(_with_length(said), captions), captions, tell)


def _with_lines(cue: Cue) -> Cue:
    return cue if cue.lines else replace(cue, lines=((cue.speaker, one_line(cue.text)),))


def _without_sounds(cue: Cue, language: str) -> Cue:
    """Return a cue without what nobody says of it."""
    whole = "\n".join(text for _, text in cue.lines)
    rest = without_sounds(whole, language)
    if rest == whole:
        return cue
    speakers = {speaker for speaker, _ in cue.lines}
    if len(speakers) == 1:
        lines = tuple((cue.lines[0][0], line) for line in rest.split("\n") if line)
    else:
        kept = ((name, without_sounds(text, language)) for name, text in cue.lines)
        lines = tuple((name, text) for name, text in kept if text)
    return replace(cue, text=one_line("\n".join(text for _, text in lines)), lines=lines)


def _with_length(cues: Sequence[Cue]) -> list[Cue]:
    """Return the cues that say something; one without a length lasts until the next one at most."""
    spoken = [cue for cue in cues if cue.text]
    ended = []
    for at, cue in enumerate(spoken):
        if cue.end <= cue.start:
            after = next((later.start for later in spoken[at + 1 :] if later.start > cue.start), float("inf"))
            cue = replace(cue, end=min(after, cue.start + max(0.5, len(cue.text) / _RATE)))
        ended.append(cue)
    return ended


def _by_speaker(cues: Sequence[Cue], captions: Captions) -> list[Spoken]:
    names = names_of(cues) if captions.labels else frozenset()
    spoken: list[Spoken] = []
    for cue in cues:
        parts = parts_of(cue, names) if captions.labels else [Part(cue.speaker, cue.text, False)]
        whole = sum(len(part.text) for part in parts)
        at = 0
        for part in parts:
            start = cue.start + (cue.end - cue.start) * at / whole
            at += len(part.text)
            end = cue.end if at == whole else cue.start + (cue.end - cue.start) * at / whole
            text = one_line(part.text)
            spoken.append(
                Spoken(
                    round(start, 3), round(end, 3), text, part.speaker or cue.speaker, part.turn, cue.place
                )
            )
    return spoken


def _inside(spoken: Sequence[Spoken], captions: Captions, tell: Tell) -> list[Spoken]:
    """Return what lies inside the film; a line that ends behind it ends with it."""
    kept, beyond = [], []
    for part in spoken:
        if part.start >= captions.seconds:
            beyond.append(part)
            continue
        if part.end > captions.seconds:
            late = f"“{part.text}” ends at {part.end:.3f} s"
            sentence = f"{late}; it now ends with the film at {captions.seconds:.3f} s."
            tell(remark("cue-times-changed", sentence, _where(captions.file, part.place)))
            part = replace(part, end=captions.seconds)
        kept.append(part)
    if beyond:
        first = beyond[0]
        sentence = (
            f"{_counted(len(beyond))} behind the end of the film and left out: “{first.text}” at "
            f"{first.start:.3f} s; the film lasts {captions.seconds:.3f} s."
        )
        tell(remark("cue-beyond-end", sentence, _where(captions.file, first.place)))
    return kept


def _listing(code: str, reason: str, cues: Sequence[Cue], captions: Captions) -> Remark:
    named = ", ".join(f"“{cue.text}”" + (f" ({cue.place})" if cue.place else "") for cue in cues[:_NAMED])
    more = f" and {len(cues) - _NAMED} more" if len(cues) > _NAMED else ""
    return remark(code, f"{_counted(len(cues))} {reason}: {named}{more}.", captions.file)


def _counted(number: int) -> str:
    return f"{number} subtitle is" if number == 1 else f"{number} subtitles are"


def _where(file: str, place: str) -> str:
    return f"{file}, {place}" if place else file
