"""Sound as the generator takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def generator_sound(sound: NDArray[Any], layout: str) -> NDArray[np.float32]:
    """Return sound (C, N) as the generator takes it, (1 or 2, N): the front channels of a surround mix.

    Dialogue is in the centre of a surround mix; an average over all channels would bury it.
    """
    import numpy as np

    from dubkit.media.sound.audio import channel_roles

    if len(sound) <= 2:
        return sound.astype(np.float32)
    roles = channel_roles(layout, len(sound))
    if not {"FL", "FR"} <= set(roles):
        return np.asarray(sound.mean(axis=0, keepdims=True), dtype=np.float32)
    centre = sound[roles.index("FC")] * 0.5**0.5 if "FC" in roles else 0.0
    front = np.stack([sound[roles.index(side)] + centre for side in ("FL", "FR")])
    level = max(1.0, float(np.abs(front).max(initial=0.0)))
    scaled: NDArray[np.float32] = (front / level).astype(np.float32)
    return scaled
