"""Fit the words of lines to their time: predict, ask where a text misses it, guard, choose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from dubkit.errors import DubkitError
from dubkit.translate.adaptation.choosing import choose, misses, pace
from dubkit.translate.adaptation.guards import Guards
from dubkit.translate.adaptation.meaning import MEANING, Sense, back_engine, senses
from dubkit.translate.adaptation.offers import SHARES, Offer, Size, TightLine
from dubkit.translate.adaptation.room import Room
from dubkit.translate.adaptation.shortenings import shortenings
from dubkit.translate.engine import TranslationEngine, TranslationTask
from dubkit.translate.wording.address import address_fault
from dubkit.translate.wording.terms import Term, term_faults
from dubkit.types import AdaptedLine, Candidate

Measure = Callable[[str, str], float]
"""Return the seconds that a text takes in the voice of a line, given its id and the text."""

Budget = Callable[[str, float], tuple[int, int]]
"""Return how many syllables and characters the voice of a line, given by its id, says in some seconds."""


@dataclass(frozen=True, slots=True)
class FittingLine:
    """A line whose words may be fitted."""

    id: str
    source: str
    text: str
    """The first translation."""
    room: Room
    kept: str = ""
    """Why its text is never changed, as a sentence; empty when it may be."""
    asked: bool = True
    """Whether the translator may be asked about it."""
    terms: tuple[Term, ...] = ()
    """Terms of the series that stand in it."""
    address: str = ""
    """How its speaker addresses the other person, where the series says so: no other form takes its place."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A line with its texts, and what came of asking."""

    line: AdaptedLine
    tokens: tuple[int, int] = (0, 0)
    problem: str = ""
    """Why the translator's other texts could not be used; empty where they could, or nobody was asked."""
    down: bool = False
    """Whether the translator failed, so that no line was asked for."""


OnFitted = Callable[[Fitted], None]


