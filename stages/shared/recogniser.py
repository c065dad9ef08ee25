"""Which engine recognises speech, and what of it enters keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.speech.recognition import RECOGNISERS, RecognitionEngine, RecognitionTask, choose_recogniser
from stages.shared.host import RunHost, part_identity, part_settings

if TYPE_CHECKING:
    from dubkit.speech.recognition import Recogniser


def recognition(context: Context) -> tuple[RecognitionEngine, RecognitionTask]:
    """Return the engine that recognises speech, and its task. Raises ModelMissing where none can."""
    task = RecognitionTask(context.settings.transcribe, RunHost(context))
    engine = choose_recogniser(task)
    return engine, task.for_engine(engine)


def recogniser_identity(context: Context) -> str:
    """Return the identity of the recogniser, as it enters keys."""
    engine, task = recognition(context)
    return part_identity(RECOGNISERS, engine, engine.identity(task))


def recogniser_settings(context: Context) -> tuple[str, ...]:
    """Return the recogniser's own settings that enter keys."""
    engine, _ = recognition(context)
    return part_settings(context, engine.settings, engine.table)


def open_recogniser(context: Context) -> Recogniser:
    """Load the recogniser's model."""
    engine, task = recognition(context)
    return engine.open(task)
