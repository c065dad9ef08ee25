"""Which voice engine speaks the target language, and what of it enters keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dubkit.engines.kept import KEPT, kept
from dubkit.episode.context import Context
from dubkit.episode.recordings import FOLDER, is_sound, recording_files
from dubkit.errors import DubkitError, VoiceError, VoiceRefused
from stages.shared.host import part_identity, part_settings
from stages.shared.people.modes import clones

if TYPE_CHECKING:
    from dubkit.chain.stage import Setup
    from dubkit.types import Segment
    from dubkit.types.models import ResolvedModel
    from dubkit.voice.engine import (
        Synthesiser,
        VoiceChoice,
        VoiceEngine,
        VoiceList,
        VoiceNeed,
        VoiceOpening,
    )
    from dubkit.voice.length import Lengths


def choose_voice(context: Context) -> VoiceChoice:
    """Return the voice engine and why it was chosen. Raises VoiceError when nothing speaks the language.

    With `auto`, an engine that has every voice that people chose by hand comes before one that lacks some,
    unless the user set one up: that one is not even asked, as it may be far away. The engine has the
    abilities that its settings leave it.
    """
    choice = _preferred(context)
    engine = choice.engine
    return replace(choice, engine=engine.with_settings(own_table(context, engine)))


def _preferred(context: Context) -> VoiceChoice:
    choice = _voice_for(context, context.language)
    names = _chosen_by_hand(context)
    set_by_user = context.settings.speak.provider != "auto" or choice.engine.set_up is not None
    if set_by_user or not names or _has(context, choice.engine, names):
        return choice
    from dubkit.voice.engine import ENGINES, VoiceChoice

    for engine in ENGINES:
        if not engine.refusal(_need(context, context.language, engine)) and _has(context, engine, names):
            return VoiceChoice(engine, f"it has {', '.join(sorted(names))}, chosen by hand")
    return choice


def _chosen_by_hand(context: Context) -> frozenset[str]:
    """Return the voices that hand edits name, of speakers and of lines."""
    speakers = {edit.voice for edit in context.speaker_edits.values()}
    lines = {edit.voice for edit in context.placed.lines.values()}
    return frozenset(name for name in speakers | lines if name)


def _has(setup: Setup, engine: VoiceEngine, names: frozenset[str]) -> bool:
    """Say whether an engine has some voices; one that cannot list them is taken to have them."""
    listed = voices_of(setup, engine)
    if listed is None:
        return True
    try:
        for name in names:
            listed.check(engine.sentence_name, name)
    except VoiceError:
        return False
    return True


def voice_hindrance(setup: Setup, _source: str, target: str) -> str:
    """Return why nothing here can speak a language, with the cure; empty when something can."""
    if isinstance(setup, Context) and _recorded(setup.fresh(target)):
        return ""  # people speak, as far as they have recorded
    try:
        _voice_for(setup, target)
    except VoiceError as error:
        return str(error)
    return ""


def _recorded(context: Context) -> bool:
    """Tell whether people have recorded anything in a language."""
    if context.store.has("transcript.json") and context.store.has("translation.json", context.language):
        return bool(context.recordings.lines)
    folders = (context.user_folder("speak"), context.store.path(FOLDER, context.language))
    return any(folder is not None and any(map(is_sound, recording_files(folder))) for folder in folders)


def voiceless(context: Context) -> str:
    """Return why no voice engine speaks the language, where recordings take its place; empty where one does.

    Raises VoiceError where there are no recordings either.
    """
    try:
        choose_voice(context)
    except VoiceError as error:
        if not _recorded(context):
            raise
        return str(error)
    return ""


def _voice_for(setup: Setup, language: str) -> VoiceChoice:
    from dubkit.voice.engine import choose_voice_engine

    return choose_voice_engine(
        setup.settings.speak.provider,
        language,
        lambda engine: _need(setup, language, engine),
        preferred="clone" if clones(setup) else None,
    )


def _need(setup: Setup, language: str, engine: VoiceEngine) -> VoiceNeed:
    from dubkit.voice.engine import VoiceNeed

    return VoiceNeed(
        language,
        _model(setup, engine) is not None,
        own_table(setup, engine),
        frozenset(_extras(setup, engine)),
        setup.models.cache,
    )


def voice_identity(context: Context) -> str:
    """Return the identity of the voice engine as it enters keys: its models', or its name without one."""
    from dubkit.voice.engine import ENGINES

    engine = choose_voice(context).engine
    model = _model(context, engine)
    parts = [model.identity if model else engine.label]
    parts += [extra.identity for extra in _extras(context, engine).values()]
    parts += [engine.identity(_listing(context, engine))] if engine.identity else []
    return part_identity(ENGINES, engine, " + ".join(filter(None, parts)))


def voice_settings(context: Context) -> tuple[str, ...]:
    """Return the voice engine's own settings that change its sound and are not the defaults."""
    engine = choose_voice(context).engine
    return part_settings(context, engine.settings, engine.table)


