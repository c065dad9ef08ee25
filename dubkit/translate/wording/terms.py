"""The terms of a line: which apply, what a text has wrong of them, and what can be put right safely."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dubkit.translate.language import base
from dubkit.translate.wording.forms import (
    WordForm,
    find_term,
    has_term,
    stands_at,
    unspaced,
    word_forms,
    words_of,
)

GENDERED = frozenset({
    "ar", "bg", "bs", "ca", "cs", "de", "el", "es", "fr", "gl", "he", "hi", "hr", "is", "it", "lt", "lv",
    "mk", "nb", "nl", "nn", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "uk", "ur",
})  # fmt: skip
"""Languages in which the words around a noun follow its gender."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the source and what it is called in one target language."""

    source: str
    approved: tuple[str, ...] = ()
    """The forms that may stand for it, the preferred one first; none where only forms are forbidden."""
    forbidden: tuple[str, ...] = ()
    note: str = ""
    exact: bool = False
    """Whether only the approved form as it is written will do: for titles."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What of a series counts for one line."""

    terms: tuple[Term, ...] = ()
    address: tuple[str, ...] = ()
    """Sentences on how people address each other: `spk1 says “du” to spk2.`"""
    style: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms or self.address or self.style)

    def __or__(self, other: Wording) -> Wording:
        """Return the wording of both, each thing once."""
        return Wording(
            tuple(dict.fromkeys((*self.terms, *other.terms))),
            tuple(dict.fromkeys((*self.address, *other.address))),
            tuple(dict.fromkeys((*self.style, *other.style))),
        )


PLAIN = Wording()


class TermIndex:
    """Many terms of a language, so arranged that a text is read once and not once for each."""

    def __init__(self, terms: Iterable[Term], language: str) -> None:
        self._terms, self._language = tuple(terms), language
        self._begins: dict[str, list[tuple[Term, tuple[WordForm, ...]]]] = {}
        for term in sorted(self._terms, key=lambda one: -len(one.source)):
            words = word_forms(unicodedata.normalize("NFC", term.source), language)
            if words:
                self._begins.setdefault(words[0].stem, []).append((term, words))

    def find(self, text: str) -> tuple[Term, ...]:
        """Return the terms that stand in a text, in their order; of two that overlap, the longer one."""
        spans = self._spans(unicodedata.normalize("NFC", text))
        taken: list[tuple[int, int]] = []
        found: set[Term] = set()
        for term, start, end in sorted(spans, key=lambda one: -len(one[0].source)):
            if all(end <= other or start >= last for other, last in taken):
                taken.append((start, end))
                found.add(term)
        return tuple(term for term in self._terms if term in found)

    def _spans(self, text: str) -> list[tuple[Term, int, int]]:
        if unspaced(self._language):
            return [
                (term, *span)
                for term in self._terms
                for span in find_term(text, term.source, self._language, exact=term.exact)
            ]
        words = word_forms(text, self._language)
        return [
            (term, words[at].start, words[at + len(wanted) - 1].end)
            for at, word in enumerate(words)
            for term, wanted in self._begins.get(word.stem, ())
            if stands_at(words, at, wanted, exact=term.exact)
        ]


def terms_in(text: str, terms: Iterable[Term], language: str) -> tuple[Term, ...]:
    """Return the terms that stand in a text of the source; of two that overlap, the longer one.

    >>> long, short = Term("iron gate"), Term("gate")
    >>> [term.source for term in terms_in("The iron gate.", [short, long], "en")]
    ['iron gate']
    """
    return TermIndex(terms, language).find(text)


def term_faults(text: str, terms: Sequence[Term], language: str) -> list[str]:
    """Return what a text has wrong of the terms of its line, each as a clause after its name or number.

    >>> term_faults("O diretor saiu.", [Term("warden", ("guardião",), ("diretor",))], "pt-BR")
    ['says “diretor” for “warden”, which must be “guardião”']
    """
    return [fault for term in terms if (fault := _fault(text, term, language))]


def _fault(text: str, term: Term, language: str) -> str:
    wanted = " or ".join(f"“{form}”" for form in term.approved)
    for form in term.forbidden:
        if _stands_alone(text, form, term, language):
            what = f"which must be {wanted}" if wanted else "which it must not"
            return f"says “{form}” for “{term.source}”, {what}"
    if term.approved and not any(has_term(text, f, language, exact=term.exact) for f in term.approved):
        return f"does not say {wanted} for “{term.source}”"
    return ""


def _stands_alone(text: str, form: str, term: Term, language: str) -> bool:
    """Tell whether a forbidden form stands in a text outside the approved ones."""
    allowed = [span for good in term.approved for span in find_term(text, good, language)]
    return any(
        not any(first <= start and end <= last for first, last in allowed)
        for start, end in find_term(text, form, language)
    )


@dataclass(frozen=True, slots=True)
class Replaced:
    """A text with a wrong form replaced, and what was done."""

    text: str
    changes: tuple[tuple[str, str], ...] = ()
    """What stood there -> what stands there now."""


def put_right(source: str, text: str, terms: Sequence[Term], languages: tuple[str, str]) -> Replaced:
    """Replace wrong forms by the approved one where that is safe; `languages` are source and target.

    It is safe where the term stands once in the source, the wrong form stands once in the text and exactly as
    the series writes it (or is the word of the source itself), and no word around it can depend on it: the
    language has no gender, or both forms are names that begin with a capital and the word before is none of
    those that change with a gender.
    """
    changes: list[tuple[str, str]] = []
    text = unicodedata.normalize("NFC", text) if terms else text
    for term in terms:
        if not _fault(text, term, languages[1]):
            continue
        if len(find_term(source, term.source, languages[0], exact=term.exact)) != 1:
            continue
        wrong = _only_wrong(text, term, languages[1])
        if wrong is None or not _is_safe(text, wrong, term, languages[1]):
            continue
        stood = text[wrong[0] : wrong[1]]
        approved = unicodedata.normalize("NFC", term.approved[0])
        right = approved if stood.islower() else approved[:1].upper() + approved[1:]
        text = text[: wrong[0]] + right + text[wrong[1] :]
        changes.append((stood, right))
    return Replaced(text, tuple(changes))


def _only_wrong(text: str, term: Term, language: str) -> tuple[int, int] | None:
    """Return where the only wrong form stands as it is written in the series; None without a single one."""
    if not term.approved or any(has_term(text, good, language) for good in term.approved):
        return None
    spans = {
        span
        for form in dict.fromkeys((*term.forbidden, term.source))
        for span in find_term(text, form, language, exact=True)
    }
    others = {span for form in term.forbidden for span in find_term(text, form, language)} - spans
    return spans.pop() if len(spans) == 1 and not others else None


def _is_safe(text: str, span: tuple[int, int], term: Term, language: str) -> bool:
    if base(language) not in GENDERED:
        return True
    names = text[span[0]].isupper() and term.approved[0][:1].isupper()
    before = words_of(text[: span[0]])
    # Short words before a noun may follow its gender: articles, and what grew together with them.
    follows = bool(before) and len(before[-1]) <= 5 and not _ends(text[: span[0]])
    return names and not follows


def _ends(before: str) -> bool:
    """Tell whether a sentence or clause has ended, so that the word before belongs to another one."""
    return before.rstrip()[-1:] in tuple(".!?…:;,—¡¿")
