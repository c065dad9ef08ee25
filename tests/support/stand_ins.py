"""Small packages that stand in for those of voice engines: the same calls, a tone for speech, no weights."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

SOUND = '''
"""What stands in for arrays and tensors."""
import math
import struct


class Sound:
    def __init__(self, seconds, rate, hertz=220.0):
        count = max(1, round(seconds * rate))
        self.values = [0.4 * math.sin(2 * math.pi * hertz * n / rate) for n in range(count)]

    def astype(self, kind):
        assert kind == "<f4"
        return self

    def tobytes(self):
        return struct.pack(f"<{len(self.values)}f", *self.values)

    def _same(self, *_):
        return self

    squeeze = cpu = float = detach = numpy = _same
'''

TORCH = """
float16, float32 = "half", "single"
seeds = []


def manual_seed(seed):
    seeds.append(seed)


class cuda:
    @staticmethod
    def is_available():
        return False
"""

OMNIVOICE = """
print("omnivoice says something on standard output")
import json
import os
import pathlib

from stand_in_sound import Sound


class OmniVoice:
    sampling_rate = 24000

    @classmethod
    def from_pretrained(cls, place, *args, device_map=None, dtype=None):
        assert os.environ["HF_HUB_OFFLINE"] == "1"
        if not pathlib.Path(place, "config.json").is_file():
            raise OSError(f"{place} holds no model")
        return cls()

    def create_voice_clone_prompt(self, ref_audio, ref_text=None, preprocess_prompt=True):
        assert pathlib.Path(ref_audio).is_file()
        return {"text": ref_text}

    def generate(self, text, language=None, ref_text=None, ref_audio=None, voice_clone_prompt=None,
                 instruct=None, duration=None, speed=None, generation_config=None, normalize_text=False,
                 **kwargs):
        import torch

        call = {"text": text, "language": language, "prompt": voice_clone_prompt, "instruct": instruct,
                "duration": duration, "speed": speed, "seed": torch.seeds[-1], **kwargs}
        if place := os.environ.get("STAND_IN_CALLS"):
            with open(place, "a") as file:
                file.write(json.dumps(call) + "\\n")
        if "hang" in text:
            import time

            time.sleep(300)
        if "die" in text:
            os.write(2, b"CUDA out of memory\\n")
            os._exit(9)
        return [Sound(duration or 0.06 * len(text) / speed, self.sampling_rate)]
"""

CHATTERBOX = """
import json
import os
import pathlib

from stand_in_sound import Sound


class ChatterboxMultilingualTTS:
    sr = 24000

    def __init__(self):
        self.conds = "own"

    @classmethod
    def from_local(cls, ckpt_dir, device):
        assert device == "cpu" and pathlib.Path(ckpt_dir).is_dir()
        return cls()

    def generate(self, text, language_id, audio_prompt_path=None, exaggeration=0.5, cfg_weight=0.5,
                 temperature=0.8, repetition_penalty=2.0, min_p=0.05, top_p=1.0):
        if audio_prompt_path:
            self.conds = audio_prompt_path
        call = {"text": text, "language": language_id, "voice": self.conds, "exaggeration": exaggeration}
        with open(os.environ["STAND_IN_CALLS"], "a") as file:
            file.write(json.dumps(call) + "\\n")
        return Sound(0.06 * len(text), self.sr)
"""

POCKET = """
import json
import os

from stand_in_sound import Sound


class TTSModel:
    sample_rate = 24000

    def __init__(self, language):
        self.language = language
        self.has_voice_cloning = language != "german"

    @classmethod
    def load_model(cls, language=None, config=None, temp=None, sampler_decode_steps=1, noise_clamp=None,
                   eos_threshold=None, quantize=False, checkpoint=None, lsd_decode_steps=None):
        if language == "french":
            raise OSError("Cannot find the requested files in the local cache.\\nMore of it.")
        return cls(language)

    def get_state_for_audio_prompt(self, audio_conditioning, truncate=False):
        return str(audio_conditioning)

    def generate_audio(self, model_state, text_to_generate, max_tokens=50, frames_after_eos=None,
                       copy_state=True):
        call = {"text": text_to_generate, "language": self.language, "voice": model_state}
        with open(os.environ["STAND_IN_CALLS"], "a") as file:
            file.write(json.dumps(call) + "\\n")
        return Sound(0.06 * len(text_to_generate), self.sample_rate)
"""

Package = tuple[str, str, Mapping[str, str]]
"""Name, version, and files of a package."""

PACKAGES: Mapping[str, Package] = {
    "omnivoice": (
        "omnivoice",
        "0.2.1",
        {"omnivoice/__init__.py": OMNIVOICE, "stand_in_sound.py": SOUND},
    ),
    "torch": ("torch", "2.8.0", {"torch.py": TORCH}),
    "torchaudio": ("torchaudio", "2.8.0", {"torchaudio.py": ""}),
    "transformers": ("transformers", "5.20.2", {"transformers.py": ""}),
    "chatterbox-tts": (
        "chatterbox_tts",
        "0.1.7",
        {"chatterbox/__init__.py": "", "chatterbox/mtl_tts.py": CHATTERBOX, "stand_in_sound.py": SOUND},
    ),
    "pocket-tts": ("pocket_tts", "4.0.1", {"pocket_tts.py": POCKET, "stand_in_sound.py": SOUND}),
}


def write_wheel(folder: Path, package: Package) -> Path:
    """Write a package as a wheel, so that a folder of them is an index."""
    name, version, files = package
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    whole = {
        **files,
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in (*whole, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in {**whole, f"{info}/RECORD": record}.items():
            wheel.writestr(file, text)
    return path


def unpack(folder: Path, *names: str) -> Path:
    """Write packages into a folder as pip would install them; return the folder."""
    for name in names:
        wheel = write_wheel(folder / "wheels", PACKAGES[name])
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    return folder
