"""Whisper through faster-whisper, with CTranslate2."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import TYPE_CHECKING

from dubkit.cores import usable_cores
from dubkit.errors import ModelMissing
from dubkit.speech.packs import LONGEST
from dubkit.speech.recognisers.whisper_models import MODELS
from dubkit.speech.recognition import Hearing, Recogniser, RecognitionEngine, RecognitionTask
from dubkit.speech.vad import GATE

if TYPE_CHECKING:
    from dubkit.types.models import ResolvedModel

ROLE = "asr"
BEST_FIRST = ("large-v3", "medium", "small", "base")
ENGLISH_LISTENER, LISTENER = "tiny.en", "base"
MOST_WORKERS = 8
"""Runs of the model side by side; each holds what it works on, about 0.2 GB with the model `base`."""
OTHER_BEAM, OTHER_BEAM_OF_ONE = 1, 5
"""Beam of a second reading by the same model; 5 where the first has a beam of 1."""


def find_model(task: RecognitionTask) -> ResolvedModel | None:
    """Return the model: the one named, else the default; with mode `high` the best that is here.

    None means that the named model is yet to be fetched. Raises ModelMissing when there is none to be had.
    """
    name, host = task.settings.model, task.host
    if name != "auto":
        return host.model(ROLE, name)
    if host.setting("mode") == "high" and not host.setting("models.asr"):
        for better in BEST_FIRST:
            model = host.find_model(ROLE, better)
            if model is not None:
                return model
    # fetch finds what is here, and otherwise raises and names every way to get a model.
    return host.model(ROLE) or host.fetch_model(ROLE)


def _hindrance(task: RecognitionTask) -> str:
    if importlib.util.find_spec("faster_whisper") is None:
        return f"faster-whisper is not installed. Run: pip install {MODELS[0].runtime_pip}"
    if task.host.setting("models.offline") and task.host.find_model(ROLE, task.settings.model) is None:
        return (
            f"its model {task.settings.model!r} is not on this machine, and models.offline is on. "
            "Run: dubkit models list"
        )
    return ""


def _identity(task: RecognitionTask) -> str:
    model = find_model(task)
    return model.identity if model else f"{task.settings.model}, to be fetched"


def _open(task: RecognitionTask) -> Recogniser:
    from dubkit.speech.asr import WhisperRecogniser

    model = find_model(task)
    if model is None:
        raise ModelMissing(f"The Whisper model {task.settings.model!r} was not fetched yet.")
    path, device = task.host.model_path(model), task.host.device()
    workers = _workers(task) if device == "cpu" else 1
    threads = max(1, min(4, usable_cores() // workers))
    return WhisperRecogniser(path, name=model.name, device=device, threads=threads, workers=workers)


def _workers(task: RecognitionTask) -> int:
    """Return how many runs of the model go side by side: one thread for each beats many for one run."""
    batches = int(task.seconds / (LONGEST * task.settings.batch_size))
    return max(1, min(usable_cores(), MOST_WORKERS, max(batches, task.workers)))


def _hearing(task: RecognitionTask, language: str) -> Hearing:
    """Hear a dub with another model where one is here, else with another beam; never with hints."""
    settings, first = replace(task.settings, hints=""), find_model(task)
    english = language.partition("-")[0].lower() == "en"
    for name in (ENGLISH_LISTENER, LISTENER) if english else (LISTENER,):
        model = task.host.find_model(ROLE, name)
        if model is not None and (first is None or model.identity != first.identity):
            other = replace(task, settings=replace(settings, model=name))
            return Hearing(other, f"{model.name}, beam {settings.beam}")
    beam = OTHER_BEAM if settings.beam != OTHER_BEAM else OTHER_BEAM_OF_ONE
    name = first.name if first else settings.model
    lacks = f"whisper-{ENGLISH_LISTENER} is missing. Run: pip install {MODELS[0].pip}" if english else ""
    return Hearing(replace(task, settings=replace(settings, beam=beam)), f"{name}, beam {beam}", lacks)


ENGINE = RecognitionEngine(
    name="faster-whisper",
    title="Whisper, run by faster-whisper",
    hindrance=_hindrance,
    identity=_identity,
    open=_open,
    models=(*MODELS, GATE),
    side_by_side=True,
    hearing=_hearing,
)
