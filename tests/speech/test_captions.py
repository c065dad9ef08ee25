"""From subtitles to speech: every word once, by the right speaker, and nothing that nobody says."""

from __future__ import annotations

import pytest

from dubkit.formats.content import Cue
from dubkit.speech.captions.sounds import without_sounds
from dubkit.speech.captions.speakers import speakers_of
from dubkit.speech.captions.spoken import Captions, Spoken, spoken_cues
from dubkit.types import Remark, Turn

Row = tuple[float, float, str]


def cues(*rows: Row) -> list[Cue]:
    return [
        Cue(
            start,
            end,
            " ".join(text.split()),
            "",
            tuple(("", line) for line in text.split("\n")),
            f"line {at}",
        )
        for at, (start, end, text) in enumerate(rows, start=1)
    ]


def heard(
    *rows: Row,
    labels: bool = True,
    language: str = "en",
    said: list[Remark] | None = None,
    seconds: float = 100.0,
) -> list[Spoken]:
    remarks: list[Remark] = [] if said is None else said
    return spoken_cues(cues(*rows), Captions("a.srt", language, seconds, labels), remarks.append)


def lines(spoken: list[Spoken], turns: tuple[Turn, ...] = ()) -> list[tuple[str, str]]:
    return [(name, part.text) for name, part in zip(speakers_of(spoken, turns), spoken, strict=True)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[door slams]", ""),
        ("(laughs)", ""),
        ("(DOOR SLAMS)", ""),
        ("(phone ringing)", ""),
        ("[MUSIC PLAYING] Welcome", "Welcome"),
        ("(sighs) Good morning.", "Good morning."),
        ("(in Spanish) Hola.", "Hola."),
        ("*sighs* Fine.", "Fine."),
        ("- [man] Stop!\n- (gasps)", "- Stop!"),
        ("♪ We are\nthe champions ♪", ""),
        ("la la la ♪", ""),
        ("# La la la #", ""),
        ("♪ La ♪ Hello. ♪ la ♪", "Hello."),
        ("(I never said that.)", "(I never said that.)"),
        ("He came (with his brother) late.", "He came (with his brother) late."),
        ("(NASA)", "(NASA)"),
        ("(in town)", "(in town)"),
        ("(and the music)", "(and the music)"),
        ("He took [the car] and left.", "He took the car and left."),
        ("[SPEAKER_00]: Hi.", "[SPEAKER_00]: Hi."),
        ("*very* good, #1", "*very* good, #1"),
    ],
)
def test_sounds_and_songs_are_not_said_and_speech_in_brackets_is(text: str, said: str) -> None:
    assert without_sounds(text, "en") == said


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("pt-BR", "(risos) Olá.", "Olá."),
        ("pt-BR", "(e o meu irmão)", "(e o meu irmão)"),
        ("es", "(suspira)", ""),
        ("fr", "(Rires)", ""),
        ("de", "(lacht) Ja.", "Ja."),
        ("ru", "(смех)", ""),
        ("ru", "(и мой брат)", "(и мой брат)"),
        ("ja", "\uff08ドアの音\uff09", ""),
        ("ja", "\uff08私は行かない\uff09", "\uff08私は行かない\uff09"),
        ("ja", "漢字(かんじ)を読む", "漢字を読む"),
        ("zh", "(掌声)", ""),
    ],
)
def test_sounds_are_known_in_other_languages(language: str, text: str, said: str) -> None:
    assert without_sounds(text, language) == said


