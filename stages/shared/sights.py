"""What of a dub's generated pictures is looked at, and what of that enters keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.media.picture.face_finders import finder_identity, mediapipe_models
from dubkit.media.picture.text_finder import ROLE, TEXT_FINDER
from dubkit.types import Remark, remark
from stages.shared.finished_dub import dub_name, film, picture_report
from stages.shared.seen import Eyes, FilmPicture, LineSeen, LineSight, seen_lines

if TYPE_CHECKING:
    from dubkit.types import PictureReport


def sight_inputs(context: Context) -> tuple[dict[str, str], dict[str, str]]:
    """Return inputs and models of looking at the pictures, as they enter the key; none without made ones."""
    if film(context) is None:
        return {}, {}
    model = context.model(ROLE)
    inputs = {"faces.json": context.artifact_digest("faces.json"), "pictures": context.digest("looked at")}
    return inputs, {"faces": finder_identity(), ROLE: model.identity if model else "none"}


def line_sights(context: Context) -> dict[str, LineSeen]:
    """Return what is seen of every line whose pictures are generated; none where no picture is."""
    from dubkit.media.files.probe import probe
    from dubkit.media.picture.frames import frame_times

    report = picture_report(context)
    if report is None:
        return {}
    dub = context.store.path(dub_name(context), context.language)
    shown = probe(dub).video
    lines = _lines(context, report)
    if shown is None or shown.frames != context.picture.frames or not lines:
        return {}
    source = FilmPicture(context.source, context.picture)
    times = [float(time) for time in frame_times(context.source, context.picture.index)]
    return seen_lines(source, FilmPicture(dub, shown), lines, _eyes(context), times, range(len(times)))


def sight_remarks(context: Context) -> Iterator[Remark]:
    """Say which checks of generated pictures are left out on this machine."""
    if film(context) is None:
        return
    if context.faces.method != "none" and mediapipe_models() is None:
        said = "Generated faces were not checked. Better: pip install --no-deps mediapipe==0.10.14"
        yield remark("pictures-unchecked", said)
    if context.model(ROLE) is None:
        said = f"Nobody looked for letters in generated pictures. Better: pip install {TEXT_FINDER.pip}"
        yield remark("pictures-unchecked", said)


def _eyes(context: Context) -> Eyes:
    from dubkit.media.picture.face_finders import MeshFinder
    from dubkit.media.picture.text_finder import TextFinder

    folder, model = mediapipe_models(), context.model(ROLE)
    return Eyes(
        MeshFinder(folder) if folder else None, TextFinder(context.model_path(model)) if model else None
    )


def _lines(context: Context, report: PictureReport) -> list[LineSight]:
    """Return the lines whose clips are in the picture."""
    faces = {face.segment: face for face in context.faces.faces}
    lines = []
    for segment in context.segments:
        clips = {clip.id for clip in context.planned_clips if segment.id in clip.lines}
        spans = tuple((first, end) for first, end, origin in report.spans if origin in clips)
        face = faces.get(segment.id)
        boxes = tuple(
            box
            for box in (face.boxes if face else ())
            if any(first <= box.frame < end for first, end in spans)
        )
        if spans:
            lines.append(LineSight(segment.id, boxes, spans))
    return lines
