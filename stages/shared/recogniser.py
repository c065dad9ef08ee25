"""Which engine recognises speech, and what of it enters keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.speech.recognition import (
    RECOGNISERS,
    Hearing,
    RecognitionEngine,
    RecognitionTask,
    choose_recogniser,
)
from dubkit.types import HeardBy
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


def open_recogniser(context: Context, seconds: float = 0.0) -> Recogniser:
    """Load the recogniser's model, for one call with that many seconds of speech."""
    engine, task = recognition(context)
    return engine.open(replace(task, seconds=seconds))


def hears_otherwise(context: Context) -> bool:
    """Tell whether the dub is heard by another reading than the one that transcribes."""
    listener, timing = context.settings.qc.listener, context.settings.timing
    return listener == "other" or (listener == "auto" and (timing.fit or timing.scheduled))


def hearing(context: Context) -> tuple[RecognitionEngine, Hearing]:
    """Return what hears the dub, and how."""
    engine, task = recognition(context)
    if not hears_otherwise(context):
        return engine, Hearing(task, "")
    if engine.hearing is None:
        lacks = f"{engine.title} has one reading only; it hears what it may have chosen itself."
        return engine, Hearing(task, engine.name, lacks)
    return engine, engine.hearing(task, context.language)


def heard_by(context: Context) -> HeardBy | None:
    """Return what hears the dub, as the report names it; None where the recogniser that transcribes does."""
    if not hears_otherwise(context):
        return None
    _, how = hearing(context)
    return HeardBy(how.name, how.lacks)


def listener_identity(context: Context) -> str:
    """Return the identity of what hears the dub, as it enters keys."""
    engine, how = hearing(context)
    identity = part_identity(RECOGNISERS, engine, engine.identity(how.task))
    return f"{identity}, beam {how.task.settings.beam}" if hears_otherwise(context) else identity
