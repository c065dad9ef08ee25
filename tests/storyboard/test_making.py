"""The film of a storyboard: what is made, made again, kept, and put together."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
import soundfile as sf  # type: ignore[import-untyped]
import torch
from PIL import Image

from dubkit.dubbing.enhance import Enhanced
from dubkit.dubbing.loras import content_digest
from dubkit.errors import DubkitError, EpisodeBusy
from dubkit.generation import Film, FilmOrder
from dubkit.generation.film import FrameStore
from dubkit.storyboard.folder import FilmFolder
from dubkit.storyboard.making import BoardFilm, Moment, ShotFailed, make_film
from dubkit.storyboard.planning import plan_shots
from dubkit.storyboard.reading import read_storyboard

BOARD = """\
height = 64
width = 96
rate = 25
frames = 9
[elements.ana]
trigger = "Ana"
look = "a woman of thirty"
still = "ana.png"
[[scenes]]
name = "pier"
shots = [{prompt = "The sea."}, {prompt = "Ana walks.", frames = 17}, {prompt = "She stops."}]
[[scenes]]
name = "inside"
shots = [{prompt = "Ana opens a door."}, {prompt = "It falls shut."}]
"""
IDS = ["pier-01", "pier-02", "pier-03", "inside-01", "inside-02"]
MODELS = {"checkpoint": "one"}
RATE = 24_000


class Maker:
    """Makes films of plain noise that depend on the whole order, and remembers the orders."""

    def __init__(self, stop_at: str = "") -> None:
        self.orders: list[FilmOrder] = []
        self.stop_at = stop_at

    def __call__(self, order: FilmOrder, parts: Any, progress: Any) -> Film:
        self.orders.append(order)
        if parts.enhancing is not None:
            parts.enhancing(Enhanced(order.prompt, order.prompt, "the answer is empty"))
        for step in ("text", "encode", "first stage", "second stage", "decode"):
            progress(step, 0, 2)
            if self.stop_at and self.stop_at in order.prompt and step == "second stage":
                raise KeyboardInterrupt
            progress(step, 2, 2)
        frames, start = order.frames or 0, b""
        for still in order.stills:
            assert isinstance(still.picture, Path)
            start += content_digest(still.picture).encode()
        seed = hash_of(order.prompt, order.seed, start)
        generator = torch.Generator().manual_seed(seed)
        store = FrameStore()
        small = torch.randint(0, 255, (frames, 8, 12, 3), generator=generator, dtype=torch.uint8)
        store.append(small.repeat_interleave(8, 1).repeat_interleave(8, 2))
        samples = int(frames * RATE / Fraction(25))
        wave = torch.full((2, samples), (seed % 7 + 1) / 16)
        return Film(store, wave, RATE, order.rate or Fraction(25), "stand-in", "It is a test.")


def hash_of(*values: Any) -> int:
    import hashlib

    return int.from_bytes(hashlib.sha256(repr(values).encode()).digest()[:4], "big")


class Desk:
    """A storyboard in a folder, and its film."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "Output" / "film.storyboard"
        self.path = folder / "film.toml"
        self.path.write_text(BOARD)
        Image.new("RGB", (96, 64), (200, 10, 10)).save(folder / "ana.png")

    def change(self, old: str, new: str) -> None:
        text = self.path.read_text()
        assert text.count(old) == 1
        self.path.write_text(text.replace(old, new))

    def make(self, maker: Maker | None = None, **options: Any) -> BoardFilm:
        self.maker = maker or Maker()
        parts: Any = SimpleNamespace(enhancing=None)
        models = options.pop("models", MODELS)
        return make_film(read_storyboard(self.path), self.root, parts, models, make=self.maker, **options)

    def record(self, shot: str) -> Any:
        return json.loads((self.root / "shots" / shot / "record.json").read_text())

    def files(self) -> dict[str, bytes]:
        found = (path for path in sorted(self.root.rglob("*")) if path.is_file() and path.name != ".lock")
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in found}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A storyboard with its film."""
    desk = Desk(tmp_path_factory.mktemp("finished"))
    assert desk.make().made == tuple(IDS)
    return desk


@pytest.fixture
def done(finished: Desk, tmp_path: Path) -> Desk:
    shutil.copytree(finished.folder, tmp_path, dirs_exist_ok=True)
    desk = Desk.__new__(Desk)
    desk.folder, desk.root, desk.path = tmp_path, tmp_path / "Output/film.storyboard", tmp_path / "film.toml"
    return desk


def test_each_shot_goes_on_from_the_last_true_frame_of_its_scene(finished: Desk) -> None:
    starts = [order.stills[0].picture if order.stills else None for order in finished.maker.orders]
    shots = finished.root / "shots"
    assert starts == [
        None,
        shots / "pier-01" / "last.png",
        shots / "pier-02" / "last.png",
        finished.folder / "ana.png",  # a new scene begins afresh, here with the element that it names
        shots / "inside-01" / "last.png",
    ]


def test_the_last_frame_is_kept_as_it_was_made(finished: Desk) -> None:
    film = Maker()(finished.maker.orders[0], SimpleNamespace(enhancing=None), lambda *_: None)
    kept = np.array(Image.open(finished.root / "shots/pier-01/last.png"))
    assert np.array_equal(kept, film.frame(-1).numpy())


def test_the_film_has_every_new_frame_once_and_sound_of_its_length(finished: Desk) -> None:
    expected = [9, 16, 8, 9, 8]
    assert [finished.record(shot)["frames"] for shot in IDS] == expected
    with av.open(str(finished.root / "film.mp4")) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.average_rate == 25
        assert audio.rate == RATE
        pictures = [(f.pts * f.time_base, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    assert [at for at, _ in pictures] == [Fraction(n, 25) for n in range(sum(expected))]
    single = []
    for shot in IDS:
        with av.open(str(finished.root / "shots" / shot / "shot.mp4")) as container:
            single += [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert all(np.array_equal(one, other) for (_, one), other in zip(pictures, single, strict=True))
    with av.open(str(finished.root / "film.mp4")) as container:
        heard = sum(frame.samples for frame in container.decode(audio=0))
    assert 0 <= heard - sum(expected) * RATE // 25 < 2048  # AAC has blocks of 1024 samples


def test_every_shot_has_its_own_sound_at_its_own_time(finished: Desk) -> None:
    from dubkit.storyboard.stitching import joined

    sounds = [finished.root / "shots" / shot / "sound.wav" for shot in IDS]
    counts = [finished.record(shot)["frames"] for shot in IDS]
    wave = joined(sounds, counts, Fraction(25))
    assert len(wave) == sum(counts) * RATE // 25
    begin = 0
    for path, count in zip(sounds, counts, strict=True):
        end = begin + count * RATE // 25
        own, _ = sf.read(path, dtype="float32")
        assert np.allclose(wave[(begin + end) // 2], own[len(own) // 2])
        begin = end


def test_records_say_how_each_shot_was_made_and_thumbnails_show_it(finished: Desk) -> None:
    record = finished.record("pier-02")
    assert record["prompt"]["written"] == "Ana walks."
    assert record["prompt"]["used"] == "Ana, a woman of thirty, walks."
    assert (record["elements"], record["after"], record["pipeline"]) == (["ana"], "pier-01", "stand-in")
    with Image.open(finished.root / "shots/pier-02/thumbnail.jpg") as picture:
        assert picture.size == (320, 213)
    whole = json.loads((finished.root / "film.json").read_text())
    assert whole["begins"] == {"pier-01": 0, "pier-02": 9, "pier-03": 25, "inside-01": 33, "inside-02": 42}
    assert (finished.root / "thumbnail.jpg").is_file()


def test_a_finished_film_is_left_alone(done: Desk) -> None:
    before = done.files()
    film = done.make()
    assert (film.made, film.kept) == ((), tuple(IDS))
    assert done.maker.orders == []
    assert done.files() == before


def test_a_killed_run_goes_on_where_it_stopped_with_the_same_bytes(desk: Desk, finished: Desk) -> None:
    with pytest.raises(KeyboardInterrupt):
        desk.make(Maker(stop_at="She stops"))
    assert sorted(path.name for path in (desk.root / "shots").iterdir()) == ["pier-01", "pier-02"]
    assert not (desk.root / "film.mp4").exists()
    (desk.root / "shots/.pier-03.part").mkdir()  # what a kill in the middle of writing leaves
    assert desk.make().made == tuple(IDS[2:])
    assert desk.files() == finished.files()


def test_work_ends_where_progress_says_so_and_shots_that_are_whole_are_kept(desk: Desk) -> None:
    class Cancelled(BaseException):
        pass

    def cancel(moment: Moment) -> None:
        if moment.number == 2 and moment.step == "encode":
            raise Cancelled

    with pytest.raises(Cancelled):
        desk.make(progress=cancel)
    assert [path.name for path in (desk.root / "shots").iterdir()] == ["pier-01"]


def test_a_changed_shot_makes_itself_and_those_after_it_in_its_scene_again(done: Desk) -> None:
    film = done.root / "film.mp4"
    before = film.read_bytes()
    done.change("Ana walks.", "Ana runs.")
    plan = plan_shots(read_storyboard(done.path), FilmFolder(done.root), MODELS)
    assert {shot.id: shot.due for shot in plan if shot.due} == {
        "pier-02": "changed: prompt",
        "pier-03": "pier-02 is made again",
    }
    assert done.make().made == ("pier-02", "pier-03")
    assert film.read_bytes() != before


@pytest.mark.parametrize(
    ("old", "new", "made"),
    [
        ("a woman of thirty", "a girl", ["pier-02", "pier-03", "inside-01", "inside-02"]),
        ("It falls shut.", "It stays open.", ["inside-02"]),
        ('name = "inside"\n', 'name = "inside"\nsetting = "Night."\n', ["inside-01", "inside-02"]),
        ("rate = 25", "rate = 24", IDS),
        ("frames = 9", "seed = 1\nframes = 9", IDS),
    ],
)
def test_a_change_makes_what_it_is_about_again(done: Desk, old: str, new: str, made: list[str]) -> None:
    done.change(old, new)
    plan = plan_shots(read_storyboard(done.path), FilmFolder(done.root), MODELS)
    assert [shot.id for shot in plan if shot.due] == made


def test_another_still_another_model_and_another_negative_prompt_count(done: Desk) -> None:
    def due(models: dict[str, str] = MODELS, **options: str) -> list[str]:
        plan = plan_shots(read_storyboard(done.path), FilmFolder(done.root), models, **options)
        return [shot.id for shot in plan if shot.due]

    assert due({"checkpoint": "two"}) == IDS
    assert due(negative_prompt="grey") == IDS
    Image.new("RGB", (96, 64), (0, 0, 0)).save(done.folder / "ana.png")
    assert due() == ["inside-01", "inside-02"]


def test_a_damaged_file_is_made_again_with_the_same_bytes(done: Desk) -> None:
    before = done.files()
    (done.root / "shots/pier-03/last.png").write_bytes(b"")
    (done.root / "film.mp4").write_bytes(b"broken")
    assert done.make().made == ("pier-03",)
    assert done.files() == before


def test_a_shot_that_is_taken_out_leaves_the_film(done: Desk) -> None:
    done.change(', {prompt = "It falls shut."}', "")
    film = done.make()
    assert (film.made, film.frames) == ((), 42)
    assert not (done.root / "shots/inside-02").exists()


def test_a_still_of_its_own_begins_a_shot_afresh(desk: Desk) -> None:
    desk.change('{prompt = "She stops."}', '{prompt = "She stops.", still = "ana.png", strength = 0.5}')
    desk.make()
    still = desk.maker.orders[2].stills[0]
    assert (still.picture, still.strength) == (desk.folder / "ana.png", 0.5)
    assert desk.record("pier-03")["frames"] == 9


def test_a_failed_shot_is_named_and_those_before_it_stay(desk: Desk) -> None:
    def fail(order: FilmOrder, parts: Any, progress: Any) -> Film:
        if "walks" in order.prompt:
            raise DubkitError("The device ran out of memory.")
        return Maker()(order, parts, progress)

    with pytest.raises(ShotFailed, match=r"Shot pier-02: The device ran out of memory\."):
        desk.make(fail)  # type: ignore[arg-type]
    assert [path.name for path in (desk.root / "shots").iterdir()] == ["pier-01"]


def test_two_runs_never_work_in_one_folder(desk: Desk) -> None:
    with FilmFolder(desk.root).locked(), pytest.raises(EpisodeBusy, match="Another run works on"):
        desk.make()


def test_progress_counts_shots_and_never_falls(desk: Desk) -> None:
    moments: list[Moment] = []
    desk.make(progress=moments.append)
    shares = [moment.share for moment in moments]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {(moment.number, moment.count) for moment in moments} == {(n, 5) for n in range(1, 6)}
    assert {moment.step for moment in moments} >= {"text", "first stage", "decode"}


def test_what_enhancement_made_of_a_prompt_is_in_the_record(desk: Desk) -> None:
    desk.change("rate = 25", "rate = 25\nenhance = true")
    film = desk.make()
    assert film.not_enhanced[0] == ("pier-01", "the answer is empty")
    assert desk.record("pier-01")["prompt"]["not enhanced"] == "the answer is empty"


@pytest.mark.slow
def test_tiny_weights_make_a_film_from_the_command_line(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from dubkit.cli import cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUBKIT_MODELS_GENERATOR", str(weights))
    monkeypatch.setattr("dubkit.dubbing.enhance.MOST_TOKENS", 8)
    (tmp_path / "pier.toml").write_text(
        "height = 64\nwidth = 64\nframes = 9\nsteps = 1\nguidance = 1\nenhance = true\n[[scenes]]\n"
        'shots = [{prompt = "A wooden pier at dawn."}, {prompt = "A gull lands on it."}]\n'
    )
    planned = CliRunner().invoke(cli, ["storyboard", "pier.toml", "--plan", "--json"])
    assert [row["due"] for row in json.loads(planned.stdout)] == ["it is not there"] * 2
    made = CliRunner().invoke(cli, ["storyboard", "pier.toml", "--device", "cpu"])
    assert made.exit_code == 0, made.output
    assert "17 frames; 2 shots made, 0 kept" in made.stdout
    assert "shot 2 of 2: 01-02" in made.stderr
    assert "the prompt was not enhanced" in made.stderr  # random weights answer with noise
    root = tmp_path / "Output/pier.storyboard"
    with av.open(str(root / "film.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 17
    first = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    shutil.rmtree(root / "shots/01-02")
    again = CliRunner().invoke(cli, ["storyboard", "pier.toml", "--device", "cpu", "--json"])
    assert json.loads(again.stdout)["made"] == ["01-02"]
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == first
