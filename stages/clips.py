"""Choose the route of every line, and plan the generator's clips of the lip-dubbed ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.dubbing.planning.routes import KINDS
from dubkit.episode.context import Context
from dubkit.types import Clip, Clips, Fit, LineRoute, Remark, Route, remark
from stages.shared.driven_spans import driven_spans
from stages.shared.engine import choose_engine
from stages.shared.generator import card_limit, generator_runs
from stages.shared.machine_code import COMMON
from stages.shared.songs import kept_lines, kept_remarks

if TYPE_CHECKING:
    from dubkit.dubbing.planning.spans import FrameClock
    from dubkit.engines.engine import EngineChoice, TakeEngine


def items(context: Context) -> Sequence[Item]:
    choice = choose_engine(context)
    engine = choice.engine
    lines = [(s.id, s.start, s.end, bool(line.text.strip()), line.route) for s, line in context.lines]
    inputs = {"translate/lines": context.digest(lines)}
    if choice.missing:
        inputs["missing engine"] = context.digest(choice.missing)
    if kept := kept_lines(context):
        inputs["kept passages"] = context.digest(kept)
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
        spans = driven_spans(context, _maybe_driven(context, engine))
        if spans:
            inputs["drive/spans"] = context.digest(spans)
        limit = _card_limit(context)
        if limit is not None and limit < context.settings.dub.max_frames:
            inputs["card/frames"] = str(limit)
    if context.settings.dub.lips == "driven":
        settings = (*settings, "dub.lips")
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


def _chosen(context: Context, engine: TakeEngine) -> dict[str, Route]:
    """Return the routes that people chose, as the engine can go them."""
    chosen = _overrides(context)
    if engine.generates and not engine.speaks:
        return {line: "drive" if route == "lipdub" else route for line, route in chosen.items()}
    return chosen


def _all_driven(context: Context, engine: TakeEngine) -> bool:
    """Tell whether every line that could be lip-dubbed follows its speech."""
    return context.settings.dub.lips == "driven" or (engine.generates and not engine.speaks)


def _maybe_driven(context: Context, engine: TakeEngine) -> list[str]:
    """Return the lines that are driven unless their picture does not allow it."""
    chosen, driven = _chosen(context, engine), _all_driven(context, engine)
    found = ((line.id, chosen.get(line.id)) for _, line in context.lines if line.text.strip())
    return [line for line, route in found if route == "drive" or (driven and route is None)]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.dubbing.planning.routes import route_lines

    choice = choose_engine(context)
    engine = choice.engine
    faces = context.faces if context.store.has("faces.json") else None
    lines = [line for _, line in context.lines]
    routes = route_lines(
        lines,
        context.segments,
        faces,
        engine.generates,
        _chosen(context, engine),
        kept_lines(context),
        drives=engine.drives,
        driven=_all_driven(context, engine),
    )
    clips: tuple[Clip, ...] = ()
    remarks: list[Remark] = []
    if any(route.route in KINDS for route in routes):
        clips, routes = _plan(context, routes)
        sink.say(f"clips: {_counted(routes)}, in {len(clips)} clips")
        longest = _longest(context)
        if longest < context.settings.dub.max_frames:
            sentence = f"Clips have at most {longest} frames: the card holds no more."
            remarks.append(remark("clips-shortened", sentence))
    remarks += kept_remarks(context, routes)
    remarks += _not_driven(context, routes, engine)
    remarks += _of_engine(choice, clips)
    sink.write_json("clips.json", Clips(engine.name, clips, routes))
    sink.done(EPISODE, files=["clips.json"], remarks=remarks)


def _of_engine(choice: EngineChoice, clips: Sequence[Clip]) -> Iterator[Remark]:
    """Yield remarks on an engine that is missing, and on a licence that limits the use of the dub."""
    if choice.missing:
        yield remark("lips-not-moved", f"{choice.missing} All lines are only spoken.")
    if choice.engine.licence and clips:
        yield remark("lips-licence", f"{choice.name} moves the lips. Its licence: {choice.engine.licence}.")


def _counted(routes: Sequence[LineRoute]) -> str:
    lipdubbed, driven = (sum(route.route == kind for route in routes) for kind in KINDS)
    words = [f"{lipdubbed} of {len(routes)} lines are lip-dubbed"] if lipdubbed or not driven else []
    return " and ".join([*words, *([f"{driven} of {len(routes)} are driven"] if driven else [])])


def _not_driven(context: Context, routes: Sequence[LineRoute], engine: TakeEngine) -> Iterator[Remark]:
    """Yield a remark for what was asked to follow given speech and does not."""
    if context.settings.dub.lips == "driven" and not (engine.generates and engine.drives):
        sentence = f"dub.lips is driven, but the engine {engine.name} makes no picture for given speech."
        yield remark("not-driven", sentence)
    chosen = _overrides(context)
    for route in routes:
        if chosen.get(route.line) == "drive" and route.route not in ("drive", "keep"):
            yield remark("not-driven", f"It is not driven: {route.reason}.", route.line)


def _fit(context: Context) -> Fit | None:
    from dubkit.dubbing.planning.sizes import choose_size, pixels_for
    from dubkit.media.picture.window import shown_size

    video = context.episode.video
    pixels = pixels_for(context.settings.dub.size)
    return choose_size(*shown_size(video), pixels=pixels) if video is not None else None


def _card_limit(context: Context) -> int | None:
    """Return the longest clip that the cards hold; None where another engine or no card makes it."""
    fit = _fit(context)
    return card_limit(context, fit) if fit is not None and generator_runs(context) else None


def _longest(context: Context) -> int:
    """Return the frames of the longest clip: as asked, or what the cards hold."""
    asked, limit = context.settings.dub.max_frames, _card_limit(context)
    return asked if limit is None else min(asked, limit)


def _plan(context: Context, routes: Sequence[LineRoute]) -> tuple[tuple[Clip, ...], tuple[LineRoute, ...]]:
    """Return the clips, and the routes, changed where the picture allows no lip-dubbing."""
    from dubkit.dubbing.planning.planner import Limits, make_clips, merged, plan_clips
    from dubkit.dubbing.planning.routes import settle_overlaps
    from dubkit.dubbing.planning.spans import line_spans, silences

    settings = context.settings.dub
    clock = _clock(context)
    longer = driven_spans(context, [route.line for route in routes if route.route == "drive"])
    times = [(s.id, *longer.get(s.id, (s.start, s.end))) for s in context.segments]
    spans, remarks = line_spans(times, clock)
    on_screen = {span.line for span in spans}
    routes = tuple(_with_picture(route, remarks.get(route.line, ""), on_screen) for route in routes)
    routes = settle_overlaps(routes, spans, _overrides(context).keys())
    fit = _fit(context)
    kinds = [{route.line for route in routes if route.route == kind} for kind in KINDS]
    if fit is None or not any(kinds):
        return (), routes
    # A clip has a voice of its own or a given one, so each kind has a plan.
    plans = [
        plan_clips(
            context.shots.shots,
            [span for span in spans if span.line in lines],
            silences(context.segments, clock),
            Limits(_longest(context), settings.handle_frames),
            apart=[(span.first, span.end) for span in spans if span.line not in lines],
        )
        for lines in kinds
    ]
    prompts = {prompt.id: prompt.text for prompt in context.prompts.prompts}
    return make_clips(merged(*plans), prompts, fit), routes


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
    if route.route not in KINDS or not remark:
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
    needs=("shots", "music", "faces", "translate", "prompt"),
    beside=True,
    cores=1,
    loads=COMMON,
    depends=("dub.max_frames", "dub.handle_frames", "dub.size"),
    artifact="clips.json",
    light=True,
)
