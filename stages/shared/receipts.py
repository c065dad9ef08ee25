"""What the lines of a run took, where the engine that speaks is paid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dubkit.chain.stage import Needs
from dubkit.episode.context import Context
from dubkit.errors import DubkitError, VoiceError
from dubkit.types import Line, Remark, Segment, SpokenLine, remark
from dubkit.types.voices import Receipt
from stages.shared.dubbed_lines import dubbed_lines, lipdubbed_lines
from stages.shared.voices import choose_voice, own_table, voice_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.voice.engine import Synthesiser, VoiceEngine

READINGS = 2
"""How often a line is sent at most as a rule: once to know how long it is, once in its time."""


class Receipts:
    """The receipts of the lines that one open engine speaks."""

    def __init__(self, context: Context, engine: VoiceEngine, synthesiser: Synthesiser) -> None:
        self._context, self._synthesiser = context, synthesiser
        self._paid = engine.price is not None
        self._total = Receipt()

    def of(self, segment: Segment, line: Line) -> Receipt:
        """Return what a line took, whether or not it was spoken."""
        from dubkit.voice.receipts import receipt_of
        from dubkit.voice.text.spoken import spoken_text

        said = spoken_text(line.text, self._context.language)
        receipt = receipt_of(self._synthesiser, said, voice_of(self._context, segment))
        self._total += receipt
        return receipt

    def noted(self, line: SpokenLine, receipt: Receipt) -> SpokenLine:
        """Return the record of a line with its receipt, where there is anything to pay."""
        return replace(line, receipt=receipt) if self._paid else line

    @property
    def sentence(self) -> str:
        """What all lines took; empty where nothing was paid."""
        return f"speak {self._context.language}: {told(self._total)}" if self._paid else ""


class Counting:
    """An open voice engine that counts how often it was asked to speak one line."""

    def __init__(self, synthesiser: Synthesiser) -> None:
        self._synthesiser, self.calls = synthesiser, 0

    @property
    def rate(self) -> int:
        """Samples per second of its sound."""
        return self._synthesiser.rate

    @rate.setter
    def rate(self, value: int) -> None:
        self._synthesiser.rate = value

    def speak(
        self, text: str, *, voice: str, language: str, speed: float, seed: int | None = None, **able: Any
    ) -> NDArray[np.float32]:
        """Speak as the engine does, and count it."""
        self.calls += 1
        return self._synthesiser.speak(text, voice=voice, language=language, speed=speed, seed=seed, **able)


def counted(context: Context, line: SpokenLine, synthesiser: Synthesiser) -> SpokenLine:
    """Return a line with how often the engine was asked for it, where lines may get further takes."""
    if context.settings.dub.takes > 1 and isinstance(synthesiser, Counting):
        return replace(line, calls=synthesiser.calls)
    return line


def price_of(context: Context, text: str) -> float:
    """Return the most that speaking a text once more costs; 0 where the engine costs nothing.

    Raises VoiceError where its price is not known.
    """
    from dubkit.voice.text.spoken import spoken_text

    engine = choose_voice(context).engine
    if engine.price is None:
        return 0.0
    price = engine.price(own_table(context, engine))
    if not price:
        raise VoiceError(
            f"The price of {engine.sentence_name} is not known, so no money can be budgeted.\n"
            f"Set {engine.table}.price to that of a million characters, or give a budget of calls or minutes."
        )
    return max(len(text), len(spoken_text(text, context.language))) * most_calls(context) * price / 1e6


def most_calls(context: Context) -> int:
    """Return how often an engine is asked at most to speak one take of a line."""
    from dubkit.voice.fit import MAX_CALLS

    return READINGS if context.settings.timing.scheduled else MAX_CALLS


def unheeded(line: str, receipt: Receipt) -> list[Remark]:
    """Return remarks on what a line was to be and the engine could not do."""
    return [remark("delivery-unheeded", note, line) for note in receipt.notes]


def told(receipt: Receipt) -> str:
    """Return a receipt in words."""
    again = f", {receipt.retries} of them again" if receipt.retries else ""
    money = f", {receipt.money:,.2f} to pay" if receipt.money else ""
    return f"{receipt.characters:,} characters spoken in {receipt.requests} requests{again}{money}"


def speech_needs(context: Context, due: frozenset[str]) -> Needs:
    """Return the characters that a paid engine is sent for the lines that are due, and what they cost."""
    try:
        engine = choose_voice(context).engine
        price = engine.price(own_table(context, engine)) if engine.price else None
    except DubkitError:  # the stage says so when its turn comes
        return Needs()
    if price is None:
        return Needs()
    least = sum(len(text) for text in _texts(context, due))
    most = least * READINGS
    return Needs(characters=(least, most), money=(least * price / 1e6, most * price / 1e6))


def _texts(context: Context, due: frozenset[str]) -> list[str]:
    """Return the texts that are due to be spoken, those of the source before they are translated."""
    if not context.store.has("translation.json", context.language):
        known = context.store.has("transcript.json")
        return [segment.text for segment in context.segments] if known else []
    generated = lipdubbed_lines(context)
    lines = [line for _, line in dubbed_lines(context) if line.id not in generated]
    return [line.text for line in lines if line.id in due or not due]
