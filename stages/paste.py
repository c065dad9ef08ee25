"""Put the generated pictures into the source's picture: in place of their frames, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.types import Clip, FaceBox, PictureReport, Remark, VideoStream, remark
from stages.shared.clip_files import PICTURE
from stages.shared.engine import clip_stage, makes_clips
from stages.shared.finished_dub import FILM, PICTURE_REPORT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dubkit.dubbing.film.paste import Paster
    from dubkit.media.splice.splice import SpliceReport

COMPARED = 16
"""Frames of a clip whose colours are compared with the source's."""


def dubbed(context: Context) -> list[Clip]:
    """Return the clips that were generated, in order of time."""
    if context.episode.video is None:
        return []
    return [clip for clip in context.planned_clips if _digest(context, clip)]


def _digest(context: Context, clip: Clip) -> str:
    return context.take_digest(clip.id, PICTURE, stage=clip_stage(context))


def speaking_faces(context: Context, clip: Clip) -> list[Sequence[FaceBox]]:
    """Return the faces that speak in a clip."""
    tracks = (face.boxes for face in context.faces.faces if face.segment in clip.lines)
    return [boxes for boxes in tracks if boxes]


def items(context: Context) -> Sequence[Item]:
    clips = dubbed(context)
    if not clips:
        return []
    inputs = {"source": context.sha256}
    for clip in clips:
        placing = [clip.keep_start, clip.keep_end, clip.fit]
        if context.settings.dub.paste == "face":
            placing.append(speaking_faces(context, clip))
        inputs[f"{clip_stage(context)}/{clip.id}"] = context.digest([_digest(context, clip), *placing])
    return [Item(EPISODE, inputs=inputs)]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.splice.splice import splice

    video = context.picture
    film = PastedFilm(context)
    with sink.write(FILM) as temporary:
        report = splice(
            context.source, video, [(c.keep_start, c.keep_end) for c in film.clips], film.frame, temporary
        )
    sink.write_json(PICTURE_REPORT, _report(report, film.clips))
    sink.done(EPISODE, files=[FILM, PICTURE_REPORT], remarks=[*_remarks(report, video), *film.remarks])


def _remarks(report: SpliceReport, video: VideoStream) -> Iterator[Remark]:
    import av

    if report.reason:
        yield remark("picture-recoded", f"The whole picture was encoded again: {report.reason}.")
        # H.264 and HEVC have no transparency here.
        if any(component.is_alpha for component in av.VideoFormat(video.pixel_format).components):
            sentence = f"The picture was encoded again without its transparency ({video.pixel_format})."
            yield remark("picture-data-left-out", sentence)
    if report.missing:
        sentence = f"{report.missing} damaged frames were filled with their neighbours."
        yield remark("frames-filled", sentence)


class PastedFilm:
    """Gives the picture of every replaced frame, clip by clip."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.clips = dubbed(context)
        self.remarks: list[Remark] = []
        self._clip = ""
        self._next = -1
        self._pictures: Iterator[NDArray[np.uint8]] = iter(())
        self._paster: Paster | None = None

    def frame(self, number: int, source: Any) -> Any:
        """Return frame `number` of the episode; `source` becomes the result."""
        clip = next(c for c in self.clips if c.keep_start <= number < c.keep_end)
        if clip.id != self._clip:
            self._paster = self._open_paster(clip, source)
            self._clip = clip.id
            self._next = -1
        if number < self._next or self._next < 0:
            self._pictures, self._next = self._frames(clip), clip.keep_start
        while self._next < number:
            next(self._pictures)
            self._next += 1
        picture = next(self._pictures)
        self._next += 1
        assert self._paster is not None
        return self._paster.frame(number, source, picture)

    def _frames(self, clip: Clip) -> Iterator[NDArray[np.uint8]]:
        from dubkit.media.picture.lossless import read_frames

        return read_frames(self._file(clip))

    def _file(self, clip: Clip) -> Path:
        file = self.context.take_file(clip.id, PICTURE, stage=clip_stage(self.context))
        assert file is not None, "only generated clips are pasted"
        return file

    def _open_paster(self, clip: Clip, frame: Any) -> Paster:
        """Return the paster of a clip, for which its colours are measured."""
        from dubkit.dubbing.film.colour import ColourMatch, PictureFormat
        from dubkit.dubbing.film.paste import Paster, lay
        from dubkit.media.picture.window import window_frames

        context, video = self.context, self.context.picture
        form = PictureFormat.of(
            frame, context.source, rotation=video.rotation, mirrored=bool(video.mirrored), codec=video.codec
        )
        count = clip.keep_end - clip.keep_start
        numbers = sorted({round(i * (count - 1) / (COMPARED - 1)) for i in range(COMPARED)})
        sources = window_frames(context.source, video, [clip.keep_start + i for i in numbers])
        generated = [picture for i, picture in enumerate(self._frames(clip)) if i in set(numbers)]
        match = ColourMatch.between((lay(f, form, clip.fit) for f in sources), generated)
        faces = speaking_faces(context, clip)
        mode = context.settings.dub.paste if faces else "full"
        if mode != context.settings.dub.paste:
            sentence = "No face was found, so the whole picture is the generated one."
            self.remarks.append(remark("no-face", sentence, clip.id))
        return Paster(form, clip.fit, mode, faces, match)


def _report(report: SpliceReport, clips: Sequence[Clip]) -> PictureReport:
    """Return the report of the splice, with the clip of every dubbed span."""
    spans: list[tuple[int, int, str]] = []
    for start, end, origin in report.spans:
        if origin != "dubbed":
            spans.append((start, end, origin))
            continue
        inside = [c for c in clips if c.keep_start < end and c.keep_end > start]
        spans += [(max(start, c.keep_start), min(end, c.keep_end), c.id) for c in inside]
    return PictureReport(
        report.frames,
        report.identical,
        report.recoded,
        report.dubbed,
        report.codec,
        tuple(spans),
        report.reason,
        report.missing,
    )


STAGE = Stage(
    name="paste",
    version=1,
    scope="language",
    items=items,
    run=run,
    title="Putting clips into the picture",
    done="put into the picture",
    belongs=makes_clips,
    needs=("decode", "render", "faces"),
    depends=("dub.paste",),
)
