# ruff: noqa: E501 - records as their programs write them
"""Subtitles go out readable and come back whole, from every format people have."""

from __future__ import annotations

import json
from pathlib import Path

import pysubs2
import pytest

from dubkit.errors import MediaError
from dubkit.formats.content import Cue
from dubkit.formats.reading import read_cues
from dubkit.formats.srt import write_srt
from dubkit.formats.vtt import write_vtt
from dubkit.types import Remark

CUES = [
    Cue(0.5, 2.0, "Good morning, my name is Jordi Mas, I am from Barcelona and I love the city.", "Jordi"),
    Cue(2.0, 3725.25, "Fish & chips <cheap>: 3 < 4 {really}"),
    Cue(3726.0, 3727.0, "日本語の字幕です。改行は自然な場所で行われるべきです。", "Ann"),
]


def test_srt_comes_back_as_it_went(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_bytes(write_srt(CUES))
    back = read_cues(tmp_path / "a.srt")
    assert [(cue.start, cue.end) for cue in back] == [(cue.start, cue.end) for cue in CUES]
    assert [back[0].text, back[2].text] == [CUES[0].text, CUES[2].text]
    assert pysubs2.load(str(tmp_path / "a.srt"))[1].end == 3_725_250


def test_vtt_keeps_speakers_and_special_characters(tmp_path: Path) -> None:
    (tmp_path / "a.vtt").write_bytes(write_vtt(CUES))
    assert read_cues(tmp_path / "a.vtt") == CUES
    text = (tmp_path / "a.vtt").read_text(encoding="utf-8")
    assert text.startswith("WEBVTT\n\n00:00:00.500 --> 00:00:02.000\n<v Jordi>")
    assert "&lt;cheap&gt;" in text


def test_empty_cues_are_not_written(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_bytes(write_srt([Cue(0, 1, "  "), Cue(1, 2, "Two")]))
    assert [cue.text for cue in read_cues(tmp_path / "a.srt")] == ["Two"]
    (tmp_path / "b.srt").write_bytes(write_srt([]))
    assert (tmp_path / "b.srt").read_text().strip() == ""
    assert read_cues(tmp_path / "b.srt") == []


def test_blank_line_in_a_text_does_not_end_its_cue(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_bytes(write_srt([Cue(0, 1, "One\n\nTwo")]))
    assert [cue.text for cue in read_cues(tmp_path / "a.srt")] == ["One Two"]


def test_name_before_a_colon_stays_text(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\n[Ann]: Hello\n\n")
    assert read_cues(tmp_path / "a.srt") == [Cue(1, 2, "[Ann]: Hello")]


def test_vtt_notes_styles_ids_and_settings_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.vtt").write_text(
        "WEBVTT - title\n\nSTYLE\n::cue { color: red }\n\nNOTE\nnothing\n\n"
        "id1\n00:01.000 --> 00:02.500 align:start\n<v.loud Ann Lee>Hello <i>you</i>\n- there &amp; here\n\n"
    )
    assert read_cues(tmp_path / "a.vtt") == [Cue(1.0, 2.5, "Hello you - there & here", "Ann Lee")]


def test_ass_gives_names_and_plain_text(tmp_path: Path) -> None:
    film = pysubs2.SSAFile()
    film.append(pysubs2.SSAEvent(1000, 2000, r"{\i1}Hello{\i0}\Nyou", name="Ann"))
    film.append(pysubs2.SSAEvent(0, 9000, "a comment", type="Comment"))
    film.save(str(tmp_path / "a.ass"))
    assert read_cues(tmp_path / "a.ass") == [Cue(1, 2, "Hello you", "Ann")]


def test_json_list_and_transcript_export(tmp_path: Path) -> None:
    records = [{"start": 1, "end": 2.5, "text": "Hi", "speaker": "A"}, {"start": 3, "end": 4, "text": "Yo"}]
    for content in (records, {"language": "en", "segments": records}):
        (tmp_path / "a.json").write_text(json.dumps(content))
        assert read_cues(tmp_path / "a.json") == [Cue(1, 2.5, "Hi", "A"), Cue(3, 4, "Yo")]


@pytest.mark.parametrize(
    "content",
    [
        {"text": "Hi. Yo.", "language": "en", "segments": [
            {"id": 0, "seek": 0, "start": 1.0, "end": 2.5, "text": " Hi.", "tokens": [1], "no_speech_prob": 0.1},
            {"id": 1, "start": 3.0, "end": 4.0, "text": " Yo.", "words": None, "speaker": None},
        ]},
        {"segments": [
            {"start": 1.0, "end": None, "text": " Hi.", "words": [
                {"word": "Hi.", "start": 1.1, "end": 2.5, "score": None}, {"word": "x"},
            ]},
            {"start": None, "end": 4.0, "text": None, "words": [{"word": " Yo", "start": 3.0}, {"word": "."}]},
            {"start": 5.0, "end": None, "text": None},
        ], "word_segments": []},
        {"systeminfo": "", "transcription": [
            {"timestamps": {"from": "00:00:01,000", "to": "00:00:02,500"}, "offsets": {"from": 1000, "to": 2500},
             "text": " Hi."},
            {"timestamps": {"from": "00:00:03,000", "to": "00:00:04,000"}, "text": " Yo."},
        ]},
        {"text": "", "chunks": [
            {"timestamp": [1.0, 2.5], "text": " Hi."}, {"timestamp": [3.0, 4.0], "text": " Yo."},
        ]},
        {"body": [{"from": 1, "to": 2.5, "content": "Hi."}, {"from": 3, "to": 4, "content": "Yo."}]},
        {"wireMagic": "pb3", "events": [
            {"tStartMs": 0, "dDurationMs": 9000}, {"tStartMs": 1000, "dDurationMs": 1500, "segs": [{"utf8": "Hi."}]},
            {"tStartMs": 2500, "aAppend": 1, "segs": [{"utf8": "\n"}]},
            {"tStartMs": 3000, "dDurationMs": 1000, "segs": [{"utf8": "Y"}, {"utf8": "o."}]},
        ]},
        {"results": {"utterances": [
            {"start": 1.0, "end": 2.5, "transcript": "Hi.", "speaker": 0},
            {"start": 3.0, "end": 4.0, "transcript": "Yo."},
        ]}},
        [[1.0, 2.5, "Hi."], [3.0, 4.0, "Yo."]],
    ],
)  # fmt: skip
def test_json_of_recognisers_with_nulls(content: object, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(content))
    said = read_cues(tmp_path / "a.json")
    assert [cue.text for cue in said] == ["Hi.", "Yo."]
    assert [(cue.start, cue.end) for cue in said] == [(1.0, 2.5), (3.0, 4.0)]


def test_json_with_an_end_that_is_null_ends_with_the_next_or_by_its_text(tmp_path: Path) -> None:
    records = [{"start": 1, "end": None, "text": "One"}, {"start": 1.2, "end": None, "text": "t" * 30}]
    (tmp_path / "a.json").write_text("\n".join(map(json.dumps, records)))
    assert [(cue.start, cue.end) for cue in read_cues(tmp_path / "a.json")] == [(1.0, 1.2), (1.2, 3.2)]


@pytest.mark.parametrize(
    "content",
    [
        'start,end,text,speaker\n1,2.5,"Hi, you",A\n00:00:03.000,00:00:04,Yo,\n',
        "Start;End;Text;Speaker\n1,0;2,5;Hi, you;A\n3;4;Yo;\n",
    ],
)
def test_csv_of_both_spreadsheet_families(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(content)
    assert read_cues(tmp_path / "a.csv") == [Cue(1, 2.5, "Hi, you", "A"), Cue(3, 4, "Yo")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_a_mark(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_bytes("1\r\n00:00:01,0 --> 00:00:02,0\r\nOlá día\r\n".encode(encoding))
    assert read_cues(tmp_path / "a.srt") == [Cue(1, 2, "Olá día")]


def test_an_old_encoding_is_read_and_said(tmp_path: Path) -> None:
    said: list[Remark] = []
    (tmp_path / "a.srt").write_bytes("1\n00:00:01,000 --> 00:00:02,000\nOlá\n".encode("cp1252"))
    assert read_cues(tmp_path / "a.srt", language="pt-BR", tell=said.append)[0].text == "Olá"
    assert read_cues(tmp_path / "a.srt", tell=said.append)[0].text == "Olá"
    assert [remark.code for remark in said] == ["encoding-recognised", "encoding-guessed"]
    assert "Windows-1252" in said[0].sentence


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.srt", "1\n00:00:01,000 --> x\nHi\n", "line 2: '00:00:01,000 --> x'"),
        ("a.srt", "1\n00:00:05,000 --> 00:00:02,000\nHi\n", "line 2: the cue runs from 5.0 s"),
        ("a.srt", "just text", "line 1: there is no cue"),
        ("a.ass", "[Script Info]\nTitle: x\n", "no cue"),
        ("a.json", '[{"start": 1,]', "line 1: this is not JSON"),
        ("a.json", '{"a": 1}', "no list of segments"),
        ("a.json", "[3]", "segment 1: 3 is no record"),
        ("a.json", '[{"start": 1, "end": 2}]', "segment 1: text is None"),
        ("a.json", '[{"start": "x", "end": 2, "text": ""}]', "segment 1: start is 'x'"),
        ("a.json", '[{"start": NaN, "end": 2, "text": ""}]', "segment 1: the cue runs from nan"),
        ("a.csv", "a,b\n1,2\n", "line 1: the columns"),
        ("a.csv", "start,end,text\n1,2,Hi\n3,,Yo\n", "line 3: end is ''"),
        ("a.txt", "Hi", "type '.txt'"),
    ],
)
def test_mistakes_are_named_with_their_place(name: str, content: str, place: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(MediaError) as caught:
        read_cues(tmp_path / name)
    assert place in str(caught.value)
    assert name in str(caught.value)
    assert "\n" in str(caught.value)  # the cure


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such file"):
        read_cues(tmp_path / "a.srt")
    (tmp_path / "b.srt").mkdir()
    with pytest.raises(MediaError, match="cannot be read"):
        read_cues(tmp_path / "b.srt")
