"""How a line is spoken beside its words: in whose voice, and in which way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dubkit.episode.context import Context
from dubkit.types import Line, Segment
from stages.shared.cloning.references import reference_input, reference_of
from stages.shared.deliveries import delivery_input, delivery_of, performed
from stages.shared.series_words import said_inputs
from stages.shared.voices import choose_voice

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.types.voices import Reference
    from dubkit.voice.engine import VoiceEngine


def cloned_from(context: Context, engine: VoiceEngine, segment: Segment) -> Reference | None:
    """Return the recording that the engine clones a line's voice from; None for a voice of its own."""
    return reference_of(context, segment) if "clone" in engine.abilities else None


def cloned_input(context: Context, engine: VoiceEngine, segment: Segment) -> dict[str, str]:
    """Return how that recording enters the key of a line; empty without one."""
    reference = reference_input(context, segment) if "clone" in engine.abilities else ""
    return {f"references/{segment.speaker}": reference} if reference else {}


def performance(context: Context, engine: VoiceEngine, segment: Segment, line: Line) -> dict[str, Any]:
    """Return the keywords of what the engine can, for one line."""
    keywords: dict[str, Any] = {}
    if "clone" in engine.abilities:
        keywords["reference"] = reference_of(context, segment)
    if "style" in engine.abilities:
        keywords["delivery"] = delivery_of(context, segment, line)
    return keywords


def spoken_as_asked(
    context: Context, engine: VoiceEngine, segment: Segment, line: Line, samples: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (N,) speech at 48 kHz as the line is to be said; an engine with style said it so."""
    return samples if "style" in engine.abilities else performed(context, segment, line, samples)


def performance_inputs(context: Context, segment: Segment, line: Line) -> dict[str, str]:
    """Return what of it enters the key of a line; empty where it is read plainly."""
    engine = choose_voice(context).engine
    inputs = cloned_input(context, engine, segment)
    if delivery := delivery_input(context, segment, line):
        inputs[f"delivery/{line.id}"] = delivery
    return inputs | said_inputs(context, engine.name, segment, line.text)
