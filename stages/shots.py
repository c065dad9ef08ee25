"""Find the cuts, by the source's own frame numbers."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.chain.stage import EPISODE, Item, Sink, Stage
from dubkit.episode.context import Context
from dubkit.types import Remark, Shots
from stages.shared.machine_code import COMMON, PICTURE

THUMBNAIL_WIDTH = 240


def items(context: Context) -> Sequence[Item]:
    picture = context.digest(context.episode.video)
    return [Item(EPISODE, inputs={"source": context.sha256, "extract/picture": picture})]


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    from dubkit.media.picture.shots import find_shots

    remarks: list[Remark] = []
    shots = find_shots(context.source, context.episode, context.settings.shots, remarks.append)
    files = ["shots.json"]
    if shots.shots:
        files += _draw(context, shots, sink)
    sink.write_json("shots.json", shots)
    sink.done(EPISODE, files=files, remarks=remarks)


def _draw(context: Context, shots: Shots, sink: Sink) -> list[str]:
    """Write the middle of each shot as a small image; return their names."""
    from dubkit.media.picture.frames import Thumbnails

    thumbnails, files = Thumbnails(context.source, context.episode), []
    for position, shot in enumerate(shots.shots):
        name = f"thumbnails/{shot.id}.jpg"
        with sink.write(name) as temporary:
            middle = (shot.start_frame + shot.end_frame) // 2
            thumbnails.save(middle, temporary, THUMBNAIL_WIDTH)
        files.append(name)
        sink.advance(position / len(shots.shots))
    return files


STAGE = Stage(
    name="shots",
    version=1,
    scope="episode",
    items=items,
    run=run,
    title="Finding shots",
    done="searched for shots",
    pace=0.10,
    needs=("extract",),
    beside=True,
    cores=1,
    loads=(*COMMON, *PICTURE),
    depends=("shots.threshold", "shots.min_seconds"),
    artifact="shots.json",
)
