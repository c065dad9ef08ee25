"""How each line is spoken: as a person typed, else as it is planned from the source."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.types import Line, Remark, Segment, remark
from dubkit.types.voices import Delivery
from dubkit.voice.wishes import Wish, read_wish

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.voice.engine import VoiceEngine


def delivery_of(context: Context, segment: Segment, line: Line) -> Delivery | None:
    """Return how a line is spoken; None for the voice's plain way."""
    wish = typed_wish(context, line)
    wish = wish or person_style(context, segment)
    if wish is not None:
        return wish.delivery
    return next((plan.delivery for plan in context.expression.lines if plan.id == line.id), None)


def person_style(context: Context, segment: Segment) -> Wish | None:
    """Return how the series says that a line's speaker speaks; None where it says nothing."""
    person = context.people.get(segment.speaker)
    return read_wish(person.style.value) if person is not None and person.style is not None else None


def typed_wish(context: Context, line: Line) -> Wish | None:
    """Return how a person wants a line spoken, as far as the words could be read; None where nobody said."""
    edit = context.placed.lines.get(line.id)
    words = (edit.delivery or "").strip() if edit is not None else ""
    return read_wish(words) if words else None


def wished_energy(context: Context, line: Line) -> float:
    """Return the dB by which a person wants a line louder than its source line."""
    wish = typed_wish(context, line)
    return wish.delivery.energy if wish is not None else 0.0


def wished_pace(context: Context, segment: Segment, line: Line) -> float:
    """Return the pace that a line is to have against the voice's own, where the schedule has the room."""
    delivery = delivery_of(context, segment, line)
    return delivery.pace if delivery is not None else 1.0


def performed(
    context: Context, segment: Segment, line: Line, samples: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (N,) speech at 48 kHz at the pitch that the line is to have; its length stays."""
    delivery = delivery_of(context, segment, line)
    if delivery is None or not delivery.pitch or not len(samples):
        return samples
    import numpy as np
    from scipy.signal import resample_poly  # type: ignore[import-untyped]

    from dubkit.speech.pitch import pitch_contour
    from dubkit.types import ASR_RATE, SAMPLE_RATE
    from dubkit.voice.melody import moved

    contour = pitch_contour(resample_poly(samples, 1, SAMPLE_RATE // ASR_RATE).astype(np.float32))
    return moved(samples, SAMPLE_RATE, contour.hz, contour.step, delivery.pitch)


def delivery_remarks(context: Context, line: Line, engine: VoiceEngine) -> list[Remark]:
    """Return what people should know of a delivery that they typed for a line."""
    wish = typed_wish(context, line)
    if wish is None or wish.understood or "style" in engine.abilities:
        return []
    said = f"{engine.sentence_name} cannot be told {wish.delivery.words!r}, so the line is spoken plainly."
    return [remark("delivery-unheeded", said, line.id)]


def delivery_input(context: Context, segment: Segment, line: Line) -> str:
    """Return the digest of how a line is spoken, as it enters keys; empty for the plain way."""
    delivery = delivery_of(context, segment, line)
    return context.digest(list(astuple(delivery))) if delivery is not None else ""
