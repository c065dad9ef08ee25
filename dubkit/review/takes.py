"""The takes of a line: which there are, which one is in use, and where its files are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dubkit.dubbing.planning.routes import KINDS
from dubkit.episode.context import Context
from dubkit.episode.edits import LineEdit
from dubkit.episode.store import Record, canonical, decode_json
from dubkit.errors import EditRefused
from dubkit.types import SAMPLE_RATE, DubbedClip, SpokenLine, is_clip
from stages.shared.engine import CLIP_STAGES, clip_stage

GENERATING = ("given", "embed", "denoise", "refine", *CLIP_STAGES)
"""Stages that make a take of a clip, with any engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeRow:
    """One take, to hear, see and choose."""

    take: str
    """`v002`, or `c0001/v002` for a take of a clip."""
    engine: str
    voice: str = ""
    seed: int | None
    seconds: float
    speed: float = 1.0
    fit: str = ""
    flags: tuple[str, ...] = ()
    text: str = ""
    """Text that is spoken; empty for a clip, and for old takes without it."""
    in_use: bool
    chosen: bool
    """True when a person chose it: it stays, whatever changes."""
    sound: Path | None
    picture: Path | None = None
    clip: str = ""
    """The clip that it is a take of; empty for a take of the line itself."""
    span: tuple[float, float] | None = None
    """Seconds of the episode that the clip covers; None for a take of the line itself, and of an old clip."""


def clips_of(context: Context, line: str) -> list[str]:
    """Return the clips that a line is generated in; empty when a voice speaks it."""
    if context.routes.get(line) not in KINDS:
        return []
    return [clip.id for clip in context.clips.clips if line in clip.lines]


def is_driven(context: Context, line: str) -> bool:
    """Tell whether the lips of a line follow its own speech: it has takes of speech and of clips."""
    return context.routes.get(line) == "drive"


def _items(context: Context, line: str, clips: Sequence[str]) -> list[str]:
    """Return what has the takes of a line: its clips or itself, and both where its lips follow its speech."""
    return [*clips, *([line] if not clips or is_driven(context, line) else [])]


def take_names(context: Context, line: str, clips: Sequence[str]) -> list[str]:
    """Return the full names (`s0003/v001`) of the takes of a line, or of its clips, oldest first."""
    store, language = context.store, context.language
    return [
        f"{item}/{folder.name}"
        for item in _items(context, line, clips)
        for folder in store.take_folders(item, language)
    ]


def takes_to_compare(context: Context, line: str, clips: Sequence[str]) -> int:
    """Return how many takes can be compared; for a line in several clips, the most that one of them has."""
    items = _items(context, line, clips)
    folders = (context.store.take_folders(item, context.language) for item in items)
    return max((len(takes) for takes in folders), default=0)


def current_take(context: Context, line: str, clips: Sequence[str]) -> str:
    """Return the name of the take in use; empty while there is none."""
    names = takes_in_use(context, line, clips)
    return " ".join(short(name, line) for name in names)


def takes_in_use(context: Context, line: str, clips: Sequence[str]) -> list[str]:
    """Return the full names of the takes in use: those of the clips of a line, else its own, or both."""
    own = in_use(context, [line], "speak") if not clips or is_driven(context, line) else []
    return [*(in_use(context, clips, clip_stage(context)) if clips else []), *own]


def in_use(context: Context, items: Sequence[str], stage: str) -> list[str]:
    """Return the full names of the takes that finished items of a stage use."""
    takes = []
    for item in items:
        record = context.record(stage, item)
        name = take_of(record) if record else ""
        takes += [name] if name else []
    return takes


def take_of(record: Record) -> str:
    """Return the full name of the take that a record refers to; empty for other records."""
    for ref in record.files if not record.error else ():
        head, _, rest = ref.path.partition("/takes/")
        if rest and "/" not in head:
            return "/".join(rest.split("/")[:2])
    return ""


def short(name: str, line: str) -> str:
    """Return the short name of a take of the line itself; others keep their full name."""
    return name.removeprefix(f"{line}/")


