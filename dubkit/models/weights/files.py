"""Check the generator's files by their headers: everything that can be known without reading a weight.

What a file is shows in its keys, not in its name. Keys and shapes are compared with those of the network
built for the configuration in the file's own metadata: the same rule for a published file and a tiny one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dubkit.errors import ModelMissing
from dubkit.models.weights import gemma as gemma_files
from dubkit.models.weights.header import Header, HeaderError, Stored, read_header
from dubkit.models.weights.parts import need_torch
from dubkit.models.weights.trained import cure_of, metadata_problems, reference_size, what_it_changes

Kind = Literal["checkpoint", "lora", "upscaler", "text encoder", "unknown"]

LISTED = 5
"""Tensors named per kind of fault; the rest are counted."""

RANDOM = "dubkit_random"
"""Metadata key of a test file with random weights."""

LORA_KEY = re.compile(r"diffusion_model\.(?P<layer>.+)\.lora_(?P<side>[AB])\.weight")
SCALED = re.compile(r"model\.diffusion_model\.transformer_blocks\.\d+\..+\.weight")
FULL = ("BF16", "F16", "F32")

AGAIN = "Download or copy the file again."
LAYOUT = "Use the published single file, not a converted, split or pruned one."
OTHER = "Use the file that was made for this model."


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file, and what to do."""

    text: str
    cure: str = AGAIN


@dataclass(frozen=True, slots=True)
class WeightReport:
    """What the header of one file, or the headers of one folder, say."""

    path: Path
    kind: Kind
    summary: str = ""
    """Generation, tensors, types: what a person wants to see of a whole file."""
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


def random_weights(path: Path) -> bool:
    """Tell whether a weight file, or a text encoder's folder, holds random test weights."""
    try:
        return RANDOM in read_header(path / gemma_files.SINGLE if path.is_dir() else path).metadata
    except (HeaderError, OSError):
        return False


def check_paths(paths: Iterable[Path], base: Path | None = None) -> list[WeightReport]:
    """Check files, Gemma folders and folders of such, each against the others.

    LoRAs, upscalers and text encoders must fit one of the checkpoints among them, else `base`, else LTX-2
    19B as published. Raises `ModelMissing` for a path without such a file, `DubkitError` without torch.
    """
    need_torch()
    files = [inner for path in paths for inner in _expanded(path)]
    headers = {path: _opened(path) for path in files if path.is_file()}
    bases = _checkpoints(headers.values())
    if not bases and base is not None:
        bases = _checkpoints([_opened(base)])
    return [_best(path, headers.get(path), bases) for path in files]


def _checkpoints(headers: Iterable[Header | Problem]) -> list[Header]:
    return [h for h in headers if isinstance(h, Header) and _kind(h) == "checkpoint"]


def _best(path: Path, header: Header | Problem | None, bases: list[Header]) -> WeightReport:
    """Return the report against the checkpoint that the file fits; against the first if it fits none."""
    choices: list[Header | None] = [*bases] or [None]
    reports = (_folder(path, base) if header is None else _file(path, header, base) for base in choices)
    first = next(reports)
    return first if first.ok else next((report for report in reports if report.ok), first)


def _expanded(path: Path) -> list[Path]:
    if not path.exists():
        raise ModelMissing(
            f"{path}: nothing is there.\nGive a weight file, a folder, or a name from `models list`."
        )
    if path.is_file() or _of_text_encoder(path):
        return [path]
    files = sorted(path.glob("*.safetensors"))
    folders = sorted(inner for inner in path.iterdir() if _of_text_encoder(inner))
    if not files and not folders:
        raise ModelMissing(
            f"{path} holds neither *.safetensors nor the folder of a text encoder.\n"
            "Give the folder of the weight files, or one of the files."
        )
    return [*files, *folders]


def _of_text_encoder(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("config.json", gemma_files.TOKENIZER))


