"""The registry of formats: what is written about them is what they can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.errors import SettingError
from dubkit.formats.content import Content
from dubkit.formats.format import FORMATS, Format, editable, format_of, readable, subtitle_formats, writable
from tests.support.paths import ROOT

CONTENTS: tuple[Content, ...] = ("cues", "turns", "rows")


def row(format: Format) -> str:
    cells = (
        f"`{format.name}`",
        ", ".join(f"`{suffix}`" for suffix in format.suffixes),
        ", ".join(content for content in CONTENTS if format.reads(content)),
        format.written or "",
        "yes" if format.editable else "",
    )
    return "| " + " | ".join(cells) + " |"


def test_the_docs_list_every_format_as_it_is() -> None:
    page = [" ".join(line.split()) for line in (ROOT / "docs/episodes.md").read_text("utf-8").splitlines()]
    missing = [row(format) for format in FORMATS if " ".join(row(format).split()) not in page]
    assert missing == []


def test_what_is_written_can_be_read_again() -> None:
    for format in FORMATS:
        if format.written in ("sheet", "timeline"):
            continue  # it is for people, and for programs that go on from there
        assert format.written is None or format.reads(format.written) or format.reads("cues"), format.name


def test_subtitles_of_no_format_are_refused() -> None:
    assert [format.name for format in subtitle_formats("both")] == ["srt", "vtt"]
    with pytest.raises(SettingError, match="must be one of srt, vtt, ass, ttml, both"):
        subtitle_formats("sbv")


def test_formats_are_found_by_suffix_and_ability() -> None:
    assert readable("turns") == (".rttm", ".csv")
    assert editable()[0] == ".csv"
    assert writable("cues") == ("srt", "vtt", "ass", "ttml")
    assert format_of(Path("A.SRT"), lambda format: format.reads("cues")) is FORMATS.get("srt")
    assert format_of(Path("a.srt"), lambda format: format.reads("turns")) is None
