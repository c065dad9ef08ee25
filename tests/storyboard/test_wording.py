"""Prompts of shots: elements come in where they are named, and what is spoken stays as it is."""

from __future__ import annotations

from dubkit.storyboard.board import Element
from dubkit.storyboard.wording import enriched, named_elements

ELEMENTS = {
    "ana": Element(("Ana", "the woman"), look="a woman of thirty."),
    "anna-maria": Element("Ana Maria", look="a ship"),
    "boat": Element("boat"),
}


def names(prompt: str) -> list[str]:
    return [name for _, _, name in named_elements(prompt, ELEMENTS)]


def test_the_look_stands_behind_the_first_mention_only() -> None:
    assert enriched("Ana walks. Ana waves.", ELEMENTS) == "Ana, a woman of thirty, walks. Ana waves."
    assert enriched("We see Ana.", ELEMENTS) == "We see Ana, a woman of thirty."
    assert enriched("We see THE WOMAN", ELEMENTS) == "We see THE WOMAN, a woman of thirty."


def test_a_part_of_a_word_names_nobody() -> None:
    assert names("Anabel sees a rowboat and bananas") == []


def test_of_two_triggers_at_one_place_the_longer_one_counts() -> None:
    assert names("The Ana Maria leaves the harbour") == ["anna-maria"]
    assert names("Ana sees the Ana Maria, a boat") == ["ana", "anna-maria", "boat"]


def test_spoken_words_name_nobody_and_are_not_changed() -> None:
    said = 'A man says: "Where is Ana?"'
    assert names(said) == []
    assert enriched(said, ELEMENTS) == said
    assert enriched("Ana says: “Ana!”", ELEMENTS) == "Ana, a woman of thirty, says: “Ana!”"


def test_a_look_names_no_other_element() -> None:
    elements = {"a": Element("Ana", look="the captain of the boat"), "b": Element("boat", look="a red boat")}
    assert enriched("Ana waves", elements) == "Ana, the captain of the boat, waves."


def test_setting_and_style_follow_as_sentences() -> None:
    assert enriched("A door opens", {}, [" Night ", "", "Film grain."]) == "A door opens. Night. Film grain."
