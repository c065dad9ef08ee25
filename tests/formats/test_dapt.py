"""DAPT: the W3C's own samples, every rule with its line, and scripts that come back whole."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.errors import MediaError
from dubkit.formats.dapt.read import read_script
from dubkit.formats.dapt.write import write_script
from dubkit.formats.document import Document
from dubkit.formats.format import FORMATS, format_of
from dubkit.formats.reading import read_cues
from dubkit.formats.reading import read_script as read_file
from dubkit.formats.script import Agent, Note, Recording, Script, ScriptEvent, ScriptText
from dubkit.types import Remark
from tests.support.paths import DATA

W3C = DATA / "dapt"
GOOD = sorted([*W3C.glob("valid/*.xml"), *W3C.glob("examples/*.xml"), *W3C.glob("examples/*.ttml")])
BAD = {
    "agent-actor-id-undeclared": (16, "the actor 'undeclared_id' of 'character_2' is no ttm:agent"),
    "contentProfiles-omitted": (2, "<tt> has no ttp:contentProfiles"),
    "represents-omitted": (10, "<div> has no daptm:represents"),
    "represents-scriptRepresents-mismatch": (10, "<div> represents visual, and the script only audio"),
    "scriptType-root-invalid-value": (2, "daptm:scriptType of <tt> is 'invalid_type'"),
    "serialization-entity-declaration-and-ref": (2, "it has a DOCTYPE"),
    "xmlLang-root-missing": (2, "<tt> has no xml:lang"),
}
WHOLE = """<?xml version="1.0" encoding="UTF-8"?>
<t:tt xmlns:t="http://www.w3.org/ns/ttml" xmlns:p="http://www.w3.org/ns/ttml#parameter"
  xmlns:m="http://www.w3.org/ns/ttml#metadata" xmlns:d="http://www.w3.org/ns/ttml/profile/dapt#metadata"
  xmlns:s="http://www.w3.org/ns/ttml#styling" xmlns:a="http://www.w3.org/ns/ttml#audio" xmlns:o="urn:other"
  p:contentProfiles="http://www.w3.org/ns/ttml/profile/dapt1.0/content" xml:lang="en" d:langSrc="fr"
  d:scriptRepresents="audio.dialogue visual.text" d:scriptType="asRecorded" p:frameRate="25" o:mark="7">
  <t:head>
    <t:metadata>
      <m:agent type="character" xml:id="c1"><m:name type="alias">Ana</m:name></m:agent>
      <o:reel number="3"><o:deep>x</o:deep></o:reel>
    </t:metadata>
    <t:styling><t:style xml:id="st" s:color="red"/></t:styling>
  </t:head>
  <t:body d:represents="audio.dialogue" begin="10s" a:gain="0.5">
    <t:div begin="5s">
      <t:div xml:id="e1" begin="1s" end="75f" m:agent="c1" style="st" o:take="2">
        <m:desc d:descType="scene" xml:lang="fr">Un pont</m:desc>
        <t:metadata><o:colour>blue</o:colour></t:metadata>
        <t:animate begin="0s" end="0.5s" a:gain="1;0.25" fill="freeze"/>
        <t:p xml:lang="fr">Viens
           ici&#160;!<t:br/>Vite.</t:p>
        <t:p begin="0.25s" s:color="lime">Go <t:span begin="0.5s" s:fontStyle="italic">here</t:span>!<t:audio
          src="a.wav" begin="0.1s" clipBegin="2s"/></t:p>
      </t:div>
    </t:div>
    <t:div xml:id="e2" begin="2m" dur="00:00:01.5" d:represents="visual.text.location"><t:p>Lyon</t:p></t:div>
  </t:body>
