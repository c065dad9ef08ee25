"""Write Advanced SubStation Alpha: speech, signs and songs in styles of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dubkit.formats.content import Cue, CueRole, Heading
from dubkit.formats.cues import shown_text, visible
from dubkit.formats.text import one_line

_STYLES: dict[CueRole, str] = {"": "Default", "sign": "Sign", "song": "Song"}
_ESCAPE = re.compile(r"\\(?=[Nnh{}])")
_JOINER = "\u2060"
"""Between a backslash and a letter that would make a line break of it; it is not seen."""
_HEAD = """\
[Script Info]
; Written by dubkit.
Title: {title}
ScriptType: v4.00+
PlayResX: 1920
PlayResY: 1080
WrapStyle: 0
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, \
Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, \
MarginR, MarginV, Encoding
Style: Default,Arial,60,&H00FFFFFF,&H000000FF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,120,120,60,1
Style: Sign,Arial,48,&H0080FFFF,&H000000FF,&H00000000,&H80000000,1,0,0,0,100,100,0,0,1,3,0,8,120,120,60,1
Style: Song,Arial,54,&H00FFFFFF,&H000000FF,&H00503000,&H80000000,0,-1,0,0,100,100,0,0,1,3,1,8,120,120,60,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def write_ass(cues: Sequence[Cue], heading: Heading = Heading()) -> bytes:
    """Return cues as ASS in UTF-8: speech below, signs and songs above, each in its style."""
    rows = [_row(cue) for cue in visible(cues)]
    return (_HEAD.replace("{title}", one_line(heading.name) or "Subtitles") + "".join(rows)).encode("utf-8")


def _row(cue: Cue) -> str:
    # A comma would end the name, and a brace begin a style.
    name = one_line(cue.speaker).replace(",", ";")
    text = _ESCAPE.sub(lambda _: "\\" + _JOINER, shown_text(cue)).replace("{", "(").replace("}", ")")
    text = text.replace("\n", r"\N")
    layer = 0 if cue.role == "" else 1
    return (
        f"Dialogue: {layer},{_stamp(cue.start)},{_stamp(cue.end)},{_STYLES[cue.role]},{name},0,0,0,,{text}\n"
    )


def _stamp(seconds: float) -> str:
    whole, hundredths = divmod(max(0, round(seconds * 100)), 100)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}.{hundredths:02d}"
