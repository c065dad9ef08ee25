"""Which engine makes the takes of a run, and the stages that take part with it."""

from __future__ import annotations

from dubkit.chain.host import SettingsHost
from dubkit.chain.stage import Setup
from dubkit.engines.engine import ENGINES, EngineChoice
from dubkit.engines.engine import choose_engine as choose
from dubkit.episode.context import Context

DECODE, RENDER = "decode", "render"
"""The stages that make takes of clips: of an engine with stages of its own, and of any other engine."""

CLIP_STAGES = (DECODE, RENDER)


def choose_engine(setup: Setup) -> EngineChoice:
    """Choose what makes the takes. Raises a DubkitError with the cure when the named engine cannot work."""
    return choose(setup.settings.engine, SettingsHost(setup.settings, setup.models))


def makes_clips(setup: Setup) -> bool:
    """Tell whether the engine makes clips: the stages that find faces and put pictures back take part."""
    return choose_engine(setup).engine.generates


def makes_whole_clips(setup: Setup) -> bool:
    """Tell whether the engine makes a clip in one call."""
    return choose_engine(setup).engine.make is not None


def works_on_a_card(setup: Setup) -> bool:
    """Tell whether the engine makes clips on a graphics card of this machine."""
    return choose_engine(setup).engine.card


def dubs_picture(context: Context) -> bool:
    """Tell whether clips are generated in this run: the engine makes them, and there is a picture."""
    return makes_clips(context) and context.episode.video is not None


def clip_stage(context: Context) -> str:
    """Return the stage whose takes are the clips of the episode's plan."""
    engine = ENGINES.get(context.clips.engine)
    return RENDER if engine is not None and engine.make is not None else DECODE
