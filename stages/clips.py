"""Choose the route of every line, and plan the generator's clips of the lip-dubbed ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.types import Clip, Clips, LineRoute, Route
from stages.shared.engine import choose_engine

if TYPE_CHECKING:
    from dubkit.dubbing.planning.spans import FrameClock


def items(context: Context) -> Sequence[Item]:
    engine = choose_engine(context).engine
    lines = [(s.id, s.start, s.end, bool(line.text.strip()), line.route) for s, line in context.lines]
    inputs = {"translate/lines": context.digest(lines)}
    settings: tuple[str, ...] = ()
    if engine.generates:
        has_faces = context.store.has("faces.json")
        words = [[(word.start, word.end) for word in segment.words] for segment in context.segments]
        inputs |= {
            "source": context.sha256,
            "extract/picture": context.digest(context.episode.video),
            "shots/shots.json": context.digest(context.shots),
            "faces/faces.json": context.artifact_digest("faces.json") if has_faces else "",
            "transcribe/words": context.digest(words),
            "prompt/prompts.json": context.digest(context.prompts),
        }
        settings = STAGE.depends
    return [
        Item(
            EPISODE,
            inputs=inputs,
            edits=_overrides(context),
            models={"engine": engine.name},
            settings=settings,
        )
    ]


def _overrides(context: Context) -> dict[str, Route]:
    """Return the routes that a person chose, and those of locked lines."""
    routes = {
        line: edit.lock.route if edit.lock else edit.route for line, edit in context.placed.lines.items()
    }
    return {line: route for line, route in routes.items() if route is not None}


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.dubbing.planning.routes import route_lines

    engine = choose_engine(context).engine
    faces = context.faces if context.store.has("faces.json") else None
    lines = [line for _, line in context.lines]
    routes = route_lines(lines, context.segments, faces, engine.generates, _overrides(context))
    clips: tuple[Clip, ...] = ()
    if any(route.route == "lipdub" for route in routes):
        clips, routes = _plan(context, routes)
        lipdubbed = sum(route.route == "lipdub" for route in routes)
        sink.say(f"clips: {lipdubbed} of {len(routes)} lines are lip-dubbed, in {len(clips)} clips")
    sink.write_json("clips.json", Clips(engine.name, clips, routes))
    sink.done(EPISODE, files=["clips.json"])


def _plan(context: Context, routes: Sequence[LineRoute]) -> tuple[tuple[Clip, ...], tuple[LineRoute, ...]]:
    """Return the clips, and the routes, changed where the picture allows no lip-dubbing."""
    from dubkit.dubbing.planning.planner import Limits, make_clips, plan_clips
    from dubkit.dubbing.planning.sizes import choose_size, pixels_for
    from dubkit.dubbing.planning.spans import line_spans, silences
    from dubkit.media.picture.window import shown_size

    settings, video = context.settings.dub, context.episode.video
    clock = _clock(context)
    spans, remarks = line_spans([(s.id, s.start, s.end) for s in context.segments], clock)
    on_screen = {span.line for span in spans}
    routes = tuple(_with_picture(route, remarks.get(route.line, ""), on_screen) for route in routes)
    lipdubbed = {route.line for route in routes if route.route == "lipdub"}
    if video is None or not lipdubbed:
        return (), routes
    windows = plan_clips(
        context.shots.shots,
        [span for span in spans if span.line in lipdubbed],
        silences(context.segments, clock),
        Limits(settings.max_frames, settings.handle_frames),
        apart=[(span.first, span.end) for span in spans if span.line not in lipdubbed],
    )
    prompts = {prompt.id: prompt.text for prompt in context.prompts.prompts}
    fit = choose_size(*shown_size(video), pixels=pixels_for(settings.size))
    return make_clips(windows, prompts, fit), routes


def _clock(context: Context) -> FrameClock:
    """Return when each frame is shown; the source is read for a variable rate only."""
    from dubkit.dubbing.planning.spans import FrameClock
    from dubkit.media.picture.frames import frame_times

    video = context.episode.video
    if video is None:
        return FrameClock.listed([], Fraction(0))
    if video.variable:
        return FrameClock.listed(frame_times(context.source, video.index), video.end)
    return FrameClock.even(video)


def _with_picture(route: LineRoute, remark: str, on_screen: set[str]) -> LineRoute:
    if route.route != "lipdub" or not remark:
        return route
    if route.line not in on_screen:
        return replace(route, route="voice", reason=remark)
    return replace(route, reason=f"{route.reason}; {remark}")


STAGE = Stage(
    name="clips",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Planning clips",
    done="clips planned",
    needs=("shots", "faces", "translate", "prompt"),
    depends=("dub.max_frames", "dub.handle_frames", "dub.size"),
    artifact="clips.json",
    light=True,
)
