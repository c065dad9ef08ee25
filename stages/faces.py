"""Find the faces that speak: where they are in the picture, and whether their mouths visibly move."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.chain.stage import EPISODE, Item, Setup, Sink, Stage
from dubkit.episode.context import Context
from dubkit.media.picture.face_finders import finder_identity
from dubkit.types import Faces, Remark, remark
from stages.shared.engine import makes_clips
from stages.shared.machine_code import COMMON, NETWORKS, PICTURE


def items(context: Context) -> Sequence[Item]:
    if context.episode.video is None or not looks_for_faces(context):
        return []
    # Times of the speech, not its words: after a corrected word nothing is searched again.
    speech = context.digest(tuple((s.id, s.start, s.end) for s in context.segments))
    inputs = {"source": context.sha256, "transcribe/times": speech}
    if not makes_clips(context):  # other things are said of the faces then
        inputs["looked for"] = "the schedule"
    return [Item(EPISODE, inputs=inputs, models={"faces": finder_identity()})]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.picture.faces import find_faces

    faces = find_faces(context.source, context.episode, context.segments, advance=sink.advance)
    remarks: list[Remark] = []
    if not makes_clips(context):
        remarks += _unseen(context, faces)
    elif context.episode.video is not None and context.segments and faces.method != "mediapipe":
        why = "only OpenCV's finder of frontal faces" if faces.method == "opencv" else "no finder of faces"
        remarks.append(
            remark(
                "face-finder",
                f"This machine has {why}, so lines may wrongly keep their lips. "
                "Better: pip install --no-deps mediapipe==0.10.14",
            )
        )
    sink.write_json("faces.json", faces)
    sink.done(EPISODE, files=["faces.json"], remarks=remarks)


def _unseen(context: Context, faces: Faces) -> list[Remark]:
    """Say that nothing can tell whose mouth is seen."""
    if faces.method != "none" or context.episode.video is None or not context.segments:
        return []
    said = "Nothing on this machine finds faces. Better: pip install --no-deps mediapipe==0.10.14"
    return [remark("mouths-unseen", said)]


def looks_for_faces(setup: Setup) -> bool:
    """Tell whether somebody asks for faces: what makes clips, the schedule of the lines, or ages."""
    asked = setup.settings.timing.scheduled or setup.settings.cast.ages == "face"
    return asked or makes_clips(setup)


STAGE = Stage(
    name="faces",
    version=1,
    scope="episode",
    items=items,
    run=run,
    title="Finding faces that speak",
    done="searched for faces",
    belongs=looks_for_faces,
    pace=0.30,
    needs=("transcribe",),
    beside=True,
    cores=1,
    loads=(*COMMON, *PICTURE, *NETWORKS),
    artifact="faces.json",
)
