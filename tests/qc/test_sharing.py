"""Words that were heard, and the lines that they belong to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dubkit.qc.sharing import SaidLine, shared_out
from dubkit.types import Word


def spoken(*words: tuple[float, str]) -> list[Word]:
    return [Word(start, start + 0.3, f" {text}") for start, text in words]


def test_words_at_the_border_of_two_lines_go_where_they_are_said() -> None:
    lines = [
        SaidLine("a", 0.0, 2.0, "Não sabia que você estava lá."),
        SaidLine("b", 2.0, 3.0, "Nem eu. Ok."),
        SaidLine("c", 3.0, 4.0, "Está bem."),
    ]
    # A recogniser lets a word begin where the one before ended, so "nem eu" begins inside the first line.
    words = spoken((0.1, "não"), (0.4, "sabia"), (0.8, "que"), (1.0, "você"), (1.2, "estava"), (1.4, "lá"))
    words += spoken((1.5, "nem"), (1.7, "eu"), (2.4, "ok"), (2.7, "está"), (3.4, "bem"))
    assert shared_out(words, lines, "pt-BR") == {
        "a": "não sabia que você estava lá",
        "b": "nem eu ok",
        "c": "está bem",
    }


def test_a_wrong_word_stays_with_the_line_in_which_it_sounds() -> None:
    lines = [SaidLine("a", 0.0, 2.0, "one two"), SaidLine("b", 2.5, 4.0, "three four")]
    words = spoken((0.2, "one"), (1.2, "tool"), (2.6, "tree"), (3.3, "four"))
    assert shared_out(words, lines, "en") == {"a": "one tool", "b": "tree four"}


def test_a_word_far_from_its_line_is_not_taken_for_the_sake_of_its_text() -> None:
    lines = [SaidLine("a", 0.0, 1.0, "one"), SaidLine("b", 6.0, 8.0, "two")]
    assert shared_out(spoken((0.2, "two"), (6.5, "one")), lines, "en") == {"a": "two", "b": "one"}


def test_a_word_beyond_every_line_is_left_out() -> None:
    assert shared_out(spoken((4.0, "hm")), [SaidLine("a", 0.0, 1.0, "one")], "en") == {"a": ""}
    assert shared_out(spoken((4.0, "hm")), [], "en") == {}


@given(
    st.lists(st.tuples(st.floats(0.0, 20.0), st.floats(0.1, 5.0)), min_size=1, max_size=6),
    st.lists(st.floats(0.0, 25.0), max_size=20),
)
def test_every_word_near_a_line_is_in_one_line(spans: list[tuple[float, float]], starts: list[float]) -> None:
    lines = [SaidLine(str(n), start, start + length, "a b") for n, (start, length) in enumerate(spans)]
    words = [Word(start, start + 0.2, f" w{n}") for n, start in enumerate(starts)]
    near = {
        word.text.strip()
        for word in words
        if any(word.end > line.start - 0.3 and word.start < line.end + 0.3 for line in lines)
    }
    heard = " ".join(shared_out(words, lines, "en").values()).split()
    assert sorted(heard) == sorted(near)