def _opened(path: Path) -> Header | Problem:
    try:
        return read_header(path)
    except HeaderError as error:
        return Problem(str(error))


def _kind(header: Header) -> Kind:
    keys = header.tensors
    if any(".lora_" in key for key in keys):
        return "lora"
    if any(key.startswith("model.diffusion_model.") for key in keys):
        return "checkpoint"
    return "upscaler" if "initial_conv.weight" in keys else "unknown"


def _file(path: Path, header: Header | Problem, base: Header | None) -> WeightReport:
    if isinstance(header, Problem):
        return WeightReport(path, "unknown", problems=(header,))
    kind = _kind(header)
    check = {"checkpoint": _checkpoint, "lora": _lora, "upscaler": _upscaler, "unknown": _unknown}[kind]
    try:
        about, problems = check(header, base)
    except ValueError as error:
        about, problems = "", [Problem(" ".join(str(error).split()), LAYOUT)]
    types = ", ".join(sorted({tensor.dtype for tensor in header.tensors.values()}))
    parts = [about or kind, f"{len(header.tensors)} tensors", types, _size(header.size)]
    if RANDOM in header.metadata:
        parts.append("random test weights")
    return WeightReport(path, kind, ", ".join(parts), tuple(problems))


def _unknown(header: Header, base: Header | None) -> tuple[str, list[Problem]]:
    first = ", ".join(sorted(header.tensors)[:3]) or "none at all"
    return "", [Problem(f"neither checkpoint, LoRA nor upscaler: its tensors are {first} …", LAYOUT)]


# --- checkpoints -------------------------------------------------------------------------------


def _checkpoint(header: Header, base: Header | None) -> tuple[str, list[Problem]]:
    from dubkit.ltx.components import UNUSED_STATISTICS
    from dubkit.ltx.config import read_checkpoint
    from dubkit.models.weights.parts import checkpoint_shapes

    config = read_checkpoint(header.metadata, frozenset(header.tensors), "The file")
    projected = header.tensors.get(
        "text_embedding_projection.aggregate_embed.weight",
        header.tensors.get("text_embedding_projection.video_aggregate_embed.weight"),
    )
    # The width of the text encoder is not in the metadata: the projection's own input tells it.
    states = projected.shape[-1] if projected and len(projected.shape) == 2 else 0
    scales = _scales(header)
    held = {
        key: t.shape
        for key, t in header.tensors.items()
        if key not in scales and not key.startswith(UNUSED_STATISTICS)
    }
    problems = list(_differences(checkpoint_shapes(config, states), held))
    problems += _types(header, scales)
    generation = "LTX-2.3" if config.text.version == 2 else "LTX-2"
    quantised = sum(tensor.dtype == "F8_E4M3" for tensor in header.tensors.values())
    scaled = f", {quantised} linears in scaled float8" if quantised else ""
    return f"{generation} checkpoint of {config.transformer.layers} blocks{scaled}", problems


def _scales(header: Header) -> set[str]:
    """Return the keys of the scales that belong to float8 weights."""
    return {
        f"{key}_scale" if kind == "weight_scale" else f"{key.removesuffix('weight')}{kind}"
        for key, tensor in header.tensors.items()
        if tensor.dtype == "F8_E4M3" and key.endswith(".weight")
        for kind in ("weight_scale", "input_scale")
    }


def _types(header: Header, scales: set[str]) -> Iterator[Problem]:
    cast = "Get the published float8 file, or the full-precision one, and let dubkit cast it."
    missing = sorted(scales - header.tensors.keys())
    if missing:
        yield Problem(f"{len(missing)} float8 scales are missing: {_named(missing)}", cast)
    for key in sorted(scales & header.tensors.keys()):
        tensor = header.tensors[key]
        if tensor.dtype != "F32" or tensor.shape not in ((), (1,)):
            yield Problem(f"{key} is {list(tensor.shape)} {tensor.dtype}, expected one F32 value", cast)
    strange = [
        f"{key} ({tensor.dtype})"
        for key, tensor in sorted(header.tensors.items())
        if tensor.dtype not in FULL and not (tensor.dtype == "F8_E4M3" and SCALED.fullmatch(key))
    ]
    if strange:
        yield Problem(f"{len(strange)} tensors have a type that is not used there: {_named(strange)}", LAYOUT)


