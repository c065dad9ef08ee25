"""Subtitle texts are broken for reading, in scripts with and without spaces."""

from __future__ import annotations

import pytest

from dubkit.formats.text import LINE_LENGTH, break_lines


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("Short enough.", "Short enough."),
        (
            "I told you yesterday, and I will tell you again.",
            "I told you yesterday,\nand I will tell you again.",
        ),
        (
            "Donaudampfschifffahrtsgesellschaftskapitänswitwe",
            "Donaudampfschifffahrtsgesellschaftskapitänswitwe",
        ),
        (
            "今日はとてもいい天気ですね。散歩に行きましょう。",
            "今日はとてもいい天気ですね。\n散歩に行きましょう。",
        ),
    ],
)
def test_line_breaks(text: str, broken: str) -> None:
    assert break_lines(text) == broken


def test_latin_word_in_a_dense_script_is_not_cut() -> None:
    lines = break_lines("我昨天一直在看的那个GitHub有意思的项目真的").split("\n")
    assert len(lines) == 2
    assert any("GitHub" in line for line in lines)


def test_lines_keep_to_the_usual_length_where_they_can() -> None:
    words = ["quick", "brown", "fox", "jumps", "over", "one", "lazy", "dog"] * 2
    for count in range(1, len(words) + 1):
        lines = break_lines(" ".join(words[:count])).split("\n")
        assert len(lines) <= 2
        assert max(map(len, lines)) <= LINE_LENGTH


def test_small_kana_and_marks_never_begin_a_line() -> None:
    text = "ちょっとまってくださいっていったでしょっ、ねえちょっと"
    for length in range(19, len(text)):
        second = break_lines(text[:length]).split("\n")[1]
        assert second[0] not in "っゃゅょ、。"
