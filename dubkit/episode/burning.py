"""A film of an episode with its subtitles in the picture."""

from __future__ import annotations

from pathlib import Path

from dubkit.episode.context import Context
from dubkit.episode.results import finished_dub
from dubkit.episode.subtitle_kinds import SubtitleWish, subtitle_cues
from dubkit.errors import DubkitError
from dubkit.formats.ass_writing import write_ass
from dubkit.formats.content import Heading
from dubkit.formats.cues import shown_text
from dubkit.types.remarks import Tell


def burn_in(context: Context, wish: SubtitleWish, out: Path, tell: Tell | None = None) -> None:
    """Write the dub of the context's language, or the source without one, with subtitles in its picture.

    Raises DubkitError before there is a dub, for an episode without a picture, and where nothing is shown.
    """
    from dubkit.media.delivery.burn import burn

    if context.episode.video is None:
        raise DubkitError(f"{context.source} has no picture that subtitles could be drawn into.")
    film = finished_dub(context.store, context.language) if context.language else context.source
    if film is None:
        raise DubkitError(
            f"There is no dub of {context.source} in {context.language} yet.\n"
            f"Run first: dubkit run {context.source} --to {context.language}"
        )
    cues = subtitle_cues(context, wish, tell)
    if not cues:
        raise DubkitError(f"There are no subtitles {wish.kind} of {context.source}, so nothing was written.")
    heading = Heading(context.episode.name, context.language)
    burn(film, write_ass(cues, heading), "".join(shown_text(cue) for cue in cues), out)