# --- LoRAs -------------------------------------------------------------------------------------


def _lora(header: Header, base: Header | None) -> tuple[str, list[Problem]]:
    pairs: dict[str, dict[str, Stored]] = {}
    foreign = []
    for key, tensor in header.tensors.items():
        match = LORA_KEY.fullmatch(key)
        if match:
            pairs.setdefault(match["layer"], {})[match["side"]] = tensor
        else:
            foreign.append(key)
    problems = []
    if foreign:
        form = "diffusion_model.<layer>.lora_A.weight or lora_B.weight"
        text = f"{len(foreign)} keys are not {form}: {_named(sorted(foreign))}"
        problems.append(Problem(text, cure_of(foreign) or LAYOUT))
    problems += [Problem(text, LAYOUT) for text in metadata_problems(header.metadata)]
    single = sorted(layer for layer, sides in pairs.items() if len(sides) == 1)
    if single:
        problems.append(Problem(f"{len(single)} layers lack lora_A or lora_B: {_named(single)}"))
    whole = {layer: (sides["A"], sides["B"]) for layer, sides in pairs.items() if len(sides) == 2}
    uneven = sorted(layer for layer, (a, b) in whole.items() if not _paired(a.shape, b.shape))
    if uneven:
        problems.append(
            Problem(f"lora_A and lora_B differ in rank in {len(uneven)} layers: {_named(uneven)}")
        )
    types = sorted({t.dtype for t in header.tensors.values()} - set(FULL))
    if types:
        problems.append(Problem(f"its tensors are {', '.join(types)}, expected {' or '.join(FULL)}", LAYOUT))
    problems += _lora_layers({layer: ab for layer, ab in whole.items() if layer not in uneven}, base)
    ranks = sorted({a.shape[0] for a, _ in whole.values() if a.shape})
    rank = f"rank {ranks[0]}" if len(ranks) == 1 else f"ranks {', '.join(map(str, ranks)) or 'none'}"
    parts = [f"LoRA, {rank} on {len(whole)} linears {what_it_changes(whole)}".rstrip()]
    return ", ".join([*parts, *filter(None, [reference_size(header.metadata)])]), problems


