"""Speaking faces: found where they are, moving when they speak, still when they do not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from importlib.machinery import ModuleSpec
from pathlib import Path

import cv2
import numpy as np
import pytest

from dubkit.chain.stage import EPISODE
from dubkit.config import Settings, with_settings
from dubkit.episode.context import Context
from dubkit.episode.store import EpisodeStore
from dubkit.media.files.probe import probe
from dubkit.media.picture import face_finders, faces
from dubkit.media.picture.face_finders import CascadeFinder, MeshFinder, Seen, mediapipe_models, open_finder
from dubkit.media.picture.faces import find_faces, pictures
from dubkit.media.picture.window import shown_size
from dubkit.models.store import ModelStore
from dubkit.types import Episode, Faces, Remark, Segment, Transcript, VideoStream
from stages.faces import STAGE
from tests.support.paths import MEDIA, needs_media

TALK = MEDIA / "a_talk"
MADE = MEDIA / "d_odd" / "made"
needs_mesh = pytest.mark.skipif(mediapipe_models() is None, reason="the mediapipe package is not installed")

VIDEO = VideoStream(0, "h264", 320, 240, Fraction(25), 100, Fraction(0), Fraction(4))


def cascade() -> CascadeFinder:
    return CascadeFinder(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_alt2.xml")


def speech(*spans: tuple[float, float]) -> list[Segment]:
    return [Segment(f"s{n:04d}", start, end, "spk1", "x") for n, (start, end) in enumerate(spans, start=1)]


def film(out: Path, images: Sequence[np.ndarray], group: int = 12) -> Path:
    import av

    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": str(group), "crf": "12"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return out


def grey(number: int) -> int:
    return 37 * number % 251


def numbered(count: int) -> list[np.ndarray]:
    return [np.full((64, 96, 3), grey(number), np.uint8) for number in range(count)]


class Scripted:
    """A finder that sees what a list says, look by look."""

    method = "opencv"

    def __init__(self, looks: list[list[Seen]]) -> None:
        self.looks = iter(looks)

    def find(self, image: np.ndarray) -> list[Seen]:
        return next(self.looks)

    def movement(self, seen: Sequence[Seen]) -> float:
        return float(np.std([face.opening for face in seen]))


def watch(
    monkeypatch: pytest.MonkeyPatch, looks: list[list[Seen]], video: VideoStream = VIDEO, end: float = 2.0
) -> Faces:
    """Run the choice of the speaker on scripted faces."""
    monkeypatch.setattr(faces, "open_finder", lambda: Scripted(looks))
    monkeypatch.setattr(faces, "frame_times", lambda path, index: [Fraction(n, 25) for n in range(100)])
    blank = np.zeros((2, 2, 3), np.uint8)
    monkeypatch.setattr(faces, "pictures", lambda path, video, numbers: ((n, blank) for n in numbers))
    episode = Episode("e", "0" * 64, "mp4", Fraction(4), video, ())
    return find_faces(Path("e.mp4"), episode, speech((0.0, end)))


def face(left: float, opening: float = 0.0, size: float = 60.0) -> Seen:
    return Seen(left, 20.0, size, size, opening)


def talking(look: int) -> float:
    return 0.3 * (look % 2)


def test_of_two_faces_the_one_whose_mouth_moves_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [[face(200, 0.01, size=80), face(40, talking(n))] for n in range(20)]
    (found,) = watch(monkeypatch, looks).faces
    assert found.visible == 1.0
    assert found.mouth == pytest.approx(0.15)
    assert {box.left for box in found.boxes} == {40}


def test_a_face_missed_for_a_few_looks_stays_the_same_face(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [[] if n in (5, 6, 7) else [face(40 + n, talking(n))] for n in range(20)]
    (found,) = watch(monkeypatch, looks).faces
    assert found.visible == 0.85
    assert len(found.boxes) == 17


def test_a_speaker_seen_in_two_shots_counts_in_both(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [[face(40 if n < 10 else 200, talking(n))] for n in range(20)]
    (found,) = watch(monkeypatch, looks).faces
    assert found.visible == 1.0
    assert [box.left for box in found.boxes] == [40] * 10 + [200] * 10


def test_a_listener_in_the_other_shot_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [[face(40, talking(n))] if n < 10 else [face(200, 0.02)] for n in range(20)]
    (found,) = watch(monkeypatch, looks).faces
    assert found.visible == 0.5
    assert {box.left for box in found.boxes} == {40}


def test_faces_too_small_to_read_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = watch(monkeypatch, [[face(10, talking(n), size=15)] for n in range(20)]).faces
    assert (found.visible, found.mouth, found.boxes) == (0.0, 0.0, ())


def test_boxes_are_in_pixels_of_the_shown_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    large = replace(VIDEO, width=3840, height=2160)
    (found,) = watch(monkeypatch, [[face(100)] for _ in range(20)], large).faces
    box = found.boxes[0]
    assert (box.left, box.top, box.width, box.height) == (200, 40, 120, 120)


def test_the_shown_picture_is_turned_and_has_square_pixels() -> None:
    assert shown_size(VIDEO) == (320, 240)
    assert shown_size(replace(VIDEO, rotation=90)) == (240, 320)
    assert shown_size(replace(VIDEO, sample_aspect=Fraction(3, 2))) == (480, 240)


def test_looks_are_bounded_and_within_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    many = watch(monkeypatch, [[face(40)] for _ in range(1000)], end=1000.0)
    assert len(many.faces[0].boxes) <= faces.MOST_LOOKS
    assert all(0 <= box.frame < 100 for box in many.faces[0].boxes)


def test_no_picture_has_no_faces() -> None:
    sound_only = Episode("e", "0" * 64, "wav", Fraction(4), None, ())
    assert find_faces(Path("e.wav"), sound_only, speech((0, 1))) == Faces("none", ())


def test_nothing_that_finds_faces_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "open_finder", lambda: None)
    episode = Episode("e", "0" * 64, "mp4", Fraction(4), VIDEO, ())
    assert find_faces(Path("e.mp4"), episode, speech((0, 1))) == Faces("none", ())


def test_an_opencv_without_cascades_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_finders, "mediapipe_models", lambda: None)
    monkeypatch.delattr(cv2, "CascadeClassifier")
    assert open_finder() is None


def test_models_that_opencv_cannot_read_leave_the_cascade(tmp_path: Path) -> None:
    for model in face_finders._MODELS:
        (tmp_path / model).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / model).write_bytes(b"not a network")
    finder = open_finder(tmp_path)
    assert finder is not None
    assert finder.method == "opencv"


def test_a_mediapipe_without_models_counts_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = ModuleSpec("mediapipe", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(face_finders, "find_spec", lambda name: spec)
    assert mediapipe_models() is None
    assert face_finders.finder_identity() == "opencv"
    monkeypatch.setattr(face_finders, "find_spec", lambda name: None)
    assert mediapipe_models() is None


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_chosen_frames_are_decoded_by_number_across_key_frames(tmp_path: Path, suffix: str) -> None:
    path = film(tmp_path / f"a.{suffix}", numbered(100))
    video = probe(path).video
    assert video is not None
    wanted = [0, 3, 11, 12, 13, 50, 77, 99]
    got = [(number, float(image.mean())) for number, image in pictures(path, video, wanted)]
    assert [number for number, _ in got] == wanted
    assert [mean for _, mean in got] == [pytest.approx(grey(number), abs=4) for number in wanted]


def test_speech_behind_the_picture_has_no_face(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", numbered(25))
    (first, second) = find_faces(path, probe(path), speech((50.0, 51.0), (0.5, 0.5))).faces
    assert first.visible == second.visible == 0.0


@needs_media
def test_the_cascade_sees_a_talking_head_and_its_mouth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "open_finder", cascade)
    path = TALK / "en_ecb_7s.mp4"
    found = find_faces(path, probe(path), speech((0.5, 3.5)))
    assert found.method == "opencv"
    assert found.faces[0].visible == 1.0
    assert found.faces[0].mouth > 0.05
    box = found.faces[0].boxes[0]
    assert 250 < box.left + box.width / 2 < 500
    assert 100 < box.top + box.height / 2 < 400


@needs_media
@pytest.mark.parametrize("finder", ["cascade", pytest.param("mesh", marks=needs_mesh)])
def test_a_frozen_face_does_not_speak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, finder: str) -> None:
    source = TALK / "en_ecb_7s.mp4"
    video = probe(source).video
    assert video is not None
    ((_, still),) = pictures(source, video, [60])
    path = film(tmp_path / "still.mp4", [still] * 50)
    if finder == "cascade":
        monkeypatch.setattr(faces, "open_finder", cascade)
    (found,) = find_faces(path, probe(path), speech((0, 2))).faces
    assert found.visible == 1.0
    assert found.mouth < 0.01


@needs_media
@needs_mesh
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("en_ecb_7s.mp4", 0.05),
        ("en_office_6s_vfr.mp4", 0.04),
        ("ru_contracted_10s_1080x1920_hevc.mp4", 0.04),
        ("grid_bbaf2n.mpg", 0.02),
    ],
)
def test_talking_heads_are_seen_throughout(name: str, least: float) -> None:
    path = TALK / name
    found = find_faces(path, probe(path), speech((0.3, 2.6)))
    assert found.method == "mediapipe"
    assert found.faces[0].visible == 1.0
    assert found.faces[0].mouth > least


@needs_media
@needs_mesh
def test_a_turned_picture_is_searched_as_shown() -> None:
    path = MADE / "en_rotate90.mp4"
    episode = probe(path)
    (found,) = find_faces(path, episode, speech((1, 3))).faces
    assert episode.video is not None
    width, height = shown_size(episode.video)
    assert found.visible == 1.0
    assert all(box.left + box.width <= width * 1.05 and box.top >= 0 for box in found.boxes)
    assert (width, height) == (540, 360)


@needs_mesh
@pytest.mark.parametrize("size", [(72, 128), (90, 160), (61, 113)])
def test_a_very_small_picture_is_searched_to_its_edges(size: tuple[int, int]) -> None:
    folder = mediapipe_models()
    assert folder is not None
    assert MeshFinder(folder).find(np.full((*size, 3), 90, np.uint8)) == []


@needs_media
@needs_mesh
def test_the_same_source_gives_the_same_faces() -> None:
    path = TALK / "grid_bbaf2n.mpg"
    episode, told = probe(path), list[float]()
    first = find_faces(path, episode, speech((0.3, 1.6), (1.0, 2.4)), advance=told.append)
    assert find_faces(path, episode, speech((0.3, 1.6), (1.0, 2.4))) == first
    assert told[-1] == 1.0
    assert told == sorted(told)


@needs_mesh
def test_a_picture_without_a_face_has_none() -> None:
    models = mediapipe_models()
    assert models is not None
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (360, 640, 3), dtype=np.uint8)
    assert MeshFinder(models).find(noise) == []
    assert cascade().find(noise) == []
    assert "mediapipe" not in sys.modules


# --- the stage


class Kept:
    """Keeps what the stage hands over."""

    def __init__(self, store: EpisodeStore) -> None:
        self.store = store
        self.remarks: tuple[Remark, ...] = ()
        self.shares: list[float] = []

    def advance(self, share: float) -> None:
        self.shares.append(share)

    def write_json(self, relative: str, value: object) -> None:
        self.store.write_json(relative, value)

    def done(self, item: str, *, files: Sequence[str], remarks: Sequence[Remark]) -> None:
        assert (item, list(files)) == (EPISODE, ["faces.json"])
        self.remarks = tuple(remarks)


def staged(tmp_path: Path, text: str = "x", end: float = 1.0) -> Context:
    source = tmp_path / "ep.mp4"
    if not source.exists():
        film(source, numbered(50))
    store = EpisodeStore(tmp_path / "Output/ep")
    store.write_json("episode.json", probe(source))
    segments = tuple(replace(s, text=text) for s in speech((0.2, end)))
    store.write_json("transcript.json", Transcript("en", 1.0, segments, "test"))
    return Context(store, Settings(), source, "0" * 64, ModelStore(tmp_path / "models"))


@pytest.mark.usefixtures("generating")
def test_the_stage_leaves_the_faces_and_says_when_it_could_only_guess(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faces, "open_finder", cascade)
    context = staged(tmp_path)
    sink = Kept(context.store)
    STAGE.run(context, [], sink)  # type: ignore[arg-type]
    found = context.store.read("faces.json", Faces)
    assert (found.method, [face.segment for face in found.faces]) == ("opencv", ["s0001"])
    assert "pip install --no-deps mediapipe" in sink.remarks[0].sentence
    assert sink.shares[-1] == 1.0


@pytest.fixture
def generating(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that makes pictures is chosen."""
    monkeypatch.setattr(sys.modules[STAGE.items.__module__], "makes_clips", lambda context: True)


@pytest.mark.usefixtures("generating")
def test_other_words_look_at_nothing_again_and_other_times_do(tmp_path: Path) -> None:
    (before,), (words,), (times,) = (
        STAGE.items(staged(tmp_path)),
        STAGE.items(staged(tmp_path, "y")),
        STAGE.items(staged(tmp_path, end=1.5)),
    )
    assert before == words
    assert before != times


def test_for_voices_alone_faces_are_looked_for_where_the_lines_are_scheduled(tmp_path: Path) -> None:
    context = staged(tmp_path)
    assert STAGE.belongs(context)
    assert len(STAGE.items(context)) == 1
    context.settings = with_settings(context.settings, {"timing.schedule": "off"})
    assert not STAGE.belongs(context)
    assert list(STAGE.items(context)) == []


@pytest.mark.usefixtures("generating")
def test_installing_the_better_finder_looks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_finders, "mediapipe_models", lambda: None)
    (plain,) = STAGE.items(staged(tmp_path))
    assert plain.models == {"faces": "opencv"}
    monkeypatch.setattr(face_finders, "mediapipe_models", lambda: tmp_path)
    (better,) = STAGE.items(staged(tmp_path))
    assert better.models["faces"].startswith("mediapipe")
