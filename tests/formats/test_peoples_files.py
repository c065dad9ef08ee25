# ruff: noqa: E501 - files are seen best as they are
"""Subtitle files as people have them: no character is lost, doubled, or turned into another kind of text."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pysubs2
import pytest

from dubkit.errors import MediaError
from dubkit.formats.content import Cue
from dubkit.formats.document import Document
from dubkit.formats.format import FORMATS
from dubkit.formats.reading import cues_of
from dubkit.formats.writing import write
from dubkit.types import Remark

A, B, C = ("00:00:01,000 --> 00:00:02,000", "00:00:03,000 --> 00:00:04,000", "00:00:05,000 --> 00:00:06,000")
WEB = "WEBVTT\n\n"


def read(text: str | bytes, kind: str = "srt", said: list[Remark] | None = None) -> list[tuple[float, str]]:
    """Return start and text of each cue that has a text."""
    content = text if isinstance(text, bytes) else text.encode()
    document = Document(Path(f"a.{kind}"), content, tell=None if said is None else said.append)
    return [(cue.start, cue.text) for cue in cues_of(document, FORMATS.records[kind]) if cue.text]


ONE_TWO = [(1.0, "One"), (3.0, "Two")]


@pytest.mark.parametrize(
    ("text", "cues"),
    [
        pytest.param(
            f"1\n{A}\nOne,\n\n   one\n\n2\n{B}\nTwo\n", [(1, "One, one"), (3, "Two")], id="blank inside"
        ),
        pytest.param(f"1\n{A}\n\nOne\n\n2\n{B}\n \t\nTwo\n", ONE_TWO, id="blank after the times"),
        pytest.param(f"1\n{A}\nOne\n2\n{B}\nTwo\n", ONE_TWO, id="none between"),
        pytest.param(f"1\n\n{A}\n\nOne\n\n2\n\n{B}\n\nTwo\n\n", ONE_TWO, id="every line doubled"),
        pytest.param(f"{A}\nOne\n\n{B}\nTwo\n", ONE_TWO, id="no numbers"),
        pytest.param(f"{A}\nOne\n\n\n{B}\nTwo\n\n7\n{C}\n3\n", [*ONE_TWO, (5, "3")], id="a number of three"),
        pytest.param(
            f"1\n{A}\nOne\n\n1\n{B}\nTwo\n\n1\n{C}\nIn\n7\n", [*ONE_TWO, (5, "In 7")], id="wrong numbers"
        ),
        pytest.param(
            f"1\n{A}\n42\n\n2\n{B}\nThe year\n1984\n3\n{C}\nx", [(1, "42"), (3, "The year 1984"), (5, "x")]
        ),
        pytest.param(
            f"{A}\n42\n\n{B}\nThe year\n1984\n\n{C}\n7", [(1, "42"), (3, "The year 1984"), (5, "7")]
        ),
        pytest.param(f"1\n{A}\n2\n{B}\nTwo\n", [(3, "Two")], id="an empty cue"),
        pytest.param(f"1\n{A} One\n\n2\n{B} X1:1 X2:2\nTwo\n", ONE_TWO, id="a text beside the times"),
        pytest.param(
            f"1,000\n{A}\nOne\n\n1,001\n{B}\nTwo\n\n1,002\n{C}\n5,000\n",
            [*ONE_TWO, (5, "5,000")],
            id="thousands",
        ),
        pytest.param(
            f"Cue 1:\n{A}\nOne\n\nCue 2:\n{B}\nTwo\n\nCue 3:\n{C}\nCue 4:",
            [*ONE_TWO, (5, "Cue 4:")],
            id="names",
        ),
        pytest.param(f"1 {A}\nOne\n2 {B}\nTwo\n", ONE_TWO, id="the number beside the times"),
        pytest.param(f"1\n{A}\nOpen 12:30 - 14:00\n12:30 > 14\n", [(1, "Open 12:30 - 14:00 12:30 > 14")]),
        pytest.param(f"\ufeff\ufeff1\n{A}\nOne\n\n\ufeff2\n{B}\nTwo\n", ONE_TWO, id="marks inside"),
        pytest.param(f"1\n{A}\nO\x00ne\x07\n\n2\n{B}\n\u2028Two\n", ONE_TWO, id="control characters"),
        pytest.param(
            f"{WEB}00:01.000 --> 00:02.000\nOne\n\n00:03.000 --> 00:04.000\nTwo", ONE_TWO, id="WebVTT in .srt"
        ),
    ],
)
def test_blank_lines_and_numbers_are_as_people_write_them(text: str, cues: list[tuple[float, str]]) -> None:
    assert read(text) == cues


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_what_is_written_comes_back_whatever_the_texts_hold(kind: str) -> None:
    texts = [
        "2", "-> 12:30 --> 14:00", r"C:\New\house, \\host\N", "Lunch 12:30 --> office", "NOTE this", "1984", "5 > 4 & 3 < 4",
        "Words enough for a line that is broken in two, 00:01 --> 00:02 and so on", "WEBVTT", "3", "Go --> left",
    ]  # fmt: skip
    cues = [Cue(float(n), n + 0.9, text) for n, text in enumerate(texts, start=1)]
    assert read(write(FORMATS.records[kind], "cues", cues), kind) == [(cue.start, cue.text) for cue in cues]


@pytest.mark.parametrize("end", ["\r\n", "\r", "\r\r\n", "\r\r\r\n", "\n\r", "\x85", "\u2028", "\x0b"])
@pytest.mark.parametrize("kind", ["srt", "vtt", "ass"])
def test_lines_end_as_any_system_ends_them(end: str, kind: str) -> None:
    texts = {
        "srt": f"1\n{A}\nOne\n\n2\n{B}\nTwo\n",
        "vtt": f"{WEB}{A}\nOne\n\n{B}\nTwo\n".replace(",", "."),
        "ass": ASS
        + "Dialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,One\nDialogue: 0,0:00:03.00,0:00:04.00,D,,0,0,0,,Two\n",
    }
    assert read(texts[kind].replace("\n", end), kind) == ONE_TWO


@pytest.mark.parametrize(
    "pair",
    [
        "00:00:03,000 -> 00:00:04,000", "00:00:03,000 - -> 00:00:04,000", "00:00:03,000 \u2014> 00:00:04,000",
        "00:00:03,000 \u2013\u2013> 00:00:04,000", "00:00:03,000 -- > 00:00:04,000", "00:00:03,000 --->> 00:00:04,000",
        "00:00:03,000 \u2192 00:00:04,000", "00:00:03,000 &gt; 00:00:04,000", "00:00:03,000 --&gt; 00:00:04,000",
        "00:00:03,000-->00:00:04,000", "00:00:03,000 - 00:00:04,000", "00:00:03,000 00:00:04,000",
        "00:00:03.000 --> 00:00:04.000", "00:00:03:000 --> 00:00:04:000", "00:00:03 --> 00:00:04", "0:3 --> 0:4",
        "00:03,0 --> 00:04,0", "00.00.03.000 --> 00.00.04.000", "00: 00: 03, 000 -> 00: 00: 04, 000",
        "00\uff1a00\uff1a03\uff0c000 \u2014\u2014> 00\uff1a00\uff1a04\uff0c000", "\u200f00:00:03,000 --> 00:00:04,000",
        "\u0660\u0660:\u0660\u0660:\u0660\u0663,\u0660\u0660\u0660 --> \u0660\u0660:\u0660\u0660:\u0660\u0664,\u0660\u0660\u0660",
        "00:00:03,000000 --> 00:00:04,000000",
    ],
)  # fmt: skip
def test_mistyped_times_are_read(pair: str) -> None:
    assert read(f"1\n{A}\nOne\n\n2\n{pair}\nTwo\n\n3\n{C}\nThree\n") == [*ONE_TWO, (5.0, "Three")]


@pytest.mark.parametrize(
    ("pair", "problem"),
    [
        ("00:00:03,000 --> 00:00:x4", "'00:00:03,000 --> 00:00:x4' is not a pair of times"),
        ("00:00:03:12 --> 00:00:04:05", "is not a pair of times"),
        ("soon --> later", "'soon --> later' is not a pair of times"),
        ("00:00:03,000 <-- 00:00:04,000", "is not a pair of times"),
        ("00:00:04,000 --> 00:00:03,000", "The cue runs from 4.0 s to 3.0 s"),
        ("-00:00:04,000 --> -00:00:03,000", "The cue runs from -4.0 s to -3.0 s"),
    ],
)
def test_a_broken_cue_is_named_with_its_line_and_the_good_ones_stay(pair: str, problem: str) -> None:
    said: list[Remark] = []
    text = f"1\n{A}\nOne\n\n2\n{pair}\nTwo\n2b\n\n3\n{C}\nThree\n"
    assert read(text, said=said) == [(1.0, "One"), (5.0, "Three")]
    (remark,) = said
    assert (remark.code, remark.weight, remark.place) == ("cue-left-out", "doubtful", "a.srt, line 6")
    assert problem in remark.sentence
    assert remark.sentence.endswith("left out: “Two 2b”.")
    with pytest.raises(MediaError, match=r"a\.srt: line 2: "):
        read(f"1\n{pair}\nTwo\n")


def test_a_file_that_is_cut_off_inside_the_times_is_named() -> None:
    said: list[Remark] = []
    assert read(f"1\n{A}\nOne\n\n2\n00:00:03,000 --> 00:0", said=said) == [(1.0, "One")]
    assert said[0].sentence == "The cue runs from 3.0 s to 0.0 s; there is no text below it."
    assert read(f"1\n{A}\nOne\n\n2\n00:00:03,000 -->", said=said) == [(1.0, "One")]
    assert said[1].sentence == "'00:00:03,000 -->' is not a pair of times; there is no text below it."


def test_a_cue_that_begins_before_zero_begins_at_zero() -> None:
    said: list[Remark] = []
    assert read("1\n-00:00:01,000 --> 00:00:01,500\nOne\n", said=said) == [(0.0, "One")]
    assert [remark.code for remark in said] == ["cue-times-changed"]


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("<i>A &amp; B</i> AT&T &lt;i&gt; 1 < 2", "A & B AT&T <i> 1 < 2"),
        ("<font color='#fff' face=\"x > y\">A</font> <FONT SIZE=2>b</FONT> <b>c", "A b c"),
        (r"{\an8}{\i1}A{\i0}{y:i} {really}\Nb<br/>c C:\New", r"A {really} b c C:\New"),
        ("a <b and c> d; 1<2>0", "a <b and c> d; 1<2>0"),
        ("<ruby>漢字<rt>かんじ</rt></ruby>を読む", "漢字を読む"),
        ("<ruby.big>東<rp>(</rp><rt>とう<rp>)</rp>京<rt>きょう</ruby>へ", "東京へ"),
        (r"{\p1}m 0 0 l 100 0{\p0}A", "A"),
        ("&nbsp;A&#8217;s &#x2014; &copy; &unknown;", "A\u2019s — © &unknown;"),
    ],
)
def test_markup_is_no_text_and_text_is_no_markup(marked: str, plain: str) -> None:
    assert read(f"1\n{A}\n{marked}\n") == [(1.0, plain)]


def test_what_webvtt_has_beside_its_cues_is_no_text() -> None:
    text = (
        "WEBVTT - a title\nKind: captions\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n"
        "REGION\nid:fred\nwidth:40%\n\nSTYLE\n::cue {\n  color:red }\n\nNOTE\nTwo lines\nof a comment\n\n"
        "intro\n00:01.000 --> 00:02.000 region:fred align:start\nOne\n\nNOTE: milk\n\nNOTE a comment\n\n"
        "2\n00:03.000 --> 00:04.000\n<v.loud Ann Lee>Two</v> <c.yellow>x</c> <lang en>y</lang> <00:03.500>z\n\n"
        "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000\n\n00:05.000 --> 00:06.000\n<v>Three\n"
    )
    assert read(text, "vtt") == [(1.0, "One NOTE: milk"), (3.0, "Two x y z"), (5.0, "Three")]


def test_each_voice_keeps_its_lines() -> None:
    document = Document(
        Path("a.vtt"), f"{WEB}00:01.000 --> 00:02.000\n<v Ann>Hi</v>\n<v Bob>Ho &amp; ho".encode()
    )
    (cue,) = cues_of(document, FORMATS.records["vtt"])
    assert (cue.speaker, cue.lines) == ("Ann", (("Ann", "Hi"), ("Bob", "Ho & ho")))
    assert cue.place == "line 3"


ASS = "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: D,odd,broken\n\n[Events]\n"


def test_ass_events_are_read_whatever_else_is_broken() -> None:
    said: list[Remark] = []
    text = ASS + (
        "Format: Start, End, Style, Name, Text\n"
        "Dialogue: 0:00:01.00,0:00:02.50,D,Ann,{a note}One, {\\k20}two\\Nthree\\hfour {\\i1}1 < 2\n"
        "Comment: 0:00:01.00,0:00:02.50,D,,not shown\n"
        "Dialogue: 0:00:03.00,0:00:04.00,D,,{\\p1}m 0 0 l 1 1{\\p0}\n"
        "Dialogue: soon,0:00:04.00,D,,Lost\n"
        "Dialogue: 0:00:05.00,0:00:06.00,D,,Broken\nover lines\n"
    )
    assert read(text, "ass", said) == [(1.0, "One, two three four 1 < 2"), (5.0, "Broken over lines")]
    assert [(remark.code, remark.place) for remark in said] == [("cue-left-out", "a.ass, line 13")]
    assert "“Lost”" in said[0].sentence


WHOLE = {
    "srt": f"1\n{A}\n<i>One</i>,\none\n\n2\n{B}\nTwo: 2 > 1\n\n3\n{C}\n\n\n",
    "vtt": f"{WEB}id\n{A} align:start\n<b>One</b>\n\n{B}\nTwo\n".replace(",", "."),
    "ass": ASS.replace("Style: D,odd,broken\n", "") + (
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: 0,0:00:01.00,0:00:02.50,Default,Ann,0,0,0,,{\\i1}One{\\i0},\\None\n"
        "Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,no\n"
        "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,Two, three\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_without_faults_reads_as_pysubs2_reads_it(kind: str) -> None:
    theirs = pysubs2.SSAFile.from_string(WHOLE[kind], format_=kind)
    cues = cues_of(Document(Path(f"a.{kind}"), WHOLE[kind].encode()), FORMATS.records[kind])
    assert [(cue.start, cue.end, cue.text, cue.speaker) for cue in cues if cue.text] == [
        (event.start / 1000, event.end / 1000, " ".join(event.plaintext.split()), event.name)
        for event in theirs
        if event.type == "Dialogue" and event.plaintext.strip()
    ]


@pytest.mark.parametrize(
    "text",
    ["00:00:01,000" + " " * 9000 + "x", "- " * 9000, "1:" * 9000, "<" * 9000, "<i a=" * 9000, "{\\p1" * 9000,
     "<v a" * 9000, "<rt>" * 9000, "<!--" * 9000, "[" * 9000, "&#" * 9000, "00:00:01,000 " + "-->" * 9000],
)  # fmt: skip
def test_long_runs_of_signs_take_no_time(text: str) -> None:
    before = process_time()
    assert read(f"1\n{A}\nOne\n\n2\n{B}\n{text}\n\n3\n{C}\nThree\n")[0] == (1.0, "One")
    assert process_time() - before < 2


def test_signs_and_songs_of_ass_are_known_by_style_place_and_effect() -> None:
    events = [
        ("Default", "Ann", "", "Hi"), ("Default", "", "", "{\\pos(1,1)}Ho"), ("Default", "", "", "Ha"),
        ("Signs", "", "", "BAKERY"), ("Italics", "", "", "{\\pos(1,1)}Thought"), ("Other", "", "", "{\\pos(1,1)}SHOP"),
        ("Other", "Bob", "", "{\\pos(1,1)}Speech"), ("OP romaji", "", "", "la la"), ("Default", "", "Banner;5", "credits"),
    ]  # fmt: skip
    lines = "".join(f"Dialogue: 0,0:00:01.00,0:00:02.00,{s},{n},0,0,0,{e},{t}\n" for s, n, e, t in events)
    found = cues_of(Document(Path("a.ass"), (ASS + lines).encode()), FORMATS.records["ass"])
    assert [(cue.text, cue.role) for cue in found if cue.role] == [
        ("BAKERY", "sign"), ("SHOP", "sign"), ("la la", "song"), ("credits", "sign"),
    ]  # fmt: skip
