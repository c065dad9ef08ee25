"""The report page: what it says, that it is safe, and that it asks nobody else for anything."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from dubkit.qc.numbers import clock
from dubkit.qc.report.model import LineCard, LineTimes, ModelUsed, ReportModel, ShotCard, SpeakerCard
from dubkit.qc.report.page import render_report
from dubkit.qc.report.strips import strip_of, tone_of
from dubkit.qc.report.words import verdict
from dubkit.qc.timing import TimedLine, timing_figures
from dubkit.types import EpisodeQc, HeardBy
from dubkit.types.telling import Told

MEASURED = EpisodeQc(
    lines=(),
    word_error=0.0,
    source_lufs=None,
    dub_lufs=None,
    true_peak_db=None,
    frames=250,
    source_frames=250,
    identical_packets=250,
    drift_ms=0.0,
)

VOICE = Told("voice-fall-back", "degraded", "espeak-ng, a robotic voice, speaks")


def line(number: int, **changes: object) -> LineCard:
    start = float(number)
    card = LineCard(
        id=f"s{number:04d}",
        number=number,
        to_look_at=bool(changes.get("flags")),
        start=start,
        end=start + 0.8,
        speaker="spk1",
        source_text="Good morning.",
        target_text="Bom dia.",
        dub_start=start,
        dub_end=start + 0.7,
        speech=f"takes/s{number:04d}/v001/speech.wav",
        heard="Bom dia.",
        word_error=0.0,
    )
    return replace(card, **changes)  # type: ignore[arg-type]


def model(*lines: LineCard, **changes: object) -> ReportModel:
    made = ReportModel(
        title="Episode 1",
        source_language="English",
        target_language="Brazilian Portuguese",
        source_tag="en",
        target_tag="pt-BR",
        duration=10.0,
        video="dub.mp4",
        models=(ModelUsed("voice", "kokoro", "packages", "Apache-2.0"),),
        speakers=(SpeakerCard("spk1", "Ana", "The young woman"),),
        shots=(ShotCard("shot001", 0.0, 10.0, "../thumbnails/shot001.jpg"),),
        lines=lines,
        source_wave=(0.1, 0.5, 0.2),
        dub_wave=(0.1, 0.4, 0.2),
        measured=MEASURED,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


class Page(HTMLParser):
    """Addresses, tags and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name in ("src", "href", "poster") and value]
        self.open.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data


def test_the_page_names_only_files_beside_it() -> None:
    page = Page(render_report(model(line(1), line(2))))
    assert "takes/s0001/v001/speech.wav" in page.addresses
    outside = [a for a in page.addresses if re.match(r"[a-z]+:|//", a) and not a.startswith("data:")]
    assert outside == []


def test_the_same_model_gives_the_same_bytes() -> None:
    assert render_report(model(line(1))) == render_report(model(line(1)))


def test_what_people_wrote_cannot_break_the_page() -> None:
    evil = '</script><script>alert("x")</script><img src=x onerror=alert(1)>'
    page = render_report(model(line(1, target_text=evil, source_text=evil), title=evil))
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert Page(page).open.count("script") == Page(render_report(model(line(1)))).open.count("script")


def test_names_with_odd_characters_are_still_addresses() -> None:
    page = Page(render_report(model(line(1), video="it's 100% [a] #1?.mp4")))
    assert any("100%25" in address and "%231%3F" in address for address in page.addresses)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "good"),
        ({"lines": (line(1, flags=("words",)),)}, "look"),
        ({"remarks": (VOICE,)}, "look"),
        ({"remarks": (replace(VOICE, weight="note"),)}, "good"),
        ({"lines": (line(1, flags=("rushed",)), line(2, flags=("low-confidence",)))}, "look"),
        ({"lines": (line(1, flags=("rushed",)), line(2, flags=("cut",)))}, "bad"),
        (
            {"measured": replace(MEASURED, frames=249, identical_packets=249, flags=("frames",))},
            "bad",
        ),
    ],
)
def test_the_verdict_says_how_it_stands(changes: dict[str, object], state: str) -> None:
    judged = verdict(model(line(1), **changes))
    assert judged.state == state
    assert judged.headline


FAILED = {"failed": True, "to_look_at": True, "flags": ("failed",), "speech": "", "heard": None}


@pytest.mark.parametrize(
    ("lines", "headline"),
    [
        ((line(1, **FAILED),), "The line failed."),
        ((line(1), line(2), line(3, **FAILED)), "Line 3 failed: the source's own sound is heard there."),
        (
            (line(1, **FAILED), line(2, flags=("cut",)), line(3, **FAILED)),
            "2 of 3 lines failed: the source's own sound is heard there.",
        ),
        ((line(1),), "Ready: the line is in order."),
        ((line(1, flags=("cut",)),), "The line wants a look."),
        ((line(1), line(2, flags=("cut",))), "1 of 2 lines wants a look."),
        (
            (line(1), line(2, flags=("cut",), accepted=True, to_look_at=False)),
            "Ready: all 2 lines are in order.",
        ),
    ],
)
def test_a_failed_line_is_the_first_thing_said_and_an_accepted_one_is_in_order(
    lines: tuple[LineCard, ...], headline: str
) -> None:
    found = model(*lines)
    assert verdict(found).headline == headline
    page = Page(render_report(found))
    assert f"Lines to look at{sum(line.to_look_at for line in lines)}of {len(lines)}" in page.text
    failed = [line for line in lines if line.failed]
    assert page.text.count("Failed") >= len(failed)


