"""Diarisation by pyannote.audio, for machines that have it: it also finds overlapping speech.

The package is optional. Versions 3 and 4 differ in how a model is opened and in what it returns;
both are read here into the same types that the built-in diariser gives.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import ModelMissing
from dubkit.speech.diarization import DiarizationEngine, DiarizationTask
from dubkit.speech.settings import Diarize
from dubkit.speech.turns import named_by_appearance
from dubkit.types import ASR_RATE, Diarization, Turn
from dubkit.types.models import HubSource, ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME = "pyannote"
REPOSITORY = "pyannote/speaker-diarization-community-1"

MODEL = ModelSpec(
    role="diarization",
    name="pyannote-community-1",
    licence="CC-BY-4.0",
    licence_url=f"https://huggingface.co/{REPOSITORY}",
    about="pyannote speaker diarization, used instead of the voice encoder when it is there",
    does="who speaks",
    without="Speakers are told apart by the voice encoder instead.",
    setting="models.pyannote",
    setting_takes_repository=True,
    optional=True,
    required=("config.yaml",),
    hub=HubSource(REPOSITORY, "main", gated=True),
    needs=("pyannote.audio",),
    runtime_pip='"dubkit[pyannote]"',
    note="optional; its terms are accepted on the hub, then a token is needed",
)


def pyannote_available() -> bool:
    """Whether pyannote.audio is installed. It is not imported: that takes seconds and pulls in torch."""
    try:
        return importlib.util.find_spec("pyannote.audio") is not None
    except ModuleNotFoundError:
        # `pyannote` is a shared namespace; without any part of it even the search fails.
        return False


def diarize_pyannote(
    audio: NDArray[np.float32],
    source: str | Path = REPOSITORY,
    token: str | None = None,
    settings: Diarize | None = None,
    device: str = "cpu",
) -> Diarization:
    """Return the turns that a pyannote pipeline finds, overlaps kept, speakers named `spk1`, `spk2`, …

    `source` is a pipeline's name on the model hub or a local path. Raises ModelMissing when it
    cannot be opened: not accepted on the hub, no token, no network, no such file.
    """
    import torch

    settings = settings or Diarize()
    pipeline = _open_pipeline(source, token)
    pipeline.to(torch.device(device))
    # Sound in memory: reading files would need torchcodec, which fits few machines.
    waveform = torch.from_numpy(audio.copy()).unsqueeze(0)
    result = pipeline({"waveform": waveform, "sample_rate": ASR_RATE}, **_counts(settings))
    annotation, vectors = _parts(result)
    turns = tuple(
        Turn(round(float(segment.start), 3), round(float(segment.end), 3), str(label))
        for segment, _, label in annotation.itertracks(yield_label=True)
        if segment.end > segment.start
    )
    labels = [str(label) for label in annotation.labels()]
    return named_by_appearance(Diarization(turns, NAME, _embeddings(labels, vectors)))


def _open_pipeline(source: str | Path, token: str | None) -> Any:
    """Open the pipeline. Whatever puts it out of reach raises one error that says what to do."""
    try:
        opener = importlib.import_module("pyannote.audio").Pipeline
    except ImportError as error:
        raise ModelMissing(
            f"pyannote.audio cannot be used: {error}.\n"
            "Install dubkit with the extra `pyannote`, or diarise with the built-in method."
        ) from error
    try:
        pipeline = _from_pretrained(opener, str(source), token)
    except Exception as error:
        # The hub client raises a dozen unrelated types here (HTTP, gated, offline, missing file).
        raise ModelMissing(_unreachable(source, token, f"{type(error).__name__}: {error}")) from error
    if pipeline is None:
        # Version 3 prints its reason and returns nothing when a model's terms are not accepted.
        raise ModelMissing(_unreachable(source, token, "access was refused"))
    return pipeline


def _from_pretrained(opener: Any, source: str, token: str | None) -> Any:
    """Call `from_pretrained` with the name that this version gives the token."""
    if not token:
        return opener.from_pretrained(source)
    names = inspect.signature(opener.from_pretrained).parameters
    return opener.from_pretrained(source, **{"token" if "token" in names else "use_auth_token": token})


def _unreachable(source: str | Path, token: str | None, reason: str) -> str:
    if Path(source).exists():
        return (
            f"The pyannote pipeline at {source} cannot be opened ({reason}).\n"
            "Check that the folder is complete and made for the installed pyannote.audio."
        )
    access = "Check that the token may read it" if token else "Set a Hugging Face token (HF_TOKEN)"
    return (
        f"The pyannote pipeline {source} cannot be fetched ({reason}).\n"
        f"{access} and accept its terms at https://huggingface.co/{source}, give a local path instead,"
        " or diarise with the built-in method."
    )


def _counts(settings: Diarize) -> dict[str, int]:
    if settings.speakers:
        return {"num_speakers": settings.speakers}
    return {"min_speakers": 1, "max_speakers": settings.max_speakers}


def _parts(result: Any) -> tuple[Any, Any]:
    """Return annotation and embeddings: version 3 gives the annotation itself, version 4 both in one."""
    if hasattr(result, "speaker_diarization"):
        return result.speaker_diarization, getattr(result, "speaker_embeddings", None)
    if isinstance(result, tuple):
        return result[0], result[1]
    return result, None


def _embeddings(labels: list[str], vectors: Iterable[Any] | None) -> dict[str, tuple[float, ...]]:
    """Return unit vectors by label; a speaker heard too briefly has NaN there and is left out."""
    if vectors is None:
        return {}
    embeddings: dict[str, tuple[float, ...]] = {}
    for label, vector in zip(labels, vectors, strict=False):
        values = [float(value) for value in vector]
        length = math.sqrt(math.fsum(value * value for value in values))
        if length > 0 and math.isfinite(length):
            embeddings[label] = tuple(round(value / length, 6) for value in values)
    return embeddings


def _hindrance(task: DiarizationTask) -> str:
    named = task.host.setting("models.pyannote") or task.host.setting("models.token")
    if task.settings.method != NAME and not named:
        return "no pipeline is named, and no token to fetch one. Set models.pyannote or models.token."
    if not pyannote_available():
        return f"pyannote.audio is not installed. Run: pip install {MODEL.runtime_pip}"
    return ""


def _diarize(audio: NDArray[np.float32], task: DiarizationTask) -> Diarization:
    source = task.host.setting("models.pyannote") or REPOSITORY
    token = task.host.setting("models.token") or None
    return diarize_pyannote(audio, source, token, task.settings, task.host.device())


ENGINE = DiarizationEngine(
    name=NAME,
    title="pyannote.audio",
    hindrance=_hindrance,
    identity=lambda task: NAME,
    diarize=_diarize,
    models=(MODEL,),
)
