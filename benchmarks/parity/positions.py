"""Comparisons of token layouts, position bounds and rotary tables."""

from __future__ import annotations

import json
import re

import torch
from torch import Tensor

from benchmarks.parity.report import EXACT, TABLE, Folder, Part
from benchmarks.parity.units import number
from dubkit.ltx import latents
from dubkit.ltx.rope import RopeSpec, Rotation, frequency_grid, middles


def patchify(folder: Folder) -> None:
    """Tokens of latents and their bounds; the autoencoder's own patches are compared with it."""
    unit = folder.part("unit_patchify")
    video, audio = unit.input("video.latent"), unit.input("audio.latent")
    unit.check("video.tokens", latents.patchify_video(video), EXACT)
    unit.check("audio.tokens", latents.patchify_audio(audio), EXACT)
    assert torch.equal(latents.unpatchify_video(latents.patchify_video(video), *video.shape[2:]), video)
    assert torch.equal(latents.unpatchify_audio(latents.patchify_audio(audio), audio.shape[1]), audio)
    plain = latents.video_bounds(*video.shape[2:], causal=False)
    scale = torch.tensor([latents.FRAMES_PER_LATENT, latents.PIXELS_PER_LATENT, latents.PIXELS_PER_LATENT])
    unit.check("video.latent_bounds", plain // scale[:, None, None], EXACT)
    unit.check("video.pixel_bounds_plain", plain, EXACT)
    unit.check("video.pixel_bounds_causal", latents.video_bounds(*video.shape[2:]), EXACT)
    for name in unit.names("audio.bounds_"):
        shift = re.fullmatch(r"audio\.bounds_shift(\d+)", name)
        count = unit.shape(name)[2]
        unit.check(name, latents.audio_positions(count, first=int(shift[1]) if shift else 0), TABLE)
    name = "audio_frames_from_video"
    calls = re.findall(r"(\d+) @ ([\d.]+) fps", unit.about(name))
    rows = [(int(frames), latents.audio_latents(int(frames), float(fps))) for frames, fps in calls]
    unit.check(name, torch.tensor(rows), EXACT)


def rope(folder: Folder) -> None:
    """Frequencies, tables of each kind, and rotated tokens."""
    unit = folder.part("unit_rope")
    # The grid is not stated: its extent is that of the last token.
    bounds = unit.input("positions_video")
    rows, columns = (int(bounds[0, axis].max()) // latents.PIXELS_PER_LATENT for axis in (1, 2))
    frames = bounds.shape[2] // (rows * columns)
    fps = number(r"at # fps", unit.about("positions_video"))
    unit.check("positions_video", latents.video_positions(frames, rows, columns, fps), TABLE)
    unit.check("positions_audio", latents.audio_positions(unit.shape("positions_audio")[2]), TABLE)
    grids = {}
    for name in unit.names("freq_grid."):
        about = unit.about(_described(unit, name))
        grids[name] = frequency_grid(
            int(number(r"inner dim #", about)),
            int(number(r"# axes", about)),
            number(r"theta #", about),
            float64=name.endswith("float64"),
        )
        unit.check(name, grids[name], TABLE)
    theta = number(r"theta #", unit.about(unit.names("freq_grid.", "float64")[0]))
    for name in unit.names(suffix=".cos"):
        rotation = _tables(unit, name, theta)
        unit.check(name, _laid_out(rotation.cos, rotation.kind), TABLE)
        unit.check(name.replace(".cos", ".sin"), _laid_out(rotation.sin, rotation.kind), TABLE)
    x = unit.input("apply.x")
    for name in unit.names("apply."):
        found = re.search(r"with the ([\w.]+) tables", unit.about(name))
        if found:
            rotation = _tables(unit, f"{found[1]}.cos", theta)
            heads = rotation.cos.shape[2]
            unit.check(name, rotation.apply(torch.unflatten(x, -1, (heads, -1))).flatten(2))


def _described(unit: Part, name: str) -> str:
    """Return the tensor whose text describes this one; `the same computed in float32` refers to its twin."""
    return name.replace(".float32", ".float64") if unit.about(name).startswith("the same") else name


def _tables(unit: Part, name: str, theta: float) -> Rotation:
    """Return our tables for a name such as `split.float64.cross_video.cos`."""
    about = unit.about(name)
    found = re.search(r"max_pos (\[[^\]]*\])", about)
    axes = tuple(float(x) for x in json.loads(found[1])) if found else ()
    dim = int(number(r"dim #", about))
    if name.startswith("connector."):
        heads = unit.shape(name)[1]
        positions = torch.arange(unit.shape(name)[2], dtype=torch.float32)[None, None]
        return RopeSpec(heads, dim // heads, axes, theta, "split", True).tables(positions, torch.float32)
    kind, precision, stream, _ = name.split(".")
    heads = int(number(r"# heads", about))
    bounds = unit.input("positions_video" if "video" in stream else "positions_audio")
    if kind not in ("split", "interleaved"):
        raise ValueError(f"Unknown kind of rotary table: {name}.")
    spec = RopeSpec(
        heads,
        dim // heads,
        axes,
        theta,
        "split" if kind == "split" else "interleaved",
        precision == "float64",
    )
    return spec.tables(middles(bounds)[:, : len(axes)], torch.float32)


def _laid_out(table: Tensor, kind: str) -> Tensor:
    """Return [B, T, heads, n] as [B, heads, T, n], or with each value twice as [B, T, dim]."""
    return table.transpose(1, 2) if kind == "split" else table.repeat_interleave(2, -1).flatten(2)
