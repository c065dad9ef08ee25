"""Every graph sent to a server: what is made, what is taken and fails, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import comfyui
from tests.support.comfy_server import ComfyServer


def test_every_graph_is_made_taken_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comfyui, "RECIPES", ("lip-dub",))
    monkeypatch.setattr(comfyui, "PRESETS", ("distilled",))
    with ComfyServer(tmp_path) as server:
        arguments = [server.address, "--size", "128"]
        assert comfyui.main(arguments) == 0
        assert capsys.readouterr().out.count("made  ") == 2
        broken = ("safetensors._safetensors_rust.SafetensorError", "HeaderTooSmall")
        server.faults.fails_at = {"CheckpointLoaderSimple": broken}
        server.restart()
        for file in (server.folder / "output" / "dubkit").iterdir():
            file.unlink()
        assert comfyui.main(arguments) == 0
        assert capsys.readouterr().out.count("cannot read its model file") == 2
        del server.nodes["LTXVSetAudioRefTokens"]
        assert comfyui.main(arguments) == 1
        assert capsys.readouterr().out.count("refused ") == 1, "the one whose voice is made"
    assert server.mistakes == []
