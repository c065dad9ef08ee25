"""The files of a network: converted for CTranslate2, or as published, and then converted once."""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import DiskFull, ModelDamaged, ModelMissing

if TYPE_CHECKING:
    from dubkit.types.models import ResolvedModel

EXTRA = 'pip install "dubkit[mt]"'
WEIGHTS = "model.bin"
"""The file that makes a folder a converted one."""
_PREFIX = "ctranslate2-"
_VOCABULARIES = ("source_vocabulary", "shared_vocabulary", "vocabulary")


def hindrance(model: ResolvedModel) -> str:
    """Return why a network cannot run here, as a clause with the cure; empty when it can."""
    if not importlib.util.find_spec("sentencepiece"):
        return f"the package sentencepiece is not installed. Run: {EXTRA}"
    if ready(model) is not None or _can_convert():
        return ""
    return (
        f"{model.path} is not converted for CTranslate2, which takes torch and transformers.\n"
        f"Run: {EXTRA}, or convert it elsewhere: {_by_hand(model.path)}"
    )


def _can_convert() -> bool:
    return all(importlib.util.find_spec(name) for name in ("torch", "transformers"))


def _by_hand(folder: Path) -> str:
    return f"ct2-transformers-converter --model {folder} --output_dir {folder}-ct2 --quantization int8"


def ready(model: ResolvedModel) -> Path | None:
    """Return the folder of a model that CTranslate2 can load as it is, or None."""
    folders = (model.path, model.path / f"{_PREFIX}{model.identity.rpartition('-')[2]}")
    return next((folder for folder in folders if (folder / WEIGHTS).is_file()), None)


def converted(model: ResolvedModel, kind: str) -> Path:
    """Return the folder that CTranslate2 loads, converted if need be; `kind` is what it must be: `marian`.

    Raises ModelDamaged for files of another kind, ModelMissing where they cannot be converted here.
    """
    from filelock import FileLock

    folder = ready(model)
    if folder is not None:
        return folder
    if problem := hindrance(model):
        raise ModelMissing(problem[:1].upper() + problem[1:])
    _check(model.path, kind)
    target = model.path / f"{_PREFIX}{model.identity.rpartition('-')[2]}"
    try:
        with FileLock(f"{target}.lock"):
            if not (target / WEIGHTS).is_file():
                _convert(model.path, target)
    except PermissionError as error:
        raise ModelMissing(
            f"{model.path} cannot be written to, so it cannot be converted there.\n"
            f"Convert it yourself: {_by_hand(model.path)}"
        ) from error
    return target


def _check(folder: Path, kind: str) -> None:
    try:
        found = json.loads((folder / "config.json").read_text("utf-8")).get("model_type", "")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelDamaged(f"{folder / 'config.json'} cannot be read ({error}).\nFetch it again.") from error
    if found != kind:
        raise ModelDamaged(
            f"{folder} holds a model of the type {found!r}, not {kind!r}.\nGive the folder of such a model."
        )


def _convert(folder: Path, target: Path) -> None:
    from ctranslate2.converters import TransformersConverter  # type: ignore[import-untyped]

    staging = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its tokenisers advise packages that are not needed here
            TransformersConverter(str(folder)).convert(str(staging), quantization="int8")
        os.replace(staging, target)
    except (DiskFull, OSError):
        raise
    except Exception as error:  # the converter raises whatever its parts raise
        raise ModelDamaged(
            f"{folder} could not be converted ({type(error).__name__}: {error}).\n"
            f"Fetch it again, or convert it elsewhere: {_by_hand(folder)}"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def pieces_file(folder: Path, *names: str) -> Path:
    """Return the first of some files that is in a folder. Raises ModelDamaged."""
    for name in names:
        for path in sorted(folder.glob(name)):
            return path
    raise ModelDamaged(f"{folder} lacks {names[0]}.\nCopy it there from where the model was published.")


def vocabulary(folder: Path) -> frozenset[str]:
    """Return the tokens of a converted network's source side. Raises ModelDamaged."""
    for name in _VOCABULARIES:
        for suffix in ("json", "txt"):
            path = folder / f"{name}.{suffix}"
            if path.is_file():
                return frozenset(_tokens(path))
    raise ModelDamaged(f"{folder} lacks shared_vocabulary.json.\nConvert the model again.")


def _tokens(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8")
        return [str(token) for token in json.loads(text)] if path.suffix == ".json" else text.splitlines()
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"{path} cannot be read ({error}).\nConvert the model again.") from error


def ends_itself(folder: Path) -> bool:
    """Tell whether CTranslate2 itself ends every sentence with `</s>`, as its config says."""
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(config.get("add_source_eos"))
