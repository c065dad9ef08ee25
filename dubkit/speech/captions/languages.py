"""Subtitles in two languages at once: the lines in the one that is spoken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from dubkit.formats.content import Cue
from dubkit.formats.text import one_line

_SCRIPTS = {
    "latin": re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]"),
    "cyrillic": re.compile("[\u0400-\u04ff]"),
    "greek": re.compile("[\u0370-\u03ff]"),
    "hebrew": re.compile("[\u0590-\u05ff]"),
    "arabic": re.compile("[\u0600-\u06ff\u0750-\u077f]"),
    "indic": re.compile("[\u0900-\u0dff]"),
    "thai": re.compile("[\u0e00-\u0e7f]"),
    "hangul": re.compile("[\uac00-\ud7a3]"),
    "han": re.compile("[\u3041-\u30ff\u3400-\u9fff]"),
}
_OF_LANGUAGE = {
    **dict.fromkeys(("ru", "uk", "be", "bg", "mk", "kk"), "cyrillic"),
    **dict.fromkeys(("zh", "yue", "cmn", "ja"), "han"),
    **dict.fromkeys(("ar", "fa", "ur"), "arabic"),
    **dict.fromkeys(("hi", "bn", "ta", "te", "mr", "gu", "kn", "ml", "pa"), "indic"),
    "el": "greek",
    "he": "hebrew",
    "th": "thai",
    "ko": "hangul",
}
_MOST = 0.6
"""Share of the cues of a file in two languages that have lines in both."""


def in_language(cues: Sequence[Cue], language: str) -> list[Cue]:
    """Return the cues of a file in two scripts with the lines in the script of a language alone.

    Files in one language, and languages that are not known here to have another script than Latin letters
    where the file has none, come back as they are.
    """
    wanted = _OF_LANGUAGE.get(language.lower().split("-")[0], "latin" if language else "")
    both = [cue for cue in cues if len(scripts := _scripts(cue)) > 1 and wanted in scripts]
    if len(both) < 2 or len(both) < _MOST * len(cues):
        return list(cues)
    return [_only(cue, wanted) if cue in both else cue for cue in cues]


def _scripts(cue: Cue) -> set[str]:
    return {script for _, text in cue.lines if (script := _script(text))}


def _script(text: str) -> str:
    """Return the script of most letters of a line; empty where it has none."""
    counts = {name: len(letters.findall(text)) for name, letters in _SCRIPTS.items()}
    most = max(counts, key=lambda name: counts[name])
    return most if counts[most] else ""


def _only(cue: Cue, wanted: str) -> Cue:
    lines = tuple((speaker, text) for speaker, text in cue.lines if _script(text) in ("", wanted))
    return replace(cue, text=one_line("\n".join(text for _, text in lines)), lines=lines)
