"""The loudness of shifted lines is worked out from one filtering, and equals that of the rendered mix."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from dubkit.media.sound.audio import write_wav
from dubkit.media.sound.line_loudness import LineLoudness
from dubkit.media.sound.scene import MixRules, Placement, Scene
from dubkit.media.sound.settings import Mix
from dubkit.types import SAMPLE_RATE


def made_scene(stack: ExitStack, folder: Path, level: float) -> Scene:
    """Two lines of noise over a softer noise, six seconds long."""
    random = np.random.default_rng(3)
    source, speech = folder / "source.wav", folder / "speech.wav"
    write_wav(source, 0.02 * random.standard_normal((6 * SAMPLE_RATE, 2)), SAMPLE_RATE)
    write_wav(speech, np.clip(level * random.standard_normal(SAMPLE_RATE), -1, 1), SAMPLE_RATE)
    starts = (SAMPLE_RATE, 3 * SAMPLE_RATE)
    lines = [Placement(f"s{at}", speech, at, (at, at + SAMPLE_RATE), "a") for at in starts]
    return Scene(stack, source, lines, Mix(), MixRules(), "stereo", None)


@pytest.mark.parametrize(("level", "limited"), [(0.05, False), (0.5, True)])
def test_shifted_lines_are_as_loud_as_when_they_are_rendered(
    tmp_path: Path, level: float, limited: bool
) -> None:
    with ExitStack() as stack:
        scene = made_scene(stack, tmp_path, level)
        gains = {line.id: float(number) for number, line in enumerate(scene.lines)}
        lines = LineLoudness(scene, gains)
        for shift in (-3.0, 0.0, 4.0):
            rendered = scene.heard({line: gain + shift for line, gain in gains.items()})
            assert lines.at(shift) == pytest.approx(rendered, abs=1e-9)
            shifted = {line: gain + shift for line, gain in gains.items()}
            assert lines.whole(shift) == pytest.approx(scene.heard(shifted, (0, scene.samples)), abs=1e-9)
        assert (scene.reduction_db > 0) is limited


def test_quiet_lines_are_filtered_once_for_all_shifts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        scene = made_scene(stack, tmp_path, 0.05)
        lines = LineLoudness(scene, {line.id: 0.0 for line in scene.lines})
        monkeypatch.setattr(scene, "energies", lambda *_: pytest.fail("a span was rendered again"))
        monkeypatch.setattr(scene, "render", lambda *_: pytest.fail("a span was rendered"))
        monkeypatch.setattr(scene, "under", lambda *_: pytest.fail("a span was read again"))
        assert lines.at(2.0) != lines.at(0.0)
        assert lines.whole(2.0) != lines.whole(0.0)


def test_only_what_a_limiter_may_change_is_rendered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        scene = made_scene(stack, tmp_path, 0.5)
        lines = LineLoudness(scene, {line.id: 0.0 for line in scene.lines})
        render, rendered = scene.render, 0

        def count(gains: dict[str, float], start: int, end: int) -> object:
            nonlocal rendered
            rendered += end - start
            return render(gains, start, end)

        monkeypatch.setattr(scene, "render", count)
        whole = lines.whole(0.0)
        assert 2 * SAMPLE_RATE < rendered < 0.75 * scene.samples
        assert whole == pytest.approx(scene.heard({line.id: 0.0 for line in scene.lines}, (0, scene.samples)))


def test_a_source_shorter_than_a_block_is_measured_as_a_whole(tmp_path: Path) -> None:
    source, speech = tmp_path / "source.wav", tmp_path / "speech.wav"
    write_wav(source, 0.02 * np.ones((SAMPLE_RATE // 4, 1)) * np.resize([1, -1], (12000, 1)), SAMPLE_RATE)
    write_wav(speech, np.random.default_rng(1).normal(0, 0.05, SAMPLE_RATE // 8), SAMPLE_RATE)
    with ExitStack() as stack:
        line = Placement("s1", speech, 1000, (1000, 6000))
        scene = Scene(stack, source, [line], Mix(), MixRules(), "mono", None)
        lines = LineLoudness(scene, {"s1": 0.0})
        assert lines.whole(3.0) == pytest.approx(scene.heard({"s1": 3.0}, (0, scene.samples)), abs=1e-9)
        assert lines.at(3.0) == pytest.approx(scene.heard({"s1": 3.0}), abs=1e-9)


def test_spans_that_overlap_are_as_loud_as_when_each_is_filtered(tmp_path: Path) -> None:
    from dubkit.media.sound.loudness import block_energies, sums_of_spans

    sound = np.random.default_rng(2).normal(0, 0.1, (5 * SAMPLE_RATE, 2))
    spans = [(0, len(sound)), (100, 60_000), (30_000, 150_003), (150_003, 151_000), (200_000, 230_000)]
    weights = (1.0, 1.41)
    together = sums_of_spans(lambda a, b: sound[a:b], spans, SAMPLE_RATE, weights)
    for span in spans:
        alone = block_energies(lambda a, b: sound[a:b], span, SAMPLE_RATE, weights)
        assert together[span].energies() == pytest.approx(alone, rel=1e-12)


def test_the_source_is_filtered_once_for_each_span(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dubkit.media.sound import loudness

    with ExitStack() as stack:
        scene = made_scene(stack, tmp_path, 0.05)
        counted: list[tuple[int, int]] = []
        energies = loudness.block_energies

        def count(read: loudness.Read, span: loudness.Span, *more: object) -> object:
            counted.append(span)
            return energies(read, span, *more)  # type: ignore[arg-type]

        monkeypatch.setattr(loudness, "block_energies", count)
        spans = [line.source for line in scene.lines]
        assert scene.source_loudness(spans) is not None
        assert [scene.source_loudness([span]) is not None for span in spans] == [True, True]
        assert counted == spans