def test_remarks_stand_at_the_top_many_are_folded() -> None:
    many = tuple(replace(VOICE, text=f"remark {n}") for n in range(20))
    text = Page(render_report(model(line(1), remarks=many))).text
    assert text.index("remark 0") < text.index("Timeline")
    assert "12 more remarks" in text
    assert "remark 19" in text


def test_every_fall_back_and_flag_is_on_the_page() -> None:
    page = Page(render_report(model(line(1, flags=("cut", "words")), remarks=(VOICE,))))
    assert "a robotic voice, speaks" in page.text
    assert "Cut short" in page.text
    assert "Words differ" in page.text


def test_a_line_that_kept_its_sound_has_no_take_to_play() -> None:
    kept = line(1, target_text="", speech="", heard=None, word_error=None, flags=("untranslated", "refused"))
    page = Page(render_report(model(kept)))
    assert not [a for a in page.addresses if "takes/" in a]
    assert "Not translated" in page.text


def test_an_episode_without_speech_or_picture_has_a_page() -> None:
    page = Page(render_report(model(shots=(), speakers=(), audio_only=True, video="dub.m4a")))
    assert "no speech was found" in page.text
    assert "video" not in page.open
    assert "audio" in page.open


def test_a_thousand_lines_stay_one_page() -> None:
    page = render_report(model(*(line(n) for n in range(1000)), duration=1000.0))
    assert page.count('id="s0') >= 999
    assert len(page) < 4_000_000


def test_clock_times() -> None:
    assert clock(1.14) == "0:01.1"
    assert clock(3671.0).startswith("1:01:11")


# --- timing -----------------------------------------------------------------------------------


def times(**changes: object) -> LineTimes:
    made = LineTimes(predicted=0.9, given_start=1.0, given=0.7, pace=1.28, start_error=0.1, spoken=True)
    return replace(made, **changes)  # type: ignore[arg-type]


def timed(*lines: LineCard) -> ReportModel:
    spans = (
        TimedLine(card.id, (card.start, card.end), (card.dub_start, card.dub_end), pace=card.times.pace)
        for card in lines
        if card.times
    )
    return model(*lines, timing=timing_figures(spans))


def test_a_dub_whose_words_and_times_are_not_fitted_shows_nothing_of_them() -> None:
    page = render_report(model(line(1)))
    for sign in ("strip", "Timing", "data-tone", "figures"):
        assert sign not in page


def test_the_timing_stands_in_a_table_and_in_a_strip_per_line() -> None:
    text = Page(render_report(timed(line(1, times=times()), line(2, times=times(pace=1.0))))).text
    assert "Faster than 1.2\u00d71 of 2 (50 %)" in text
    assert "1.28\u00d7, fast: 0.9 s at the voice's own pace, 0.7 s spoken; starts 0.10 s late" in text
    assert "1.00\u00d7, natural" in text


def test_other_words_show_the_first_translation_and_why() -> None:
    shown = times(first="Bom dia a todos <b>.", why="It needs a pace of 1.02.")
    page = render_report(timed(line(1, times=shown)))
    assert "Bom dia a todos &lt;b&gt;." in page
    assert "It needs a pace of 1.02." in page


@pytest.mark.parametrize(
    ("pace", "tone"),
    [(None, "unknown"), (0.9, "slow"), (1.1, "natural"), (1.104, "natural"), (1.11, "quick"), (1.2, "quick"),
     (1.21, "fast"), (1.35, "fast"), (1.36, "rushed")],
)  # fmt: skip
def test_a_pace_has_one_word(pace: float | None, tone: str) -> None:
    assert tone_of(pace) == tone


def test_a_strip_holds_source_and_dub_on_one_scale() -> None:
    strip = strip_of(line(1, dub_start=0.5, dub_end=1.5, times=times(predicted=2.0)))
    assert strip is not None
    assert strip.dub is not None
    assert strip.own_pace is not None
    assert strip.dub.left < strip.source.left  # it starts early
    assert strip.source.width / strip.dub.width == pytest.approx(0.8, abs=0.01)
    assert strip.own_pace.width == pytest.approx(2 * strip.dub.width, abs=0.05)
    assert strip.own_pace.left + strip.own_pace.width <= 100


def test_a_line_that_is_not_spoken_has_a_strip_of_what_is_planned() -> None:
    planned = strip_of(line(1, fit="", times=times(spoken=False, start_error=None, too_long=0.25)))
    assert planned is not None
    assert planned.dub is None
    assert planned.rest == ": 0.9 s at the voice's own pace, 0.7 s given; too long by 0.2 s"


def test_a_cut_line_is_called_so_whatever_its_pace() -> None:
    strip = strip_of(line(1, fit="cut", times=times(pace=1.0)))
    assert strip is not None
    assert (strip.tone, strip.lead) == ("cut", "1.00\u00d7, cut short")


def test_the_table_names_what_heard_the_dub() -> None:
    measured = replace(MEASURED, word_error=0.08, listener=HeardBy("whisper-base, beam 1"))
    text = Page(render_report(replace(timed(line(1, times=times())), measured=measured))).text
    assert "Words heard otherwise8 %heard by whisper-base, beam 1" in text
