"""What is decided before anything heavy is opened: the pipeline and why, sizes, windows, files."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from dubkit.dubbing.clip.media import ClipMedia, GivenWave
from dubkit.dubbing.diffusion.parts import GeneratorUnfit
from dubkit.errors import DubkitError, MediaError, ModelMissing
from dubkit.generation import (
    PIPELINES,
    FilmFiles,
    FilmOrder,
    FilmParts,
    FilmStill,
    LoRA,
    TimeRange,
    film_files,
    plan_film,
)
from dubkit.generation.film import FrameStore
from dubkit.generation.plan import choose, is_ic_lora
from dubkit.generation.sizes import longest_window, windows_of
from dubkit.generation.sounds import joined
from dubkit.models.catalogue_generator import GENERATOR, in_folder
from dubkit.models.store import ModelStore
from dubkit.models.tiny.files import NAMES
from tests.generation.conftest import picture

RATE = Fraction(24)
SOUND = GivenWave(torch.zeros(2, 48_000), 48_000)
CLIP = ClipMedia(torch.zeros(9, 64, 64, 3, dtype=torch.uint8), None, 48_000, RATE, 9)
TWO = FilmStill(picture(1)), FilmStill(picture(2), 8)


@pytest.fixture
def ic_lora(weights: Path) -> LoRA:
    return LoRA(weights / NAMES["2"]["dubbing"])


@pytest.mark.parametrize(
    ("parts", "frames", "name", "why"),
    [
        ({}, 121, "two-stages", "Nothing asks"),
        ({"stills": TWO[:1]}, 121, "two-stages", "Nothing asks"),
        ({"stills": TWO}, 121, "keyframes", "2 different frames"),
        ({"stills": TWO}, 999, "keyframes", "2 different frames"),
        ({}, 481, "chained", "481 frames are more than the 473"),
        ({"source": CLIP}, 50, "chained", "goes on from a clip"),
        ({"audio": SOUND, "stills": TWO}, 121, "audio", "The sound is given"),
        ({"source": CLIP, "retake": TimeRange(0.1, 0.2)}, 9, "retake", "time range"),
    ],
)
def test_the_pipeline_follows_from_what_is_given(
    parts: dict[str, Any], frames: int, name: str, why: str
) -> None:
    pipeline, reason = choose(FilmOrder("x", **parts), (), frames, longest_window(RATE), RATE)
    assert pipeline is PIPELINES[name]
    assert why in reason


def test_a_reference_clip_or_an_ic_lora_chooses_ic_lora(ic_lora: LoRA, weights: Path) -> None:
    assert is_ic_lora(ic_lora.path)
    assert not is_ic_lora(weights / NAMES["2"]["distilled"])
    pipeline, why = choose(FilmOrder("x", reference=CLIP), [ic_lora], 9, 473, RATE)
    assert (pipeline.name, why) == ("ic-lora", "There is a reference clip.")
    with pytest.raises(GeneratorUnfit, match="is an IC-LoRA"):
        choose(FilmOrder("x"), [ic_lora], 9, 473, RATE)
    with pytest.raises(GeneratorUnfit, match="none is given"):
        choose(FilmOrder("x", reference=CLIP), [], 9, 473, RATE)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({"height": 100, "width": 64}, "height of two-stages is a multiple of 64, not 100; try 128"),
        ({"height": 64, "width": 96}, "width of two-stages is a multiple of 64, not 96; try"),
        ({"pipeline": "one-stage", "height": 30, "width": 32}, "multiple of 32, not 30; try 64"),
        ({"pipeline": "one-stage", "height": 64, "width": 32}, "width of one-stage is at least 64, not 32"),
        ({"frames": 30}, "8k\\+1, not 30; 33 is the nearest"),
        ({"frames": 28}, "8k\\+1, not 28; 25 is the nearest"),
        ({"frames": 0}, "at least 1 frame"),
        ({"window": 20}, "longest window is 8k\\+1, not 20; 17 is the nearest"),
        ({"overlap": 12}, "overlap is 8k\\+1, not 12"),
        ({"window": 9, "overlap": 9}, "leaves none to make"),
        ({"pipeline": "three-stages"}, "There is no pipeline 'three-stages'; there is auto, two-stages"),
        ({"pipeline": "keyframes"}, "keyframes needs at least one still"),
        ({"pipeline": "audio"}, "audio needs a sound file"),
        ({"pipeline": "retake"}, "retake needs a clip and a time range"),
        ({"retake": TimeRange(0, 1)}, "no clip is given"),
        ({"source": CLIP, "retake": TimeRange(2.0, 3.0)}, "2 to 3 s is not within the clip's 0.38 s"),
        ({"source": CLIP, "retake": TimeRange(0.2, 0.1)}, "not within the clip"),
        ({"source": CLIP, "retake": TimeRange(0.1, 0.2, False, False)}, "Neither picture nor sound"),
        ({"source": CLIP, "retake": TimeRange(0.1, 0.2), "frames": 17}, "The clip has 9 frames"),
        ({"source": CLIP, "audio": SOUND}, "Leave out the clip or the sound"),
        ({"source": CLIP, "double_rate": True}, "cannot be doubled"),
        ({"audio_start": 1.0}, "audio_start is 1.0"),
        ({"frames": 9, "stills": (FilmStill(picture(1), 9),)}, "frame 9, and the film makes frames 0 to 8"),
        ({"source": CLIP, "frames": 8, "stills": (FilmStill(picture(1), 3),)}, "makes frames 9 to 16"),
        ({"stills": (TWO[0], TWO[0])}, "2 stills are for frame 0"),
        ({"stills": (FilmStill(picture(1), 0, 1.5),)}, "strength is 1.5"),
        ({"guidance": 2.0, "pipeline": "distilled"}, "take no guidance"),
        ({"steps": 0}, "0 steps"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    files: FilmFiles, order: dict[str, Any], message: str
) -> None:
    with pytest.raises(DubkitError, match=message):
        plan_film(FilmOrder("x", **order), FilmParts(files, "cpu"))


def test_a_picture_that_is_none_and_a_missing_file_are_named(files: FilmFiles, tmp_path: Path) -> None:
    (tmp_path / "still.png").write_text("no picture")
    parts = FilmParts(files, "cpu")
    with pytest.raises(MediaError, match=r"still\.png"):
        plan_film(FilmOrder("x", stills=(FilmStill(tmp_path / "still.png"),)), parts)
    with pytest.raises(ModelMissing, match="No checkpoint at /nowhere"):
        FilmParts(replace(files, checkpoint=Path("/nowhere")), "cpu")
    with pytest.raises(ModelMissing, match="No temporal upsampler at /nowhere"):
        FilmParts(replace(files, temporal=Path("/nowhere")), "cpu")
    with pytest.raises(ModelMissing, match="No LoRA at /nowhere"):
        plan_film(FilmOrder("x", loras=(LoRA(Path("/nowhere")),)), parts)


def test_sizes_and_lengths_follow_from_what_is_given(files: FilmFiles, ic_lora: LoRA) -> None:
    parts = FilmParts(files, "cpu")
    usual = plan_film(FilmOrder("x"), parts)
    assert (usual.height, usual.width, usual.rate, usual.frames) == (1024, 1536, RATE, 121)
    one = plan_film(FilmOrder("x", pipeline="one-stage"), parts)
    assert (one.height, one.width) == (512, 768)
    wide = plan_film(FilmOrder("x", stills=(FilmStill(picture(1, 90, 160)),)), parts)
    assert wide.width / wide.height == pytest.approx(16 / 9, rel=0.05)
    half = plan_film(FilmOrder("x", height=512), parts)
    assert (half.height, half.width) == (512, 768)
    heard = plan_film(FilmOrder("x", audio=SOUND), parts)
    assert heard.frames == 25  # one second at 24, on the grid
    followed = plan_film(FilmOrder("x", reference=CLIP, loras=(ic_lora,)), parts)
    assert (followed.frames, followed.rate, followed.height) == (9, RATE, followed.width)


@pytest.mark.parametrize("frames", [1, 16, 17, 18, 25, 26, 100, 473, 474])
@pytest.mark.parametrize(("longest", "overlap"), [(17, 9), (17, 1), (33, 17)])
@pytest.mark.parametrize("there", [0, 1, 12])
def test_windows_cover_each_frame_once(frames: int, longest: int, overlap: int, there: int) -> None:
    windows, covered = windows_of(there, there + frames, longest, overlap), there
    for window in windows:
        assert window.frames % 8 == 1
        assert window.frames <= longest
        assert window.start + window.overlap == covered
        assert window.overlap <= overlap
        covered = window.start + window.frames
    assert there + frames <= covered < there + frames + 8


def test_the_store_gives_full_precision_before_8_bit_and_distilled_where_it_is_asked_for(
    weights: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for path in weights.iterdir():
        (folder / path.name).symlink_to(path)

    def found(pipeline: str = "auto") -> FilmFiles:
        store = ModelStore(tmp_path / "cache", in_folder(folder), offline=True, catalogue=GENERATOR)
        return film_files(store, pipeline)

    files = found("distilled")
    assert (files.checkpoint.name, files.distilled) == ("ltx-2-19b-dev.safetensors", None)
    assert files.temporal is not None
    for name in ("ltx-2-19b-distilled-fp8", "ltx-2-19b-distilled"):
        (folder / f"{name}.safetensors").symlink_to(weights / NAMES["2"]["checkpoint"])
        assert found("distilled").checkpoint.name == f"{name}.safetensors"
    assert found("distilled").distilled is True
    assert found().checkpoint.name == "ltx-2-19b-dev.safetensors"
    for name in ("checkpoint", "float8"):
        (folder / NAMES["2"][name]).unlink()
    assert found().checkpoint.name == "ltx-2-19b-distilled.safetensors"
    (folder / NAMES["2"]["temporal"]).unlink()
    assert found().temporal is None


def test_two_sounds_are_joined_without_a_gap_or_a_sample_too_many() -> None:
    before, after = torch.ones(2, 100), torch.full((2, 80), 3.0)
    whole = joined(before, after, 60, 30, 10)
    assert whole.shape == (2, 60 + 80)
    assert whole[0, :80].eq(1).all()
    assert whole[0, 90:].eq(3).all()
    assert whole[0, 80:90].diff().gt(0).all()
    assert torch.equal(joined(before[:, :60], after, 60, 0, 10), torch.cat([before[:, :60], after], dim=1))
    assert torch.equal(joined(torch.zeros(2, 0), after, 0, 0, 10), after)


def test_pictures_are_kept_in_order_and_read_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dubkit.generation.film.IN_MEMORY", 10)
    store, shown = FrameStore(), torch.randint(0, 255, (7, 4, 6, 3), dtype=torch.uint8)
    for piece in torch.split(shown, 3):
        store.append(piece)
    assert torch.equal(store.read(2, 6), shown[2:6])
    assert (len(store), store.size) == (7, (4, 6))
    assert store.read(3, 3).shape == (0, 4, 6, 3)
    with pytest.raises(ValueError, match="7 frames"):
        store.read(5, 9)
    with pytest.raises(ValueError, match="do not follow"):
        store.append(shown[:, :2])
