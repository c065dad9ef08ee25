"""Find the faces that speak: where they are in the picture, and whether their mouths visibly move."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.media.picture.face_finders import finder_identity
from stages.shared.engine import dubs_picture, makes_clips


def items(context: Context) -> Sequence[Item]:
    if not dubs_picture(context):
        return []
    # Times of the speech, not its words: after a corrected word nothing is searched again.
    speech = context.digest(tuple((s.id, s.start, s.end) for s in context.segments))
    inputs = {"source": context.sha256, "transcribe/times": speech}
    return [Item(EPISODE, inputs=inputs, models={"faces": finder_identity()})]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.picture.faces import find_faces

    faces = find_faces(context.source, context.episode, context.segments, advance=sink.advance)
    degraded = []
    if context.episode.video is not None and context.segments and faces.method != "mediapipe":
        why = "only OpenCV's finder of frontal faces" if faces.method == "opencv" else "no finder of faces"
        degraded.append(
            f"This machine has {why}, so lines may wrongly keep their lips. "
            "Better: pip install --no-deps mediapipe==0.10.14"
        )
    sink.write_json("faces.json", faces)
    sink.done(EPISODE, files=["faces.json"], degraded=degraded)


STAGE = Stage(
    name="faces",
    version=1,
    scope="episode",
    items=items,
    run=run,
    title="Finding faces that speak",
    done="searched for faces",
    belongs=makes_clips,
    pace=0.30,
    needs=("transcribe",),
    artifact="faces.json",
)
