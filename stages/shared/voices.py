"""Which voice engine speaks the target language, and its model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.episode.context import Context

if TYPE_CHECKING:
    from dubkit.models.spec import ResolvedModel
    from dubkit.voice.engine import Synthesiser, SynthesiserChoice

ROLES = {"kokoro-82m-int8": "tts", "hibari": "tts-en"}
"""Voice engine -> role of its model; the last resort carries its own."""


def choose(context: Context) -> SynthesiserChoice:
    """Return the voice engine and why it was taken. Raises VoiceError when nothing speaks the language."""
    from dubkit.voice.engine import choose_synthesiser

    kokoro = context.model("tts")
    # A model that is yet to be joined from its packages is on this machine too.
    folder = (kokoro.folder or Path()) if kokoro else None
    return choose_synthesiser(context.settings.speak.provider, context.language, {"kokoro": folder})


def identity(context: Context) -> str:
    """Return the identity of the voice engine, as it enters keys."""
    name = choose(context).name
    model = _model(context, name)
    return model.identity if model else name


def open_voice(context: Context) -> Synthesiser:
    """Load the voice engine."""
    from dubkit.voice.engine import open_synthesiser

    choice = choose(context)
    model = _model(context, choice.name)
    return open_synthesiser(choice, context.model_folder(model) if model else None)


def _model(context: Context, name: str) -> ResolvedModel | None:
    role = ROLES.get(name)
    return context.model(role) if role else None
