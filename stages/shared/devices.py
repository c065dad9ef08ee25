"""Where models run."""

from __future__ import annotations

from dubkit.episode.context import Context


def device(context: Context) -> str:
    """Return `cuda` or `cpu`: what is asked for, else a graphics card when there is one."""
    import ctranslate2  # type: ignore[import-untyped]

    wanted = context.settings.device
    if wanted != "auto":
        return wanted
    return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