def own_table(setup: Setup, engine: VoiceEngine) -> Any:
    """Return the voice engine's own settings; None when it has none."""
    return setup.settings.table(engine.table, engine.settings) if engine.settings else None


@dataclass(frozen=True, slots=True)
class VoicesHere:
    """What speaks a language here, and with which voices."""

    choice: VoiceChoice
    listed: VoiceList | None
    """None where the engine cannot list them."""


def voices_here(setup: Setup, language: str) -> VoicesHere:
    """Return the voices that can speak a language here. Raises VoiceError when nothing can."""
    choice = _voice_for(setup, language)
    return VoicesHere(choice, voices_of(setup, choice.engine))


def voices_of(setup: Setup, engine: VoiceEngine) -> VoiceList | None:
    """Return the voices that an engine has here; None where it cannot list them."""
    from dubkit.voice.guard import list_voices

    return list_voices(engine, _listing(setup, engine))


def voice_names(setup: Setup, engine: VoiceEngine) -> tuple[str, ...]:
    """Return the names of the voices that an engine has here; empty where it cannot list them."""
    listed = voices_of(setup, engine)
    return tuple(voice.name for voice in listed.voices) if listed else ()


def check_voice(setup: Setup, language: str, name: str) -> None:
    """Raise VoiceRefused, with the names, for a voice that the engine of a language does not have.

    Where nothing here can speak the language, or its voices cannot be listed, every name is taken.
    """
    try:
        here = voices_here(setup, language)
    except DubkitError:
        return
    if here.listed is not None:
        try:
            here.listed.check(here.choice.engine.sentence_name, name)
        except VoiceError as error:
            raise VoiceRefused(str(error)) from None


def open_voice(context: Context, engine: VoiceEngine, callers: int = 1) -> Synthesiser:
    """Load a voice engine for some threads that call it at once; that of another package is guarded."""
    from dubkit.voice.guard import open_engine

    opening = replace(_opening(context, engine), callers=callers)
    return kept(("voice", engine.name, repr(opening)), lambda: open_engine(engine, opening))


VOICE_BYTES = 600 << 20
"""Memory that an open voice takes while it speaks, beside its files."""


def voice_memory(context: Context) -> int:
    """Return the bytes that a process which speaks takes."""
    model = _model(context, choose_voice(context).engine)
    files = [f for f in model.folder.rglob("*") if f.is_file()] if model and model.folder else []
    return VOICE_BYTES + sum(file.stat().st_size for file in files)


def speaks_apart(context: Context) -> bool:
    """Tell whether several processes may speak: not with a service, nor with an engine in its own process."""
    engine = choose_voice(context).engine
    return engine.set_up is None and engine.home is None


def voice_callers(context: Context, engine: VoiceEngine) -> int:
    """Return how many threads may call a voice engine at the same time."""
    from dubkit.voice.guard import callers_of

    return callers_of(engine, _opening(context, engine))


def voice_of(context: Context, segment: Segment) -> str:
    """Return the voice of a line: that of its hand edit, else its speaker's."""
    edit = context.placed.lines.get(segment.id)
    if edit is not None and edit.voice:
        return edit.voice
    return next((s.voice for s in context.cast.speakers if s.id == segment.speaker), "")


def line_seed(context: Context, line: str) -> int | None:
    """Return the seed of a line's hand edit; None for its first reading."""
    edit = context.placed.lines.get(line)
    return edit.seed if edit is not None else None


def line_lengths(context: Context, *, speaking: bool = False) -> Lengths:
    """Return what tells how long texts take in the voices of the language, without speaking them.

    With `speaking`, voices of which nothing is known speak to tell, unless their engine keeps to any length
    that it is told. Raises VoiceError when nothing speaks the
    language.
    """
    from dubkit.voice.length import open_lengths

    engine = choose_voice(context).engine
    asked = speaking and "length" not in engine.abilities
    return open_lengths(engine, _opening(context, engine), speaking=asked)


def _opening(context: Context, engine: VoiceEngine) -> VoiceOpening:
    """Return what an engine is opened with; its model is put together if need be."""
    model = _model(context, engine)
    return replace(_listing(context, engine), folder=context.model_folder(model) if model else None)


def _listing(setup: Setup, engine: VoiceEngine) -> VoiceOpening:
    """Return what an engine is asked with that need not be opened: its model is taken as it is."""
    from dubkit.voice.engine import VoiceOpening

    model = _model(setup, engine)
    return VoiceOpening(
        cores=KEPT.cores,
        folder=model.folder if model else None,
        settings=own_table(setup, engine),
        extras={role: extra.path for role, extra in _extras(setup, engine).items()},
        cache=setup.models.cache,
    )


def _extras(setup: Setup, engine: VoiceEngine) -> dict[str, ResolvedModel]:
    """Return the further models of an engine that are on this machine, by role."""
    found = ((role, setup.models.find(role)) for role in engine.extra_roles)
    return {role: model for role, model in found if model is not None}


def _model(setup: Setup, engine: VoiceEngine) -> ResolvedModel | None:
    return setup.models.find(engine.role) if engine.role else None
