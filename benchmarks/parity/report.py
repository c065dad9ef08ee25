"""A folder of reference tensors, and the account of what was compared with each of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

Verdict = Literal["ok", "input", "warning", "OUTSIDE", "MISSING", "FAILED", "UNKNOWN"]

GOOD: tuple[Verdict, ...] = ("ok", "input", "warning")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a result may lie from its reference, and why that far."""

    bound: float
    kind: Literal["relative", "absolute", "distance"] = "relative"
    """Largest difference over largest reference value; largest difference; or relative L2 distance."""
    reason: str = ""

    def __str__(self) -> str:
        if not self.bound:
            return "exact"
        return f"{ {'relative': 'rel', 'absolute': 'abs', 'distance': 'L2'}[self.kind] } {self.bound:.0e}"


EXACT = Tolerance(0.0)
DEFAULT = Tolerance(1e-5)
TABLE = Tolerance(1e-6, reason="position tables, noise levels and fused weights are short arithmetic")
BYTE = Tolerance(1, "absolute", "uint8 pixels are cut off, not rounded: the last bit of a float decides")
CODEC = Tolerance(1, "absolute", "lossy H.264 and AAC decoding differ by builds of the codecs")


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one reference tensor."""

    file: str
    tensor: str
    verdict: Verdict
    tolerance: str = ""
    absolute: float | None = None
    relative: float | None = None
    note: str = ""


class Part:
    """One file of reference tensors; it notes what each of them was used for."""

    def __init__(self, path: Path, listed: dict[str, dict[str, Any]]) -> None:
        self.stem = path.stem
        self.listed = listed
        self.rows: dict[str, Row] = {}
        self._path = path

    @property
    def folder(self) -> Path:
        """Where the file lies, with media of its own."""
        return self._path.parent

    @cached_property
    def _tensors(self) -> dict[str, Tensor]:
        with safe_open(self._path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def names(self, prefix: str = "", suffix: str = "") -> list[str]:
        """Names in the file with this beginning and end, in the manifest's order where it has them."""
        order = {name: index for index, name in enumerate(self.listed)}
        names = [name for name in self._tensors if name.startswith(prefix) and name.endswith(suffix)]
        return sorted(names, key=lambda name: (order.get(name, len(order)), name))

    def about(self, name: str) -> str:
        return str(self.listed.get(name, {}).get("about", ""))

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape without using its values."""
        return tuple(self._need(name).shape)

    def input(self, name: str) -> Tensor:
        """Return a tensor that a comparison starts from."""
        tensor = self._need(name)
        self.rows.setdefault(name, Row(self.stem, name, "input"))
        return tensor

    def check(self, name: str, actual: Tensor, tolerance: Tolerance = DEFAULT) -> None:
        """Compare a result with its reference."""
        self.rows[name] = compare(self.stem, name, actual.detach(), self._need(name), tolerance)

    def warn(self, name: str, note: str) -> None:
        """Leave a tensor uncompared, for a reason that lies in the reference."""
        self._need(name)
        self.rows[name] = Row(self.stem, name, "warning", note=note)

    def finish(self) -> Iterator[Row]:
        """Yield a row for each tensor that the manifest or the file has."""
        try:
            present = set(self._tensors)
        except (OSError, SafetensorError) as error:
            yield from (Row(self.stem, name, "MISSING", note=str(error)) for name in self.listed)
            return
        for name in [*self.listed, *sorted(present - set(self.listed))]:
            if name not in present:
                yield Row(self.stem, name, "MISSING", note="the manifest has it, the file does not")
            elif name in self.rows:
                yield self.rows[name]
            elif name in self.listed:
                yield Row(self.stem, name, "MISSING", note="nothing was compared with it")
            else:
                yield Row(self.stem, name, "UNKNOWN", note="the file has it, the manifest does not")

    def _need(self, name: str) -> Tensor:
        if name not in self._tensors:
            raise KeyError(f"{self.stem} has no tensor {name!r}")
        return self._tensors[name]


class Folder:
    """A folder with `manifest.json`, `params.json`, files of tensors, `models/` and `media/`.

    A folder inside it with a manifest of its own belongs to it; its runs use the same models.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parts: dict[str, Part] = {}
        self.params: dict[str, Any] = {}
        self._read(path)
        for manifest in sorted(path.glob("*/manifest.json")):
            self._read(manifest.parent)

    def _read(self, path: Path) -> None:
        for name in ("manifest.json", "params.json"):
            if not (path / name).is_file():
                raise ValueError(f"{path} is no folder of reference tensors: it has no {name}.")
        manifest = json.loads((path / "manifest.json").read_text("utf-8"))
        params = json.loads((path / "params.json").read_text("utf-8"))
        self.params = params.pop("params", {}) | params | self.params
        listed = {Path(name).stem: tensors for name, tensors in manifest.items()}
        stems = [*listed, *sorted({file.stem for file in path.glob("*.safetensors")} - set(listed))]
        self.parts |= {stem: Part(path / f"{stem}.safetensors", listed.get(stem, {})) for stem in stems}

    def part(self, stem: str) -> Part:
        if stem not in self.parts:
            raise ValueError(f"{self.path} has no {stem}.safetensors, and its manifest does not list it.")
        return self.parts[stem]

    @cached_property
    def _models(self) -> dict[Path, tuple[str, set[str]]]:
        found = {}
        for path in sorted((self.path / "models").glob("*.safetensors")):
            with safe_open(path, "pt") as file:
                found[path] = ((file.metadata() or {}).get("config", ""), set(file.keys()))
        return found

    def checkpoint(self) -> Path:
        """Return the single-file checkpoint, known by what its configuration describes."""
        return self._one("checkpoint", lambda path, config, keys: '"transformer"' in config)

    def upsampler(self) -> Path:
        return self._one("latent upsampler", lambda path, config, keys: '"spatial_upsample"' in config)

    def lora(self, *, distilled: bool) -> Path:
        """Return a LoRA file; the distilled one has it in its name, as published."""
        return self._one(
            "distilled LoRA" if distilled else "dubbing LoRA",
            lambda path, config, keys: (
                any(key.endswith(".lora_A.weight") for key in keys)
                and ("distilled" in path.name) == distilled
            ),
        )

    def gemma(self) -> Path:
        """Return the text encoder's folder."""
        for path in sorted((self.path / "models").iterdir()):
            if (path / "config.json").is_file():
                return path
        raise ValueError(f"{self.path / 'models'} has no folder of a text encoder.")

    def _one(self, kind: str, fits: Callable[[Path, str, set[str]], bool]) -> Path:
        found = [path for path, (config, keys) in self._models.items() if fits(path, config, keys)]
        if len(found) != 1:
            raise ValueError(f"{self.path / 'models'} has {len(found)} files that are a {kind}, not one.")
        return found[0]


