"""Subtitles of the user's own as speech: for the transcript and for the translation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.types import Remark

if TYPE_CHECKING:
    from dubkit.speech.captions.spoken import Spoken


def spoken_of(
    context: Context, stage: str, language: str, encoding: str
) -> tuple[list[Spoken], str, list[Remark]]:
    """Return what the file of a stage says, its language, and what people should know of it.

    An empty language is found out from the text. Raises MediaError naming file, line and cure.
    """
    from dubkit.formats.reading import read_cues
    from dubkit.speech.captions.spoken import Captions, spoken_cues

    file, name = context.user_file(stage), context.user_file_name(stage)
    assert file is not None, "the stage has a file of the user's"
    remarks: list[Remark] = []
    cues = read_cues(file, encoding=encoding, language=language, tell=remarks.append, name=name)
    if not language:
        import py3langid  # type: ignore[import-untyped]

        language, _ = py3langid.classify(" ".join(cue.text for cue in cues))
    labels = context.settings.transcribe.labels
    captions = Captions(name, language, float(context.episode.duration), labels)
    return spoken_cues(cues, captions, remarks.append), language, remarks
