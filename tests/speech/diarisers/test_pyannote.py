"""The pyannote adapter against a stand-in with the published signatures of versions 3 and 4.

The real package cannot be installed on machines without its audio libraries, so these tests hold the
adapter to the calls and results that its documentation states, not to its behaviour.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dubkit.errors import ModelMissing
from dubkit.speech.diarisers.pyannote import diarize_pyannote, pyannote_available
from dubkit.speech.settings import Diarize
from dubkit.types import ASR_RATE, Turn

AUDIO = np.zeros(ASR_RATE, dtype=np.float32)


@dataclass
class Span:
    start: float
    end: float


class Annotation:
    rows = (
        (Span(4.0, 6.0), "A", "SPEAKER_00"),
        (Span(1.0, 4.5), "B", "SPEAKER_01"),
        (Span(7.0, 7.0), "C", "SPEAKER_00"),
    )

    def itertracks(self, yield_label: bool = False) -> Iterator[tuple[Span, str, str]]:
        assert yield_label
        return iter(self.rows)

    def labels(self) -> list[str]:
        return ["SPEAKER_00", "SPEAKER_01"]


class Calls:
    """Records how the stand-in was called and what it shall answer."""

    def __init__(self) -> None:
        self.opened: dict[str, Any] = {}
        self.applied: dict[str, Any] = {}
        self.file: Any = None
        self.device = ""
        self.result: Any = Annotation()
        self.refusal: Exception | None = None
        self.closed = False


def install(monkeypatch: pytest.MonkeyPatch, version: int) -> Calls:
    calls = Calls()

    class Pipeline:
        def to(self, device: Any) -> None:
            calls.device = str(device)

        def __call__(self, file: Any, **options: Any) -> Any:
            calls.file, calls.applied = file, options
            return calls.result

    def opened(source: str, token: str | None) -> Pipeline | None:
        calls.opened = {"source": source, "token": token}
        if calls.refusal:
            raise calls.refusal
        return None if calls.closed else Pipeline()

    if version == 3:

        def from_pretrained(
            checkpoint_path: str, hparams_file: Any = None, use_auth_token: Any = None
        ) -> Any:
            return opened(checkpoint_path, use_auth_token)
    else:

        def from_pretrained(
            checkpoint: str, revision: Any = None, token: Any = None, cache_dir: Any = None
        ) -> Any:  # type: ignore[misc]
            return opened(checkpoint, token)

    Pipeline.from_pretrained = staticmethod(from_pretrained)  # type: ignore[attr-defined]
    module = ModuleType("pyannote.audio")
    module.Pipeline = Pipeline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyannote.audio", module)
    return calls


@pytest.mark.parametrize("version", [3, 4])
def test_turns_keep_their_overlap_and_are_named_by_first_speech(
    monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    calls = install(monkeypatch, version)
    if version == 4:
        calls.result = SimpleNamespace(
            speaker_diarization=Annotation(), speaker_embeddings=np.array([[0, 2.0], [3.0, 4.0]])
        )
    found = diarize_pyannote(AUDIO, "some/pipeline", "secret", device="cpu")
    assert found.turns == (Turn(1.0, 4.5, "spk1"), Turn(4.0, 6.0, "spk2"))
    assert found.method == "pyannote"
    assert calls.opened == {"source": "some/pipeline", "token": "secret"}
    assert calls.device == "cpu"
    if version == 4:
        assert found.embeddings == {"spk1": (0.6, 0.8), "spk2": (0.0, 1.0)}


def test_sound_is_handed_over_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = install(monkeypatch, 4)
    diarize_pyannote(AUDIO, "some/pipeline")
    assert tuple(calls.file["waveform"].shape) == (1, ASR_RATE)
    assert calls.file["sample_rate"] == ASR_RATE


def test_known_and_bounded_speaker_counts_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = install(monkeypatch, 3)
    diarize_pyannote(AUDIO, "p", settings=Diarize(speakers=3))
    assert calls.applied == {"num_speakers": 3}
    diarize_pyannote(AUDIO, "p", settings=Diarize(max_speakers=5))
    assert calls.applied == {"min_speakers": 1, "max_speakers": 5}


def test_embeddings_of_version_3_and_of_too_short_speakers(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = install(monkeypatch, 3)
    calls.result = (Annotation(), np.array([[np.nan, 1.0], [3.0, 4.0]]))
    assert diarize_pyannote(AUDIO, "p").embeddings == {"spk1": (0.6, 0.8)}


def test_a_refused_pipeline_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = install(monkeypatch, 3)
    calls.closed = True
    with pytest.raises(ModelMissing, match=r"(?s)gated/model.*HF_TOKEN.*accept its terms"):
        diarize_pyannote(AUDIO, "gated/model")
    calls.closed, calls.refusal = False, OSError("403 Forbidden")
    with pytest.raises(ModelMissing, match=r"(?s)OSError: 403 Forbidden.*token may read it"):
        diarize_pyannote(AUDIO, "gated/model", "secret")


def test_a_token_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = install(monkeypatch, 4)
    calls.refusal = OSError("401")
    with pytest.raises(ModelMissing) as error:
        diarize_pyannote(AUDIO, "gated/model", "hf_secret")
    assert "hf_secret" not in str(error.value)


def test_a_broken_local_pipeline_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    calls = install(monkeypatch, 4)
    calls.refusal = ValueError("bad config")
    with pytest.raises(ModelMissing, match="bad config"):
        diarize_pyannote(AUDIO, tmp_path)


def test_without_the_package_the_built_in_method_is_named() -> None:
    if pyannote_available():
        pytest.skip("pyannote.audio is installed here")
    with pytest.raises(ModelMissing, match="built-in method"):
        diarize_pyannote(AUDIO, "p")
