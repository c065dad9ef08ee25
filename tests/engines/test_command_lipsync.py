"""Ready entries for programs that move lips, with stand-ins that take what the programs' own pages say."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dubkit.config import configure
from dubkit.engines.command.lipsync import LATENTSYNC, MUSETALK, WAV2LIP, X_DUB, LipSync
from dubkit.engines.engine import TakeEngine
from dubkit.host import Host
from tests.support.orders import order

READ = """
import argparse, json, os, sys
from pathlib import Path
import av, numpy as np
from fractions import Fraction

def pictures(clip):
    with av.open(clip) as film:
        rate = film.streams.video[0].average_rate
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)], rate

def write(out, images, rate):
    with av.open(str(out), "w") as film:
        stream = film.add_stream("libx264", rate=rate, options={"crf": "4"})
        stream.height, stream.width, stream.pix_fmt = *images[0].shape[:2], "yuv420p"
        for image in images:
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            film.mux(stream.encode(frame.reformat(format="yuv420p")))
        film.mux(stream.encode(None))

parser = argparse.ArgumentParser()
def take(*names, **more):
    for name in names:
        parser.add_argument(name, **more)
"""

WAV2LIP_CODE = (
    READ
    + """
import face_detection
take("--checkpoint_path", "--face", "--audio", "--outfile", required=True)
take("--pads", nargs="+", type=int, default=[0, 10, 0, 0])
args = parser.parse_args()
assert Path(args.checkpoint_path).is_file()
assert args.audio.endswith(".wav") and args.face.split(".")[1] == "mp4"
images, rate = pictures(args.face)
write("temp/result.avi", images, rate)
os.replace("temp/result.avi", args.outfile)
assert args.pads == [0, 20, 0, 0]
"""
)

LATENTSYNC_CODE = (
    READ
    + """
take("--unet_config_path", "--inference_ckpt_path", required=True)
take("--video_path", "--audio_path", "--video_out_path", required=True)
take("--inference_steps", "--seed", type=int)
take("--guidance_scale", type=float)
take("--enable_deepcache", action="store_true")
args = parser.parse_args()
assert Path(args.unet_config_path).is_file() and Path(args.inference_ckpt_path).is_file()
images, rate = pictures(args.video_path)
assert rate == 25 and (args.inference_steps, args.seed, args.guidance_scale) == (20, 42, 1.5)
write(args.video_out_path, images, rate)
"""
)

MUSETALK_CODE = (
    READ
    + """
take("--inference_config", "--result_dir", "--unet_model_path", "--unet_config", "--version", required=True)
args = parser.parse_args()
assert Path(args.unet_model_path).is_file() and Path(args.unet_config).is_file() and args.version == "v15"
(task,) = json.loads(Path(args.inference_config).read_text()).values()
images, rate = pictures(task["video_path"])
name = Path(task["video_path"]).stem + "_" + Path(task["audio_path"]).stem
out = Path(args.result_dir) / args.version
out.mkdir(parents=True)
write(out / f"{name}.mp4", images, rate)
"""
)

X_DUB_CODE = (
    READ
    + """
