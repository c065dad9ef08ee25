"""Further LoRAs, named in a text: their files, their strengths, and how they enter keys."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from dubkit.errors import SettingError


class ExtraLoRA(NamedTuple):
    """A LoRA file and how strongly it is added."""

    path: Path
    strength: float = 1.0


def read_loras(text: str, setting: str, folder: Path | None = None) -> tuple[ExtraLoRA, ...]:
    """Read `style.safetensors:0.8, motion.safetensors`: in the order given, strength 1 where none is.

    A path cannot hold a comma; a relative one begins at `folder`, else where the process runs.
    Raises SettingError, which names the entry and `setting`.
    """
    loras = []
    for entry in (part.strip() for part in text.split(",")):
        if not entry:
            continue
        named, strength = _split(entry)
        path = named if folder is None else folder / named
        if not math.isfinite(strength) or abs(strength) > 100:
            raise SettingError(setting, entry, "a strength is a number from -100 to 100")
        if not path.is_file():
            raise SettingError(setting, entry, f"there is no file {path}; correct the path, or take it out")
        loras.append(ExtraLoRA(path, strength))
    return tuple(loras)


def _split(entry: str) -> tuple[Path, float]:
    """Split off a strength. A colon that no number follows belongs to the path, as in `C:\\\\loras`."""
    path, colon, strength = entry.rpartition(":")
    if colon and path:
        try:
            return Path(path.strip()).expanduser(), float(strength)
        except ValueError:
            pass
    return Path(entry).expanduser(), 1.0


def lora_identities(loras: Sequence[ExtraLoRA]) -> dict[str, str]:
    """Return name -> content and strength of each LoRA, as they enter keys; empty for none."""
    return {
        f"lora-{number}": f"{lora.path.stem}-{content_digest(lora.path)[:16]}:{lora.strength:g}"
        for number, lora in enumerate(loras, 1)
    }


def content_digest(path: Path) -> str:
    """Return the SHA-256 of a file; one that is unchanged is read once in a process."""
    about = path.stat()
    return _digest(path.resolve(), about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=256)
def _digest(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
