"""Translate lines with a network: the best answer that passes the checks, and the others as offers."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dubkit.translate.adaptation.offers import Offer, OnOffers, TightLine
from dubkit.translate.dialogue import (
    bare,
    is_cry_anywhere,
    named,
    prepared,
    spaced,
    translate_line,
)
from dubkit.translate.engine import TranslationTask
from dubkit.translate.lines import BAD_REPLY, OnDone, SourceLine, Translated, failed
from dubkit.translate.networks.network import BEAM
from dubkit.translate.scripts import KEPT

if TYPE_CHECKING:
    from dubkit.translate.checks import Fault, LineChecks

log = logging.getLogger(__name__)

RULES = "1"
"""Goes up when what comes of lines changes; enters their keys."""
_OFFERS = 8
"""Answers that are taken for a line whose translation misses its time."""
_NO_OTHER = "none of its other answers passes the checks"

Pick = Callable[[Sequence[str]], str]


class Answering(Protocol):
    """What answers sentences: one network, or two with a language between them."""

    def answers(self, sentences: Sequence[str], count: int) -> list[tuple[str, ...]]:
        """Return the best answers to each sentence, the best first."""


@dataclass(slots=True)
class NetworkTranslator:
    """Translates the lines of one task."""

    task: TranslationTask
    identity: str
    load: Callable[[], Answering]

    def translate(self, lines: Sequence[SourceLine], on_done: OnDone) -> None:
        """Translate in batches of `batch_size` lines. Raises ModelMissing or ModelDamaged."""
        network, checks, size = self.load(), self._checks(), self.task.settings.batch_size
        for start in range(0, len(lines), size):
            batch = lines[start : start + size]
            sources = [bare(line.text) for line in batch]
            texts = _answers(network, sources, BEAM)
            on_done([self._best(*one, checks) for one in zip(batch, sources, texts, strict=True)])

    def offer(self, lines: Sequence[TightLine], on_done: OnOffers) -> None:
        """Offer the other answers to lines, the best first; see `Rewriter`."""
        network, checks, size = self.load(), self._checks(), self.task.settings.batch_size
        for start in range(0, len(lines), size):
            batch = lines[start : start + size]
            sources = [bare(line.source) for line in batch]
            offers = []
            for line, source, texts in zip(batch, sources, _answers(network, sources, _OFFERS), strict=True):
                kept = tuple(t for t in texts if t != line.text and _fault(source, t, checks) is None)
                offers.append(Offer(line.id, kept, "" if kept else _NO_OTHER, origin="list"))
            on_done(offers)

    def _checks(self) -> LineChecks:
        from dubkit.translate.checks import LineChecks

        return LineChecks(self.task.source, self.task.target)

    def _best(self, line: SourceLine, source: str, texts: Sequence[str], checks: LineChecks) -> Translated:
        """Return the first answer without a fault, or the line without a text."""
        faults = []
        for text in texts:
            fault = _fault(source, text, checks)
            if fault is None:
                return Translated(line.id, text, self.identity)
            faults.append(fault)
        log.debug("%s: line %s has no translation: it %s", self.identity, line.id, faults[0].text)
        return failed(line, self.identity, faults[0].flag)


def _fault(source: str, text: str, checks: LineChecks) -> Fault | None:
    from dubkit.translate.checks import Fault

    if Counter(KEPT.findall(source)) != Counter(KEPT.findall(text)):
        return Fault(BAD_REPLY, "does not keep an address")
    return checks.fault(source, text)


def _answers(network: Answering, lines: Sequence[str], count: int) -> list[list[str]]:
    """Return the answers to whole lines, the best first, each once.

    All sentences of all lines are asked at once. The texts of a line of several sentences are made of their
    first answers, their second ones and so on, then of the shortest and the longest ones.
    """
    asked: dict[str, None] = {}

    def note(sentence: str) -> str:
        if (text := _asked(sentence)) is not None:
            asked[text] = None
        return sentence

    spread = [spaced(line) for line in lines]
    for line in spread:
        translate_line(line, note)
    replies = dict(zip(asked, network.answers(list(asked), count), strict=True))
    return [
        list(dict.fromkeys(translate_line(line, _speaking(replies, pick)) for pick in _picks(count)))
        for line in spread
    ]


def _picks(count: int) -> list[Pick]:
    numbered: list[Pick] = [_numbered(number) for number in range(count)]
    return [*numbered, lambda texts: min(texts, key=len), lambda texts: max(texts, key=len)]


def _numbered(number: int) -> Pick:
    return lambda texts: texts[min(number, len(texts) - 1)]


def _asked(sentence: str) -> str | None:
    """Return what a network is asked for a sentence; None for one that is the same in every language."""
    if not KEPT.sub("", sentence).strip(" .!?,"):
        return None
    asked = prepared(named(sentence)[0], is_cry_anywhere)
    return asked.text if asked else None


def _speaking(replies: dict[str, tuple[str, ...]], pick: Pick) -> Callable[[str], str]:
    """Return what gives the picked answer to a sentence, with its marks, case and addresses."""

    def speak(sentence: str) -> str:
        plain, names = named(sentence)
        asked = prepared(plain, is_cry_anywhere) if _asked(sentence) is not None else None
        if asked is None:
            return sentence
        text = asked.restored(pick(replies[asked.text]))
        for name, address in names.items():
            text = text.replace(name, address)
        return text[:1].upper() + text[1:] if sentence[:1].isupper() else text

    return speak