</t:tt>"""


def document(text: str) -> Document:
    return Document(Path("a.xml"), text.encode())


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_valid_sample_comes_back_whole(path: Path) -> None:
    script = read_file(path)
    written = write_script(script)
    told: list[Remark] = []
    assert read_script(Document(path, written, tell=told.append)) == script
    assert told == []


def test_all_samples_are_here() -> None:
    assert (len(GOOD), len(list(W3C.glob("invalid/*")))) == (13, len(BAD))


@pytest.mark.parametrize("name", BAD)
def test_an_invalid_sample_is_refused_at_its_line(name: str) -> None:
    line, problem = BAD[name]
    path = W3C / f"invalid/dapt-invld-{name}.xml"
    with pytest.raises(MediaError) as error:
        read_file(path)
    assert f"{path}: line {line}: {problem}" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('begin="5s"', 'begin="00:00:05:00"', "line 15: begin: '00:00:05:00' is no time of DAPT: times"),
        ('begin="5s"', 'begin="soon"', "line 15: begin: 'soon' is no time"),
        ('p:frameRate="25"', "", "line 16: end: '75f' needs ttp:frameRate"),
        ('begin="5s"', 'begin="5t"', "line 15: begin: '5t' needs ttp:tickRate"),
        ('begin="5s"', 'begin="5s" timeContainer="seq"', "line 15: timeContainer of <div> is 'seq'"),
        ('xml:id="e2"', 'xml:id="e1"', "line 26: xml:id 'e1' stands at line 16 already"),
        ('xml:id="e2"', 'xml:id="2 e"', "line 26: xml:id '2 e' is no id"),
        ('m:agent="c1"', 'm:agent="c2"', "line 16: ttm:agent names 'c2'"),
        ('descType="scene"', 'descType="mood"', "line 17: daptm:descType is 'mood'"),
        ('d:langSrc="fr"', 'd:langSrc="no_tag"', "line 2: daptm:langSrc 'no_tag'"),
        ('"audio.dialogue visual.text"', '"audio.dialogue, visual.text"', "Represents has 'audio.dialogue,'"),
        ('<t:p xml:lang="fr">', '<t:p d:onScreen="ON">', "line 20: daptm:onScreen 'ON' stands on <p>"),
        ('p:frameRate="25"', 'p:timeBase="smpte"', "line 2: ttp:timeBase is 'smpte'"),
        ('p:frameRate="25"', 'p:profile="x"', "line 2: <tt> has ttp:profile"),
        ('clipBegin="2s"', 'xml:lang="fr"', "line 22: the sound is in 'fr', and its text in 'en'"),
        ('<m:name type="alias">Ana</m:name>', "", "line 9: the ttm:agent 'c1' has no name"),
        ('xml:lang="en"', 'xml:lang=""', "line 2: xml:lang of <tt> is ''"),
        ("<t:styling>", "<t:animation/><t:styling>", "line 7: the head holds <animation>"),
        ("</t:head>", "</t:hat>", "line 13: this is not XML"),
        ('encoding="UTF-8"', 'encoding="ISO-8859-1"', "line 1: it is declared as XML 1.0 in ISO-8859-1"),
        ('<?xml', '\ufeff<?xml', "line 1: it begins with a byte order mark"),
    ],
)  # fmt: skip
def test_every_broken_rule_is_named_with_its_line(old: str, new: str, problem: str) -> None:
    assert old in WHOLE
    with pytest.raises(MediaError, match=re.escape(problem)):
        read_script(document(WHOLE.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("10:00:00:25", "has frame 25"),
        ("10:00:00", "is no timecode"),
        ("10:00:00:01</d:daptOriginTimecode><d:daptOriginTimecode>10:00:00:01", "there is a second"),
    ],
)
def test_a_wrong_origin_is_refused(code: str, problem: str) -> None:
    text = WHOLE.replace("<o:reel", f"<d:daptOriginTimecode>{code}</d:daptOriginTimecode><o:reel", 1)
    with pytest.raises(MediaError, match=f"line 10: .*{problem}"):
        read_script(document(text))


def test_a_file_that_is_nested_without_end_is_refused() -> None:
    with pytest.raises(MediaError, match="elements are nested more than 100 deep"):
        read_script(document(WHOLE.replace('<t:div begin="5s">', '<t:div begin="5s">' + "<t:div>" * 5000, 1)))


def test_times_add_up_through_all_that_stands_around_an_event() -> None:
    first, second = read_script(document(WHOLE)).events
    assert (first.start, first.end) == (16.0, 18.0)
    assert (second.start, second.end) == (130.0, 131.5)
    assert first.texts[1].start == 16.25
    assert first.texts[1].recordings == (Recording("a.wav", 16.35),)


def test_texts_know_their_languages_and_keep_blanks_that_bind() -> None:
    first = read_script(document(WHOLE)).events[0]
    assert [(t.language, t.source_language, t.is_original) for t in first.texts] == [
        ("fr", "fr", True),
        ("en", "fr", False),
    ]
    assert [text.text for text in first.texts] == ["Viens ici\u00a0!\nVite.", "Go here!"]


def test_what_dubkit_has_no_use_for_is_kept() -> None:
    told: list[Remark] = []
    script = read_script(Document(Path("a.xml"), WHOLE.encode(), tell=told.append))
    written = write_script(script)
    assert read_script(Document(Path("a.xml"), written)) == script
    for kept in (
        'mark="7"', ":reel ", ":deep>x<", 's:color="red"', 'take="2"', "Un pont", ":colour>blue<",
        'a:gain="1;0.25"', 's:fontStyle="italic"', 'clipBegin="2s"', 'a:gain="0.5"', 'style="st"',
        's:color="lime"',
    ):  # fmt: skip
        assert kept in written.decode(), kept
    assert told == []


def test_what_is_not_kept_is_named_with_its_line() -> None:
    text = WHOLE.replace("<t:animate", "<o:lost/><t:animate", 1).replace(
        '<t:div begin="5s">', '<t:div region="r">', 1
    )
    told: list[Remark] = []
    read_script(Document(Path("a.xml"), text.encode(), tell=told.append))
    assert [(remark.code, remark.place, remark.sentence.split(" is not")[0]) for remark in told] == [
        ("script-part-left-out", "a.xml, line 15", "region of a <div> around events"),
        ("script-part-left-out", "a.xml, line 19", "<lost>"),
    ]


words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
)
moments = st.integers(0, 10**10).map(lambda n: n / 1e6)


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    events = []
    for number in range(draw(st.integers(0, 3))):
        start, length = draw(moments), draw(moments)
        end = round(start + length, 6)
        texts = tuple(
            ScriptText(
                tag, draw(words), "fr", recordings=(Recording("a b.wav", start),) if tag == "en" else ()
            )
            for tag in draw(st.sets(st.sampled_from(["fr", "en", "pt-BR"])))
        )
        notes = (Note(" ".join(draw(words).split()), "x-note"),)
        facts = (("flags", draw(words.filter(bool))),)
        events.append(
            ScriptEvent(f"s{number}", start, end, ("c",), "OFF", texts=texts, notes=notes, facts=facts)
        )
    agents = (Agent("c", names=(("alias", " ".join(draw(words).split())),), description="The man"),)
    return Script("translatedTranscript", "en", "fr", agents=agents, events=tuple(events))


@given(scripts())
@settings(max_examples=40, deadline=None)
def test_any_script_comes_back_as_it_was(script: Script) -> None:
    assert read_script(Document(Path("a.xml"), write_script(script))) == script


def test_signs_that_xml_does_not_have_become_blanks() -> None:
    event = ScriptEvent("s1", 0.0, 1.0, texts=(ScriptText("en", "a\x00b\x1bc\ud800d\r", "en"),))
    (back,) = read_script(
        Document(Path("a"), write_script(Script("originalTranscript", "en", events=(event,))))
    ).events
    assert back.texts[0].text == "a b c d "


def test_content_tells_a_script_from_subtitles(tmp_path: Path) -> None:
    for name in ("a.ttml", "a.xml", "a.dapt.xml", "a.dapt"):
        shutil.copy(W3C / "examples/intro-original-language-with-dub-language.xml", tmp_path / name)
        (cue,) = read_cues(tmp_path / name, language="en")
        assert (cue.start, cue.end, cue.speaker) == (10.0, 13.0, "ASSANE")
        assert cue.text == "And thanks to that, we're gonna get rich."
        (cue,) = read_cues(tmp_path / name)
        assert cue.text.startswith("Et c'est grâce")
    with pytest.raises(MediaError, match=r"no text in de\.\nIt has texts in en, fr"):
        read_cues(tmp_path / "a.ttml", language="de")
    subtitles = tmp_path / "b.ttml"
    subtitles.write_text(
        '<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="1s" end="2s">x</p></div></body></tt>'
    )
    assert [cue.text for cue in read_cues(subtitles)] == ["x"]
    assert format_of(Path("a.xml"), lambda f: f.written is not None, None) is not FORMATS.records["dapt"]
    assert format_of(Path("a.dapt.xml"), lambda f: f.written is not None) is FORMATS.records["dapt"]


def test_what_is_written_in_the_picture_is_no_speech() -> None:
    format = FORMATS.records["dapt"]
    assert format.read_cues is not None
    cues = format.read_cues(Document(Path("a.xml"), WHOLE.encode(), language="en"))
    assert [(cue.text, cue.role) for cue in cues] == [("Go here!", ""), ("Lyon", "sign")]
