"""Source and dub of one line in one file, for any player."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from dubkit.chain.stage import EPISODE
from dubkit.episode.context import Context
from dubkit.episode.results import finished_dub
from dubkit.episode.store import Record, canonical, decode_json
from dubkit.errors import EditRefused, MediaError
from dubkit.media.delivery.side_by_side import HeardTake, write_side_by_side
from dubkit.review.takes import clips_of, find_take, in_use, short, takes_in_use
from dubkit.types import SpokenLine
from stages.mix import items as mix_items
from stages.shared.clip_files import SOUND
from stages.shared.engine import CLIP_STAGES
from stages.shared.finished_dub import SOUND as MIXED

FOLDER = "play"
"""Below the folder of a language."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A file to compare source and dub of a line."""

    file: Path
    take: str
    """The take that is heard over the source; empty when the dub is heard."""
    picture: Path | None
    """Generated picture of that take; the file does not show it."""


def write_comparison(context: Context, line: str, take: str = "", out: Path | None = None) -> Comparison:
    """Write source and dub of a line as one mp4, and return what is heard in it.

    The sound is that of the dub if it has the take in use; otherwise, or with `take`, it is the take itself.
    Raises EditRefused when there is nothing to hear, and MediaError when the source is gone.
    """
    if not context.source.is_file():
        raise MediaError(context.source, "the source no longer exists", "Put it back there.")
    segment = next(segment for segment, known in context.lines if known.id == line)
    name, heard = _heard(context, line, take)
    shown = ".".join((line, *name.split("/"))) if name else line
    target = out or context.store.path(f"{FOLDER}/{shown}.mp4", context.language)
    with TemporaryDirectory(prefix="dubkit-play") as folder:
        comparison = Path(folder) / "comparison.mp4"
        write_side_by_side(
            context.source,
            dub_file(context),
            (segment.start, segment.end),
            comparison,
            episode=context.episode,
            take=heard,
        )
        _keep(context, comparison, target, own=out is None)
    return Comparison(target, name, _picture(context, line, name))


def dub_file(context: Context) -> Path | None:
    """Return the rendered dub; None before the first render."""
    return finished_dub(context.store, context.language)


def in_dub(context: Context, line: str) -> bool:
    """Tell whether the rendered dub has the take of a line that is in use."""
    mixed = context.record("mix", EPISODE)
    stitched = context.record("stitch", EPISODE)
    if mixed is None or stitched is None or dub_file(context) is None:
        return False
    sound = context.file_digest("mix", MIXED, language=context.language)
    name = f"speak/{line}"
    (now,) = mix_items(context)
    return stitched.parts.inputs.get(MIXED) == sound and mixed.parts.inputs.get(name) == now.inputs.get(name)


def _heard(context: Context, line: str, take: str) -> tuple[str, HeardTake | None]:
    if take:
        full = find_take(context, line, take)
        return short(full, line), _spoken(context, line, full)
    if in_dub(context, line):
        return "", None
    used = in_use(context, [line], "speak")
    if not used:
        if dub_file(context) is not None:
            return "", None  # it keeps the source's sound
        raise EditRefused(f"{line} has no take yet, and there is no dub.\nRender the episode first.")
    return short(used[0], line), _spoken(context, line, used[0])


def _spoken(context: Context, line: str, take: str) -> HeardTake:
    """Return the speech of a take; for a take of a clip, the part of it that was cut out for the line."""
    record = context.store.take_record(take, context.language)
    if record is not None and record.parts.stage in CLIP_STAGES:
        record = _cut_from(context, line, record)
    if record is None:
        raise EditRefused(
            f"The speech of {line} has not been cut from take {take} yet.\n"
            "Choose the take and render: dubkit review choose, dubkit review render."
        )
    speech = next(context.store.path(ref.path) for ref in record.files if ref.path.endswith("/speech.wav"))
    return HeardTake(speech, decode_json(canonical(record.value), SpokenLine).start_sample)


def _cut_from(context: Context, line: str, clip: Record) -> Record | None:
    sound = next((ref.sha256 for ref in clip.files if ref.path.endswith(f"/{SOUND}")), "")
    for folder in reversed(context.store.take_folders(line, context.language)):
        record = context.store.take_record(f"{line}/{folder.name}", context.language)
        if record is not None and record.parts.inputs.get(f"{clip.parts.stage}/{clip.item}") == sound:
            return record
    return None


def _picture(context: Context, line: str, take: str) -> Path | None:
    """Return the generated picture of a take that is not in the dub."""
    clips = clips_of(context, line) if take else []
    in_clips = takes_in_use(context, line, clips) if clips else []
    names = [take] if "/" in take else in_clips
    for name in names:
        record = context.store.take_record(name, context.language)
        for ref in record.files if record else ():
            if ref.path.endswith("/picture.mkv"):
                return context.store.path(ref.path)
    return None


def _keep(context: Context, comparison: Path, target: Path, *, own: bool) -> None:
    if not own:
        try:
            shutil.copyfile(comparison, target)
        except OSError as error:
            raise MediaError(target, (error.strerror or str(error)).lower(), "Name another file.") from None
        return
    relative = target.relative_to(context.store.root).as_posix()
    with context.store.writing(relative, beside=True) as temporary:
        shutil.copyfile(comparison, temporary)
