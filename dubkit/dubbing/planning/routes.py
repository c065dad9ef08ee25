"""Choose the route of every line: generated with its picture, spoken over it, or left as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dubkit.types import Faces, Line, LineRoute, Route, Segment, SpeakingFace

LEAST_VISIBLE = 0.5
"""Share of a line during which its speaker's face must be seen. Below it most of what would be generated
is no mouth, and the generator puts the speech into whatever face it finds."""
LEAST_MOUTH = 0.025
"""Movement of the mouth, as a share of its width, from which a face counts as speaking. Measured on seven
clips of talking heads: 0.04 to 0.15 while they speak, 0.001 to 0.018 while they are silent."""


def route_lines(
    lines: Sequence[Line],
    segments: Sequence[Segment],
    faces: Faces | None,
    generates: bool,
    overrides: Mapping[str, Route],
) -> tuple[LineRoute, ...]:
    """Return the route of every line with the reason for it, in order of time.

    `lipdub` needs an engine that makes pictures, and a speaking face. A line without text is kept, as there
    is nothing to say; otherwise a person's choice wins, except `lipdub` with an engine that leaves the
    picture alone.

    Args:
        lines: with hand edits laid over them, by the id of their segment.
        faces: None where no faces were looked for.
        generates: whether the engine makes pictures.
        overrides: line -> route that a person chose.
    """
    order = {segment.id: (segment.start, segment.id) for segment in segments}
    seen = {face.segment: face for face in faces.faces} if faces is not None else {}
    blind = "faces were not looked for" if faces is None else ""
    if faces is not None and faces.method == "none":
        blind = "nothing on this machine can find faces, or there is no picture"
    routes = []
    for line in sorted(lines, key=lambda line: order.get(line.id, (float("inf"), line.id))):
        settled = _settled(line, generates, overrides.get(line.id))
        route, reason = settled or (("voice", blind) if blind else _by_face(seen.get(line.id)))
        routes.append(LineRoute(line.id, route, reason))
    return tuple(routes)


def _settled(line: Line, generates: bool, chosen: Route | None) -> tuple[Route, str] | None:
    """Return the route of a line whose face does not matter."""
    if not line.text.strip():
        return "keep", "there is no text to say"
    if not generates and chosen == "lipdub":
        return "voice", "edited to lipdub, but the voice engine does not change the picture"
    if chosen is not None:
        return chosen, "edited"
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
