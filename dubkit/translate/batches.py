"""Checked batches for language models: ask, check, repair, ask for less, and flag what still fails.

A model joins lines, drops numbers, refuses, answers in another language or thinks aloud. No text
leaves this module unless its number, its length and its language were checked; a line that never
passes leaves it without text and with the reason.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dubkit.errors import TranslationError, TranslatorDown, TranslatorUnreachable
from dubkit.services.failures import ServiceDown, ServiceRefused, ServiceUnreachable
from dubkit.translate.alignment import repeated, slid
from dubkit.translate.asides import resolved, without_asides
from dubkit.translate.asking import (
    Ask,
    Messages,
    Reply,
    TooLong,
    share,
)
from dubkit.translate.checks import Fault, LineChecks
from dubkit.translate.clean import unwrap
from dubkit.translate.engine import TranslationTask
from dubkit.translate.language import base, language_name, normalise
from dubkit.translate.lines import (
    BAD_REPLY,
    REFUSED,
    SERVICE_ERROR,
    TERM,
    OnDone,
    SourceLine,
    Translated,
    failed,
    one_line,
)
from dubkit.translate.refusal import is_refusal
from dubkit.translate.reply import Parsed, parse_batch, parse_single
from dubkit.translate.request import batch_messages, repair_messages, single_messages
from dubkit.translate.wording.terms import term_faults, terms_in

log = logging.getLogger(__name__)

_DEAD_BATCHES = 2
"""Batches in a row that a service may fail, after all retries, before the rest is not sent any more."""


_SMALLER = (
    "Set translate.context to 0 and translate.batch_size to 1, or translate.model to one that takes more."
)


@dataclass(slots=True)
class _Outcome:
    """What became of the lines of one batch, by line id."""

    texts: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    tokens_in: int = 0
    tokens_out: int = 0
    answered: bool = False
    problem: str = ""
    """What the service said when it failed."""
    may_pass: bool = False
    """Whether that may be over later."""
    spare: dict[str, str] = field(default_factory=dict)
    """Texts that are right but for a term of the series: taken where no better one comes."""
    too_long: str = ""
    """What the service said when even a request for fewer lines was too long for it."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Accepted texts and the faults of the others, by number; `whole` when the reply failed as one."""

    texts: dict[int, str]
    faults: dict[int, Fault]
    whole: str = ""
    refused: bool = False
    spare: dict[int, str] = field(default_factory=dict)
    """Texts whose only fault is a term of the series."""


