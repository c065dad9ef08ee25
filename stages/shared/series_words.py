"""The words of a series in one episode: what counts for each line, in keys, in requests and in remarks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, TypedDict

from dubkit.episode.context import Context
from dubkit.episode.store import digest
from dubkit.series.reading import SeriesUnfit
from dubkit.series.words import EpisodeWords, Person, Pronunciation
from dubkit.translate.wording.address import address_fault
from dubkit.translate.wording.forms import find_term, has_term
from dubkit.translate.wording.terms import PLAIN, Term, Wording, put_right, term_faults, terms_in
from dubkit.types import Line, Remark, Segment, remark

if TYPE_CHECKING:
    from dubkit.translate.engine import TranslationEngine
    from dubkit.translate.lines import SourceLine


def episode_words(context: Context) -> EpisodeWords | None:
    """Return what of its series counts for an episode in the context's language; None without a series."""
    if context.series is None:
        return None
    return context.series.for_episode(context.store.root.name, context.language)


def people_of(context: Context) -> dict[str, Person]:
    """Return the speakers of an episode by id, with the names that people and the series gave them."""
    return {
        name: Person(
            name, frozenset(called.casefold() for called in (name, own, *_remembered(context, name)))
        )
        for name, own in context.speaker_names.items()
    }


def _remembered(context: Context, speaker: str) -> tuple[str, ...]:
    """Return what the series calls a speaker: id and name, where it remembers people."""
    person = context.people.get(speaker)
    return (person.id, person.called) if person is not None else ()


# --- translation ----------------------------------------------------------------------------------


def line_wordings(context: Context, engine: TranslationEngine) -> Mapping[str, Wording]:
    """Return segment -> what of the series counts for it; only those for which anything does.

    An engine that heeds wording is told the terms of the neighbours that it sees, too; for any other engine,
    only the terms of the line itself count.
    """
    words = episode_words(context)
    if words is None or engine.unchanged:
        return {}
    segments, people, language = context.segments, people_of(context), context.source_language
    own = [words.terms_in(s.text, people[s.speaker], language) for s in segments]
    if not engine.heeds_wording:
        return {s.id: Wording(terms) for s, terms in zip(segments, own, strict=True) if terms}
    reach = context.settings.translate.context if engine.sees_context else 0
    found: dict[str, Wording] = {}
    for at, segment in enumerate(segments):
        near = range(max(0, at - reach), min(len(segments), at + reach + 1))
        terms = reduce(or_, (Wording(own[n]) for n in (at, *near)), PLAIN).terms
        person = people[segment.speaker]
        wording = Wording(terms, _addresses(words, context, at, people), words.style(person))
        if wording:
            found[segment.id] = wording
    return found


def _addresses(
    words: EpisodeWords, context: Context, at: int, people: Mapping[str, Person]
) -> tuple[str, ...]:
    """Return how the speaker of a line addresses the people who speak near it."""
    speaker = context.segments[at].speaker
    forms = {other: words.address(people[speaker], people[other]) for other in listeners(context, at)}
    return tuple(f"{speaker} addresses {other} with “{form}”." for other, form in forms.items() if form)


def listeners(context: Context, at: int) -> tuple[str, ...]:
    """Return the other speakers near a line, the nearest first."""
    segments, reach = context.segments, max(1, context.settings.translate.context)
    near = range(max(0, at - reach), min(len(segments), at + reach + 1))
    others = sorted(
        (n for n in near if segments[n].speaker != segments[at].speaker), key=lambda n: abs(n - at)
    )
    return tuple(dict.fromkeys(segments[n].speaker for n in others))


def wording_inputs(wording: Wording | None) -> dict[str, str]:
    """Return how the wording of a line enters its key: each entry by name, so that a plan can say which."""
    if wording is None:
        return {}
    inputs = {f"glossary/{term.source}": digest(term) for term in wording.terms}
    inputs |= {f"address/{sentence.partition(' with ')[0]}": digest(sentence) for sentence in wording.address}
    if wording.style:
        inputs["style of the series"] = digest(wording.style)
    if inputs:
        from dubkit.translate.wording.asking import prompt_digest

        inputs["prompts/wording.txt"] = prompt_digest()
    return inputs


def with_terms(source: SourceLine, text: str, languages: tuple[str, str]) -> tuple[str, list[Remark]]:
    """Return the text of a line with its terms put right where that is safe, and what was done."""
    own = terms_in(source.text, source.wording.terms, languages[0])
    if not own or not text:
        return text, []
    done = put_right(source.text, text, own, languages)
    return done.text, [
        remark("term-replaced", f"“{stands}” stands where the translator had “{stood}”.", source.id)
        for stood, stands in done.changes
    ]


