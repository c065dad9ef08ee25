# ruff: noqa: F401, F811 - a fixture of other tests
"""Subtitles of the user's own in the stages: `--use transcribe=` and `--use translate=`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dubkit.episode.context import Context
from dubkit.errors import MediaError, TranslationError
from dubkit.types import Line, Remark
from stages import transcribe, translate
from tests.stages.test_stages import context

SOURCE = "1\n00:00:01,000 --> 00:00:02,000\n{one}\n\n2\n00:00:03,000 --> 00:00:04,000\n{two}\n"


class Kept:
    """Keeps what a stage hands over."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.lines: dict[str, Line] = {}
        self.remarks: dict[str, list[Remark]] = {}

    def write_json(self, relative: str, value: object) -> None:
        self.context.store.write_json(relative, value)

    def done(self, item: str, **result: object) -> None:
        self.remarks[item] = list(result.get("remarks", ()))  # type: ignore[call-overload]
        if "value" in result:
            self.lines[item] = result["value"]["line"]  # type: ignore[index]

    def say(self, text: str) -> None:
        pass


def give(context: Context, stage: str, text: str | bytes) -> Context:
    file = context.store.path(f"imports/{stage}.srt", "" if stage == "transcribe" else context.language)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return context.fresh("" if stage == "transcribe" else None)


def run(stage: object, context: Context) -> Kept:
    kept = Kept(context)
    stage.run(context, stage.items(context), kept)  # type: ignore[attr-defined]
    return kept


def test_a_transcript_of_subtitles_has_speakers_and_says_what_it_left_out(context: Context) -> None:
    text = SOURCE.format(one="JOHN: Hi.\nMARY: Ho.", two="[door slams]") + (
        "\n3\n00:00:04,500 --> 00:00:06,000\nBye.\n\n4\n00:01:00,000 --> 00:01:02,000\nFar.\n"
    )
    kept = run(transcribe, give(context, "transcribe", text))
    segments = context.fresh().transcript.segments
    assert [(s.speaker, s.text, s.end) for s in segments] == [
        ("JOHN", "Hi.", 1.5),
        ("MARY", "Ho.", 2.0),
        ("spk2", "Bye.", 5.0),
    ]
    codes = [remark.code for remark in kept.remarks["segments"]]
    assert codes == ["subtitles-not-spoken", "cue-times-changed", "cue-beyond-end"]


def test_settings_of_the_reading_are_in_its_key_and_used(context: Context) -> None:
    context = give(context, "transcribe", SOURCE.format(one="JOHN: Привет.", two="Да.").encode("koi8_r"))
    (item,) = transcribe.items(context)
    assert item.settings is not None
    assert {"transcribe.labels", "transcribe.encoding", "transcribe.language"} <= set(item.settings)
    own = replace(context.settings.transcribe, labels=False, encoding="koi8-r", language="ru")
    context.settings = replace(context.settings, transcribe=own)
    kept = run(transcribe, context)
    assert [s.text for s in context.fresh().transcript.segments] == ["JOHN: Привет.", "Да."]
    assert kept.remarks["segments"] == []


def test_a_file_without_a_good_cue_is_an_error_with_its_line(context: Context) -> None:
    with pytest.raises(MediaError, match=r"transcribe\.srt: line 2: "):
        run(transcribe, give(context, "transcribe", "1\n00:00:01,000 --> soon\nHi.\n"))


def test_a_translation_goes_by_time_and_the_line_without_one_is_marked(context: Context) -> None:
    text = "1\n00:00:01,000 --> 00:00:01,500\nSa\n\n2\n00:00:01,500 --> 00:00:02,000\nlut.\n"
    kept = run(translate, give(context, "translate", text))
    assert {name: line.text for name, line in kept.lines.items()} == {"s0001": "Sa lut.", "s0002": ""}
    assert kept.lines["s0002"].flags == ("untranslated",)
    assert [remark.code for remark in kept.remarks["s0002"]] == ["line-not-in-file"]


def test_a_subtitle_that_falls_on_no_line_is_told_and_other_times_are_marked(context: Context) -> None:
    text = SOURCE.format(one="Salut.", two="Va.").replace(
        "03,000 --> 00:00:04,000", "03,600 --> 00:00:04,900"
    )
    kept = run(translate, give(context, "translate", text + "\n3\n00:00:02,300 --> 00:00:02,900\nHm.\n"))
    assert [kept.lines[name].text for name in ("s0001", "s0002")] == ["Salut.", "Va."]
    said = {remark.code: remark for remarks in kept.remarks.values() for remark in remarks}
    assert said["translation-left-over"].place == "translate.srt, line 10"
    assert "“Hm.” at 2.300 s" in said["translation-left-over"].sentence
    assert said["translation-times"].place == "s0002"


def test_a_translation_of_another_cut_is_refused(context: Context) -> None:
    text = SOURCE.format(one="Salut.", two="Va.").replace("00:00:0", "00:00:2")
    with pytest.raises(
        TranslationError,
        match=r"no subtitle of it is speech inside the film\. 2 subtitles are behind the end",
    ):
        run(translate, give(context, "translate", text))
    late = SOURCE.format(one="Salut.", two="Va.").replace(":01,000 --> 00:00:02", ":00,000 --> 00:00:00")
    with pytest.raises(
        TranslationError, match=r"its times are not those of the 2 lines: 2 of 2 subtitles fall on none"
    ):
        run(
            translate,
            give(context, "translate", late.replace("03,000 --> 00:00:04,000", "02,100 --> 00:00:02,900")),
        )
