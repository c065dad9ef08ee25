"""Translate lines with one translator after another: what one cannot do, the next one does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dubkit.errors import DubkitError, OutputLost, TranslationError, TranslatorDown, TranslatorUnreachable
from dubkit.translate.choice import TranslatorChoice, fallbacks, next_translator
from dubkit.translate.lines import SERVICE_ERROR, UNTRANSLATED, SourceLine, Translated


@dataclass(frozen=True, slots=True)
class Settled:
    """A line that no other translator is asked for."""

    line: Translated
    choice: TranslatorChoice
    """What translated it, or was the last to try."""
    cause: str = ""
    """Why it was not the first one, as a sentence; empty where it was."""
    own: bool = False
    """Whether the cause is of this line alone: the first translator answered, but had no text for it."""


@dataclass(slots=True)
class Relay:
    """Hands lines to a translator, and what it leaves to the next one; every line is settled once.

    With `translate.fallback`, the next one goes on whatever the reason. Without, only where nothing answers
    for a translator that nobody named.
    """

    choice: TranslatorChoice
    keep: Callable[[Settled], None]
    fail: Callable[[Translated], None]
    """Takes a line that failed for a reason outside the line."""
    say: Callable[[TranslatorChoice], None]
    _left: dict[str, SourceLine] = field(default_factory=dict)
    _results: dict[str, list[Settled]] = field(default_factory=dict)
    _deaths: list[str] = field(default_factory=list)
    _may_pass: bool = False
    """Whether one of them died of what may be over later."""

    def run(self, lines: Sequence[SourceLine]) -> None:
        """Settle all lines. Raises what the first translator raised where no other can go on."""
        self._left = {line.id: line for line in lines}
        turn: TranslatorChoice | None = self.choice
        tried: set[str] = set()
        while turn is not None:
            self.say(turn)
            tried.add(turn.engine.name)
            death = self._turn(turn)
            after = next_translator(self.choice.task, tried) if self._left and self._goes_on(death) else None
            if death is not None:
                self._may_pass |= isinstance(death, DubkitError) and death.may_pass
                self._deaths.append(f"{turn.identity}: {_first_line(death)}")
                self._end(after, death)
            turn = after
        for name in list(self._left):
            self._settle(name)

    @property
    def _chained(self) -> bool:
        return bool(fallbacks(self.choice.task))

    def _goes_on(self, death: Exception | None) -> bool:
        return self._chained or isinstance(death, TranslatorUnreachable)

    def _end(self, after: TranslatorChoice | None, death: Exception) -> None:
        """Raise where a translator died, no other goes on, and some lines have no answer at all."""
        if after is not None or all(name in self._results for name in self._left):
            return
        if len(self._deaths) == 1:
            raise death
        kind = TranslatorDown if self._may_pass else TranslationError
        raise kind("No translator could go on.\n" + "\n".join(self._deaths)) from death

    def _turn(self, turn: TranslatorChoice) -> Exception | None:
        """Let a translator do all lines that are left; return what it died of."""
        ours: list[BaseException] = []

        def take(batch: Sequence[Translated]) -> None:
            try:
                for line in batch:
                    self._take(line, turn)
            except BaseException as error:
                ours.append(error)  # keeping a line failed: that is no fault of the translator
                raise

        try:
            turn.engine.open(turn.task).translate(list(self._left.values()), take)
        except OutputLost:
            raise
        except Exception as error:  # whatever ends a translator, the next one may go on
            if ours or not (self._chained or isinstance(error, DubkitError)):
                raise
            return error
        return None

    def _take(self, line: Translated, turn: TranslatorChoice) -> None:
        settled = self._settled(line, turn)
        if UNTRANSLATED not in line.flags or not (self._chained or SERVICE_ERROR in line.flags):
            self._left.pop(line.id, None)
            self.keep(settled)
        else:
            self._results.setdefault(line.id, []).append(settled)

    def _settled(self, line: Translated, turn: TranslatorChoice) -> Settled:
        if turn is self.choice:
            return Settled(line, turn, turn.instead and f"{turn.instead} {_did(turn)}")
        before = self._results.get(line.id, [])
        if before and SERVICE_ERROR not in before[0].line.flags:
            said = f"{before[-1].choice.identity} gave no translation of it ({_flags(before[-1].line)})."
            return Settled(line, turn, f"{said} {turn.engine.sentence_name} did.", own=True)
        why = before[-1].line.problem if before else self._deaths[-1].partition(": ")[2]
        again = (
            f"the next run asks {self.choice.identity} again, except for lines that are accepted or locked"
            if self._chained
            else "--force translate asks again"
        )
        why = why or f"{self.choice.identity} failed"
        return Settled(line, turn, f"{why.rstrip('.')}. {_did(turn).rstrip('.')}; {again}.")

    def _settle(self, name: str) -> None:
        """Settle a line that nobody translated: as the first one judged it, else as the last one did."""
        del self._left[name]
        results = self._results.get(name)
        if not results:
            return  # a translator that breaks its word: the chain reports the line as not handled
        judged = [result for result in results if SERVICE_ERROR not in result.line.flags]
        if not judged:
            return self.fail(results[0].line)
        self.keep(judged[0] if judged[0] is results[0] else judged[-1])


def _did(choice: TranslatorChoice) -> str:
    return f"{choice.engine.sentence_name} translated instead."


def _flags(line: Translated) -> str:
    return ", ".join(flag for flag in line.flags if flag != UNTRANSLATED) or UNTRANSLATED


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
