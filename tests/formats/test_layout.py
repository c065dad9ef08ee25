# ruff: noqa: E501, RUF001 - texts as they are
"""Subtitles that people read: breaks by language, long texts in several cues, time to read them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.formats.content import Cue
from dubkit.formats.layout.bound_words import BOUND_WORDS
from dubkit.formats.layout.breaks import fits, in_lines, in_parts, parts_needed, units
from dubkit.formats.layout.cues import laid_out, laid_out_pair, timed
from dubkit.formats.layout.reading import GAP, SHORTEST, reading_of
from dubkit.types import Remark

LONG = "He wanted to go to the house on the hill, but nobody had told him that the road was closed in winter, and so he waited for a long time."


@pytest.mark.parametrize(
    ("language", "text", "broken"),
    [
        ("en", "They drove him all the way up to the house on the hill", ["They drove him all the way", "up to the house on the hill"]),
        ("fr", "Est-ce que vous savez vraiment ce que c'est ?", ["Est-ce que vous savez", "vraiment ce que c'est ?"]),
        ("de", "Ich habe dir doch gesagt, dass der Mann nicht kommt", ["Ich habe dir doch gesagt,", "dass der Mann nicht kommt"]),
        ("ja", "二人はどこへも行かないと言ったからです。", ["二人はどこへも行かないと", "言ったからです。"]),
        ("zh-TW", "今天天氣很好，我們一起去海邊玩吧，好不好？", ["今天天氣很好，", "我們一起去海邊玩吧，好不好？"]),
        ("en", "Short enough.", ["Short enough."]),
    ],
)  # fmt: skip
def test_lines_break_where_the_language_allows(language: str, text: str, broken: list[str]) -> None:
    assert in_lines(text, language, reading_of(language)).split("\n") == broken


@pytest.mark.parametrize("language", BOUND_WORDS)
def test_no_line_ends_with_a_word_that_belongs_to_the_next(language: str) -> None:
    word = BOUND_WORDS[language].split()[0]
    text = f"xxxxxxx xxxxxxxx xxxxx {word} yyyyyy yyyyyyy yyyyyyyy"
    first, second = in_lines(text, language, reading_of(language)).split("\n")
    assert not first.endswith(f" {word}")
    assert f"{first} {second}" == text


def test_thai_breaks_between_words_and_never_inside_a_letter() -> None:
    text = "วันนี้อากาศดีมากเราไปเที่ยวทะเลกันเถอะนะครับเพราะว่าผมอยากว่ายน้ำ"
    lines = in_lines(text, "th", reading_of("th")).split("\n")
    assert len(lines) == 2
    assert "".join(lines) == text
    assert units(text, "th")[:3] == ["วัน", "นี้", "อากาศ"]


def test_a_latin_word_between_others_stays_whole() -> None:
    assert any("GitHub" in part for part in units("我昨天一直在看的那个GitHub有意思的项目", "zh"))


def test_signs_stay_with_their_words() -> None:
    assert units("Venez « ici » tout de suite !", "fr") == ["Venez ", "« ici » ", "tout ", "de ", "suite !"]
    assert units("ខ្ញុំ\u200bទៅ", "km") == ["ខ្ញុំ\u200b", "ទៅ"]


def test_a_long_text_goes_to_several_cues_that_each_fit() -> None:
    reading = reading_of("en")
    cues = laid_out(Cue(10.0, 18.0, LONG, "Ana", role="song"), "en", reading)
    assert [cue.shown.split("\n") for cue in cues] == [
        ["He wanted to go to the house", "on the hill, but nobody had told him"],
        ["that the road was closed in winter,", "and so he waited for a long time."],
    ]
    assert (cues[0].start, cues[-1].end) == (10.0, 18.0)
    assert cues[0].end == cues[1].start
    assert {(cue.speaker, cue.role) for cue in cues} == {("Ana", "song")}


def test_parts_change_when_their_words_are_spoken() -> None:
    cues = laid_out(Cue(0.0, 8.0, LONG), "en", reading_of("en"), lambda share: 7.0 * share)
    assert cues[0].end == cues[1].start < 4.0
    assert cues[-1].end == 8.0


texts = st.lists(st.text("abcdefghijklm,.", min_size=1, max_size=14), min_size=1, max_size=60).map(" ".join)


@given(texts, st.integers(12, 42))
@settings(max_examples=60, deadline=None)
def test_no_word_is_lost_and_every_part_fits_that_can(text: str, line: int) -> None:
    reading = reading_of("en", line=line)
    count = parts_needed(text, "en", reading)
    parts = in_parts(text, "en", count)
    assert "".join("".join(parts).split()) == "".join(text.split())
    if max(map(len, units(text, "en"))) * 2 <= line:
        assert all(fits(part, "en", reading) for part in parts)


def test_two_languages_change_together() -> None:
    english = "I will wait for you at the station tomorrow at nine o'clock in the morning, and then we will go to the sea."
    cues = laid_out_pair(
        Cue(0, 6, "明日の朝九時に駅で待っています。それから海へ行きましょう。"),
        ("ja", "en"),
        english,
        (reading_of("ja"), reading_of("en")),
    )
    assert len(cues) == 2
    assert [cue.shown.split("\n")[0] for cue in cues] == [
        "明日の朝九時に駅で待っています。",
        "それから海へ行きましょう。",
    ]
    assert all("\n" in cue.shown for cue in cues)
    assert " ".join(cue.shown.split("\n", 1)[1] for cue in cues).count("sea.") == 1


def test_cues_are_shown_long_enough_where_there_is_room() -> None:
    said: list[Remark] = []
    cues = [Cue(0.0, 0.3, "Oh!"), Cue(5.0, 5.5, "x" * 17), Cue(6.05, 6.9, "y" * 40), Cue(7.0, 9.0, "Fine.")]
    found = timed(cues, reading_of("en"), said.append)
    assert found[0].end == round(SHORTEST, 3)
    assert found[1].end == round(6.05 - GAP, 3)
    assert found[2].end == round(7.0 - GAP, 3)
    assert found[3].end == 9.0
    assert [one.code for one in said] == ["subtitle-too-fast"]
    assert said[0].sentence.startswith("2 of 4 subtitles are faster than 17 characters a second; the first")


def test_cues_of_two_who_speak_at_once_keep_their_times() -> None:
    cues = [Cue(0.0, 4.0, "One."), Cue(1.0, 2.0, "Two.")]
    assert [(cue.start, cue.end) for cue in timed(cues, reading_of("en"))] == [(0.0, 4.0), (1.0, 2.0)]


def test_limits_come_from_the_language_or_the_caller() -> None:
    assert reading_of("ja-JP").line < reading_of("en").line == 42
    assert (reading_of("ja", line=20, speed=5).line, reading_of("ja", line=20, speed=5).speed) == (20, 5)
