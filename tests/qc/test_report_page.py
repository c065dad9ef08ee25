"""The report page: what it says, that it is safe, and that it asks nobody else for anything."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from dubkit.qc.numbers import clock
from dubkit.qc.report.model import LineCard, ModelUsed, ReportModel, ShotCard, SpeakerCard
from dubkit.qc.report.page import render_report
from dubkit.qc.report.words import verdict
from dubkit.types import EpisodeQc

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


def line(number: int, **changes: object) -> LineCard:
    start = float(number)
    card = LineCard(
        id=f"s{number:04d}",
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
        ({"degraded": ("cast: espeak-ng speaks",)}, "look"),
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


def test_every_fall_back_and_flag_is_on_the_page() -> None:
    page = Page(
        render_report(
            model(line(1, flags=("cut", "words")), degraded=("cast: espeak-ng, a robotic voice, speaks",))
        )
    )
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
