"""Kokoro's published voices: 54 people of nine languages, one file of style vectors each."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import ModelDamaged
from dubkit.types.models import HubSource, ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDTH = 256
"""Values of a style."""

ROLE = "tts-voices"

MODEL = ModelSpec(
    role=ROLE,
    name="kokoro-voices",
    licence="Apache-2.0",
    licence_url="https://huggingface.co/hexgrad/Kokoro-82M",
    about="Kokoro's 54 published voices: native speakers of en, es, fr, hi, it, ja, pt and zh",
    does="voices",
    without="Kokoro speaks with its five packaged voices and blends of them, which have a Japanese accent.",
    setting="models.tts_voices",
    optional=True,
    required=("*.bin",),
    hub=HubSource("onnx-community/Kokoro-82M-v1.0-ONNX", "main", ("voices/*.bin",)),
    note="plain numbers: nothing in them is run; revision 'main' is not a pin: they may change on the hub",
    approximate_size=28_200_960,
    on_request=True,
)

LANGUAGES: Mapping[str, str] = {
    "a": "en-US",
    "b": "en-GB",
    "e": "es",
    "f": "fr",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-BR",
    "z": "zh",
}
"""First letter of a voice's name -> the language of the person."""

BEST = ("af_heart", "af_bella", "af_nicole", "bf_emma")
"""Voices that their makers rate above all others, the best first."""

_NAME = re.compile(rf"[{''.join(LANGUAGES)}][fm]_\w+")

_CURE = "Delete it and run: dubkit models get kokoro-voices"


def language_of(name: str) -> str:
    """Return the tag of the language that a voice's person speaks, or an empty text.

    >>> language_of("pf_dora"), language_of("jm_kumo"), language_of("nobody")
    ('pt-BR', 'ja', '')
    """
    return LANGUAGES[name[0]] if _NAME.fullmatch(name) else ""


def native(names: Sequence[str], language: str) -> list[str]:
    """Return the voices whose people speak a language, those of its region first, then the best."""
    tag = language.replace("_", "-").lower()
    there = [name for name in names if language_of(name).lower().partition("-")[0] == tag.partition("-")[0]]
    return sorted(there, key=lambda name: (language_of(name).lower() != tag, *rank(name)))


def rank(name: str) -> tuple[int, str]:
    """Return what sorts voices by how good their makers found them."""
    return (BEST.index(name) if name in BEST else len(BEST), name)


def published_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the voices in a folder. Raises ModelDamaged when there are none."""
    names = {name for file in _files(folder) for name in _names_in(file)}
    if not names:
        raise ModelDamaged(f"{folder} holds none of Kokoro's voices, such as af_heart.bin.\n{_CURE}")
    return tuple(sorted(names))


def published_styles(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Return the style of each voice in a folder, (T, 256). Raises ModelDamaged for a file that is none."""
    styles: dict[str, NDArray[np.float32]] = {}
    for file in _files(folder):
        for name, style in _styles_in(file):
            if _NAME.fullmatch(name):
                styles[name] = style
    return styles


def _files(folder: Path) -> list[Path]:
    return sorted((*folder.glob("*.bin"), *folder.glob("voices/*.bin")))


def _names_in(file: Path) -> list[str]:
    if not zipfile.is_zipfile(file):
        return [file.stem] if _NAME.fullmatch(file.stem) else []
    with zipfile.ZipFile(file) as archive:
        stems = [entry.removesuffix(".npy") for entry in archive.namelist()]
    return [name for name in stems if _NAME.fullmatch(name)]


def _styles_in(file: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield the voices of a file: of one voice as plain numbers, or of all of them as arrays by name."""
    import numpy as np

    if not zipfile.is_zipfile(file):
        yield file.stem, _style(np.fromfile(file, np.uint8).tobytes(), file)
        return
    try:
        with np.load(file, allow_pickle=False) as archive:
            for name in archive.files:
                yield name, _style(archive[name].astype("<f4").tobytes(), file)
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise ModelDamaged(f"{file} holds no voices: {error}.\n{_CURE}") from error


def _style(values: bytes, file: Path) -> NDArray[np.float32]:
    import numpy as np

    if not values or len(values) % (4 * WIDTH):
        raise ModelDamaged(
            f"{file} is no voice: {len(values)} bytes are no whole rows of {WIDTH} numbers.\n{_CURE}"
        )
    style = np.frombuffer(values, "<f4").astype(np.float32).reshape(-1, WIDTH)
    if not np.isfinite(style).all():
        raise ModelDamaged(f"{file} is no voice: it holds values that are no numbers.\n{_CURE}")
    return style
