"""The speech service: what it is asked in each dialect, and what becomes of every kind of answer."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
from numpy.typing import NDArray

from dubkit.errors import DubkitError, SettingError, VoiceError
from dubkit.types.voices import Delivery, Reference
from dubkit.voice.engine import ENGINES, SpeakerTraits, Synthesiser, VoiceNeed, VoiceOpening
from dubkit.voice.engines.openai_speech import ENGINE
from dubkit.voice.engines.speech_service.settings import SpeechServiceSettings
from tests.support.speech_server import RATE, SpeechServer, tone

TEXT = "Good morning, everybody."


def settings(server: SpeechServer, **own: Any) -> SpeechServiceSettings:
    given = {"base_url": server.url, "dialect": server.dialect, "retries": 2, "timeout": 5.0, **own}
    return SpeechServiceSettings(**given)


def opened(server: SpeechServer, **own: Any) -> Synthesiser:
    return ENGINE.open(VoiceOpening(None, settings(server, **own)))


def said(server: SpeechServer, text: str = TEXT, *, speaker: Any = None, **own: Any) -> NDArray[np.float32]:
    """Return what is spoken; the keywords of `speak` are in `speaker`."""
    asked = {"voice": "", "language": "en", "speed": 1.0, **(speaker or {})}
    return opened(server, **own).speak(text, **asked)


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    soundfile.write(tmp_path / "ana.wav", tone("Ana", 1.0, 48_000), 48_000)
    return Reference(tmp_path / "ana.wav", "So I said no.", "en")


@contextmanager
def failing(server: SpeechServer, match: str, **own: Any) -> Iterator[None]:
    """Expect that a line fails, and with which words."""
    with pytest.raises(VoiceError, match=match) as error:
        said(server, **own)
    assert len(str(error.value).splitlines()) == 1, "people are told the first line alone"
    assert str(error.value).count(".") >= 2, "what happened, and what to do"
    yield


# --- what is asked ---------------------------------------------------------------------------


def test_a_plain_request_names_model_voice_and_format_and_nothing_else() -> None:
    with SpeechServer() as server:
        said(server, speaker={"voice": "nova"})
    assert server.spoken == [
        {"model": "gpt-4o-mini-tts", "voice": "nova", "input": TEXT, "response_format": "wav"}
    ]
    assert [asked.path for asked in server.asked] == ["/v1/audio/speech"]


def test_speed_instructions_and_key_are_sent_where_there_are_any() -> None:
    with SpeechServer() as server:
        said(
            server,
            api_key="Bearer sk-1\n",
            instructions="Speak clearly.",
            speaker={"speed": 1.25, "delivery": Delivery("in a whisper", pace=1.2)},
        )
    assert server.spoken[0]["speed"] == 1.25
    assert server.spoken[0]["instructions"] == "Speak clearly. Speak in a whisper, faster than usual."
    assert server.asked[0].headers["Authorization"] == "Bearer sk-1"


def test_vllm_omni_is_given_language_task_and_the_reference_with_its_text(reference: Reference) -> None:
    with SpeechServer("vllm-omni") as server:
        cloned = {"language": "pt-BR", "voice": "ana", "reference": reference, "seed": 7}
        said(server, model="omni", speaker=cloned)
        said(server, model="omni", speaker={"language": "pt-BR", "voice": "ryan"})
    asked, named = server.spoken
    assert (asked["task_type"], asked["language"], asked["ref_text"], asked["seed"]) == (
        "Base",
        "Portuguese",
        "So I said no.",
        7,
    )
    assert "voice" not in asked, "the recording says whose voice it is"
    form, _, content = asked["ref_audio"].partition(",")
    assert form == "data:audio/wav;base64"
    assert base64.b64decode(content) == reference.file.read_bytes()
    assert (named["task_type"], named["voice"], "ref_audio" in named) == ("CustomVoice", "ryan", False)


def test_kokoro_fastapi_is_given_its_letter_of_the_language_and_does_not_stream() -> None:
    with SpeechServer("kokoro-fastapi") as server:
        said(server, speaker={"language": "pt-BR", "voice": "pf_dora+pm_alex", "speed": 0.9})
        said(server, speaker={"language": "en-GB"})
    blend, british = server.spoken
    assert (blend["voice"], blend["lang_code"], blend["speed"], blend["stream"]) == (
        "pf_dora+pm_alex",
        "p",
        0.9,
        False,
    )
    assert (british["voice"], british["lang_code"]) == ("af_heart", "b")


def test_a_chatterbox_server_gets_a_recording_once_and_is_asked_by_its_name(reference: Reference) -> None:
    with SpeechServer("chatterbox") as server:
        for text in ("One.", "Two."):
            said(server, text, speaker={"reference": reference, "delivery": Delivery(energy=6.0)})
    uploads = [asked for asked in server.asked if asked.path == "/v1/voices"]
    assert len(uploads) == 1
    assert reference.file.read_bytes() in uploads[0].raw
    names = {body["voice"] for body in server.spoken}
    assert len(names) == 1
    assert names.pop().encode() in uploads[0].raw
    assert {body["exaggeration"] for body in server.spoken} == {0.75}


@pytest.mark.parametrize("dialect", ["openai", "vllm-omni", "kokoro-fastapi", "chatterbox"])
def test_auto_finds_out_what_a_service_is(dialect: str) -> None:
    with SpeechServer(dialect) as server:
        said(server, dialect="auto")
        said(server, "Another line.", dialect="auto")
        lists = [asked.path for asked in server.asked if asked.path != "/v1/audio/speech"]
        assert len(lists) == len(set(lists)) <= 2
        marks = {"vllm-omni": "language", "kokoro-fastapi": "lang_code"}
        assert all((mark in server.spoken[0]) == (name == dialect) for name, mark in marks.items())


def test_an_address_without_its_end_is_completed() -> None:
    with SpeechServer("kokoro-fastapi") as server:
        assert len(said(server, base_url=server.url.removesuffix("/v1"), dialect="auto"))
        assert len(said(server, base_url=server.url.removesuffix("/v1")))


def test_what_a_service_does_not_take_is_left_out_from_then_on() -> None:
    with SpeechServer(script=["refuses:speed"]) as server:
        service = opened(server)
        for text in ("One.", "Two."):
            service.speak(text, voice="", language="en", speed=1.1)
    assert ["speed" in body for body in server.spoken] == [True, False, False]


# --- what comes back -------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["wav", "flac", "mp3", "pcm"])
def test_every_format_becomes_the_same_sound_at_48_khz(form: str) -> None:
    with SpeechServer() as server:
        sound = said(server, format=form)
    expected = len(tone(TEXT, 1.0, RATE)) * 2
    assert sound.dtype == np.float32
    assert abs(len(sound) - expected) <= (4000 if form == "mp3" else 2)
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(0.22, abs=0.03)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("form", ["wav", "pcm"])
def test_the_rate_may_be_another_one_in_each_answer(rate: int, form: str) -> None:
    with SpeechServer(script=["ok", f"rate:{rate}"]) as server:
        service = opened(server, format=form)
        for text in ("The first line.", "The other line."):
            sound = service.speak(text, voice="", language="en", speed=1.0)
            assert len(sound) / service.rate == pytest.approx(len(text) * 0.065, abs=0.002)


@pytest.mark.parametrize("form", ["streamed", "streamed_flac"])
def test_sizes_that_a_streaming_server_cannot_know_are_no_fault(form: str) -> None:
    with SpeechServer(script=[form]) as server:
        assert len(said(server)) == len(tone(TEXT, 1.0, RATE)) * 2


def test_stereo_becomes_mono() -> None:
    with SpeechServer(script=["stereo"]) as server:
        sound = said(server)
    assert sound.ndim == 1
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(0.11, abs=0.015)


PASSING = {
    "rate_limited": "wav",
    "error_500": "wav",
    "resets": "wav",
    "breaks_off": "wav",
    "html": "wav",
    "json": "wav",
    "empty": "wav",
    "truncated": "wav",
    "header_only": "wav",
    "no_samples": "wav",
    "nan": "wav",
    "wrong_rate:0": "wav",
    "wrong_rate:4000000000": "wav",
    "slow:0.8": "wav",
    "streamed_flac:cut": "wav",
    "short": "wav",
    "endless": "wav",
    "half_a_sample": "pcm",
}
FLAC = {"truncated": "flac", "header_only": "flac"}


@pytest.mark.parametrize(
    ("trouble", "form"), [*PASSING.items(), *FLAC.items()], ids=lambda value: str(value).replace(":", "-")
)
def test_no_bad_answer_becomes_a_sound_and_the_next_good_one_does(trouble: str, form: str) -> None:
    timeout = 0.4 if trouble.startswith("slow") else 5.0
    with SpeechServer(script=[trouble, "ok"]) as server:
        service = opened(server, format=form, timeout=timeout)
        sound = service.speak(TEXT, voice="", language="en", speed=1.0)
        receipt = service.receipt(TEXT, "")  # type: ignore[attr-defined]
    assert len(sound) == len(tone(TEXT, 1.0, RATE)) * 2
    assert (receipt.requests, receipt.retries) == (2, 1)


@pytest.mark.parametrize(
    ("trouble", "match", "requests"),
    [
        ("rate_limited", "failed 3 times .429: Rate limit", 3),
        ("rate_limited:9000", "failed 3 times .429: Rate limit", 1),
        ("error_500", "failed 3 times .500: The server had an error", 3),
        ("html", "answered with a web page", 3),
        ("json", "no sound but words: worker crashed", 3),
        ("empty", "an empty answer", 3),
        ("truncated", r"a WAV file of which [\d,]+ of [\d,]+ bytes came", 3),
        ("nan", "not finite", 3),
        ("wrong_rate:0", "damaged WAV file|0 samples per second", 3),
        ("bad_key", "wants a key", 1),
        ("no_model", "has no model", 1),
        ("no_credit", "no credit", 1),
    ],
)
def test_a_failure_is_told_with_the_address_and_what_to_do(trouble: str, match: str, requests: int) -> None:
    with SpeechServer(script=[trouble]) as server, failing(server, match):
        pass
    assert len(server.spoken) == requests


def test_a_voice_that_the_service_lacks_is_named() -> None:
    with SpeechServer(script=["no_voice"]) as server, pytest.raises(VoiceError, match="voice 'bob'"):
        said(server, speaker={"voice": "bob"})


def test_a_wait_that_is_asked_for_is_kept() -> None:
    with SpeechServer(script=["rate_limited:0.4", "ok"]) as server:
        began = time.monotonic()
        said(server)
        assert time.monotonic() - began >= 0.4


def test_a_service_that_is_gone_costs_the_waits_of_one_line_only() -> None:
    service = ENGINE.open(
        VoiceOpening(
            None, SpeechServiceSettings(base_url="http://127.0.0.1:9/v1", dialect="openai", retries=2)
        )
    )
    began = time.monotonic()
    for number in range(20):
        with pytest.raises(VoiceError, match=r"127\.0\.0\.1:9/v1 was not reached.*base_url"):
            service.speak(f"Line {number}.", voice="", language="en", speed=1.0)
    assert time.monotonic() - began < 5.0


def test_a_run_that_stops_waits_for_no_answer() -> None:
    with SpeechServer(script=["slow:4"]) as server:
        service = opened(server, timeout=60.0)
        threading.Timer(0.5, service.stop).start()  # type: ignore[attr-defined]
        began = time.monotonic()
        with pytest.raises(VoiceError):
            service.speak(TEXT, voice="", language="en", speed=1.0)
        assert time.monotonic() - began < 3.0
        time.sleep(4.0)  # the answer comes to nobody


def test_a_text_beyond_the_limit_is_refused_before_it_is_sent() -> None:
    with SpeechServer() as server, failing(server, "5,000 characters; OpenAI takes 4,096", text="a" * 5000):
        pass
    assert server.spoken == []


def test_a_reference_that_a_dialect_cannot_take_is_an_error(reference: Reference) -> None:
    with SpeechServer("kokoro-fastapi") as server, pytest.raises(VoiceError, match="takes no recordings"):
        said(server, dialect="auto", speaker={"reference": reference})
    assert server.spoken == []


def test_words_that_a_dialect_cannot_take_are_noted() -> None:
    with SpeechServer("kokoro-fastapi") as server:
        service = opened(server, dialect="auto")
        service.speak(TEXT, voice="", language="en", speed=1.0, delivery=Delivery("in a whisper"))  # type: ignore[call-arg]
        notes = service.receipt(TEXT, "").notes  # type: ignore[attr-defined]
    assert len(notes) == 1
    assert notes[0].startswith("Kokoro-FastAPI takes no words on delivery: 'in a whisper' was left out. Set")


# --- many lines ------------------------------------------------------------------------------


def test_fifty_lines_side_by_side_each_get_their_own_sound() -> None:
    texts = [f"This is line number {number} of the film." for number in range(50)]
    script = ["ok", "rate:16000", "rate_limited", "ok", "error_500", "truncated"] * 20
    with SpeechServer(script=script) as server:
        service = opened(server, retries=6)

        def speak(text: str) -> NDArray[np.float32]:
            return service.speak(text, voice="", language="en", speed=1.0)

        with ThreadPoolExecutor(8) as pool:
            sounds = list(pool.map(speak, texts))
        assert threading.active_count() < 30
    for text, sound in zip(texts, sounds, strict=True):
        spectrum = np.abs(np.fft.rfft(sound))
        own = np.abs(np.fft.rfft(tone(text, 1.0, 48_000)[: len(sound)], len(sound)))
        assert np.argmax(spectrum[20:]) == pytest.approx(np.argmax(own[20:]), abs=3)
    total = sum((service.receipt(text, "") for text in texts[1:]), service.receipt(texts[0], ""))  # type: ignore[attr-defined]
    assert total.requests == len(server.spoken)
    assert total.retries == total.requests - 50


def test_the_same_line_is_asked_for_once_and_another_reading_again() -> None:
    with SpeechServer() as server:
        first = said(server)
        again = said(server)
        said(server, speaker={"seed": 3})
    assert np.array_equal(first, again)
    assert len(server.spoken) == 2


def test_a_pace_near_the_plain_one_is_not_paid_for_again() -> None:
    with SpeechServer() as server:
        service = opened(server)
        for speed in (1.0, 0.96, 1.04, 1.1):
            service.speak(TEXT, voice="", language="en", speed=speed)
    assert [body.get("speed", 1.0) for body in server.spoken] == [1.0, 1.1]


def test_characters_and_money_are_counted() -> None:
    with SpeechServer(script=["error_500", "ok"]) as server:
        service = opened(server, price=15.0)
        service.speak(TEXT, voice="nova", language="en", speed=1.0)
        receipt = service.receipt(TEXT, "nova")  # type: ignore[attr-defined]
        assert (receipt.characters, receipt.retries) == (len(TEXT), 1)
        assert receipt.money == pytest.approx(len(TEXT) * 15 / 1e6)
        assert service.receipt(TEXT, "nova").characters == 0  # type: ignore[attr-defined]


# --- voices ----------------------------------------------------------------------------------


def cast(own: SpeechServiceSettings, language: str, *pitches: float) -> list[str]:
    taken: list[str] = []
    for pitch in pitches:
        taken.append(ENGINE.voice_for(SpeakerTraits(language, pitch, own), taken))
    return taken


def test_speakers_get_voices_of_their_kind_that_nobody_has() -> None:
    own = SpeechServiceSettings(base_url="http://127.0.0.1:9/v1", dialect="openai")
    assert cast(own, "en", 110, 210, 120, 220) == ["onyx", "coral", "echo", "nova"]
    named = SpeechServiceSettings(base_url="http://127.0.0.1:9/v1", voices="eve=female adam=male x")
    assert cast(named, "en", 110, 120, 210, 0) == ["adam", "x", "eve", "eve"]


def test_voices_are_asked_of_the_service_once_and_those_of_the_language_speak() -> None:
    with SpeechServer("kokoro-fastapi") as server:
        own = settings(server, dialect="auto")
        assert cast(own, "pt-BR", 110, 210, 115) == ["pm_alex", "pf_dora", "pm_santa"]
        listed = ENGINE.voices(VoiceOpening(None, own))  # type: ignore[misc]
        assert [asked.path for asked in server.asked] == ["/v1/audio/voices"]
    listed.check("x", "af_bella+am_adam")
    with pytest.raises(VoiceError, match=r"no voice 'zz'. Names: af_bella"):
        listed.check("x", "af_bella+zz")


def test_a_service_that_lists_none_has_a_plain_voice() -> None:
    with SpeechServer("vllm-omni", voices={"voices": []}) as server:
        own = settings(server)
        assert cast(own, "en", 110) == ["default"]
        said(server, speaker={"voice": "default"})
    assert "voice" not in server.spoken[0]


# --- setting up ------------------------------------------------------------------------------


def test_without_an_address_it_says_what_to_set_and_auto_leaves_it_alone() -> None:
    need = VoiceNeed("en", False, SpeechServiceSettings(api_key="sk-1"))
    assert ENGINE.hindrance(need).endswith("Set speak.openai-speech.base_url to its address.")
    assert ENGINE.set_up is not None
    assert not ENGINE.set_up(need)
    assert "openai-speech" in ENGINES.names


@pytest.mark.parametrize(
    ("own", "match"),
    [
        ({"base_url": "ftp://x"}, r"speak\.openai-speech\.base_url is 'ftp://x'"),
        ({"base_url": "http://x/v1", "api_key": "sk ü"}, "the key of the speech service"),
        ({"base_url": "http://x/v1", "languages": "en de"}, "pt-BR is not one of them"),
    ],
)
def test_what_cannot_work_is_said_before_any_work(own: dict[str, str], match: str) -> None:
    hindrance = ENGINE.hindrance(VoiceNeed("pt-BR", False, SpeechServiceSettings(**own)))
    assert pytest.raises(DubkitError, match=match).matches(VoiceError(hindrance))


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ({"voices": "eve=woman"}, "voices"),
        ({"voices": "=male"}, "voices"),
        ({"parallel": 0}, "parallel"),
        ({"pcm_rate": 10}, "pcm_rate"),
    ],
)
def test_settings_that_cannot_be_are_refused(own: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingError, match=rf"speak\.openai-speech\.{name}"):
        SpeechServiceSettings(**own)


def test_the_dialect_decides_what_it_can() -> None:
    abilities = {
        name: ENGINE.with_settings(SpeechServiceSettings(dialect=name)).abilities  # type: ignore[arg-type]
        for name in ("auto", "openai", "kokoro-fastapi", "vllm-omni")
    }
    assert abilities == {
        "auto": ("clone", "style"),
        "openai": ("style",),
        "kokoro-fastapi": (),
        "vllm-omni": ("clone", "style"),
    }
