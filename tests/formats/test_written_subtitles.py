"""Subtitles that are written: readers that are not dubkit's find the same in them, and so does dubkit."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from dubkit.episode.context import Context
from dubkit.episode.export import export
from dubkit.errors import MediaError
from dubkit.formats.ass_writing import write_ass
from dubkit.formats.content import Cue, Heading
from dubkit.formats.document import Document
from dubkit.formats.format import FORMATS, Format
from dubkit.formats.imsc import write_ttml
from dubkit.formats.reading import cues_of, read_cues
from dubkit.formats.writing import write
from dubkit.review.changes import LineChange
from dubkit.review.files import read_changes
from tests.review.test_changes import PT, make_episode
from tests.support.paths import DATA, SHARED, require

LONG = "He said <never> & “nothing” of the house that his father had bought long before"
CUES = (
    Cue(0.0, 1.5, LONG, "Ana, the elder"),
    Cue(2.0, 3.04, "To the sea", role="sign"),
    Cue(2.5, 4.0, "La, la", "Bo", role="song"),
    Cue(3723.25, 3725.5, "C:\\Nord {x}"),
    Cue(4000.0, 4001.0, "二人はどこへも行かないと言った。それから、何も言わなかった。", "Ana, the elder"),
)
HEADING = Heading("The <house>", "en-GB")


def back(format: Format, content: bytes) -> list[Cue]:
    return cues_of(Document(Path(f"a{format.suffixes[0]}"), content, language="en"), format)


def shown(cue: Cue) -> list[str]:
    """Return the lines of a cue, as any writer breaks them."""
    from dubkit.formats.text import break_lines

    return break_lines(cue.text).split("\n")


@pytest.mark.parametrize("name", ["ttml", "ass", "vtt"])
def test_what_is_written_is_read_as_it_was(name: str) -> None:
    cues = [cue for cue in CUES if "{" not in cue.text or name != "ass"]
    found = back(FORMATS.records[name], write(FORMATS.records[name], "cues", cues, HEADING))
    names = {cue.speaker.replace(",", ";") if name == "ass" else cue.speaker for cue in cues}
    assert {cue.speaker for cue in found} == names
    assert [(cue.start, cue.end, cue.text) for cue in found] == [(c.start, c.end, c.text) for c in cues]
    assert [[line for _, line in cue.lines] for cue in found] == [shown(cue) for cue in cues]


def test_ass_has_a_style_for_each_kind_and_other_programs_read_it() -> None:
    import pysubs2

    found = pysubs2.SSAFile.from_string(write_ass(CUES, HEADING).decode(), format_="ass")
    assert [event.style for event in found] == ["Default", "Sign", "Song", "Default", "Default"]
    assert set(found.styles) == {"Default", "Sign", "Song"}
    assert int(found.styles["Sign"].alignment) == 8
    assert found.styles["Song"].italic
    assert [(event.start, event.end) for event in found] == [
        (round(cue.start * 1000), round(cue.end * 1000)) for cue in CUES
    ]
    assert [event.plaintext.split("\n") for event in found][:3] == [shown(cue) for cue in CUES[:3]]
    assert found[0].name == "Ana; the elder"
    assert found.info["Title"] == "The <house>"
    # Neither a line break nor a style comes of what stands in a text.
    assert found[3].plaintext == "C:\\\u2060Nord (x)"
    assert [cue.role for cue in back(FORMATS.records["ass"], write_ass(CUES))][:3] == ["", "sign", "song"]


def paragraphs(content: bytes) -> list[tuple[float, float, list[str], str]]:
    """Return begin, end, lines and region of what ttconv finds."""
    import ttconv.imsc.reader as reader  # type: ignore[import-untyped]
    from ttconv.model import Br, P, Text  # type: ignore[import-untyped]

    model = reader.to_model(ET.ElementTree(ET.fromstring(content)))
    assert model is not None
    found = []
    for element in model.get_body().dfs_iterator():
        if isinstance(element, P):
            parts: list[Any] = [
                "\n" if isinstance(part, Br) else part.get_text()
                for part in element.dfs_iterator()
                if isinstance(part, Br | Text)
            ]
            region = element.get_region()
            begin, end = element.get_begin(), element.get_end()
            assert end is not None
            lines = "".join(parts).split("\n")
            found.append(
                (float(begin or 0), float(end), lines, region.get_id() if region is not None else "")
            )
    return found


def test_other_programs_read_the_ttml() -> None:
    found = paragraphs(write_ttml(CUES, HEADING))
    assert [(begin, end, lines) for begin, end, lines, _ in found] == [
        (c.start, c.end, shown(c)) for c in CUES
    ]
    assert [region for *_, region in found] == ["bottom", "top", "bottom", "bottom", "bottom"]


@pytest.mark.slow
def test_the_ttml_holds_to_the_schema() -> None:
    import xmlschema

    file = require(SHARED / "dapt/schema/ttml2/ttml2.xsd").resolve()
    schema = xmlschema.XMLSchema(str(file), allow="local")
    # What IMSC adds to TTML is not in that schema.
    content = write_ttml(CUES, HEADING).decode().replace(' itts:forcedDisplay="true"', "")
    assert [str(error.reason) for error in schema.iter_errors(content)] == []


@pytest.mark.parametrize("name", ["initial001", "linepadding002", "rubyReserve003"])
def test_samples_of_imsc_say_what_another_reader_finds(name: str) -> None:
    import pysubs2
    import ttconv.imsc.reader as reader
    import ttconv.srt.writer as writer  # type: ignore[import-untyped]

    path = DATA / f"imsc/{name}.ttml"
    model = reader.to_model(ET.parse(path))
    assert model is not None
    theirs = pysubs2.SSAFile.from_string(writer.from_model(model), format_="srt")
    ours: dict[tuple[int, int], set[str]] = {}
    for cue in read_cues(path):
        times = round(cue.start * 1000), round(cue.end * 1000)
        ours.setdefault(times, set()).update(line for _, line in cue.lines)
    assert {times: len(lines) for times, lines in ours.items()} == {
        (event.start, event.end): len(set(event.plaintext.split("\n"))) for event in theirs
    }


@pytest.mark.parametrize("name", ["ttml", "ass"])
def test_lines_are_edited_in_it(tmp_path: Path, name: str) -> None:
    context: Context = make_episode(tmp_path)
    file = tmp_path / f"ep.{name}"
    file.write_bytes(export(context, PT, name))
    assert read_changes(context.fresh(), file) == {}
    file.write_text(file.read_text("utf-8").replace("Bom dia.", "Olá!"), "utf-8")
    assert read_changes(context.fresh(), file) == {"s0001": LineChange(text="Olá!")}


def test_ttml_that_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "deep.ttml"
    file.write_text(
        f'<tt xmlns="http://www.w3.org/ns/ttml"><body>{"<div>" * 1200}{"</div>" * 1200}</body></tt>'
    )
    with pytest.raises(MediaError, match="it is nested too deeply"):
        read_cues(file)
