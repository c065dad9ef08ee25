"""Diarisation error of the built-in diariser: python -m benchmarks.diarization FOLDER

Reads every recording below FOLDER that has an `.rttm` beside it and prints the diarisation error
rate (no collar, overlaps counted) with the number of speakers given and with the number found.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.formats.reading import read_turns
from dubkit.speech.diarize import diarize
from dubkit.speech.embeddings import VoiceEncoder
from dubkit.speech.settings import Diarize
from dubkit.speech.vad import speech_spans
from dubkit.types import ASR_RATE, Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def main(folder: Path) -> int:
    """Print one row per recording and the mean; return 1 when there is none."""
    encoder = VoiceEncoder(_weights())
    print(f"{'recording':32} {'speakers':>8} {'DER given':>10} {'found':>6} {'DER found':>10} {'collar':>8}")
    rates = []
    for media, reference in _recordings(folder):
        audio = _decoded(media)
        spans = speech_spans(audio)
        truth = read_turns(reference)
        known = len({turn.speaker for turn in truth})
        given = diarize(audio, spans, encoder, Diarize(speakers=known)).turns
        auto = diarize(audio, spans, encoder).turns
        rates.append((_error(truth, given), _error(truth, auto)))
        print(
            f"{media.name:32} {known:8} {rates[-1][0]:10.3f} {len({turn.speaker for turn in auto}):6} "
            f"{rates[-1][1]:10.3f} {_error(truth, auto, collar=0.5, skip_overlap=True):8.3f}"
        )
    if rates:
        print(
            f"{'mean':32} {'':8} {sum(r[0] for r in rates) / len(rates):10.3f} {'':6} "
            f"{sum(r[1] for r in rates) / len(rates):10.3f}"
        )
    return 0 if rates else 1


def _recordings(folder: Path) -> Iterator[tuple[Path, Path]]:
    for reference in sorted(folder.rglob("*.rttm")):
        for media in sorted(reference.parent.glob(f"{reference.stem}.*")):
            if media.suffix in {".wav", ".flac", ".mp3", ".m4a", ".mp4", ".mkv", ".mov"}:
                yield media, reference


def _decoded(path: Path) -> NDArray[np.float32]:
    import av
    import numpy as np

    resampler = av.AudioResampler(format="flt", layout="mono", rate=ASR_RATE)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)


def _error(
    truth: tuple[Turn, ...], found: tuple[Turn, ...], collar: float = 0.0, skip_overlap: bool = False
) -> float:
    from pyannote.metrics.diarization import DiarizationErrorRate

    metric = DiarizationErrorRate(collar=collar, skip_overlap=skip_overlap)
    # The scored region is stated, as otherwise the metric guesses it and warns.
    from pyannote.core import Segment, Timeline  # type: ignore[import-untyped]

    region = Timeline([Segment(0, max(turn.end for turn in (*truth, *found)))])
    return float(metric(_annotation(truth), _annotation(found), uem=region))


def _annotation(turns: tuple[Turn, ...]) -> Any:
    from pyannote.core import Annotation, Segment

    annotation = Annotation()
    for track, turn in enumerate(turns):
        annotation[Segment(turn.start, turn.end), track] = turn.speaker
    return annotation


def _weights() -> Path:
    """Find the weights without importing their package, which does not import."""
    spec = importlib.util.find_spec("resemblyzer")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("No voice encoder: install dubkit with the extra `offline`.")
    return Path(spec.submodule_search_locations[0]) / "pretrained.pt"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    raise SystemExit(main(Path(sys.argv[1])))
