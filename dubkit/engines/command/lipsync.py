"""Ready entries for programs that move lips: where each is looked for, and how it is called.

The calls are those of the programs' own pages. None of the programs is part of dubkit, and their weights have
licences of their own.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from dubkit.engines.command.making import Work, make_with
from dubkit.engines.engine import ClipMade, ClipOrder, TakeEngine
from dubkit.engines.exchange import Part
from dubkit.host import Host
from dubkit.settings import Positive, option

INTERPRETERS = (".venv/bin/python", "venv/bin/python", ".venv/Scripts/python.exe")
"""Where a program's own Python is looked for in its folder."""


@dataclass(frozen=True, slots=True)
class LipSync:
    """What all of them can be told."""

    dir: str = option("", "Folder of the program's code.", machine=True)
    checkpoint: str = option("", "Its weights; empty looks where its page says.")
    python: str = option(
        "", "Its Python; empty takes .venv or venv in its folder, else python3.", machine=True
    )
    arguments: str = option("", "More arguments for it, such as --pads 0 20 0 0.")
    timeout: Positive = option(1800.0, "Seconds that it may take for a clip.", machine=True)


@dataclass(frozen=True, slots=True)
class Wav2LipSettings(LipSync):
    """Moving lips with Wav2Lip."""

    dir: str = option("", "Folder of Wav2Lip's code.", machine=True, variables=("WAV2LIP_DIR",))
    checkpoint: str = option(
        "",
        "Weights of Wav2Lip; empty takes checkpoints/wav2lip_gan.pth or wav2lip.pth in its folder.",
        flag="--wav2lip-checkpoint",
        variables=("WAV2LIP_CHECKPOINT",),
    )


@dataclass(frozen=True, slots=True)
class LatentSyncSettings(LipSync):
    """Moving lips with LatentSync."""

    dir: str = option("", "Folder of LatentSync's code.", machine=True, variables=("LATENTSYNC_DIR",))


@dataclass(frozen=True, slots=True)
class MuseTalkSettings(LipSync):
    """Moving lips with MuseTalk."""

    dir: str = option("", "Folder of MuseTalk's code.", machine=True, variables=("MUSETALK_DIR",))


@dataclass(frozen=True, slots=True)
class XDubSettings(LipSync):
    """Moving lips with X-Dub."""

    dir: str = option("", "Folder of X-Dub's code.", machine=True, variables=("XDUB_DIR",))


@dataclass(frozen=True, slots=True)
class Template:
    """How one of the programs is called."""

    name: str
    title: str
    """Name as its people write it."""
    settings: type[LipSync]
    variable: str
    """Environment variable of its folder."""
    source: str
    """Where its code comes from."""
    licence: str
    words: tuple[str, ...]
    """Arguments behind its Python; `{checkpoint}` and `{dir}` are filled in beside the places of a clip."""
    checkpoints: tuple[str, ...]
    """Where its weights are looked for in its folder, in order."""
    needs: tuple[str, ...]
    """Further files of its folder without which it cannot work."""
    rate: Fraction | None = None
    """Frames per second that it was trained with and takes every film for."""
    inside: bool = True
    """Whether it works only in its own folder, one clip at a time."""
    files: Callable[[Mapping[str, str]], Mapping[str, str]] = lambda places: {}
    results: Sequence[tuple[str, Part]] = ()

    @property
    def table(self) -> str:
        """Its table of settings."""
        return f"dub.{self.name}"

    def hindrance(self, host: Host) -> str:
        """Return what is missing, with the cure; empty when it can work."""
        own = host.table(self.table, self.settings)
        if not own.dir:
            return (
                f"{self.title} was not found. Get its code ({self.source}) and set {self.variable} or "
                f"{self.table}.dir to its folder."
            )
        folder = Path(own.dir).expanduser()
        if not folder.is_dir():
            return f"there is no folder {folder}. Set {self.variable} or {self.table}.dir to {self.title}'s."
        missing = [name for name in self.needs if not (folder / name).exists()]
        if missing:
            return (
                f"{folder} lacks {', '.join(missing)}. Install {self.title} as its page says ({self.source})."
            )
        if self.weights(own) is None:
            looked = own.checkpoint or " or ".join(self.checkpoints)
            return f"{folder} has no weights {looked}. Fetch them, or set {self.table}.checkpoint."
        if not self.python(own):
            return f"there is no Python for {self.title}. Set {self.table}.python to that of its environment."
        if not _readable(own.arguments):
            return f"the quotes of {self.table}.arguments do not match. Mend {own.arguments!r}."
        if shutil.which("ffmpeg") is None:
            return f"the program ffmpeg is not on the path, and {self.title} calls it. Install ffmpeg."
        return ""

    def weights(self, own: LipSync) -> Path | None:
        """Return the file of its weights; None where there is none."""
        folder = Path(own.dir).expanduser()
        named = (own.checkpoint,) if own.checkpoint else self.checkpoints
        places = (folder / Path(name).expanduser() for name in named)
        here = (Path(name).expanduser().absolute() for name in named if own.checkpoint)
        return next((place for place in (*places, *here) if place.exists()), None)

    def python(self, own: LipSync) -> str:
        """Return the Python that runs it; empty where there is none."""
        folder = Path(own.dir).expanduser()
        if own.python:
            return shutil.which(str(Path(own.python).expanduser())) or ""
        found = next((folder / name for name in INTERPRETERS if (folder / name).exists()), None)
        return str(found.absolute()) if found else shutil.which("python3") or ""

    def make(self, order: ClipOrder) -> ClipMade:
        """Make a clip. Raises GeneratorError."""
        own: LipSync = order.settings
        folder = Path(own.dir).expanduser().absolute()
        fixed = {"{checkpoint}": str(self.weights(own) or ""), "{dir}": str(folder)}
        words = (self.python(own), *(_filled(word, fixed) for word in self.words))
        work = Work(
            self.title,
            (*words, *(_escaped(word) for word in shlex.split(own.arguments))),
            self.table,
            own.timeout,
            folder=folder if self.inside else None,
            alone=self.inside,
            rate=self.rate,
            files=self.files,
            results=self.results,
        )
        return make_with(work, order)

    def engine(self) -> TakeEngine:
        """Return its record."""
        return TakeEngine(
            name=self.name,
            title=f"{self.title}: moves lips for given speech ({self.licence})",
            hindrance=self.hindrance,
            settings=self.settings,
            drives=True,
            speaks=False,
            optional=True,
            licence=self.licence,
            make=self.make,
        )


