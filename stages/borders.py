"""Plan the chunks of a dub that play while the rest is made: where one ends and the next begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.types import SAMPLE_RATE, Remark, remark
from dubkit.types.playout import ChunkPlan
from stages.shared.dubbed_lines import dubbed_lines
from stages.shared.finished_dub import FILM, film
from stages.shared.playout import PLAN, picture_place, streams
from stages.shared.slots import slots

SETTINGS = ("stream.chunk_seconds",)
MARGIN = 0.1
"""Seconds around a line that no border may lie in: for the ramps of its ducking, and the coding of sound."""
ENHANCED_MARGIN = 0.45
ROOM_MARGIN = 0.9
"""Where the voice has an echo, the seconds after a line that belong to it."""
LONG_SHARE = 1.5
"""Times the wished length from which people are told that a chunk is longer."""

Spans = dict[str, tuple[float, float]]


def items(context: Context) -> Sequence[Item]:
    mix = context.settings.mix
    picture = {FILM: context.file_digest("paste", FILM, language=context.language)} if film(context) else {}
    return [
        Item(
            EPISODE,
            inputs={
                "source": context.sha256,
                "lines": context.digest([_spans(context), _dubbed(context)]),
                "margins": context.digest([mix.style, mix.room]),
                **picture,
            },
        )
    ]


def _dubbed(context: Context) -> list[str]:
    return [line.id for _, line in dubbed_lines(context)]


def _spans(context: Context) -> Spans:
    """Return when each line is heard, in the source or in the dub."""
    spans = {segment.id: (segment.start, segment.end) for segment in context.segments}
    for name, (start, end) in _times(context).items():
        own = spans.get(name, (start, end))
        spans[name] = (min(own[0], start), max(own[1], end))
    return spans


def _times(context: Context) -> Spans:
    """Return when each line of the dub is spoken."""
    if context.settings.timing.scheduled:
        return {
            line.id: (line.start_ms / 1000, (line.start_ms + line.length_ms) / 1000)
            for line in context.schedule.lines
        }
    placed = slots(context.segments, context.episode.samples)
    return {
        name: (slot.start_sample / SAMPLE_RATE, slot.limit_sample / SAMPLE_RATE)
        for name, slot in placed.items()
    }


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.playout.borders import choose_borders, cut_chunks, picture_codec, read_keys
    from dubkit.media.playout.borders import picture_hindrance as hindrance_of

    settings, spans = context.settings.stream, _spans(context)
    hindrance, index = "", None
    if context.episode.video is not None:
        path, stream, zero = picture_place(context)
        hindrance = hindrance_of(context.episode.video, picture_codec(path, stream))
        index = None if hindrance else read_keys(path, stream, zero)
    before, after = _margins(context)
    borders = choose_borders(
        context.episode.samples / SAMPLE_RATE,
        settings.chunk_seconds,
        [(start - before, end + after) for start, end in spans.values()],
        [float(key.seconds) for key in index.keys] if index is not None else None,
    )
    lines = [(name, spans[name]) for name in _dubbed(context)]
    plan = ChunkPlan(
        language=context.language,
        wished_seconds=settings.chunk_seconds,
        has_picture=index is not None,
        chunks=cut_chunks(context.episode.samples, borders, lines, index),
    )
    sink.write_json(PLAN, plan)
    sink.done(EPISODE, files=[PLAN], remarks=list(_remarks(plan, hindrance)))


def _margins(context: Context) -> tuple[float, float]:
    mix = context.settings.mix
    plain = ENHANCED_MARGIN if mix.style == "enhanced" else MARGIN
    return plain, max(plain, ROOM_MARGIN) if mix.room == "auto" else plain


def _remarks(plan: ChunkPlan, hindrance: str) -> Iterator[Remark]:
    if hindrance:
        yield remark("chunks-without-picture", f"The chunks hold sound only: {hindrance}.")
    long = [chunk for chunk in plan.chunks if chunk.seconds > LONG_SHARE * plan.wished_seconds]
    if long:
        names = ", ".join(str(chunk.number) for chunk in long[:8]) + (" and more" if len(long) > 8 else "")
        which = f"Chunk {names} is" if len(long) == 1 else f"Chunks {names} are"
        at = " with a key frame" if plan.has_picture else ""
        yield remark(
            "chunk-long",
            f"{which} up to {plan.longest:.0f} s long instead of {plan.wished_seconds:g} s, because no pause"
            f"{at} lies nearer.",
        )


STAGE = Stage(
    name="borders",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Planning the chunks",
    done="planned",
    belongs=streams,
    pace=0.002,
    needs=("transcribe", "translate", "clips", "schedule", "paste"),
    depends=SETTINGS,
    artifact=PLAN,
)
