"""Who is speaking, as a vector: the Resemblyzer encoder run from its weights alone.

The package itself cannot be imported beside a current setuptools and pulls in a compiler for its
own speech gate; its network is three LSTM layers, so only the weights file is used.

Shapes: N windows, T mel frames of 10 ms, 40 mel bands, embeddings (256,) of unit length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import ModelDamaged, ModelMissing
from dubkit.types import ASR_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

HOP = 160
FFT = 400
BANDS = 40
WIDTH = 256
LEVEL = 10.0 ** (-30.0 / 20.0)
"""Root mean square of the sound the network was trained on. Its mel bands are powers, not logarithms,
so a recording at another level gives another vector."""

UTTERANCE_FRAMES = 160
"""Mel frames per slice of an utterance (1.6 s), as in training."""

SLICES_PER_SECOND = 1.3
SHORTEST = 0.4
"""Seconds below which a window is widened: less holds hardly a syllable."""

BATCH = 64


class VoiceEncoder:
    """Turns stretches of speech into speaker embeddings on the CPU."""

    def __init__(self, weights: Path) -> None:
        """Load the network from `pretrained.pt` of Resemblyzer 0.1."""
        import torch

        self._lstm = torch.nn.LSTM(BANDS, WIDTH, 3, batch_first=True)
        self._linear = torch.nn.Linear(WIDTH, WIDTH)
        state = _read_weights(weights)
        try:
            self._lstm.load_state_dict({k[5:]: v for k, v in state.items() if k.startswith("lstm.")})
            self._linear.load_state_dict({k[7:]: v for k, v in state.items() if k.startswith("linear.")})
        except RuntimeError as error:
            raise ModelDamaged(
                f"{weights}: these are not the weights of the Resemblyzer voice encoder.\n"
                "Delete the file and fetch the model again."
            ) from error
        self._lstm.eval()
        self._linear.eval()
        self._bands = torch.from_numpy(mel_filters())

    def embed(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the (256,) unit vector of one speaker's speech; all zeros for silence.

        The mean over slices of 1.6 s, so one breath or laugh does not decide.
        """
        import numpy as np

        if not audio.size or not np.any(audio):
            return np.zeros(WIDTH, dtype=np.float32)
        step = round(ASR_RATE / HOP / SLICES_PER_SECOND)
        mel = self._mel(audio)
        starts = range(0, max(1, len(mel) - UTTERANCE_FRAMES // 4), step)
        pieces = [mel[first : first + UTTERANCE_FRAMES] for first in starts]
        mean = self._encode(pieces).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), dtype=np.float32)

    def embed_windows(
        self,
        audio: NDArray[np.float32],
        spans: Sequence[tuple[float, float]],
        window: float = 1.5,
        hop: float = 0.5,
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Return (N, 2) window times in seconds and (N, 256) unit vectors.

        Windows never leave their span, so no window mixes the two sides of a pause; a span
        shorter than `window` gives one window, widened to 0.4 s when it is shorter than that.
        """
        import numpy as np

        times = np.array(list(_windows(spans, window, hop, len(audio) / ASR_RATE))).reshape(-1, 2)
        with _one_thread():
            pieces = [
                self._mel(audio[int(start * ASR_RATE) : int(end * ASR_RATE)]) for start, end in times.tolist()
            ]
        return times, self._encode(pieces)

    def _mel(self, audio: NDArray[np.float32]) -> Tensor:
        """Return the (T, 40) mel powers of a stretch of sound brought to the training level."""
        import numpy as np
        import torch

        level = float(np.sqrt(np.mean(np.square(audio, dtype=np.float64)))) if audio.size else 0.0
        sound = torch.from_numpy(np.asarray(audio * (LEVEL / max(level, 1e-7)), dtype=np.float32))
        spectrum = torch.stft(
            sound, FFT, HOP, window=torch.hann_window(FFT), pad_mode="constant", return_complex=True
        )
        return (self._bands @ spectrum.abs().square()).T

    def _encode(self, pieces: Sequence[Tensor]) -> NDArray[np.float32]:
        """Return (N, 256) unit vectors of mel slices of any lengths, batched by length."""
        import numpy as np
        import torch

        vectors = np.zeros((len(pieces), WIDTH), dtype=np.float32)
        lengths: dict[int, list[int]] = {}
        for index, piece in enumerate(pieces):
            lengths.setdefault(len(piece), []).append(index)
        with torch.inference_mode(), _one_thread():
            for indices in lengths.values():
                for first in range(0, len(indices), BATCH):
                    chosen = indices[first : first + BATCH]
                    _, (hidden, _) = self._lstm(torch.stack([pieces[i] for i in chosen]))
                    raw = torch.relu(self._linear(hidden[-1]))
                    vectors[chosen] = torch.nn.functional.normalize(raw, dim=1).numpy()
        return vectors


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run torch on one thread for a while.

    The LSTM synchronises its threads at every frame for a tiny product; on cores that something else
    uses too, that turned 0.1 s into 30 s.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def mel_filters() -> NDArray[np.float32]:
    """Return the (40, 201) triangular mel filters of equal area on Slaney's scale, 0 to 8 kHz.

    Slaney's scale is linear to 1 kHz and logarithmic above; the common (HTK) scale gives vectors
    that no longer tell speakers apart.
    """
    import numpy as np

    def mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(hertz < 1000, hertz * 3 / 200, 15 + np.log(np.maximum(hertz, 1e-9) / 1000) / STEP)

    def hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * STEP))

    STEP = float(np.log(6.4) / 27)
    top = float(mel(np.array([ASR_RATE / 2]))[0])
    edges = hertz(np.linspace(0, top, BANDS + 2))
    bins = np.linspace(0, ASR_RATE / 2, FFT // 2 + 1)
    rising = (bins[None] - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins[None]) / np.diff(edges)[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(triangles * (2 / (edges[2:] - edges[:-2]))[:, None], dtype=np.float32)


def _read_weights(weights: Path) -> dict[str, Tensor]:
    import pickle

    import torch

    if not weights.is_file():
        raise ModelMissing(
            f"No voice encoder weights at {weights}.\n"
            "Install dubkit with the extra `offline`, or give the path of Resemblyzer's pretrained.pt."
        )
    try:
        # weights_only: a checkpoint is a pickle, and a pickle may run code.
        state: dict[str, Tensor] = torch.load(weights, map_location="cpu", weights_only=True)["model_state"]
    except (KeyError, TypeError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ModelDamaged(
            f"{weights}: not a readable voice encoder ({type(error).__name__}).\n"
            "Delete the file and fetch the model again."
        ) from error
    return state


def _windows(
    spans: Sequence[tuple[float, float]], window: float, hop: float, duration: float
) -> Iterator[tuple[float, float]]:
    """Yield windows over each span; the last one ends with its span, whatever the hop."""
    for start, end in spans:
        if end - start <= window:
            lack = max(0.0, SHORTEST - (end - start)) / 2
            yield max(0.0, start - lack), min(duration, end + lack)
            continue
        steps = int((end - start - window) / hop)
        for step in range(steps + 1):
            yield start + step * hop, start + step * hop + window
        if start + steps * hop + window < end - hop / 4:
            yield end - window, end