def _paired(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return len(a) == len(b) == 2 and a[0] == b[1]


def _lora_layers(layers: Mapping[str, tuple[Stored, Stored]], base: Header | None) -> Iterator[Problem]:
    linears, where = _linears(base)
    unknown = sorted(layers.keys() - linears.keys())
    if unknown:
        yield Problem(f"{len(unknown)} layers are not linear layers of {where}: {_named(unknown)}", OTHER)
    wrong = [
        f"{layer} is {[b.shape[0], a.shape[1]]}, the model's {list(linears[layer])}"
        for layer, (a, b) in sorted(layers.items())
        if layer in linears and (b.shape[0], a.shape[1]) != linears[layer]
    ]
    if wrong:
        yield Problem(f"{len(wrong)} layers have other sizes than {where}: {_named(wrong)}", OTHER)


def _linears(base: Header | None) -> tuple[dict[str, tuple[int, ...]], str]:
    """Return the linears a LoRA may change, with their shapes, and a name for the model they are of."""
    from dubkit.ltx.config import read_transformer
    from dubkit.models.tiny.published import PUBLISHED, transformer_values
    from dubkit.models.weights.parts import transformer_linears

    if base is None:
        values = {"transformer": transformer_values(PUBLISHED["2"])}
        return transformer_linears(read_transformer(values)), "LTX-2 19B as published"
    prefix, connectors = (
        "model.diffusion_model.",
        ("video_embeddings_connector.", "audio_embeddings_connector."),
    )
    shapes = {key: shape for key, shape in base.shapes(prefix).items() if not key.startswith(connectors)}
    linears: dict[str, tuple[int, ...]] = {
        key.removesuffix(".weight"): shape
        for key, shape in shapes.items()
        if key.endswith(".weight") and len(shape) == 2
    }
    return linears, "the checkpoint"


# --- upscalers and the text encoder ------------------------------------------------------------


def _upscaler(header: Header, base: Header | None) -> tuple[str, list[Problem]]:
    from dubkit.ltx.codec_config import read_upsampler
    from dubkit.ltx.config import read_checkpoint
    from dubkit.ltx.metadata import parse_metadata
    from dubkit.models.weights.parts import upsampler_shapes

    config = read_upsampler(parse_metadata(header.metadata, "The file"))
    problems = list(_differences(upsampler_shapes(config), header.shapes()))
    if strange := sorted({t.dtype for t in header.tensors.values()} - set(FULL)):
        problems.append(
            Problem(f"its tensors are {', '.join(strange)}, expected {' or '.join(FULL)}", LAYOUT)
        )
    axis = "spatial" if config.spatial else "temporal"
    rational = "upsampler.conv.weight" in header.tensors
    about = f"{axis} upscaler" + (
        f", made for {'LTX-2' if rational else 'LTX-2.3'}" if config.spatial else ""
    )
    if base is not None:
        model = read_checkpoint(base.metadata, frozenset(base.tensors), "The checkpoint")
        if config.in_channels != (channels := model.video_vae.latent_channels):
            text = f"takes latents of {config.in_channels} channels, the checkpoint's have {channels}"
            problems.append(Problem(text, OTHER))
        newer = model.text.version == 2
        if config.spatial and rational == newer:
            own, other = ("LTX-2", "LTX-2.3") if rational else ("LTX-2.3", "LTX-2")
            problems.append(Problem(f"made for {own}, but the checkpoint is {other}: latents differ", OTHER))
    return about, problems


def _folder(path: Path, base: Header | None) -> WeightReport:
    texts, facts = gemma_files.problems(path)
    problems = [Problem(text) for text in texts]
    states = facts.get("states", 0)
    projection = "text_embedding_projection."
    inputs = {
        shape[-1] for key, shape in (base.shapes(projection) if base else {}).items() if len(shape) == 2
    }
    if states and inputs and inputs != {states}:
        text = f"gives {states} values per token, the checkpoint's projection takes {max(inputs)}"
        problems.append(Problem(text, OTHER))
    summary = f"Gemma 3, {facts['tensors']} tensors, {_size(facts['bytes'])}"
    if random_weights(path):
        summary += ", random test weights"
    return WeightReport(path, "text encoder", summary, tuple(problems))


# --- comparing ---------------------------------------------------------------------------------


def _differences(
    expected: Mapping[str, tuple[int, ...]], held: Mapping[str, tuple[int, ...]]
) -> Iterator[Problem]:
    """Yield a problem per kind of difference; every part of the model that is incomplete is named."""
    missing = sorted(expected.keys() - held.keys())
    unexpected = sorted(held.keys() - expected.keys())
    wrong = sorted(key for key in expected.keys() & held.keys() if expected[key] != held[key])
    if missing:
        yield Problem(f"{len(missing)} tensors are missing: {_named(missing)}", LAYOUT)
    if unexpected:
        yield Problem(f"{len(unexpected)} tensors are not expected: {_named(unexpected)}", LAYOUT)
    if wrong:
        named = [f"{key} is {list(held[key])}, expected {list(expected[key])}" for key in wrong]
        yield Problem(f"{len(wrong)} tensors have another shape: {_named(named)}", LAYOUT)


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