@pytest.mark.parametrize(
    ("rows", "speakers"),
    [
        ([(1, 2, "JOHN: Hi.\nMARY: Ho.")], [("JOHN", "Hi."), ("MARY", "Ho.")]),
        ([(1, 2, "JOHN (V.O.): Hi."), (3, 4, "MAN ON TV: Ho.")], [("JOHN", "Hi."), ("MAN ON TV", "Ho.")]),
        ([(1, 2, "[SPEAKER_00]: Hi."), (3, 4, "(Ann): Ho.")], [("SPEAKER_00", "Hi."), ("Ann", "Ho.")]),
        (
            [(1, 2, "SPEAKER_01: Hi."), (3, 4, "Speaker 2: Ho.")],
            [("SPEAKER_01", "Hi."), ("Speaker 2", "Ho.")],
        ),
        ([(1, 2, "JOHN:\nHi."), (3, 4, "ÉLODIE : Ho.")], [("JOHN", "Hi."), ("ÉLODIE", "Ho.")]),
        (
            [(1, 2, "Ann: Hi."), (3, 4, "Dr. Bob: Ho."), (5, 6, "Ann: Hi."), (7, 8, "Dr. Bob: Ho.")],
            [("Ann", "Hi."), ("Dr. Bob", "Ho."), ("Ann", "Hi."), ("Dr. Bob", "Ho.")],
        ),
        (
            [(1, 2, "[SPEAKER_00] Hi."), (3, 4, "[Speaker 1] Ho.")],
            [("SPEAKER_00", "Hi."), ("Speaker 1", "Ho.")],
        ),
        (
            [(1, 2, "Jo Doe: Hi."), (3, 4, "Al Lee: Ho."), (5, 6, "So.")],
            [("Jo Doe", "Hi."), ("Al Lee", "Ho."), ("spk1", "So.")],
        ),
        ([(1, 2, "- Hi.\n- Ho.")], [("spk1", "Hi."), ("spk2", "Ho.")]),
        ([(1, 2, "-Hi. -Ho.")], [("spk1", "Hi."), ("spk2", "Ho.")]),
        ([(1, 2, "Hi.\n- Ho.")], [("spk1", "Hi."), ("spk2", "Ho.")]),
        ([(1, 3, "- Hi\nthere.\n- Ho.\n- Hi.")], [("spk1", "Hi there."), ("spk2", "Ho."), ("spk1", "Hi.")]),
        ([(1, 2, ">> Hi. >> Ho.")], [("spk1", "Hi."), ("spk2", "Ho.")]),
        ([(1, 2, ">> ANN: Hi.")], [("ANN", "Hi.")]),
        ([(1, 2, "— Привет.")], [("spk1", "Привет.")]),
        ([(1, 2, "-5 degrees,\n-7 at night")], [("spk1", "-5 degrees, -7 at night")]),
        ([(1, 2, "We buy\n- milk")], [("spk1", "We buy - milk")]),
        (
            [(1, 2, "WARNING: hot"), (3, 4, "He said: go")],
            [("spk1", "WARNING: hot"), ("spk1", "He said: go")],
        ),
        (
            [(1, 2, "HTTP://x.y at 12:30"), (3, 4, "AT 12:30")],
            [("spk1", "HTTP://x.y at 12:30"), ("spk1", "AT 12:30")],
        ),
        ([(1, 2, "Note: one"), (3, 4, "Note: two")], [("spk1", "Note: one"), ("spk1", "Note: two")]),
    ],
)
def test_names_and_dashes_say_who_speaks(rows: list[Row], speakers: list[tuple[str, str]]) -> None:
    assert lines(heard(*rows)) == speakers


def test_labels_can_be_left_as_text() -> None:
    rows = ((1.0, 2.0, "JOHN: Hi.\n- Ho.\n- Ha."), (3.0, 4.0, ">> Yes."))
    assert [text for _, text in lines(heard(*rows, labels=False))] == ["JOHN: Hi. - Ho. - Ha.", ">> Yes."]


def test_two_speakers_of_one_cue_share_its_time_by_their_texts() -> None:
    first, second = heard((1.0, 3.0, "- Hello there, you.\n- Hi."))
    assert (first.start, first.end, second.start, second.end) == (1.0, first.end, first.end, 3.0)
    assert 2.6 < first.end < 2.8


def test_what_has_no_name_is_said_by_who_was_heard_under_the_name_of_the_file() -> None:
    turns = (Turn(0.0, 4.5, "spk1"), Turn(5.0, 6.0, "spk2"))
    rows = ((1.0, 2.0, "ANN: Hi."), (3.0, 4.0, "Ho."), (5.0, 6.0, "Ha."))
    assert lines(heard(*rows), turns) == [("ANN", "Hi."), ("ANN", "Ho."), ("spk2", "Ha.")]
    dashes = heard((1.0, 2.0, "- Hi.\n- Ho."))
    assert speakers_of(dashes, turns) == ["spk1", "spk2"]
    assert speakers_of(dashes, turns[:1], single=True) == ["spk1", "spk1"]


def times(spoken: list[Spoken]) -> list[Row]:
    return [(part.start, part.end, part.text) for part in spoken]


