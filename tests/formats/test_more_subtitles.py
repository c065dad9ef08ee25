# ruff: noqa: E501 - files as they are
"""Subtitles of broadcasters, sites and players: TTML, SBV, SAMI, MicroDVD, LRC."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.errors import MediaError
from dubkit.formats.content import Cue
from dubkit.formats.document import Document
from dubkit.formats.format import FORMATS
from dubkit.formats.reading import cues_of
from dubkit.types import Remark

TTML = """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" xml:lang="en"
  xmlns:tts="http://www.w3.org/ns/ttml#styling" xmlns:ttm="http://www.w3.org/ns/ttml#metadata"
  ttp:frameRate="25" ttp:tickRate="10000000">
<head><metadata><ttm:agent xml:id="a" type="person"><ttm:name type="full">Ann</ttm:name></ttm:agent></metadata>
<styling><style xml:id="r" tts:ruby="text"/></styling></head>
<body begin="1s"><div>
<p begin="00:00:00:00" end="00:00:01:12" ttm:agent="a">One,<br/>
   <span>two</span></p>
<p begin="20000000t" dur="1.5s">Th<span tts:ruby="text">no</span>ree &amp; <span style="x r">no</span>&lt;4&gt;</p>
<p begin="soon" end="9s">Lost</p>
<p><span begin="5s" end="6s">Five</span> <span begin="6s" end="7000ms">Six</span></p>
<p xml:lang="fr" begin="0s" end="1s">Un</p>
</div></body></tt>"""

SAMI = """<SAMI><HEAD><STYLE TYPE="text/css"><!--
.ENCC {Name:English; lang: en-US;} .KRCC {Name:Korean; lang: ko-KR;}
--></STYLE></HEAD><BODY>
<SYNC Start=1000><P Class=ENCC>One &amp;<br>two
<SYNC Start=1000><P Class=KRCC>안녕하세요
<SYNC Start=2500><P Class=ENCC>&nbsp;
<SYNC Start=2500><P Class=KRCC>&nbsp;
<SYNC Start=3000><P Class=ENCC>Three
</BODY></SAMI>"""


def read(
    kind: str, content: str | bytes, language: str = "", said: list[Remark] | None = None
) -> list[tuple[float, float, str]]:
    tell = None if said is None else said.append
    written = content if isinstance(content, bytes) else content.encode()
    found = cues_of(Document(Path(f"a.{kind}"), written, language=language, tell=tell), FORMATS.records[kind])
    return [(cue.start, cue.end, cue.text) for cue in found]


def test_ttml_has_frames_ticks_nested_times_and_several_languages() -> None:
    said: list[Remark] = []
    assert read("ttml", TTML, "en-GB", said) == [
        (1.0, 2.48, "One, two"),
        (3.0, 4.5, "Three & <4>"),
        (6.0, 7.0, "Five"),
        (7.0, 8.0, "Six"),
    ]
    assert [(remark.code, remark.place) for remark in said] == [
        ("other-languages", "a.ttml"),
        ("cue-left-out", "a.ttml, paragraph 3"),
    ]
    assert read("ttml", TTML, "fr") == [(1.0, 2.0, "Un")]
    (first, *_) = cues_of(Document(Path("a.ttml"), TTML.encode()), FORMATS.records["ttml"])
    assert (first.speaker, first) == ("Ann", Cue(1.0, 2.48, "One, two", "Ann"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "euc_kr"])
def test_sami_takes_the_language_that_is_wanted(encoding: str) -> None:
    said: list[Remark] = []
    assert read("sami", SAMI.encode(encoding), "ko", said) == [(1.0, 2.5, "안녕하세요")]
    assert "the class encc" in said[-1].sentence
    if encoding != "euc_kr":
        assert read("sami", SAMI.encode(encoding), "en") == [(1.0, 2.5, "One & two"), (3.0, 3.5, "Three")]


def test_subviewer_microdvd_and_lrc() -> None:
    assert read("sbv", "0:00:01.000,0:00:02.500\nOne\n\n0:00:03.000,0:00:04.000\nTwo[br]more\n") == [
        (1.0, 2.5, "One"),
        (3.0, 4.0, "Two more"),
    ]
    assert read("microdvd", "{1}{1}25\n{25}{50}One|{y:i}two\n{75}{100}/Three\n") == [
        (1.0, 2.0, "One two"),
        (3.0, 4.0, "Three"),
    ]
    assert read("microdvd", "[INFORMATION]\n[END INFORMATION]\n00:00:01.00,00:00:02.00\nOne[br]two\n") == [
        (1.0, 2.0, "One two")
    ]
    assert read(
        "lrc", "[ti:x]\n[offset:500]\n[00:01.50]One\n[00:03.00][00:09.00]<00:03.0>Two\n[00:05.00]\n"
    ) == [
        (1.0, 2.5, "One"),
        (2.5, 4.5, "Two"),
        (8.5, 9.0, "Two"),
    ]


@pytest.mark.parametrize(
    ("kind", "content", "problem"),
    [
        ("ttml", "<a/>", "its first element is <a>"),
        ("ttml", "<tt", "line 1: this is not XML"),
        ("ttml", '<tt><body><p begin="1s">x</p></body></tt>', "paragraph 1: it has no end"),
        ("sami", "text", "there is no <SYNC"),
        ("microdvd", "{25}{50}One\n", "does not say how many a second has"),
        ("microdvd", "text", "line 1: 'text' is no MicroDVD line"),
        ("microdvd", b"\x00\x00\x01\xba\x44", "it holds pictures of subtitles"),
        ("lrc", "text", "there is no line with a time"),
        ("sbv", "text", "there is no cue in it"),
    ],
)
def test_what_they_cannot_read_is_named(kind: str, content: str | bytes, problem: str) -> None:
    with pytest.raises(MediaError) as refusal:
        read(kind, content)
    assert problem in str(refusal.value)


def test_empty_files_have_no_cues() -> None:
    assert [read(kind, "") for kind in ("sbv", "sami", "microdvd", "lrc", "srt", "vtt", "ass")] == [[]] * 7