@dataclass(slots=True)
class BatchTranslator:
    """Translates lines through `ask`, which sends one request to a language model."""

    ask: Ask
    provider: str
    task: TranslationTask
    batch_size: int = 0
    """Lines per request; 0 takes the setting."""
    with_context: bool = True
    _checks: LineChecks = field(init=False)
    _labels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        target = self.task.target
        self.batch_size = self.batch_size or self.task.settings.batch_size
        self._checks = LineChecks(self.task.source, target)
        name = language_name(target)
        self._labels = (name, name.split()[-1], normalise(target), "output", "line")

    def run(self, lines: Sequence[SourceLine], on_done: OnDone) -> None:
        """Hand each finished batch to `on_done`.

        Raises TranslationError when the service failed before it answered anything. A service that
        fails later leaves the finished lines as they are and the others flagged.
        """
        answered, dead, start, words, may_pass = False, 0, 0, "", False
        while start < len(lines):
            batch = lines[start : start + self.batch_size]
            start += len(batch)
            if dead >= _DEAD_BATCHES:
                on_done([failed(line, self.provider, SERVICE_ERROR, words, may_pass) for line in batch])
                continue
            outcome = _Outcome()
            try:
                self._batch(batch, outcome)
                dead = 0
            except ServiceDown as problem:
                dead = _DEAD_BATCHES if self._is_dead(problem, answered) else dead + 1
                outcome.problem = words = str(problem).splitlines()[0]
                outcome.may_pass = may_pass = problem.may_pass
                answered = answered or outcome.answered
                if not answered and (start >= len(lines) or dead >= _DEAD_BATCHES):
                    raise _stopped(problem) from problem
            answered = answered or outcome.answered
            # Of several lines not one was short enough: that is the service, not the lines.
            if not answered and outcome.too_long and len(batch) > 1:
                raise TranslationError(f"{outcome.too_long}\n{_SMALLER}")
            on_done(self._results(batch, outcome))

    def _is_dead(self, problem: ServiceDown, answered: bool) -> bool:
        """Tell whether no further batch is sent: it refuses, or is not there and another one can go on."""
        gone = isinstance(problem, ServiceUnreachable) and not answered and bool(self.task.settings.fallback)
        return gone or isinstance(problem, ServiceRefused)

    def _results(self, batch: Sequence[SourceLine], outcome: _Outcome) -> list[Translated]:
        """One result for each line, with the batch's tokens spread so that their sum stays right."""
        results = []
        for index, line in enumerate(batch):
            if line.id in outcome.texts:
                result = Translated(line.id, outcome.texts[line.id], self.provider)
            else:
                reason = outcome.faults.get(line.id, SERVICE_ERROR)
                of_service = reason == SERVICE_ERROR
                words, may_pass = (outcome.problem, outcome.may_pass) if of_service else ("", False)
                result = failed(line, self.provider, reason, words, may_pass)
            tokens_in = share(outcome.tokens_in, index, len(batch))
            tokens_out = share(outcome.tokens_out, index, len(batch))
            results.append(replace(result, tokens_in=tokens_in, tokens_out=tokens_out))
        return results

    def _batch(self, batch: Sequence[SourceLine], outcome: _Outcome) -> None:
        speech = []
        for line in batch:
            if any(character.isalpha() for character in line.text):
                speech.append(line)
            else:
                # `...`, `1984` and `♪` read the same in every language.
                outcome.texts[line.id] = one_line(line.text)
        if speech:
            self._solve(speech, outcome)

    def _solve(self, lines: Sequence[SourceLine], outcome: _Outcome, *, repair: bool = True) -> None:
        """Settle every line in `outcome`: together, then in halves, at last one by one."""
        if len(lines) == 1:
            self._single(lines[0], outcome)
            return
        left = self._together(lines, outcome, repair=repair)
        if not left:
            return
        half = (len(left) + 1) // 2
        for part in (left[:half], left[half:]):
            if part:
                self._solve(part, outcome, repair=False)

    def _together(
        self, lines: Sequence[SourceLine], outcome: _Outcome, *, repair: bool
    ) -> Sequence[SourceLine]:
        """Lines of a batch that are still without a translation after a request and its repair."""
        asked = batch_messages(lines, self.task, context=self.with_context)
        try:
            reply = self._request(asked, outcome)
            verdict = self._judge_batch(lines, reply, range(1, len(lines) + 1))
            _take(lines, verdict, outcome)
            # A refusal of the whole batch is not argued with: alone, most of its lines are harmless.
            if repair and verdict.faults and not verdict.refused:
                problems = verdict.whole or {n: fault.text for n, fault in verdict.faults.items()}
                again = self._request(repair_messages(asked, reply.text, problems, self.task), outcome)
                verdict = self._judge_batch(lines, again, sorted(verdict.faults))
                _take(lines, verdict, outcome)
        except TooLong as problem:
            log.debug("%s: %d lines do not fit into one request", self.provider, len(lines))
            outcome.too_long = str(problem)
            self.batch_size = min(self.batch_size, max(1, len(lines) // 2))
        _settle_spare(lines, outcome)
        return [line for line in lines if line.id not in outcome.texts]

    def _single(self, line: SourceLine, outcome: _Outcome) -> None:
        """Ask for one line, then repair, then ask without the neighbours that may have confused the model."""
        asked = single_messages(line, self.task, context=self.with_context)
        bare = single_messages(line, self.task, context=False)
        faults: list[str] = []
        messages = asked
        for attempt in ("plain", "repair", "bare"):
            if attempt == "bare":
                if bare == asked:
                    break
                messages = bare
            try:
                reply = self._request(messages, outcome)
            except TooLong as problem:
                outcome.too_long = str(problem)
                faults.append(BAD_REPLY)
                continue
            text, fault = self._judge_single(line, reply)
            if fault is None:
                outcome.texts[line.id] = text
                return
            if fault.flag == TERM:
                outcome.spare[line.id] = text
            faults.append(fault.flag)
            messages = repair_messages(asked, reply.text, fault.text, self.task)
        if line.id in outcome.spare:
            return _settle_spare([line], outcome)
        outcome.faults[line.id] = REFUSED if REFUSED in faults else faults[-1]
        log.debug("%s: line %s has no translation (%s)", self.provider, line.id, outcome.faults[line.id])

    def _request(self, messages: Messages, outcome: _Outcome) -> Reply:
        reply = self.ask(messages)
        outcome.answered = True
        outcome.tokens_in += reply.tokens_in
        outcome.tokens_out += reply.tokens_out
        return reply

    # --- judging ------------------------------------------------------------------------------

    def _judge_batch(self, lines: Sequence[SourceLine], reply: Reply, numbers: Sequence[int]) -> _Verdict:
        parsed = parse_batch(reply.text, numbers)
        if parsed.problem and len(numbers) < len(lines):
            # Asked for some lines again, models like to send all.
            everything = parse_batch(reply.text, range(1, len(lines) + 1))
            if not everything.problem:
                parsed = Parsed({number: everything.texts[number] for number in numbers})
        sources = {number: one_line(lines[number - 1].text) for number in numbers}
        whole = self._whole_fault(reply, parsed, " ".join(sources.values()))
        if whole:
            return _Verdict({}, dict.fromkeys(numbers, whole), whole.text, whole.flag == REFUSED)
        texts = {number: self._clean(parsed.texts[number], lines[number - 1], lines) for number in numbers}
        faults = self._line_faults(sources, texts)
        wrong = {n: t for n in texts if n not in faults and (t := self._term_fault(lines[n - 1], texts[n]))}
        spare = {number: texts[number] for number in wrong}
        faults = dict(sorted((faults | wrong).items()))
        return _Verdict({n: text for n, text in texts.items() if n not in faults}, faults, spare=spare)

    def _term_fault(self, line: SourceLine, text: str) -> Fault | None:
        """Return what a text has wrong of the terms that stand in its line."""
        own = terms_in(line.text, line.wording.terms, self.task.source)
        wrong = term_faults(text, own, self.task.target)
        return Fault(TERM, "; it ".join(wrong)) if wrong else None

    def _line_faults(self, sources: Mapping[int, str], texts: Mapping[int, str]) -> dict[int, Fault]:
        together = self._checks.fault_together(sources, texts)
        if together is None and slid(sources, texts):
            together = Fault(BAD_REPLY, "seems to hold the translation of another line")
        if together:
            return dict.fromkeys(texts, together)
        faults = {n: fault for n, text in texts.items() if (fault := self._checks.fault(sources[n], text))}
        for number in repeated(sources, texts):
            faults.setdefault(number, Fault(BAD_REPLY, "has the same translation as another line"))
        return dict(sorted(faults.items()))

    def _judge_single(self, line: SourceLine, reply: Reply) -> tuple[str, Fault | None]:
        parsed = parse_single(reply.text, one_line(line.text))
        whole = self._whole_fault(reply, parsed, one_line(line.text))
        if whole:
            return "", whole
        text = self._clean(parsed.texts[1], line, [line])
        fault = self._checks.fault(one_line(line.text), text) or self._term_fault(line, text)
        return text, fault and replace(fault, text=f"the answer {fault.text}")

    def _whole_fault(self, reply: Reply, parsed: Parsed, source: str) -> Fault | None:
        if reply.refused:
            return Fault(REFUSED, "the answer is a refusal")
        if reply.cut:
            return Fault(BAD_REPLY, "the answer was cut off before its end")
        if not parsed.problem:
            return None
        if is_refusal(reply.text, source, base(self.task.source)):
            return Fault(REFUSED, "the answer is a refusal")
        return Fault(BAD_REPLY, parsed.problem)

    def _clean(self, text: str, line: SourceLine, lines: Sequence[SourceLine]) -> str:
        speakers = tuple(other.speaker for other in lines if other.speaker)
        source, labels = one_line(line.text), self._labels + speakers
        plain = unwrap(resolved(text), source, labels=labels)
        return unwrap(without_asides(plain, source), source, labels=labels)


def _take(lines: Sequence[SourceLine], verdict: _Verdict, outcome: _Outcome) -> None:
    """Keep what a reply has for the lines of a request."""
    outcome.texts |= {lines[number - 1].id: text for number, text in verdict.texts.items()}
    outcome.spare |= {lines[number - 1].id: text for number, text in verdict.spare.items()}


def _settle_spare(lines: Sequence[SourceLine], outcome: _Outcome) -> None:
    """Take the texts whose only fault is a term, where the repair brought no better ones."""
    for line in lines:
        if line.id in outcome.spare:
            outcome.texts.setdefault(line.id, outcome.spare[line.id])


def _stopped(problem: ServiceDown) -> TranslationError:
    if isinstance(problem, ServiceUnreachable):
        return TranslatorUnreachable(str(problem))
    return (TranslatorDown if problem.may_pass else TranslationError)(str(problem))
