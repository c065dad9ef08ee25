"""Change the length of a sound and keep its pitch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def stretched(samples: NDArray[np.float32], tempo: float, rate: int) -> NDArray[np.float32]:
    """Return (N / tempo,) sound, to within a few milliseconds; `tempo` above 1 is faster (0.5 to 100)."""
    import av
    import numpy as np

    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="flt", layout="mono")
    tempo_filter, sink = graph.add("atempo", f"{tempo:.6f}"), graph.add("abuffersink")
    source.link_to(tempo_filter)
    tempo_filter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, :]), format="flt", layout="mono")
    frame.sample_rate = rate
    frame.pts = 0
    source.push(frame)
    source.push(None)
    parts: list[NDArray[np.float32]] = []
    while True:
        try:
            pulled = sink.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            break
        if isinstance(pulled, av.AudioFrame):
            parts.append(np.asarray(pulled.to_ndarray(), np.float32).reshape(-1))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
