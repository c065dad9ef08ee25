"""How much memory the models of a stage take, before it begins beside another one."""

from __future__ import annotations

from pathlib import Path

from dubkit.episode.context import Context

PACKAGED = 400 << 20
"""Bytes that the packaged network takes, its word lists included."""
AROUND = 1.2
"""Memory of a local language model against its file: the file, and what it keeps of the text."""


def language_model_bytes(context: Context) -> int:
    """Return the bytes that the translator's model takes in this process."""
    file = context.settings.translate.gguf
    try:
        return int(Path(file).expanduser().stat().st_size * AROUND) if file else PACKAGED
    except OSError:
        return PACKAGED
