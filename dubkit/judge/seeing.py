"""Look at a dub's pictures beside its source's, where both show the same film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from dubkit.judge.alignment import ClockMatch
from dubkit.judge.films import OpenFilm
from dubkit.media.picture.face_finders import MeshFinder, mediapipe_models
from dubkit.media.picture.text_finder import ROLE, TEXT_FINDER, TextFinder
from dubkit.models.store import ModelStore
from dubkit.types import Segment, SpeakingFace
from stages.shared.seen import Eyes, FilmPicture, LineSeen, LineSight, seen_lines

OTHER_LIPS = 0.04
"""Mean difference of the mouth's opening over its width from which lips are not the source's."""


class See:
    """Finds the faces of a source once, and looks at them in each of its dubs."""

    def __init__(self, source: OpenFilm, segments: Sequence[Segment], models: ModelStore) -> None:
        self._source, self._segments, self._models = source, segments, models
        self._faces: tuple[SpeakingFace, ...] | None = None

    def sights(
        self, dub: OpenFilm, alignment: ClockMatch
    ) -> tuple[Mapping[str, LineSeen], Mapping[str, str]]:
        """Return what was seen of each line, and why something was not looked at, by what checks need."""
        source, other = self._source.episode.video, dub.episode.video
        if source is None or other is None:
            why = "source and dub have no picture" if source is None else "it has no picture"
            return {}, {"pictures": why, "letters": why}
        if not alignment.is_same_picture:
            why = "its picture is not the source's"
            return {}, {"pictures": why, "letters": why}
        eyes, blind = self._eyes()
        times = self._source.times
        found = seen_lines(
            FilmPicture(self._source.path, source),
            FilmPicture(dub.path, other),
            self._lines(times),
            eyes,
            times,
            _frames(times, dub.times, alignment),
        )
        if not any(sight.pictures.looks for sight in found.values()):
            blind.setdefault("pictures", "no face that speaks is in its picture")
        clocked = {id: _on_dub_clock(sight, alignment) for id, sight in found.items()}
        return clocked, blind

    def _eyes(self) -> tuple[Eyes, dict[str, str]]:
        blind = {}
        folder, model = mediapipe_models(), self._models.find(ROLE)
        if folder is None:
            blind["pictures"] = "nothing here finds faces (pip install --no-deps mediapipe==0.10.14)"
        if model is None:
            blind["letters"] = f"nothing here finds writing (pip install {TEXT_FINDER.pip})"
        return Eyes(MeshFinder(folder) if folder else None, TextFinder(model.path) if model else None), blind

    def _lines(self, times: Sequence[float]) -> list[LineSight]:
        from bisect import bisect_left

        from dubkit.media.picture.faces import find_faces

        if self._faces is None:
            self._faces = find_faces(self._source.path, self._source.episode, self._segments).faces
        faces = {face.segment: face for face in self._faces}
        lines = []
        for segment in self._segments:
            span = (bisect_left(times, segment.start), bisect_left(times, segment.end))
            if span[1] > span[0]:
                boxes = faces[segment.id].boxes if segment.id in faces else ()
                lines.append(LineSight(segment.id, boxes, (span,)))
        return lines


def _frames(source: Sequence[float], dub: Sequence[float], alignment: ClockMatch) -> list[int]:
    """Return the dub's frame that is shown with each frame of the source; -1 where it has none."""
    from bisect import bisect_right

    length = 2 * (dub[-1] - dub[0]) / max(len(dub) - 1, 1)
    frames = []
    for time in source:
        at = alignment.dub_time(time) + 1e-3
        frame = bisect_right(dub, at) - 1
        frames.append(frame if frame >= 0 and at <= dub[-1] + length else -1)
    return frames


def _on_dub_clock(sight: LineSeen, alignment: ClockMatch) -> LineSeen:
    """Return what was seen with times of the dub, and whether its lips are its own."""
    looks = tuple(replace(look, time=alignment.dub_time(look.time)) for look in sight.pictures.looks)
    apart = [abs(look.opening - look.source_opening) for look in looks if look.found]
    pictures = replace(sight.pictures, looks=looks, lips=bool(apart) and fmean(apart) > OTHER_LIPS)
    return replace(sight, pictures=pictures)