def _readable(arguments: str) -> bool:
    try:
        shlex.split(arguments)
    except ValueError:
        return False
    return True


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _filled(word: str, fixed: Mapping[str, str]) -> str:
    for place, value in fixed.items():
        word = word.replace(place, _escaped(value))
    return word


def _musetalk_task(places: Mapping[str, str]) -> Mapping[str, str]:
    """Return the file in which MuseTalk is told its work: YAML, of which JSON is a part."""
    task = {"task_0": {"video_path": places["clip"], "audio_path": places["sound"]}}
    return {"task.yaml": json.dumps(task)}


_WAV2LIP = Template(
    name="wav2lip",
    title="Wav2Lip",
    settings=Wav2LipSettings,
    variable="WAV2LIP_DIR",
    source="https://github.com/Rudrabha/Wav2Lip",
    licence="personal, research and non-commercial use only",
    words=(
        "{dir}/inference.py",
        "--checkpoint_path",
        "{checkpoint}",
        "--face",
        "{clip}",
        "--audio",
        "{sound}",
        "--outfile",
        "{out}",
    ),
    checkpoints=("checkpoints/wav2lip_gan.pth", "checkpoints/wav2lip.pth"),
    needs=("inference.py", "face_detection/detection/sfd/s3fd.pth"),
    inside=False,
)

_LATENTSYNC = Template(
    name="latentsync",
    title="LatentSync",
    settings=LatentSyncSettings,
    variable="LATENTSYNC_DIR",
    source="https://github.com/bytedance/LatentSync",
    licence="code under Apache-2.0, weights under terms of their own",
    words=(
        "-m",
        "scripts.inference",
        "--unet_config_path",
        "configs/unet/stage2_512.yaml",
        "--inference_ckpt_path",
        "{checkpoint}",
        "--inference_steps",
        "20",
        "--guidance_scale",
        "1.5",
        "--enable_deepcache",
        "--seed",
        "{seed}",
        "--video_path",
        "{clip}",
        "--audio_path",
        "{sound}",
        "--video_out_path",
        "{out}",
    ),
    checkpoints=("checkpoints/latentsync_unet.pt",),
    needs=("scripts/inference.py", "configs/unet/stage2_512.yaml", "checkpoints/whisper/tiny.pt"),
    rate=Fraction(25),
)

_MUSETALK = Template(
    name="musetalk",
    title="MuseTalk",
    settings=MuseTalkSettings,
    variable="MUSETALK_DIR",
    source="https://github.com/TMElyralab/MuseTalk",
    licence="code under MIT, weights for any purpose; the other models that it loads have their own terms",
    words=(
        "-m",
        "scripts.inference",
        "--inference_config",
        "{folder}/../task.yaml",
        "--result_dir",
        "{folder}",
        "--unet_model_path",
        "{checkpoint}",
        "--unet_config",
        "models/musetalkV15/musetalk.json",
        "--version",
        "v15",
    ),
    checkpoints=("models/musetalkV15/unet.pth",),
    needs=("scripts/inference.py", "models/musetalkV15/musetalk.json", "models/whisper", "models/dwpose"),
    rate=Fraction(25),
    files=_musetalk_task,
    results=(("clip_sound.mp4", "whole"), ("*.mp4", "whole")),
)

_X_DUB = Template(
    name="x-dub",
    title="X-Dub",
    settings=XDubSettings,
    variable="XDUB_DIR",
    source="https://github.com/KlingAIResearch/X-Dub",
    licence="academic research and technical demonstration only, as its page says",
    words=(
        "{dir}/infer_lip_sync_pipeline.py",
        "--video_path",
        "{clip}",
        "--audio_path",
        "{sound}",
        "--ckpt_path",
        "{checkpoint}",
        "--ref_cfg_scale",
        "2.5",
        "--audio_cfg_scale",
        "10.0",
        "--num_inference_steps",
        "30",
        "--seed",
        "{seed}",
        "--output_dir",
        "{folder}",
    ),
    checkpoints=("checkpoints/X-Dub_model.safetensors",),
    needs=("infer_lip_sync_pipeline.py", "checkpoints/Wan2.2_VAE.safetensors", "dwpose_tools/models"),
    rate=Fraction(25),
    # The result stands beside the source in the one film that it writes of the whole picture.
    results=(("*_output.mp4", "whole"), ("*paste_compare*.mp4", "right")),
)

WAV2LIP, LATENTSYNC, MUSETALK, X_DUB = (
    template.engine() for template in (_WAV2LIP, _LATENTSYNC, _MUSETALK, _X_DUB)
)
