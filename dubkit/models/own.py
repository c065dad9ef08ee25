"""Models that the user names by path: a cheap check, and an identity for cache keys."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from dubkit.errors import ModelMissing
from dubkit.types.models import ModelFile, ModelSpec, ResolvedModel

SAMPLES = 16
SAMPLE_BYTES = 1 << 16


def identity(name: str, files: tuple[ModelFile, ...]) -> str:
    """Return name and content digest: the same for the same content, wherever it came from."""
    lines = sorted(f"{file.name}:{file.sha256 or file.size}" for file in files)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return f"{name}-{digest[:8]}"


def looks_like_path(name: str) -> bool:
    """Tell whether a model name is meant as a path."""
    return os.sep in name or name.startswith("~") or Path(name).exists()


def own_model(role: str, spec: ModelSpec, path: Path, setting: str) -> ResolvedModel:
    """Return the model at a path the user named, after a plausibility check."""
    place = f"{setting} = {str(path)!r}"
    if not path.exists():
        raise ModelMissing(
            f"{place}: nothing is there.\nCorrect the path, or leave it empty for {spec.name}."
        )
    single = bool(spec.main)
    if single and path.is_dir():
        # The folder of a whole set names its files as they were published.
        published = path / spec.main
        inside = [p for p in sorted(path.iterdir()) if p.suffix == published.suffix]
        inside = [published] if published in inside else inside
        if len(inside) != 1:
            raise ModelMissing(
                f"{place}: the folder holds {len(inside)} files *{Path(spec.main).suffix}, expected one.\n"
                "Give the path of the file itself."
            )
        path = inside[0]
    if not single and not path.is_dir():
        raise ModelMissing(f"{place} is a file.\nGive the folder that holds {', '.join(spec.required)}.")
    if not single and (lacking := [p for p in spec.required if not any(path.glob(p))]):
        raise ModelMissing(
            f"{place}: the folder lacks {', '.join(lacking)}.\nGive a folder with {', '.join(spec.required)}."
        )
    files = own_files(spec, path)
    if not all(file.stat().st_size for file in files):
        raise ModelMissing(f"{place}: the file is empty.\nCopy it again.")
    if not _starts_with(files[0], spec.magic):
        raise ModelMissing(
            f"{place} is not a {spec.magic.decode()} file: its first bytes differ.\n"
            "Give the model file itself."
        )
    sampled = tuple(ModelFile(file.name, file.stat().st_size, _sampled(file)) for file in files)
    return ResolvedModel(
        role,
        path.stem if single else path.name,
        "path",
        path.parent if single else path,
        identity(path.stem if single else path.name, sampled),
        "your own: see where you got it",
        sum(file.size for file in sampled),
        path.name if single else "",
    )


def own_files(spec: ModelSpec, path: Path) -> tuple[Path, ...]:
    """Return the files of a model the user named: those that make up its identity."""
    if path.is_file():
        return (path,)
    return tuple(sorted(file for pattern in spec.required for file in path.glob(pattern) if file.is_file()))


def _starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic


def _sampled(path: Path) -> str:
    """Digest 16 windows of 64 KiB spread over a file.

    Two fine-tunes of one network have the same size, so size alone would let one stand for the other in the
    cache; reading gigabytes for every plan would be too slow.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as stream:
        for number in range(SAMPLES):
            stream.seek(max(0, size - SAMPLE_BYTES) * number // (SAMPLES - 1))
            digest.update(stream.read(SAMPLE_BYTES))
    return digest.hexdigest()
