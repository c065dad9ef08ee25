"""Lengths of texts that nothing was asked about yet, for people who look at them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from dubkit.episode.context import Context
from dubkit.errors import DubkitError
from stages.shared.voices import choose_voice

if TYPE_CHECKING:
    from dubkit.episode.line_timing import Reckon
    from dubkit.types import Length
    from dubkit.voice.length import Lengths


def reckoner(context: Context) -> Reckon:
    """Return what reckons lengths from syllables, without loading anything.

    It answers None where nothing here can speak the language.
    """

    @cache
    def lengths() -> Lengths | None:
        from dubkit.voice.length import reckoned_lengths

        try:
            return reckoned_lengths(choose_voice(context).engine)
        except DubkitError:
            return None

    @cache
    def speakers() -> dict[str, str]:
        return {segment.id: segment.speaker for segment in context.segments}

    @cache
    def voices() -> dict[str, str]:
        if not context.store.has("cast.json", context.language):
            return {}
        own = {speaker: edit.voice for speaker, edit in context.speaker_edits.items() if edit.voice}
        return {speaker.id: speaker.voice for speaker in context.cast.speakers} | own

    def reckon(text: str, line: str) -> Length | None:
        known = lengths()
        if known is None:
            return None
        edit = context.placed.lines.get(line)
        voice = (edit.voice if edit else None) or voices().get(speakers().get(line, ""), "")
        return known.ask(text, voice=voice, language=context.language)

    return reckon