def compare(file: str, name: str, actual: Tensor, expected: Tensor, tolerance: Tolerance) -> Row:
    """Return the verdict on one result. Infinite and undefined values must be the same in the same places."""
    bound = str(tolerance)
    if actual.shape != expected.shape:
        note = f"shape {tuple(actual.shape)}, reference {tuple(expected.shape)}"
        return Row(file, name, "OUTSIDE", bound, note=note)
    if tolerance == EXACT and actual.dtype != expected.dtype:
        return Row(file, name, "OUTSIDE", bound, note=f"{actual.dtype}, reference {expected.dtype}")
    ours, theirs = actual.double(), expected.double()
    finite = torch.isfinite(theirs)
    if not torch.equal(torch.isfinite(ours), finite) or not torch.equal(
        ours[~finite].nan_to_num(), theirs[~finite].nan_to_num()
    ):
        return Row(file, name, "OUTSIDE", bound, note="infinite or undefined values differ")
    ours, theirs = ours[finite], theirs[finite]
    difference = (ours - theirs).abs()
    absolute = difference.max().item() if difference.numel() else 0.0
    size = theirs.abs().max().item() if theirs.numel() else 0.0
    relative = absolute / size if size else (0.0 if absolute == 0.0 else float("inf"))
    error = {"relative": relative, "absolute": absolute, "distance": _distance(difference, theirs)}
    verdict: Verdict = "ok" if error[tolerance.kind] <= tolerance.bound else "OUTSIDE"
    return Row(file, name, verdict, bound, absolute, relative, tolerance.reason)


def _distance(difference: Tensor, expected: Tensor) -> float:
    length = float(expected.norm().item())
    return float(difference.norm().item()) / (length or 1.0)