def full(name: str, line: str) -> str:
    """Return the full name of a take of a line."""
    return name if "/" in name else f"{line}/{name}"


def line_takes(context: Context, line: str) -> list[TakeRow]:
    """Return every take of a line, oldest first."""
    clips = clips_of(context, line)
    used = set(takes_in_use(context, line, clips))
    edit = context.placed.lines.get(line) or LineEdit()
    kept = edit.lock.takes if edit.lock else edit.takes or ()
    own = take_names(context, line, clips)
    # A take in use may be from the time of another transcript, where the line had another number.
    kinds = {is_clip(item) for item in _items(context, line, clips)}
    others = sorted(t for t in {*used, *kept}.difference(own) if is_clip(t) in kinds)
    rows = []
    for name in (*others, *own):
        record = context.store.take_record(name, context.language)
        if record is None:
            continue  # an incomplete take in a copied folder cannot be used
        rows.append(_row(context, line, name, record, name in used, name in kept))
    return rows


def _row(context: Context, line: str, name: str, record: Record, in_use: bool, chosen: bool) -> TakeRow:
    files = {Path(ref.path).name: context.store.path(ref.path) for ref in record.files}
    shown = short(name, line)
    if "picture.mkv" in files:
        made = decode_json(canonical(record.value), DubbedClip)
        clip = name.partition("/")[0]
        return TakeRow(
            take=shown,
            engine=" ".join(dict.fromkeys((made.engine, made.recipe))),
            seed=made.seed,
            seconds=round(made.samples / made.sample_rate, 3),
            in_use=in_use,
            chosen=chosen,
            sound=files.get("sound.wav"),
            picture=files["picture.mkv"],
            clip=clip,
            span=_span(context, clip),
        )
    spoken = decode_json(canonical(record.value), SpokenLine)
    return TakeRow(
        take=shown,
        engine=spoken.engine,
        seed=spoken.seed,
        seconds=round(spoken.samples / SAMPLE_RATE, 3),
        in_use=in_use,
        chosen=chosen,
        sound=files.get("speech.wav"),
        voice=spoken.voice,
        speed=spoken.speed,
        fit=spoken.fit,
        flags=spoken.flags,
        text=spoken.text,
    )


def _span(context: Context, clip: str) -> tuple[float, float] | None:
    """Return the seconds of the episode that a planned clip covers; None for any other.

    With a variable frame rate they are approximate, by the average rate, as no file is read for them.
    """
    video = context.episode.video
    planned = next((found for found in context.clips.clips if found.id == clip), None)
    if planned is None or video is None:
        return None
    start, end = (video.start + frame / video.rate for frame in (planned.keep_start, planned.keep_end))
    return round(float(start), 3), round(float(end), 3)


def seeds_used(context: Context, line: str) -> set[int]:
    """Return the seeds that the takes of a line have had."""
    return {row.seed for row in line_takes(context, line) if row.seed is not None}


def find_take(context: Context, line: str, name: str) -> str:
    """Return the full name of one take of a line. Raises EditRefused naming the takes there are."""
    takes = find_takes(context, line, name)
    if len(takes) > 1:
        raise EditRefused(f"{line} is made in several clips. Name one take: {' or '.join(takes)}.")
    return takes[0]


def find_takes(context: Context, line: str, name: str) -> list[str]:
    """Return the full names of the takes that a name means; `v002` of a generated line is that of every clip.

    Of a line whose lips follow its speech, `v002` is a take of the speech.

    Raises EditRefused naming the takes there are, unless the line, or each of its clips, has such a take.
    """
    clips = clips_of(context, line) if "/" not in name and not is_driven(context, line) else []
    takes = [f"{clip}/{name}" for clip in clips] or [full(name, line)]
    there = {full(row.take, line) for row in line_takes(context, line)}
    if missing := [take for take in takes if take not in there]:
        names = ", ".join(sorted(short(take, line) for take in there)) or "none yet"
        raise EditRefused(
            f"{line} has no take {' or '.join(short(m, line) for m in missing)}. Takes: {names}."
        )
    return takes
