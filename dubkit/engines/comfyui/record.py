"""ComfyUI as a take engine: what it needs, and what to do where that is missing."""

from __future__ import annotations

import time
from dataclasses import replace

from dubkit.engines.comfyui import NAME, NEGATIVE
from dubkit.engines.comfyui.settings import ComfySettings
from dubkit.engines.engine import ClipMade, ClipOrder, TakeEngine
from dubkit.errors import DubkitError
from dubkit.host import Host

_KEPT = 30.0
"""Seconds for which it is remembered that a server could not work."""
_ATTEMPTS = 2
_ASKED: dict[ComfySettings, tuple[float, str]] = {}
"""Settings -> when a server was asked, and why it could not work. One that can is asked once per process."""


def _hindrance(host: Host) -> str:
    """A server that nobody has named is not looked for: `--engine auto` sends films nowhere by itself."""
    settings = host.table(f"dub.{NAME}", ComfySettings)
    if not settings.address:
        return "no ComfyUI server is named. Set dub.comfyui.address to the address of one."
    return _problem(settings)


def _require(host: Host) -> None:
    """Raise a DubkitError for what is missing on the server: by default that of this machine, port 8001."""
    from dubkit.errors import GeneratorError

    if problem := _problem(host.table(f"dub.{NAME}", ComfySettings)):
        raise GeneratorError(problem)


def _problem(settings: ComfySettings) -> str:
    """Return why a server cannot make clips, or an empty text. It is asked at most every half minute."""
    asked = _ASKED.get(settings)
    if asked is not None and (not asked[1] or time.monotonic() - asked[0] < _KEPT):
        return asked[1]
    try:
        _rehearse(settings)
        problem = ""
    except DubkitError as error:
        problem = str(error)
    _ASKED[settings] = (time.monotonic(), problem)
    return problem


def _rehearse(settings: ComfySettings) -> None:
    """Build the graph of a clip from the server's own nodes. Raises GeneratorError for what is missing."""
    from dubkit.engines.comfyui.checks import problems
    from dubkit.engines.comfyui.files import find_files
    from dubkit.engines.comfyui.recipes import build, example, place_results
    from dubkit.engines.comfyui.server import Server
    from dubkit.errors import GeneratorError

    with Server(settings, attempts=_ATTEMPTS) as server:
        nodes, place = server.definitions(), server.place
    files = find_files(nodes, settings)
    for given in (False, True):
        graph = build(replace(example(settings), given=given), files, nodes)
        if found := problems(place_results(graph, NAME), nodes):
            raise GeneratorError(f"The ComfyUI at {place} cannot take the graph of a clip: {found[0]}.")


def _make(order: ClipOrder) -> ClipMade:
    from dubkit.engines.comfyui.clip import make

    return make(order)


ENGINE = TakeEngine(
    name=NAME,
    title="A ComfyUI server with LTX-2: picture and voice made together, on whatever card it has",
    hindrance=_hindrance,
    settings=ComfySettings,
    depends=(NEGATIVE,),
    require=_require,
    drives=True,
    card=False,  # it is the server's
    automatic=True,
    reason="its server answers and has what it needs",
    make=_make,
)