take("--video_path", "--audio_path", "--ckpt_path", "--output_dir", required=True)
take("--ref_cfg_scale", "--audio_cfg_scale", type=float)
take("--num_inference_steps", "--seed", type=int)
args = parser.parse_args()
assert Path(args.ckpt_path).is_file() and args.num_inference_steps == 30
images, rate = pictures(args.video_path)
beside = [np.concatenate((np.zeros_like(image), image), axis=1) for image in images]
crops = [image[:32, :32] for image in images]
write(Path(args.output_dir) / "clip_crop_compare.mp4", crops, rate)
write(Path(args.output_dir) / "clip_paste_compare.mp4", beside, rate)
"""
)

FILES: Mapping[str, Mapping[str, str]] = {
    "wav2lip": {
        "inference.py": WAV2LIP_CODE,
        "face_detection/__init__.py": "",
        "face_detection/detection/sfd/s3fd.pth": "x",
        "checkpoints/wav2lip.pth": "x",
    },
    "latentsync": {
        "scripts/__init__.py": "",
        "scripts/inference.py": LATENTSYNC_CODE,
        "configs/unet/stage2_512.yaml": "x",
        "checkpoints/whisper/tiny.pt": "x",
        "checkpoints/latentsync_unet.pt": "x",
    },
    "musetalk": {
        "scripts/__init__.py": "",
        "scripts/inference.py": MUSETALK_CODE,
        "models/musetalkV15/musetalk.json": "x",
        "models/musetalkV15/unet.pth": "x",
        "models/whisper/config.json": "x",
        "models/dwpose/dw-ll_ucoco_384.pth": "x",
    },
    "x-dub": {
        "infer_lip_sync_pipeline.py": X_DUB_CODE,
        "checkpoints/Wan2.2_VAE.safetensors": "x",
        "checkpoints/X-Dub_model.safetensors": "x",
        "dwpose_tools/models/yolox.py": "x",
    },
}
ENGINES = [WAV2LIP, LATENTSYNC, MUSETALK, X_DUB]


class Told(Host):
    """A host with the settings of one program."""

    def __init__(self, settings: LipSync) -> None:
        self.settings = settings

    def table(self, name: str, section: type) -> object:  # type: ignore[override]
        assert isinstance(self.settings, section)
        return self.settings


def installed(folder: Path, engine: TakeEngine) -> LipSync:
    for name, text in FILES[engine.name].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert engine.settings is not None
    arguments = "--pads 0 20 0 0" if engine is WAV2LIP else ""
    settings = engine.settings(dir=str(folder), python=sys.executable, arguments=arguments)
    assert isinstance(settings, LipSync)
    return settings


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_it_is_called_as_its_page_says(tmp_path: Path, engine: TakeEngine) -> None:
    settings = installed(tmp_path / "pro gram.d", engine)
    assert engine.hindrance(Told(settings)) == ""
    assert engine.make is not None
    wanted = replace(order(rate=Fraction(24)), settings=settings)
    made = engine.make(wanted)
    pictures = list(made.pictures)
    assert [picture.shape for picture in pictures] == [(64, 128, 3)] * 17
    means = [float(np.mean(picture)) for picture in pictures]
    assert all(abs(mean - (10 + 10 * number)) <= 11 for number, mean in enumerate(means))
    assert made.sound is wanted.given
    assert (engine.drives, engine.speaks, engine.optional) == (True, False, True)


@pytest.mark.parametrize(
    ("engine", "needed", "weights"),
    [
        (WAV2LIP, "face_detection/detection/sfd/s3fd.pth", "checkpoints/wav2lip.pth"),
        (LATENTSYNC, "checkpoints/whisper/tiny.pt", "checkpoints/latentsync_unet.pt"),
        (MUSETALK, "models/musetalkV15/musetalk.json", "models/musetalkV15/unet.pth"),
        (X_DUB, "checkpoints/Wan2.2_VAE.safetensors", "checkpoints/X-Dub_model.safetensors"),
    ],
)
def test_what_is_missing_is_named_with_the_cure(
    tmp_path: Path, engine: TakeEngine, needed: str, weights: str
) -> None:
    assert engine.settings is not None
    said = engine.hindrance(Host())
    assert "was not found. Get its code (https://github.com/" in said
    assert f"_DIR or dub.{engine.name}.dir to its folder." in said
    nowhere = engine.settings(dir=str(tmp_path / "gone"))
    assert f"there is no folder {tmp_path / 'gone'}" in engine.hindrance(Told(nowhere))
    settings = installed(tmp_path, engine)
    (tmp_path / weights).rename(tmp_path / "other.pth")
    assert "has no weights checkpoints/" in engine.hindrance(Told(settings)) or engine is MUSETALK
    other = replace(settings, checkpoint=str(tmp_path / "other.pth"))
    assert engine.hindrance(Told(other)) == ""
    (tmp_path / needed).unlink()
    assert f"{tmp_path} lacks {needed}. Install" in engine.hindrance(Told(other))


def test_wav2lip_is_found_by_its_variables_and_option(tmp_path: Path) -> None:
    variables = {"WAV2LIP_DIR": str(tmp_path), "WAV2LIP_CHECKPOINT": "a.pth"}
    told = configure({}, environment=variables).settings.value
    assert (told("dub.wav2lip.dir"), told("dub.wav2lip.checkpoint")) == (str(tmp_path), "a.pth")


def test_arguments_with_an_open_quote_are_a_hindrance(tmp_path: Path) -> None:
    settings = replace(installed(tmp_path, WAV2LIP), arguments="--pads '0")
    assert "the quotes of dub.wav2lip.arguments do not match" in WAV2LIP.hindrance(Told(settings))