def test_rolling_captions_are_said_once() -> None:
    said: list[Remark] = []
    blinking = (
        (1.0, 3.0, "good morning"), (3.0, 3.01, "good morning"), (3.01, 5.0, "good morning\nwelcome"),
        (5.0, 5.01, "welcome"), (5.01, 7.0, "welcome\nto the show"),
    )  # fmt: skip
    expected = [(1.0, 3.0, "good morning"), (3.0, 5.0, "welcome"), (5.0, 7.0, "to the show")]
    assert times(heard(*blinking, said=said)) == expected
    assert [remark.code for remark in said] == ["subtitles-repeated"]
    on_one_line = tuple((start, end, text.replace("\n", " ")) for start, end, text in blinking)
    assert [text for _, _, text in times(heard(*on_one_line))] == ["good morning", "welcome", "to the show"]
    two_lines = ((0.0, 1.0, "A"), (1.0, 2.0, "A\nB"), (2.0, 3.0, "B\nC"), (3.0, 4.0, "C\nD"))
    assert [part.text for part in heard(*two_lines)] == ["A", "B", "C", "D"]
    with_pauses = ((0.0, 1.0, "A\nB"), (1.6, 2.6, "B\nC"), (3.0, 4.0, "C\nD"))
    assert [part.text for part in heard(*with_pauses)] == ["A B", "C", "D"]
    growing = ((0.0, 1.0, "Good"), (1.0, 2.0, "Good morning"), (2.0, 3.0, "Good morning everyone"))
    assert times(heard(*growing)) == [(0.0, 3.0, "Good morning everyone")]


def test_what_is_said_twice_stays_twice() -> None:
    rows = ((0.0, 1.0, "No."), (1.0, 2.0, "No."), (2.0, 3.0, "No, no."), (5.0, 6.0, "No."))
    assert times(heard(*rows)) == list(rows)


def test_layers_and_steps_of_one_text_are_said_once() -> None:
    said: list[Remark] = []
    rows = ((1.0, 2.0, "Hi"), (1.0, 2.1, "Hi!"), (3.0, 3.04, "Ho"), (3.04, 3.08, "Ho"), (3.08, 3.12, "Ho"))
    assert times(heard(*rows, said=said)) == [(1.0, 2.1, "Hi"), (3.0, 3.12, "Ho")]
    assert "“Hi!” (line 2)" in said[0].sentence


def test_signs_and_songs_are_told_and_left_out() -> None:
    said: list[Remark] = []
    shown = [*cues((1.0, 2.0, "Hi")), Cue(1.0, 2.0, "BAKERY", role="sign", place="line 7")]
    assert [part.text for part in spoken_cues(shown, Captions("a.ass", "en", 9.0), said.append)] == ["Hi"]
    assert [(remark.code, remark.weight) for remark in said] == [("subtitles-not-spoken", "note")]
    assert "“BAKERY” (line 7)" in said[0].sentence


def test_what_lies_behind_the_film_is_told_with_its_line() -> None:
    said: list[Remark] = []
    rows = ((1.0, 2.0, "One"), (9.0, 10.4, "Two"), (3900.0, 3904.0, "Three"))
    assert times(heard(*rows, said=said, seconds=9.967)) == [(1.0, 2.0, "One"), (9.0, 9.967, "Two")]
    ends, beyond = said
    assert (ends.code, ends.place) == ("cue-times-changed", "a.srt, line 2")
    assert (beyond.code, beyond.weight, beyond.place) == ("cue-beyond-end", "doubtful", "a.srt, line 3")
    assert "3900.000 s; the film lasts 9.967 s" in beyond.sentence


def test_a_cue_without_length_gets_one() -> None:
    rows = ((1.0, 1.0, "Good morning."), (1.5, 1.5, "Hi."), (9.0, 9.0, ""))
    assert times(heard(*rows)) == [(1.0, 1.5, "Good morning."), (1.5, 2.0, "Hi.")]


def test_of_subtitles_in_two_languages_one_is_said() -> None:
    said: list[Remark] = []
    rows = ((1.0, 2.0, "早上好\nGood morning."), (3.0, 4.0, "你好\nHello, Ann."), (5.0, 6.0, "OK"))
    assert [part.text for part in heard(*rows, said=said)] == ["Good morning.", "Hello, Ann.", "OK"]
    assert [part.text for part in heard(*rows, language="zh")] == ["早上好", "你好", "OK"]
    assert [remark.code for remark in said] == ["other-languages"]
    once = ((1.0, 2.0, "He said\nждём."), (3.0, 4.0, "Hello."), (5.0, 6.0, "Bye."))
    assert [part.text for part in heard(*once)] == ["He said ждём.", "Hello.", "Bye."]
