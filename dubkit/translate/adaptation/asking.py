"""Ask a language model for other wordings: checked batches, repaired, then asked for in smaller ones.

A text whose number, language or sense is doubtful never leaves this module; a line for which nothing usable
came leaves it with the reason, and keeps its first translation.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dubkit.services.failures import ServiceDown, ServiceRefused
from dubkit.translate.adaptation.offers import Offer, OnOffers, TightLine
from dubkit.translate.adaptation.reading import ParsedOffers, parse_offers
from dubkit.translate.adaptation.request import offer_messages, offer_repair
from dubkit.translate.alignment import repeated, slid
from dubkit.translate.asides import resolved, without_asides
from dubkit.translate.asking import Ask, Messages, Reply, TooLong, share
from dubkit.translate.checks import LineChecks
from dubkit.translate.clean import unwrap
from dubkit.translate.engine import TranslationTask
from dubkit.translate.language import base, language_name
from dubkit.translate.lines import one_line
from dubkit.translate.refusal import is_refusal

log = logging.getLogger(__name__)

_DEAD_BATCHES = 2
"""Batches in a row that a service may fail before the rest is not sent any more."""


@dataclass(slots=True)
class _Outcome:
    """What became of the lines of one batch, by line id."""

    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    tokens_in: int = 0
    tokens_out: int = 0
    down: str = ""
    """What the service said when it failed."""


@dataclass(slots=True)
class OfferBatches:
    """Asks for other wordings through `ask`, which sends one request to a language model."""

    ask: Ask
    task: TranslationTask
    batch_size: int = 0
    """Lines per request; 0 takes the setting."""
    _checks: LineChecks = field(init=False)
    _labels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.batch_size = self.batch_size or self.task.settings.batch_size
        self._checks = LineChecks(self.task.source, self.task.target)
        name = language_name(self.task.target)
        self._labels = (name, name.split()[-1], "output", "line", "translation", "short", "long")

    def run(self, lines: Sequence[TightLine], on_done: OnOffers) -> None:
        """Hand the offers for each batch to `on_done`. A service that fails leaves lines without texts."""
        dead, start, words = 0, 0, ""
        while start < len(lines):
            batch = lines[start : start + self.batch_size]
            start += len(batch)
            outcome = _Outcome(down=words if dead >= _DEAD_BATCHES else "")
            if not outcome.down:
                try:
                    self._solve(batch, outcome)
                    dead = 0
                except ServiceDown as problem:
                    dead = _DEAD_BATCHES if isinstance(problem, ServiceRefused) else dead + 1
                    outcome.down = words = str(problem).splitlines()[0]
            on_done(_offers(batch, outcome))

    def _solve(self, lines: Sequence[TightLine], outcome: _Outcome) -> None:
        """Settle every line in `outcome`: together, then in halves, at last one by one."""
        left = self._together(lines, outcome)
        if len(lines) == 1 or not left:
            return
        half = (len(left) + 1) // 2
        for part in (left[:half], left[half:]):
            if part:
                self._solve(part, outcome)

    def _together(self, lines: Sequence[TightLine], outcome: _Outcome) -> list[TightLine]:
        """Return the lines that are still without texts after a request and its repair."""
        asked = offer_messages(lines, self.task)
        try:
            reply = self._request(asked, outcome)
            problem = self._judge(lines, reply, outcome)
            if problem and not reply.refused:
                again = self._request(offer_repair(asked, reply.text, problem, self.task), outcome)
                self._judge(lines, again, outcome)
        except TooLong:
            log.debug("%d lines do not fit into one request", len(lines))
            self.batch_size = min(self.batch_size, max(1, len(lines) // 2))
            outcome.problems |= {line.id: "the request is too long for the model" for line in lines}
        return [line for line in lines if line.id not in outcome.texts]

    def _request(self, messages: Messages, outcome: _Outcome) -> Reply:
        reply = self.ask(messages)
        outcome.tokens_in += reply.tokens_in
        outcome.tokens_out += reply.tokens_out
        return reply

    # --- judging ------------------------------------------------------------------------------

    def _judge(self, lines: Sequence[TightLine], reply: Reply, outcome: _Outcome) -> str:
        """Take the usable texts of a reply into `outcome`; return what is wrong, for the repair."""
        sources = {number: one_line(line.source) for number, line in enumerate(lines, start=1)}
        parsed = parse_offers(reply.text, list(sources))
        whole = self._whole_problem(reply, parsed, sources)
        if whole:
            outcome.problems |= {line.id: whole for line in lines}
            return whole
        problems: dict[int, str] = {}
        for number, line in enumerate(lines, start=1):
            texts, problem = self._usable(line, parsed.texts[number])
            if problem:
                problems[number] = outcome.problems[line.id] = problem
            else:
                outcome.texts[line.id] = texts
        return "; ".join(f"line [{number}] {problem}" for number, problem in problems.items())

    def _whole_problem(self, reply: Reply, parsed: ParsedOffers, sources: Mapping[int, str]) -> str:
        if reply.refused:
            return "the answer is a refusal"
        if reply.cut:
            return "the answer was cut off before its end"
        if parsed.problem:
            refused = is_refusal(reply.text, " ".join(sources.values()), base(self.task.source))
            return "the answer is a refusal" if refused else parsed.problem
        middle = {number: texts[len(texts) // 2] for number, texts in parsed.texts.items()}
        together = self._checks.fault_together(sources, middle)
        if together:
            return f"the answer {together.text}"
        if slid(sources, middle) or repeated(sources, middle):
            return "lines seem to have the texts of other lines"
        return ""

    def _usable(self, line: TightLine, texts: Sequence[str]) -> tuple[tuple[str, ...], str]:
        """Return the texts of a line that pass, or what is wrong with them all."""
        source = one_line(line.source)
        kept: dict[str, None] = {}
        problem = ""
        for text in texts:
            clean = self._clean(text, source)
            fault = self._checks.fault(source, clean)
            if fault is None:
                kept[clean] = None
            else:
                problem = problem or fault.text
        first = one_line(line.text)
        return tuple(text for text in kept if text != first), "" if kept else problem

    def _clean(self, text: str, source: str) -> str:
        plain = unwrap(resolved(one_line(text)), source, labels=self._labels)
        return unwrap(without_asides(plain, source), source, labels=self._labels)


def _offers(batch: Sequence[TightLine], outcome: _Outcome) -> list[Offer]:
    """Return one offer for each line, with the batch's tokens spread so that their sum stays right."""
    offers = []
    for index, line in enumerate(batch):
        texts = outcome.texts.get(line.id)
        problem = "" if texts is not None else outcome.down or outcome.problems.get(line.id, "no answer came")
        offers.append(
            Offer(
                line.id,
                texts or (),
                problem,
                down=texts is None and bool(outcome.down),
                tokens_in=share(outcome.tokens_in, index, len(batch)),
                tokens_out=share(outcome.tokens_out, index, len(batch)),
            )
        )
    return offers
