"""Which way a line goes, and the reason that people read."""

from __future__ import annotations

import pytest

from dubkit.dubbing.planning.routes import LEAST_MOUTH, LEAST_VISIBLE, route_lines, settle_overlaps
from dubkit.dubbing.planning.spans import LineSpan
from dubkit.types import Faces, Line, LineRoute, Route, Segment, SpeakingFace

LINE = Line("s0001", "Bonjour.")
SEGMENT = Segment("s0001", 1.0, 2.0, "spk1", "Hello.")


def faces(visible: float, mouth: float, method: str = "mediapipe") -> Faces:
    return Faces(method, (SpeakingFace("s0001", visible, mouth),))


def route(
    found: Faces | None, line: Line = LINE, generates: bool = True, override: Route | None = None
) -> LineRoute:
    chosen: dict[str, Route] = {line.id: override} if override else {}
    (only,) = route_lines([line], [SEGMENT], found, generates, chosen)
    return only


def test_a_speaking_face_is_lip_dubbed() -> None:
    assert route(faces(0.97, 0.1)) == LineRoute("s0001", "lipdub", "a face speaks in 97 % of the line")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (faces(0.08, 0.1), "no face in 92 % of the line"),
        (faces(0.0, 0.0), "no face in the line"),
        (Faces("opencv", ()), "no face in the line"),
        (faces(0.9, 0.004), "the mouth hardly moves (0.004 of its width, 0.025 is needed)"),
        (None, "faces were not looked for"),
        (faces(1.0, 0.2, "none"), "nothing on this machine can find faces, or there is no picture"),
    ],
)
def test_without_a_speaking_face_the_picture_stays(found: Faces | None, reason: str) -> None:
    assert route(found) == LineRoute("s0001", "voice", reason)


def test_the_thresholds_themselves_are_enough() -> None:
    assert route(faces(LEAST_VISIBLE, LEAST_MOUTH)).route == "lipdub"
    assert route(faces(LEAST_VISIBLE - 0.001, LEAST_MOUTH)).route == "voice"
    assert route(faces(LEAST_VISIBLE, LEAST_MOUTH - 0.0001)).route == "voice"


@pytest.mark.parametrize("chosen", ["lipdub", "voice", "keep"])
def test_a_persons_choice_wins(chosen: Route) -> None:
    assert route(None, override=chosen) == LineRoute("s0001", chosen, "edited")
    assert route(faces(1.0, 0.2), override=chosen) == LineRoute("s0001", chosen, "edited")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_line_without_text_is_kept_whatever_was_chosen(text: str) -> None:
    found = route(faces(1.0, 0.2), Line("s0001", text), override="lipdub")
    assert found == LineRoute("s0001", "keep", "there is no text to say")


def test_the_voice_engine_never_changes_the_picture() -> None:
    found = route(faces(1.0, 0.2), generates=False)
    assert found == LineRoute("s0001", "voice", "the voice engine does not change the picture")
    edited = route(faces(1.0, 0.2), generates=False, override="lipdub")
    assert (edited.route, "edited to lipdub, but" in edited.reason) == ("voice", True)
    assert route(None, generates=False, override="keep").route == "keep"


def test_what_the_translation_keeps_is_kept() -> None:
    assert route(faces(1.0, 0.2), Line("s0001", "Hm.", route="keep")).route == "keep"


def test_routes_come_in_order_of_time() -> None:
    segments = [Segment("a", 5.0, 6.0, "spk1", "x"), Segment("b", 1.0, 2.0, "spk1", "x")]
    lines = [Line("a", "x"), Line("lost", "x"), Line("b", "x")]
    assert [r.line for r in route_lines(lines, segments, None, False, {})] == ["b", "a", "lost"]


# --- given speech


def driven(
    found: Faces | None, override: Route | None = None, *, generates: bool = True, drives: bool = True
) -> tuple[str, str]:
    chosen: dict[str, Route] = {LINE.id: override} if override else {}
    (only,) = route_lines([LINE], [SEGMENT], found, generates, chosen, drives=drives, driven=True)
    return only.route, only.reason


def test_lines_that_would_be_lip_dubbed_follow_their_speech() -> None:
    assert driven(faces(0.97, 0.1)) == ("drive", "a face speaks in 97 % of the line")
    assert driven(faces(0.97, 0.1), "lipdub") == ("lipdub", "edited")
    assert driven(faces(0.97, 0.001))[0] == "voice"
    assert driven(None) == ("voice", "faces were not looked for")


@pytest.mark.parametrize(
    ("found", "more", "reason"),
    [
        (faces(0.0, 0.0), {}, "there is no face in the line"),
        (Faces("opencv", ()), {}, "there is no face in the line"),
        (None, {}, "faces were not looked for"),
        (faces(1.0, 0.2), {"generates": False}, "the voice engine does not change the picture"),
        (faces(1.0, 0.2), {"drives": False}, "the engine makes no picture for given speech"),
    ],
)
def test_what_cannot_be_driven_is_spoken_and_says_why(
    found: Faces | None, more: dict[str, bool], reason: str
) -> None:
    assert driven(found, "drive", **more) == ("voice", f"edited to drive, but {reason}")


def test_a_person_may_drive_a_face_that_is_hardly_seen() -> None:
    assert driven(faces(0.1, 0.0), "drive") == ("drive", "edited")


def settled(chosen: set[str], *kinds: Route) -> list[str]:
    """Routes of lines that are spoken one after the other, each until 5 frames into the next."""
    routes = [LineRoute(f"s{n}", kind, "") for n, kind in enumerate(kinds)]
    spans = [LineSpan(f"s{n}", 10 * n, 10 * n + 15) for n in range(len(kinds))]
    return [route.route for route in settle_overlaps(routes, spans, chosen)]


def test_lines_at_the_same_time_have_one_kind_of_clip() -> None:
    assert settled({"s1"}, "lipdub", "drive", "lipdub") == ["drive", "drive", "drive"]
    assert settled({"s0"}, "lipdub", "drive", "drive") == ["lipdub", "lipdub", "lipdub"]
    assert settled({"s0", "s1"}, "lipdub", "drive") == ["lipdub", "voice"]
    assert settled(set(), "lipdub", "voice", "drive") == ["lipdub", "voice", "drive"]


def test_lines_that_only_touch_stay_as_they_are() -> None:
    routes = [LineRoute("a", "lipdub", ""), LineRoute("b", "drive", "")]
    spans = [LineSpan("a", 0, 10), LineSpan("b", 10, 20)]
    assert settle_overlaps(routes, spans, ()) == tuple(routes)
