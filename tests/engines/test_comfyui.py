"""Clips by a ComfyUI server: what is sent and taken back, and every way in which a job can end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from dubkit.engines.comfyui import record
from dubkit.engines.comfyui.clip import make
from dubkit.engines.comfyui.failures import ServerAway
from dubkit.engines.comfyui.settings import ComfySettings
from dubkit.engines.engine import ClipMade, ClipOrder
from dubkit.errors import GeneratorError
from dubkit.host import Host
from dubkit.types import Fit
from tests.support import orders
from tests.support.comfy_server import ComfyServer

SIDE = 128


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ComfyServer]:
    with ComfyServer(tmp_path / "comfyui") as running:
        yield running
    assert running.mistakes == []


def settings(server: ComfyServer, **changes: Any) -> ComfySettings:
    base = ComfySettings(server.address, poll=0.2, time_limit=30.0, away_limit=5.0, timeout=10.0)
    return replace(base, **changes)


def order(
    server: ComfyServer, *, given: bool = False, rate: Fraction = Fraction(25), **changes: Any
) -> ClipOrder:
    asked = orders.order(17, rate=rate, given=given)
    return replace(
        asked,
        clip=replace(asked.clip, fit=Fit(SIDE // 2, SIDE // 2, 0, 0, SIDE // 2, SIDE // 2)),
        height=SIDE,
        width=SIDE,
        pictures=lambda: (_picture(number) for number in range(17)),
        settings=settings(server, **changes),
    )


def _picture(number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[..., 0] = 60 + 10 * number
    return image


def check_whole(made: ClipMade) -> None:
    """The stand-in moves red to green; pictures are in their order."""
    pictures = list(made.pictures)
    assert [picture.shape for picture in pictures] == [(SIDE, SIDE, 3)] * 17
    greens = [float(picture[..., 1].mean()) for picture in pictures]
    assert all(abs(green - (60 + 10 * number)) < 4.9 for number, green in enumerate(greens)), greens
    assert all(float(picture[..., 0].mean()) < 8 for picture in pictures)


def sent(server: ComfyServer) -> list[dict[str, Any]]:
    """Return the nodes of the only graph that was sent."""
    (graph,) = server.graphs.values()
    return list(graph.values())


def node(server: ComfyServer, kind: str) -> dict[str, Any]:
    return next(entry["inputs"] for entry in sent(server) if entry["class_type"] == kind)


# --- what is made ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("preset", "recipe"), [("full", "lip-dub"), ("preview", "lip-dub"), ("distilled", "image")]
)
def test_every_preset_and_recipe_makes_the_clip_that_was_ordered(
    server: ComfyServer, preset: str, recipe: str
) -> None:
    made = make(order(server, preset=preset, recipe=recipe))
    pictures = list(made.pictures)
    assert [picture.shape for picture in pictures] == [(SIDE, SIDE, 3)] * 17
    assert made.sound.shape == (1, round(17 / 25 * made.sound_rate))
    assert float(np.abs(made.sound).max()) > 0.1
    assert [told.code for told in made.remarks] == (["clip-enlarged"] if preset == "preview" else [])


def test_a_lip_dub_is_the_source_in_its_order_with_a_voice_of_its_own(server: ComfyServer) -> None:
    asked = order(server)
    made = make(asked)
    check_whole(made)
    assert made.sound_rate == 48_000
    assert abs(float(np.correlate(made.sound[0][:9600], asked.sound[0][:9600])[0])) < 60, "it is the source's"
    assert node(server, "CLIPTextEncode")["text"] == "A prompt."
    assert node(server, "RandomNoise")["noise_seed"] == 42


def test_given_speech_is_followed_and_comes_back_as_it_was(server: ComfyServer) -> None:
    asked = order(server, given=True)
    made = make(asked)
    check_whole(made)
    assert made.sound is asked.given
    (heard,) = (server.folder / "input" / "dubkit").glob("*.wav")
    assert soundfile.info(heard).channels == 2, "as the model's own sound has"
    assert {"SolidMask", "SetLatentNoiseMask"} <= {entry["class_type"] for entry in sent(server)}
    assert not any(entry["class_type"] == "SaveAudio" for entry in sent(server))


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25, 2)])
def test_a_fractional_rate_stays_what_it_is(server: ComfyServer, rate: Fraction) -> None:
    made = make(order(server, rate=rate))
    check_whole(made)
    assert made.sound.shape[1] == round(17 / rate * made.sound_rate)
    assert node(server, "LTXVConditioning")["frame_rate"] == float(rate)
    assert node(server, "CreateVideo")["fps"] == float(rate)
    sound = node(server, "LTXVEmptyLatentAudio")
    seconds = Fraction(sound["frames_number"], sound["frame_rate"])
    assert 0 <= seconds - 17 / rate < Fraction(1, sound["frame_rate"])


def test_a_newer_server_gets_the_rate_of_the_sound_as_a_fraction(server: ComfyServer) -> None:
    told = server.nodes["LTXVEmptyLatentAudio"]["input"]["required"]["frame_rate"]
    told[0] = "FLOAT,INT"
    make(order(server, rate=Fraction(24000, 1001)))
    sound = node(server, "LTXVEmptyLatentAudio")
    assert (sound["frames_number"], sound["frame_rate"]) == (17, 24000 / 1001)


@pytest.mark.parametrize(
    ("key", "suffix"),
    [("gifs", ".mp4"), ("videos", ".mkv"), ("clips", ".mov")],
)
def test_a_film_is_found_under_any_name_and_in_any_container(
    server: ComfyServer, key: str, suffix: str
) -> None:
    server.faults.key, server.faults.suffix = key, suffix
    check_whole(make(order(server)))


def test_progress_is_told_and_never_goes_back(server: ComfyServer) -> None:
    server.faults.step = 0.05
    shares: list[float] = []
    make(replace(order(server), advance=shares.append))
    assert shares == sorted(shares)
    assert len(set(shares)) > 8
    assert 0.9 < shares[-1] <= 1.0


# --- events ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [{"no_socket": True}, {"silent_socket": True}, {"drops_sockets": 9}], ids=lambda f: next(iter(f))
)
def test_a_clip_is_made_without_events_too(server: ComfyServer, fault: dict[str, Any]) -> None:
    for name, value in fault.items():
        setattr(server.faults, name, value)
    server.faults.step = 0.1
    check_whole(make(order(server)))


def test_a_clip_is_made_where_the_package_of_websockets_is_missing(
    server: ComfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    shares: list[float] = []
    check_whole(make(replace(order(server), advance=shares.append)))
    assert shares == []
    assert server.calls["GET ws"] == 0


def test_with_events_the_end_of_a_job_is_seen_at_once(server: ComfyServer) -> None:
    began = time.monotonic()
    make(order(server, poll=20.0))
    assert time.monotonic() - began < 10


# --- failures ----------------------------------------------------------------------------------

FAILURES = [
    (
        {
            "fails_at": {
                "SamplerCustomAdvanced": ("torch.OutOfMemoryError", "Allocation on device. TIPS: much")
            }
        },
        "SamplerCustomAdvanced ran out of memory.\nSet dub.comfyui.preset to preview",
    ),
    (
        {"fails_at": {"VAEDecodeTiled": ("torch.AcceleratorError", "CUDA error: out of memory")}},
        "VAEDecodeTiled ran out of memory",
    ),
    (
        {
            "fails_at": {
                "CheckpointLoaderSimple": ("safetensors._safetensors_rust.SafetensorError", "HeaderTooSmall")
            }
        },
        "CheckpointLoaderSimple cannot read its model file (HeaderTooSmall).",
    ),
    ({"fails_at": {"CreateVideo": ("builtins.TypeError", "no images")}}, "CreateVideo: TypeError: no images"),
    ({"spoils_one_result": True}, "fps is 500, which is too large."),
    ({"cuts_size": True}, "made clip c0001 in 96x128, and was asked for 128x128."),
    ({"cuts_frames": True}, "made 9 frames of clip c0001, and was asked for 17."),
    ({"half_file": True}, "made a file for clip c0001 that cannot be read"),
    ({"gone": True}, "says that clip c0001 is made, and does not give it"),
    ({"silent_ids": True}, "does not keep the ids of jobs."),
]


@pytest.mark.parametrize(("faults", "message"), FAILURES, ids=[str(faults)[:40] for faults, _ in FAILURES])
def test_a_failure_says_what_it_was_and_leaves_nothing_in_the_queue(
    server: ComfyServer, faults: dict[str, Any], message: str
) -> None:
    for name, value in faults.items():
        setattr(server.faults, name, value)
    with pytest.raises(GeneratorError) as raised:
        make(order(server))
    assert message in str(raised.value)
    assert str(raised.value).count("\n") >= 1, "the next step is missing"
    assert wait_until(lambda: not server.pending and server.running is None)


def wait_until(true: Any, seconds: float = 5.0) -> bool:
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        if true():
            return True
        time.sleep(0.02)
    return False


def test_after_a_failure_the_same_order_is_made_by_a_new_job(server: ComfyServer) -> None:
    server.faults.fails_at = {"VAEDecodeTiled": ("torch.OutOfMemoryError", "")}
    with pytest.raises(GeneratorError):
        make(order(server))
    server.faults.fails_at = {}
    check_whole(make(order(server)))
    assert len(set(server.ran)) == 2


def test_a_node_that_is_missing_is_named_with_its_package(server: ComfyServer) -> None:
    del server.nodes["LTXAddVideoICLoRAGuide"]
    with pytest.raises(GeneratorError, match="no node LTXAddVideoICLoRAGuide"):
        make(order(server))
    assert server.calls["POST prompt"] == 0


def test_a_model_that_is_missing_is_named_with_what_is_there(server: ComfyServer) -> None:
    told = server.nodes["LTXICLoRALoaderModelOnly"]["input"]["required"]["lora_name"][1]
    told["options"] = server.nodes["LoraLoaderModelOnly"]["input"]["required"]["lora_name"][0] = [
        "a.safetensors"
    ]
    with pytest.raises(GeneratorError) as raised:
        make(order(server))
    assert "- lip-dub IC-LoRA (its name holds lipdub): the server lists a.safetensors." in str(raised.value)
    assert "- distilled LoRA of LTX-2.3" in str(raised.value)
    assert server.calls["POST prompt"] == 0


def test_a_wrong_type_is_refused_before_anything_is_sent(server: ComfyServer) -> None:
    server.nodes["LTXVAudioVAELoader"]["output"] = ["AUDIO_VAE"]
    with pytest.raises(GeneratorError, match="audio_vae takes VAE, not AUDIO_VAE"):
        make(order(server))
    assert server.calls["POST upload"] == 0


def test_what_the_server_refuses_is_told_in_sentences(server: ComfyServer) -> None:
    asked = order(server)
    fps = server.nodes["CreateVideo"]["input"]["required"]["fps"][1]
    original = server._object_info

    async def then_change(request: Any) -> Any:
        answer = await original(request)
        fps["max"] = 5.0
        return answer

    server._object_info = then_change  # type: ignore[method-assign]
    server.restart()
    with pytest.raises(GeneratorError, match=r"CreateVideo: its input fps is 25\.0, which"):
        make(asked)


def test_a_clip_larger_than_the_server_takes_is_not_sent(server: ComfyServer) -> None:
    server.largest = 3000
    with pytest.raises(GeneratorError, match="--max-upload-size"):
        make(order(server))


def test_an_answer_of_another_program_is_named(server: ComfyServer) -> None:
    server.nodes = {}
    with pytest.raises(GeneratorError, match="is no ComfyUI server"):
        make(order(server))


def test_a_server_that_is_down_may_come_back(server: ComfyServer) -> None:
    server.stop()
    with pytest.raises(ServerAway, match="was not reached in 4 attempts") as raised:
        make(order(server))
    assert raised.value.may_pass
    server.start()


def test_passing_trouble_is_waited_out(server: ComfyServer) -> None:
    server.faults.broken = 2
    check_whole(make(order(server)))


def test_a_file_that_comes_in_part_is_asked_for_again(server: ComfyServer) -> None:
    server.faults.truncates = 2
    check_whole(make(order(server)))


def test_a_file_that_never_comes_whole_is_a_failure(server: ComfyServer) -> None:
    server.faults.truncates = 99
    with pytest.raises(ServerAway, match="was not reached"):
        make(order(server))


def test_a_job_past_its_time_is_cancelled(server: ComfyServer) -> None:
    server.faults.step = 20.0
    with pytest.raises(GeneratorError, match="did not make clip c0001 within 1 s; its job is cancelled"):
        make(order(server, time_limit=1.0))
    assert server.interrupted


# --- lost and found ----------------------------------------------------------------------------


def test_a_lost_answer_sends_no_second_job(server: ComfyServer) -> None:
    server.faults.drops_answer, server.faults.step = 1, 0.2
    check_whole(make(order(server)))
    assert len(server.ran) == 1


def test_a_lost_job_is_sent_again(server: ComfyServer) -> None:
    server.faults.loses = 2
    check_whole(make(order(server)))
    assert len(server.ran) == 3
    assert len(set(server.ran)) == 1


def test_a_job_that_is_lost_again_and_again_is_a_failure_that_may_pass(server: ComfyServer) -> None:
    server.faults.loses = 99
    with pytest.raises(ServerAway, match="has lost the job of clip c0001 3 times"):
        make(order(server))
    assert len(server.ran) == 3


def test_a_server_that_is_started_again_in_mid_job_gets_it_again(server: ComfyServer) -> None:
    server.faults.step = 0.4
    results: list[ClipMade] = []
    thread = threading.Thread(target=lambda: results.append(make(order(server))))
    thread.start()
    assert wait_until(lambda: server.running is not None)
    server.restart()
    server.faults.step = 0.0
    thread.join(20)
    check_whole(results[0])
    assert len(server.ran) == 2


def test_a_run_that_was_killed_takes_the_job_that_it_left_behind(server: ComfyServer) -> None:
    make(order(server))
    check_whole(make(order(server)))
    assert len(server.ran) == 1, "the job that was done is not made again"


def test_files_of_a_job_that_the_server_forgot_are_used(server: ComfyServer) -> None:
    make(order(server))
    server.restart()
    check_whole(make(order(server)))
    assert len(server.ran) == 1


@pytest.mark.parametrize("suffix", ["mp4", "flac"])
def test_a_file_that_was_cut_off_when_the_server_ended_is_made_again(
    server: ComfyServer, suffix: str
) -> None:
    make(order(server))
    (file,) = (server.folder / "output" / "dubkit").glob(f"*.{suffix}")
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 4 // 5])
    server.restart()
    check_whole(make(order(server)))
    assert len(server.ran) == 2


def test_a_result_that_was_deleted_is_made_again(server: ComfyServer) -> None:
    make(order(server))
    for file in (server.folder / "output" / "dubkit").iterdir():
        file.unlink()
    check_whole(make(order(server)))
    assert len(set(server.ran)) == 2, "a job of its own, so that the server saves again"


def test_stopping_stops_the_job(server: ComfyServer) -> None:
    server.faults.step = 20.0

    def stop(_share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(replace(order(server), advance=stop))
    assert server.interrupted == set(server.ran)


def test_a_job_that_is_stopped_on_the_server_says_so(server: ComfyServer) -> None:
    server.faults.step = 0.3

    def stop(_share: float) -> None:
        server.interrupted.update(server.ran)

    with pytest.raises(GeneratorError, match="Clip c0001 was stopped on the ComfyUI"):
        make(replace(order(server), advance=stop))


def test_the_same_order_gives_the_same_bytes_and_another_seed_another_job(server: ComfyServer) -> None:
    first, second = make(order(server)), make(order(server))
    assert all(np.array_equal(a, b) for a, b in zip(first.pictures, second.pictures, strict=True))
    assert np.array_equal(first.sound, second.sound)
    make(replace(order(server), seed=43))
    assert len(set(server.ran)) == 2


# --- what doctor and plan say ------------------------------------------------------------------


class Asked(Host):
    def __init__(self, own: ComfySettings) -> None:
        self.own = own

    def table(self, name: str, section: type[Any]) -> Any:
        assert name == "dub.comfyui"
        return self.own


def test_without_an_address_no_server_is_looked_for() -> None:
    assert record.ENGINE.hindrance(Asked(ComfySettings())).startswith("no ComfyUI server is named")


def test_the_hindrance_is_what_is_missing_on_the_server(
    server: ComfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Asked(settings(server))
    assert record.ENGINE.hindrance(host) == ""
    monkeypatch.setattr(record, "_ASKED", {})
    del server.nodes["LTXVSetAudioRefTokens"]
    assert "no node LTXVSetAudioRefTokens" in record.ENGINE.hindrance(host)
    assert record.ENGINE.require is not None
    with pytest.raises(GeneratorError, match="no node LTXVSetAudioRefTokens"):
        record.ENGINE.require(host)


def test_a_server_that_can_work_is_asked_once(server: ComfyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "_ASKED", {})
    host = Asked(settings(server))
    for _ in range(3):
        assert record.ENGINE.hindrance(host) == ""
    assert server.calls["GET object_info"] == 1
