"""The chunks of a dub that play while the rest is made: their plan, their keys, their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.chain.stage import Item, Setup, Sink
from dubkit.episode.context import Context
from dubkit.episode.results import spoken_digest
from dubkit.episode.store import Parts, Record, file_digest
from dubkit.media.playout.playlist import INIT, PLAYLIST, SUFFIX, write_playlist
from dubkit.progress import Progress
from dubkit.types import SAMPLE_RATE, Line, Segment, sample_at
from dubkit.types.playout import ChunkPlan, ChunkState, PlannedChunk, PlayableChunk, PlayoutManifest
from stages.shared.bed import bed_file, bed_inputs
from stages.shared.deliveries import wished_energy
from stages.shared.dubbed_lines import dubbed_lines, lines_without_speech
from stages.shared.finished_dub import FILM, film
from stages.shared.levels import changed_settings
from stages.shared.nonverbal import nonverbal_inputs, nonverbal_spans
from stages.shared.placements import placement_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.media.playout.fragments import PictureSource
    from dubkit.media.playout.sound import ChunkSound, SourceVoices

    Samples = NDArray[np.float64]

FOLDER = "stream"
PLAN = f"{FOLDER}/plan.json"
MANIFEST = f"{FOLDER}/manifest.json"
FINAL = "stream.final"
CHUNKS, LAST = "chunks", "final"
"""Stages that leave the chunks, and the finished dub beside them."""

VERSION = 1
"""Version of the stage that leaves the chunks."""

MIX_SETTINGS = ("mix.duck_db", "mix.true_peak_db", "stream.chunk_overlap")
MIX_CHANGES = (
    *("mix.profile", "mix.lufs_target", "mix.style", "mix.ducking", "mix.limiter", "mix.room", "mix.mark"),
    "mix.background",
)
"""Settings of the mix that enter the key of a chunk only where they are not at their defaults."""


def streams(setup: Setup) -> bool:
    """Tell whether chunks are to be written while the dub is made."""
    return setup.settings.stream.mode == "on"


def plan_of(context: Context) -> ChunkPlan:
    """Return the chunks of a dub. Raises FileNotFoundError before they are planned."""
    return context.store.read(PLAN, ChunkPlan, context.language)


@dataclass
class ChunkDesk:
    """The chunks of one dub while they are made: what each depends on, its state, and the manifest."""

    context: Context
    pending: set[str] = field(default_factory=set)
    """Lines that this run is still to speak."""
    states: dict[int, ChunkState] = field(default_factory=dict)

    @cached_property
    def plan(self) -> ChunkPlan:
        """The chunks."""
        return plan_of(self.context)

    @cached_property
    def dubbed(self) -> Mapping[str, tuple[Segment, Line]]:
        """Line -> the line with its segment, for lines that are dubbed."""
        return {line.id: (segment, line) for segment, line in dubbed_lines(self.context)}

    @cached_property
    def silent(self) -> frozenset[str]:
        """Segments in which nobody is heard to speak."""
        return lines_without_speech(self.context)

    # what a chunk depends on

    def item(self, chunk: PlannedChunk) -> Item:
        """Return a chunk as the stage's item."""
        context = self.context
        spoken = {
            f"speak/{name}": spoken_digest(context, self.dubbed[name][0], context.record("speak", name))
            for name in self._lines(chunk)
        }
        wished = {
            name: db for name in self._lines(chunk) if (db := wished_energy(context, self.dubbed[name][1]))
        }
        return Item(
            chunk.name,
            inputs={
                "span": self._span(chunk),
                **self._common,
                **spoken,
                **({"deliveries": context.digest(wished)} if wished else {}),
            },
            settings=(*MIX_SETTINGS, *changed_settings(context, *MIX_CHANGES)),
        )

    def _lines(self, chunk: PlannedChunk) -> list[str]:
        """Return the lines of a chunk that are still dubbed; the plan is made anew where others are."""
        return [name for name in chunk.lines if name in self.dubbed]

    def _span(self, chunk: PlannedChunk) -> str:
        return self.context.digest([chunk, self.plan.has_picture])

    @cached_property
    def _common(self) -> dict[str, str]:
        context = self.context
        lines = [[s.start, s.end, s.speaker, s.id in self.silent] for s, _ in self.dubbed.values()]
        own = context.settings.mix.background
        bed = {"mix.background": file_digest(Path(own))} if own else bed_inputs(context)
        picture = (
            {FILM: context.file_digest("paste", FILM, language=context.language)} if film(context) else {}
        )
        return {
            "source": context.sha256,
            "extract/audio.wav": context.file_digest("extract", "audio.wav"),
            "source lines": context.digest(lines),
            **bed,
            **nonverbal_inputs(context),
            **picture,
        }

    def parts(self, chunk: PlannedChunk) -> Parts:
        """Return what the key of a chunk is made from."""
        item = self.item(chunk)
        settings = {name: self.context.settings.value(name) for name in item.settings or ()}
        return Parts(CHUNKS, VERSION, settings, dict(item.inputs))

    def record(self, chunk: PlannedChunk) -> Record | None:
        """Return the record of a chunk; None before it was written."""
        return self.context.store.record(CHUNKS, chunk.name, self.context.language)

    # what a chunk is made of

    @cached_property
    def _voices(self) -> SourceVoices:
        from dubkit.media.playout.sound import SourceLine, measure_voices

        context = self.context
        lines = [
            SourceLine((sample_at(s.start), sample_at(s.end)), s.speaker, s.id not in self.silent)
            for s, _ in self.dubbed.values()
        ]
        return measure_voices(context.audio, context.layout, lines, context.settings.mix)

    @cached_property
    def _sound(self) -> ChunkSound:
        from dubkit.media.playout.sound import ChunkSound

        context = self.context
        own = context.settings.mix.background
        return ChunkSound(
            source=context.audio,
            layout=context.layout,
            settings=context.settings.mix,
            background=Path(own) if own else bed_file(context),
            sounds=nonverbal_spans(context),
            voices=self._voices,
        )

    @cached_property
    def _picture(self) -> PictureSource | None:
        from dubkit.media.playout.fragments import picture_source

        if not self.plan.has_picture:
            return None
        path, stream, zero = picture_place(self.context)
        return picture_source(path, stream, zero)

    def write(self, chunk: PlannedChunk, sink: Sink) -> None:
        """Write the files of a chunk and record it."""
        from dubkit.media.playout.borders import BLOCK
        from dubkit.media.playout.fragments import write_fragment
        from dubkit.media.playout.sound import chunk_samples

        context = self.context
        blocks = ceil(context.settings.stream.chunk_overlap * SAMPLE_RATE / BLOCK)
        before = min(blocks, chunk.start_block)
        first, last = chunk.start_block - before, chunk.end_block + blocks
        placements = [
            placement
            for name in self._lines(chunk)
            if (placement := placement_of(context, *self.dubbed[name], self.silent)) is not None
        ]
        with context.store.scratch() as folder:
            samples = chunk_samples(self._sound, placements, first * BLOCK, last * BLOCK, folder)
        head, fragment = write_fragment(chunk, padded(samples, (last - first) * BLOCK), before, self._picture)
        files = {f"{FOLDER}/{INIT}": head, f"{FOLDER}/{chunk.name}{SUFFIX}": fragment}
        for name, raw in files.items():
            with sink.write(name) as temporary:
                temporary.write_bytes(raw)
        sink.done(chunk.name, files=files)

    # which chunks can be played

    def look(self, chunk: PlannedChunk) -> ChunkState:
        """Find out the state of a chunk from its record and its file."""
        record = self.record(chunk)
        state: ChunkState = "waiting"
        if record is not None and record.error:
            state = "failed"
        elif record is not None and self._fits(chunk, record):
            state = "ready" if self._is_current(chunk, record) else "outdated"
        self.states[chunk.number] = state
        return state

    def _fits(self, chunk: PlannedChunk, record: Record) -> bool:
        """Tell whether the file that is there plays from the border before the chunk to the one after it."""
        same = record.parts.inputs.get("span") == self._span(chunk)
        return same and self.context.store.whole(record.files)

    def _is_current(self, chunk: PlannedChunk, record: Record) -> bool:
        return record.key == self.parts(chunk).key and not self.pending.intersection(chunk.lines)

    def publish(self) -> PlayoutManifest:
        """Write manifest and playlist as things stand; chunks whose state is not known are looked at."""
        context = self.context
        for chunk in self.plan.chunks:
            if chunk.number not in self.states:
                self.look(chunk)
        chunks = tuple(
            PlayableChunk(
                number=chunk.number,
                start=chunk.start,
                end=chunk.end,
                state=self.states[chunk.number],
                file=f"{chunk.name}{SUFFIX}" if self.states[chunk.number] in ("ready", "outdated") else "",
                lines=chunk.lines,
            )
            for chunk in self.plan.chunks
        )
        there = any(chunk.file for chunk in chunks)
        manifest = PlayoutManifest(
            language=context.language,
            seconds=context.episode.samples / SAMPLE_RATE,
            complete=all(chunk.state == "ready" for chunk in chunks),
            has_picture=self.plan.has_picture,
            wished_chunk_seconds=self.plan.wished_seconds,
            playlist=PLAYLIST if there else "",
            init=INIT if there else "",
            final=self._final(),
            chunks=chunks,
        )
        store, language = context.store, context.language
        store.write_bytes(f"{FOLDER}/{PLAYLIST}", write_playlist(self.plan, manifest), language)
        store.write_json(MANIFEST, manifest, language)
        return manifest

    def _final(self) -> str:
        record = self.context.store.record(LAST, "episode", self.context.language)
        whole = record is not None and not record.error and self.context.store.whole(record.files)
        return next((Path(ref.path).name for ref in record.files), "") if whole and record else ""


def picture_place(context: Context) -> tuple[Path, int, Fraction]:
    """Return the file that the picture of a dub is copied from, its stream, and the episode's zero there."""
    from dubkit.media.files.container import open_media, scan
    from dubkit.media.playout.borders import source_zero

    video, generated = context.picture, film(context)
    if generated is None:
        return context.source, video.index, source_zero(context.source, video.index)
    with open_media(generated) as container:
        index = container.streams.video[0].index
        tracks, _ = scan(container, {index})
    start = tracks[index].start
    assert start is not None, "a pasted picture has frames"
    return generated, index, start - video.start


def padded(samples: Samples, count: int) -> Samples:
    """Return sound with silence after its end, `(count, C)`."""
    import numpy as np

    return np.pad(samples, ((0, max(0, count - len(samples))), (0, 0)))


def publish(context: Context, _languages: Sequence[str], _progress: Progress) -> None:
    """Bring the manifest up to what is there, whether or not a stage worked."""
    if context.store.has(PLAN, context.language):
        ChunkDesk(context).publish()
