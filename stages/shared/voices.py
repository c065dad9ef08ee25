"""Which voice engine speaks the target language, and what of it enters keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dubkit.episode.context import Context
from stages.shared.host import part_identity, part_settings

if TYPE_CHECKING:
    from dubkit.types.models import ResolvedModel
    from dubkit.voice.engine import Synthesiser, VoiceChoice, VoiceEngine, VoiceNeed


def choose_voice(context: Context) -> VoiceChoice:
    """Return the voice engine and why it was chosen. Raises VoiceError when nothing speaks the language."""
    from dubkit.voice.engine import VoiceNeed, choose_voice_engine

    def need(engine: VoiceEngine) -> VoiceNeed:
        return VoiceNeed(context.language, _model(context, engine) is not None, own_table(context, engine))

    return choose_voice_engine(context.settings.speak.provider, context.language, need)


def voice_identity(context: Context) -> str:
    """Return the identity of the voice engine as it enters keys: its model's, or its name without one."""
    from dubkit.voice.engine import ENGINES

    engine = choose_voice(context).engine
    model = _model(context, engine)
    return part_identity(ENGINES, engine, model.identity if model else engine.label)


def voice_settings(context: Context) -> tuple[str, ...]:
    """Return the voice engine's own settings that change its sound and are not the defaults."""
    engine = choose_voice(context).engine
    return part_settings(context, engine.settings, engine.table)


def own_table(context: Context, engine: VoiceEngine) -> Any:
    """Return the voice engine's own settings; None when it has none."""
    return context.settings.table(engine.table, engine.settings) if engine.settings else None


def open_voice(context: Context, engine: VoiceEngine) -> Synthesiser:
    """Load a voice engine; that of another package is guarded."""
    from dubkit.voice.engine import VoiceOpening
    from dubkit.voice.guard import open_engine

    model = _model(context, engine)
    folder = context.model_folder(model) if model else None
    return open_engine(engine, VoiceOpening(folder, own_table(context, engine)))


def _model(context: Context, engine: VoiceEngine) -> ResolvedModel | None:
    return context.model(engine.role) if engine.role else None