@dataclass(frozen=True, slots=True)
class Fitter:
    """Fits the words of the lines of one language."""

    task: TranslationTask
    engine: TranslationEngine | None
    """What offers other texts; None where nothing does."""
    measure: Measure
    budget: Budget
    tolerance: float
    shorten: bool

    def fit(self, lines: Sequence[FittingLine], on_done: OnFitted) -> None:
        """Hand every line to `on_done` once, with the text to take."""
        tight: list[FittingLine] = []
        for line in lines:
            first = self._first(line)
            if not line.kept and misses(first.seconds, line.room, self.tolerance):
                tight.append(line)
            else:
                on_done(_only(line, first))
        asked = [line for line in tight if line.asked and self.engine and self.engine.candidates]
        self._ask(asked, on_done)
        for line in tight:
            if line not in asked:
                on_done(self._chosen(line, self._shortened(line)))

    def _first(self, line: FittingLine) -> Candidate:
        losses = self._lost_terms(line, line.text)
        return Candidate(line.text, self._seconds(line, line.text), "translation", losses=losses)

    def _lost_terms(self, line: FittingLine, text: str) -> tuple[str, ...]:
        """Return the terms of a line that a text does not say as the series approves them."""
        return tuple(
            f"term: {term.source}" for term in line.terms if term_faults(text, (term,), self.task.target)
        )

    def _losses(self, line: FittingLine, text: str) -> tuple[str, ...]:
        guards = Guards(self.task.source, self.task.target)
        other = address_fault(text, line.address, self.task.target)
        form = (f"address: {line.address}",) if other else ()
        return (*guards.losses(line.source, line.text, text), *self._lost_terms(line, text), *form)

    def _seconds(self, line: FittingLine, text: str) -> float:
        return round(self.measure(line.id, text), 3)

    # --- other texts --------------------------------------------------------------------------

    def _ask(self, lines: Sequence[FittingLine], on_done: OnFitted) -> None:
        left = {line.id: line for line in lines}

        def keep(offers: Sequence[Offer]) -> None:
            batch = [(left.pop(offer.id), offer) for offer in offers if offer.id in left]
            for fitted in self._offered(batch):
                on_done(fitted)

        if not lines or self.engine is None or self.engine.candidates is None:
            return
        problem = "no answer came"
        try:
            self.engine.candidates(self.task).offer([self._tight(line) for line in lines], keep)
        except DubkitError as error:
            problem = str(error).splitlines()[0]
        keep([Offer(name, problem=problem, down=True) for name in list(left)])

    def _tight(self, line: FittingLine) -> TightLine:
        seconds = self._seconds(line, line.text)
        room = line.room.most if seconds > line.room.most else line.room.source
        sizes = (Size(share, *self.budget(line.id, share * room)) for share in SHARES)
        return TightLine(line.id, line.source, line.text, seconds, room, tuple(sizes), line.terms)

    def _offered(self, batch: Sequence[tuple[FittingLine, Offer]]) -> Iterable[Fitted]:
        """Return the lines of a batch, each with the best of its first translation and what was offered."""
        found = [[self._first(line), *self._candidates(line, offer)] for line, offer in batch]
        found, tokens = self._with_senses([line for line, _ in batch], found)
        for at, (line, offer) in enumerate(batch):
            candidates = found[at]
            if all(candidate.losses for candidate in candidates[1:]):
                candidates += self._shortened(line)[1:]
            own = (offer.tokens_in + tokens[at][0], offer.tokens_out + tokens[at][1])
            yield replace(self._chosen(line, candidates), tokens=own, problem=offer.problem, down=offer.down)

    def _candidates(self, line: FittingLine, offer: Offer) -> list[Candidate]:
        return [
            Candidate(
                text,
                self._seconds(line, text),
                offer.origin,
                losses=self._losses(line, text),
            )
            for text in dict.fromkeys(offer.texts)
            if text and text != line.text
        ]

    def _with_senses(
        self, lines: Sequence[FittingLine], found: Sequence[list[Candidate]]
    ) -> tuple[list[list[Candidate]], list[tuple[int, int]]]:
        """Return the candidates with the meaning that they keep, and the tokens that telling it took."""
        assert self.engine is not None
        told = [_contenders(line, own) for line, own in zip(lines, found, strict=True)]
        asked = [at for at, numbers in enumerate(told) if len(numbers) > 1]
        texts = [(lines[at].source, [found[at][n].text for n in told[at]]) for at in asked]
        kept, tokens = senses(back_engine(self.engine, self.task), self.task, texts)
        result = [list(own) for own in found]
        for at, own in zip(asked, kept, strict=True):
            untold = Sense(min(sense.fidelity for sense in own))
            by_number = dict(zip(told[at], own, strict=True))
            result[at] = [_with_sense(one, by_number.get(n, untold)) for n, one in enumerate(found[at])]
        spent = [(0, 0)] * len(lines)
        if asked:
            spent[asked[0]] = tokens
        return result, spent

    def _shortened(self, line: FittingLine) -> list[Candidate]:
        """Return the first translation and its harmless shortenings, as many as it takes to fit."""
        candidates = [self._first(line)]
        if not self.shorten or candidates[0].seconds <= line.room.most:
            return candidates
        for short in shortenings(line.text, self.task.target):
            losses = self._losses(line, short.text)
            seconds = self._seconds(line, short.text)
            candidates.append(Candidate(short.text, seconds, "shortened", short.changes, losses))
            if not losses and not misses(seconds, line.room, self.tolerance):
                break
        return candidates

    # --- the choice ---------------------------------------------------------------------------

    def _chosen(self, line: FittingLine, candidates: Sequence[Candidate]) -> Fitted:
        best, why = choose(candidates, line.room)
        return Fitted(AdaptedLine(line.id, line.room.most, tuple(candidates), best, why))


def _only(line: FittingLine, first: Candidate) -> Fitted:
    why = line.kept or f"It fits its time: it needs a pace of {pace(first.seconds, line.room):.2f}."
    return Fitted(AdaptedLine(line.id, line.room.most, (first,), 0, why))


CONTENDERS = 2
"""Texts of a line whose way back is asked for, beside the first translation's: those that fit best."""


def _contenders(line: FittingLine, candidates: Sequence[Candidate]) -> list[int]:
    """Return the numbers of the first translation and of the texts that may take its place."""

    def off(at: int) -> float:
        return abs(pace(candidates[at].seconds, line.room) - 1)

    better = [at for at, one in enumerate(candidates) if at and not one.losses and off(at) < off(0)]
    return [0, *sorted(sorted(better, key=off)[:CONTENDERS])]


def _with_sense(candidate: Candidate, sense: Sense) -> Candidate:
    losses = (*candidate.losses, MEANING) if sense.lost else candidate.losses
    return replace(candidate, fidelity=sense.fidelity, losses=losses)