# --- what people are told -------------------------------------------------------------------------


def terms_of(context: Context, segment: Segment) -> tuple[Term, ...]:
    """Return the terms of the series that stand in a line."""
    words = episode_words(context)
    if words is None:
        return ()
    return words.terms_in(segment.text, people_of(context)[segment.speaker], context.source_language)


def line_term_faults(context: Context, segment: Segment, line: Line) -> list[str]:
    """Return what a line has wrong of its terms; nothing for one that is not translated."""
    if not line.text or line.provider == "none":
        return []
    return term_faults(line.text, terms_of(context, segment), context.language)


def wording_remarks(context: Context) -> list[Remark]:
    """Return remarks on entries that contradict each other, and on lines without their terms."""
    if not context.language or not context.store.has("translation.json", context.language):
        return []
    try:
        words = episode_words(context)
    except SeriesUnfit as error:  # people may read an episode all the same; the next run stops at it
        return [remark("series-unfit", str(error))]
    if words is None:
        return []
    found = [
        remark("series-conflict", conflict.sentence)
        for conflict in words.conflicts(list(people_of(context).values()))
    ]
    for segment, line in context.lines:
        edit = context.placed.lines.get(line.id)
        if edit is not None and edit.accepted:
            continue
        found += [
            remark("term-missing", f"It {fault}.", line.id)
            for fault in line_term_faults(context, segment, line)
        ]
    return found


# --- checks ---------------------------------------------------------------------------------------


class SeriesEvidence(TypedDict, total=False):
    """What the checks of a line are given of its series."""

    terms: tuple[str, ...]
    address: str


def series_evidence(context: Context, segment: Segment, line: Line) -> SeriesEvidence:
    """Return what a line has wrong of the words of its series; nothing where they do not touch it."""
    words = episode_words(context)
    if words is None or not line.text or line.provider == "none":
        return {}
    found: SeriesEvidence = {}
    if terms_of(context, segment):
        found["terms"] = tuple(line_term_faults(context, segment, line))
    if form := told_address(context, segment):
        found["address"] = address_fault(line.text, form, context.language)
    return found


def told_address(context: Context, segment: Segment) -> str:
    """Return how the speaker of a line addresses the only other person near it; else nothing."""
    words = episode_words(context)
    if words is None or not words.words.address:
        return ""
    others, people = listeners(context, context.segments.index(segment)), people_of(context)
    return words.address(people[segment.speaker], people[others[0]]) if len(others) == 1 else ""


def fitting_inputs(context: Context, segment: Segment) -> dict[str, str]:
    """Return what of the series the choice among the texts of a line depends on; else nothing."""
    form = told_address(context, segment)
    address = {f"address/{segment.speaker}": digest(form)} if form else {}
    return wording_inputs(Wording(terms_of(context, segment))) | address


def series_inputs(context: Context) -> dict[str, str]:
    """Return how the words of a series enter the key of the measured dub; else nothing."""
    found = {
        line.id: evidence
        for segment, line in context.lines
        if (evidence := series_evidence(context, segment, line))
    }
    return {"words of the series": digest(found)} if found else {}


# --- speech ---------------------------------------------------------------------------------------


def said_text(context: Context, engine: str, segment: Segment, text: str) -> str:
    """Return what a voice engine is given for the text of a line: words of the series as they are said."""
    for entry in _pronunciations(context, engine, segment, text):
        for start, end in reversed(find_term(text, entry.word, context.language, exact=True)):
            text = text[:start] + entry.say + text[end:]
    return text


def said_inputs(context: Context, engine: str, segment: Segment, text: str) -> dict[str, str]:
    """Return how that enters the key of a line; empty where it is the text itself."""
    entries = _pronunciations(context, engine, segment, text)
    return {f"pronunciation/{entry.word}": digest(entry.say) for entry in entries}


def _pronunciations(context: Context, engine: str, segment: Segment, text: str) -> tuple[Pronunciation, ...]:
    """Return the pronunciations whose words stand in a text, the longest words first."""
    words = episode_words(context)
    if words is None or not words.words.pronunciations:
        return ()
    entries = words.pronunciations(people_of(context)[segment.speaker], engine)
    own = [one for one in entries if has_term(text, one.word, context.language, exact=True)]
    return tuple(sorted(own, key=lambda one: -len(one.word)))
