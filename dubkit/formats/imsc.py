"""TTML as broadcasters and streaming services take it: the text profile of IMSC 1.1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from dubkit.formats.content import Cue, Heading
from dubkit.formats.cues import shown_text, visible
from dubkit.formats.text import one_line
from dubkit.formats.times import milliseconds

_PROFILE = "http://www.w3.org/ns/ttml/profile/imsc1.1/text"
_TT = "http://www.w3.org/ns/ttml"
_NO_XML = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEAD = """\
    <styling>
      <style xml:id="speech" tts:fontFamily="proportionalSansSerif" tts:fontSize="100%" \
tts:lineHeight="125%" tts:textAlign="center" tts:color="#FFFFFF" tts:textOutline="#000000 5%"/>
      <style xml:id="song" style="speech" tts:fontStyle="italic"/>
    </styling>
    <layout>
      <region xml:id="bottom" tts:origin="10% 75%" tts:extent="80% 20%" tts:displayAlign="after"/>
      <region xml:id="top" tts:origin="10% 5%" tts:extent="80% 20%" tts:displayAlign="before"/>
    </layout>
"""


def write_ttml(cues: Sequence[Cue], heading: Heading = Heading()) -> bytes:
    """Return cues as TTML in UTF-8: speech below, what is written in the picture above and always shown."""
    shown = visible(cues)
    names = list(dict.fromkeys(one_line(cue.speaker) for cue in shown if cue.speaker))
    agents = {name: f"speaker{number}" for number, name in enumerate(names, 1)}
    people = "".join(
        f'      <ttm:agent type="character" xml:id="{number}"><ttm:name type="alias">{_text(name)}</ttm:name>'
        "</ttm:agent>\n"
        for name, number in agents.items()
    )
    title = f"      <ttm:title>{_text(heading.name)}</ttm:title>\n" if heading.name else ""
    metadata = f"    <metadata>\n{title}{people}    </metadata>\n" if title or people else ""
    rows = "".join(_paragraph(cue, agents) for cue in shown)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<tt xmlns="{_TT}" xmlns:ttp="{_TT}#parameter" xmlns:ttm="{_TT}#metadata" xmlns:tts="{_TT}#styling" '
        f'xmlns:itts="{_TT}/profile/imsc1#styling" ttp:contentProfiles="{_PROFILE}" ttp:timeBase="media" '
        f'xml:lang="{_text(heading.language)}">\n'
        f"  <head>\n{metadata}{_HEAD}  </head>\n"
        f'  <body style="speech">\n    <div>\n{rows}    </div>\n  </body>\n</tt>\n'
    ).encode()


def _paragraph(cue: Cue, agents: dict[str, str]) -> str:
    who = f' ttm:agent="{agents[one_line(cue.speaker)]}"' if cue.speaker else ""
    place = ' region="top" itts:forcedDisplay="true"' if cue.role == "sign" else ' region="bottom"'
    style = ' style="song"' if cue.role == "song" else ""
    text = _text(shown_text(cue)).replace("\n", "<br/>")
    return f'      <p begin="{_stamp(cue.start)}" end="{_stamp(cue.end)}"{place}{style}{who}>{text}</p>\n'


def _text(text: str) -> str:
    return escape(_NO_XML.sub(" ", text))


def _stamp(seconds: float) -> str:
    whole, thousandths = divmod(milliseconds(seconds), 1000)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}.{thousandths:03d}"
