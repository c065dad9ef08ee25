"""The benchmark of the generator's stages takes out what is not the chain's, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import generator


def test_a_call_within_a_call_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(generator.time, "perf_counter", lambda: now[0])
    clock = generator.Clock()

    def inner() -> None:
        now[0] += 1.0

    timed = clock.wrap(inner)

    def outer() -> None:
        timed()
        now[0] += 2.0

    clock.wrap(outer)()
    timed()
    assert clock.seconds == 4.0


def test_everything_that_is_taken_out_exists_and_is_put_back() -> None:
    from dubkit.dubbing.clip import encode
    from dubkit.dubbing.diffusion import parts

    before = encode.encode_clip, parts.Checkpoint
    with generator.timed(generator.Clock()):
        assert encode.encode_clip is not before[0]
        assert issubclass(parts.Checkpoint, before[1])
    assert (encode.encode_clip, parts.Checkpoint) == before


def test_a_missing_clip_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        generator.main([str(tmp_path / "no.mp4")])
    assert stopped.value.code == 2
    assert "no.mp4: no such file" in capsys.readouterr().err
