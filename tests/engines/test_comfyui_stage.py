"""A run with a ComfyUI server: every way in which its clips can end, and that nothing half-made is kept."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from os import killpg
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from benchmarks.killtest import differences
from dubkit.chain.chain import Chain, Request
from dubkit.chain.run import Outcome, execute
from dubkit.config import Settings
from dubkit.engines.comfyui.settings import ComfySettings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.media.files.probe import probe
from dubkit.models.store import ModelStore
from dubkit.progress import Silent, Speeds
from dubkit.types import SAMPLE_RATE, Clip, Clips, Fit, Line, LineRoute, Segment, Transcript, Translation
from stages.render import STAGE
from tests.support.clips import write_film
from tests.support.comfy_server import ComfyServer
from tests.support.desks import Desk
from tests.support.paths import SAMPLE

FIT = Fit(64, 64, 0, 0, 64, 64)
CLIPS = (
    Clip("c0001", "shot001", 0, 9, 9, 0, 9, ("s0001",), "A prompt.", FIT),
    Clip("c0002", "shot001", 9, 9, 9, 9, 18, ("s0002",), "Another prompt.", FIT),
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ComfyServer]:
    with ComfyServer(tmp_path / "comfyui") as running:
        yield running
    assert running.mistakes == []


@pytest.fixture
def context(tmp_path: Path, server: ComfyServer) -> Context:
    film = write_film(tmp_path / "film.mp4", 20)
    store = EpisodeStore(tmp_path / "film")
    episode = probe(film)
    store.write_json("episode.json", episode)
    soundfile.write(store.path("audio.wav"), np.zeros((episode.samples, 1)), SAMPLE_RATE, subtype="PCM_24")
    segments = (Segment("s0001", 0.1, 0.3, "spk1", "Hello."), Segment("s0002", 0.4, 0.6, "spk1", "Bye."))
    store.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
    lines = (Line("s0001", "Salut."), Line("s0002", "Adieu."))
    store.write_json("translation.json", Translation("fr", lines), "fr")
    routes = tuple(LineRoute(line.id, "lipdub", "a face speaks") for line in lines)
    store.write_json("clips.json", Clips("comfyui", CLIPS, routes), "fr")
    own = ComfySettings(server.address, poll=0.1, time_limit=3.0, away_limit=1.0, timeout=5.0)
    settings = Settings(engine="comfyui", tables=(("dub.comfyui", own),))
    return Context(store, settings, film, "0" * 64, ModelStore(tmp_path / "models"), "fr")


def render(context: Context) -> Outcome:
    return execute(Chain((replace(STAGE, needs=()),)), context, Request(("fr",)), Silent(), Speeds())


def takes(context: Context) -> list[str]:
    """Return every file below the takes of the episode."""
    folder = context.store.path("takes", "fr")
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


WHOLE = [f"c000{n}/v001/{name}" for n in (1, 2) for name in ("picture.mkv", "sound.wav", "take.json")]


def test_clips_become_takes_and_are_not_made_again(context: Context, server: ComfyServer) -> None:
    outcome = render(context)
    assert (outcome.ran, outcome.exit_code) == ({"render": 2}, 0)
    assert takes(context) == WHOLE
    assert render(context.fresh()).ran == {}
    assert len(server.ran) == 2


def test_the_negative_prompt_and_the_preset_make_clips_anew_and_the_address_does_not(
    context: Context, server: ComfyServer
) -> None:
    render(context)
    (_, own) = context.settings.tables[0]
    settings = context.settings
    for changed, ran in (
        (replace(settings, tables=(("dub.comfyui", replace(own, time_limit=9.0, key="k")),)), {}),
        (replace(settings, dub=replace(settings.dub, negative_prompt="fog")), {"render": 2}),
        (replace(settings, tables=(("dub.comfyui", replace(own, preset="preview")),)), {"render": 2}),
    ):
        context.settings = changed
        assert render(context.fresh()).ran == ran


TROUBLES: list[tuple[dict[str, Any], str]] = [
    (
        {"fails_at": {"VAEDecodeTiled": ("torch.OutOfMemoryError", "Allocation on device")}},
        "ran out of memory",
    ),
    ({"spoils_one_result": True}, "does not take the graph of the clip"),
    ({"loses": 99}, "has lost the job of clip c0001 3 times"),
    ({"half_file": True}, "cannot be read"),
    ({"step": 4.5}, "within 3 s; its job is cancelled"),
]


@pytest.mark.parametrize(("faults", "message"), TROUBLES, ids=[message for _, message in TROUBLES])
def test_trouble_is_a_failed_clip_with_its_reason_and_no_take(
    context: Context,
    server: ComfyServer,
    monkeypatch: pytest.MonkeyPatch,
    faults: dict[str, Any],
    message: str,
) -> None:
    monkeypatch.setattr("dubkit.services.waiting._FIRST", 0.01)
    for name, value in faults.items():
        setattr(server.faults, name, value)
    clips = context.clips
    context.store.write_json("clips.json", replace(clips, clips=clips.clips[:1]), "fr")
    outcome = render(context.fresh())
    assert outcome.exit_code == 3
    assert list(outcome.stages[0].failed) == ["c0001"]
    assert message in outcome.stages[0].failed["c0001"]
    assert takes(context) == []
    server.faults = type(server.faults)()
    again = render(context.fresh())
    assert (again.ran, again.exit_code) == ({"render": 1}, 0)
    assert takes(context) == WHOLE[:3]


def test_a_clip_that_fails_leaves_the_others(context: Context, server: ComfyServer) -> None:
    def fail_once() -> None:
        server.faults.fails_at = {} if server.ran else {"CreateVideo": ("builtins.ValueError", "no")}

    original = server._features

    async def features(request: Any) -> Any:
        fail_once()
        return await original(request)

    server._features = features  # type: ignore[method-assign]
    server.restart()
    outcome = render(context)
    assert list(outcome.stages[0].failed) == ["c0001"]
    assert takes(context) == WHOLE[3:]


# --- whole dubs --------------------------------------------------------------------------------


def _arguments(server: ComfyServer) -> list[str]:
    return [
        *(
            str(SAMPLE),
            "--to",
            "pt-BR",
            "--engine",
            "comfyui",
            "--set",
            f"dub.comfyui.address={server.address}",
        ),
        *("--set", "dub.size=64", "--set", "dub.comfyui.poll=0.5"),
    ]


@pytest.mark.slow
def test_a_killed_dub_ends_with_the_same_bytes(
    unheard_sample: Desk, tmp_path: Path, server: ComfyServer
) -> None:
    whole, killed = (unheard_sample.copy(tmp_path / name) for name in ("whole", "killed"))
    assert whole.run(*_arguments(server))["exit_code"] == 0
    jobs = len(server.ran)
    server.restart()
    shutil.rmtree(server.folder / "output")
    server.faults.step = 3.0
    with killed.start("run", *_arguments(server)) as process:
        over = time.monotonic() + 300
        while server.running is None and process.poll() is None and time.monotonic() < over:
            time.sleep(0.05)
        killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert server.running is not None, "it was killed while the server worked"
    server.faults.step = 0.0
    assert killed.run(*_arguments(server))["exit_code"] == 0
    assert len(server.ran) == 2 * jobs, "the job that was left behind was waited for, not made again"
    assert differences(whole.folder / "Output", killed.folder / "Output") == ()


@pytest.mark.slow
def test_plan_and_doctor_say_what_is_missing_on_the_server(tmp_path: Path, server: ComfyServer) -> None:
    del server.nodes["LTXVSetAudioRefTokens"]
    desk = Desk(tmp_path, tmp_path / "cache")
    planned = desk.dubkit("plan", *_arguments(server))
    assert planned.returncode == 1
    assert "has no node LTXVSetAudioRefTokens" in planned.stderr
    examined = desk.dubkit("doctor", COMFY_URL=server.address)
    assert "install ComfyUI-LTXVideo" in " ".join(examined.stdout.split())
