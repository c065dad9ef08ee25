"""Choose the route of every line: generated with its picture, followed by it, spoken over it, or kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from dubkit.types import Faces, Line, LineRoute, Route, Segment, SpeakingFace

if TYPE_CHECKING:
    from dubkit.dubbing.planning.spans import LineSpan

KINDS = ("lipdub", "drive")
"""Routes whose lines are in clips."""
LEAST_VISIBLE = 0.5
"""Share of a line during which its speaker's face must be seen. Below it most of what would be generated
is no mouth, and the generator puts the speech into whatever face it finds."""
NO_GIVEN_SOUND = "the engine makes no picture for given speech"
LEAST_MOUTH = 0.025
"""Movement of the mouth, as a share of its width, from which a face counts as speaking. Measured on seven
clips of talking heads: 0.04 to 0.15 while they speak, 0.001 to 0.018 while they are silent."""


def route_lines(
    lines: Sequence[Line],
    segments: Sequence[Segment],
    faces: Faces | None,
    generates: bool,
    overrides: Mapping[str, Route],
    kept: Mapping[str, str] | None = None,
    *,
    drives: bool = True,
    driven: bool = False,
) -> tuple[LineRoute, ...]:
    """Return the route of every line with the reason for it, in order of time.

    `lipdub` needs an engine that makes pictures, and a speaking face; `drive` needs one that makes them for
    given speech. A line without text is kept, as there is nothing to say; otherwise a person's choice wins,
    except `lipdub` with an engine that leaves the picture alone, and `drive` with such an engine or where no
    face is seen.

    Args:
        lines: with hand edits laid over them, by the id of their segment.
        faces: None where no faces were looked for.
        generates: whether the engine makes pictures.
        overrides: line -> route that a person chose.
        kept: line -> why it keeps the source's sound, unless a person chose otherwise.
        drives: whether the engine makes pictures for given speech.
        driven: whether the lines that would be lip-dubbed follow given speech.
    """
    order = {segment.id: (segment.start, segment.id) for segment in segments}
    seen = {face.segment: face for face in faces.faces} if faces is not None else {}
    blind = "faces were not looked for" if faces is None else ""
    if faces is not None and faces.method == "none":
        blind = "nothing on this machine can find faces, or there is no picture"
    routes = []
    for line in sorted(lines, key=lambda line: order.get(line.id, (float("inf"), line.id))):
        face, chosen = seen.get(line.id), overrides.get(line.id)
        if chosen == "drive" and line.text.strip():
            route, reason = _driven_by_hand(generates, drives, blind, face)
        else:
            settled = _settled(line, generates, chosen, (kept or {}).get(line.id, ""))
            route, reason = settled or (("voice", blind) if blind else _by_face(face))
            if driven and route == "lipdub" and not settled:
                route, reason = ("drive", reason) if drives else ("voice", NO_GIVEN_SOUND)
        routes.append(LineRoute(line.id, route, reason))
    return tuple(routes)


def settle_overlaps(
    routes: Sequence[LineRoute], spans: Sequence[LineSpan], chosen: Collection[str]
) -> tuple[LineRoute, ...]:
    """Return routes of which no two lines share frames where one is lip-dubbed and the other is driven.

    A clip has either a voice of its own or a given one. Of two such lines the one that nobody chose takes the
    route of the other; where a person chose both, the driven one is only spoken.
    """
    found = {route.line: route for route in routes}
    by_line = {span.line: span for span in spans}

    def clash() -> tuple[str, str] | None:
        kinds = {kind: [n for n, r in found.items() if r.route == kind and n in by_line] for kind in KINDS}
        pairs = ((one, other) for one in kinds["lipdub"] for other in kinds["drive"])
        return next((pair for pair in pairs if _overlap(by_line[pair[0]], by_line[pair[1]])), None)

    settled = set(chosen)
    while (pair := clash()) is not None:
        generated, driven = pair
        reason = "it is spoken at the same time as {}, whose lips are {}"
        if generated not in settled:
            found[generated] = LineRoute(generated, "drive", reason.format(driven, "driven"))
        elif driven not in settled:
            found[driven] = LineRoute(driven, "lipdub", reason.format(generated, "generated with its voice"))
        else:
            said = "edited to drive, but " + reason.format(generated, "generated with its voice")
            found[driven] = LineRoute(driven, "voice", said)
        settled |= {generated, driven}
    return tuple(found[route.line] for route in routes)


def _overlap(one: LineSpan, other: LineSpan) -> bool:
    return one.first < other.end and other.first < one.end


def _driven_by_hand(
    generates: bool, drives: bool, blind: str, face: SpeakingFace | None
) -> tuple[Route, str]:
    """Return the route of a line that a person wants driven by its speech."""
    obstacle = "" if generates else "the voice engine does not change the picture"
    obstacle = obstacle or ("" if drives else NO_GIVEN_SOUND) or blind
    if not obstacle and (face is None or face.visible <= 0):
        obstacle = "there is no face in the line"
    return ("voice", f"edited to drive, but {obstacle}") if obstacle else ("drive", "edited")


def _settled(line: Line, generates: bool, chosen: Route | None, kept: str) -> tuple[Route, str] | None:
    """Return the route of a line whose face does not matter."""
    if not line.text.strip():
        return "keep", "there is no text to say"
    if not generates and chosen == "lipdub":
        return "voice", "edited to lipdub, but the voice engine does not change the picture"
    if chosen is not None:
        return chosen, "edited"
    if kept:
        return "keep", kept
    if line.route == "keep":
        return "keep", "the translation leaves the line as it is"
    if not generates:
        return "voice", "the voice engine does not change the picture"
    return None


def _by_face(face: SpeakingFace | None) -> tuple[Route, str]:
    if face is None or face.visible <= 0:
        return "voice", "no face in the line"
    if face.visible < LEAST_VISIBLE:
        return "voice", f"no face in {1 - face.visible:.0%} of the line".replace("%", " %")
    if face.mouth < LEAST_MOUTH:
        return "voice", f"the mouth hardly moves ({face.mouth:.3f} of its width, {LEAST_MOUTH} is needed)"
    return "lipdub", f"a face speaks in {face.visible:.0%} of the line".replace("%", " %")
