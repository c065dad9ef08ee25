"""Comparisons of what surrounds the network: schedules, guidance, loops, conditioning, pixels, positions."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from benchmarks.parity.report import CODEC, EXACT, TABLE, Folder, Part, Tolerance
from dubkit.dubbing.clip import pixels
from dubkit.dubbing.diffusion import conditioning as items
from dubkit.dubbing.diffusion import guidance, recipes, schedules
from dubkit.dubbing.diffusion.sampler import States, euler_step, sample, velocity_to
from dubkit.dubbing.diffusion.state import TokenState, noised, start_state
from dubkit.ltx import latents

NUMBER = r"(-?\d+(?:\.\d+)?(?:e-?\d+)?)"


def number(pattern: str, text: str) -> float:
    """Return the number at `#` in a pattern, found in a tensor's description."""
    found = re.search(pattern.replace("#", NUMBER), text)
    if found is None:
        raise ValueError(f"No {pattern!r} in {text!r}.")
    return float(found[1])


def schedules_of(unit: Part, name: str) -> Tensor:
    """Return our levels for a schedule that is described by its name and text."""
    kind, _, variant = name.split(".", 2) if name.count(".") == 2 else (*name.split("."), "")
    about = unit.about(name)
    steps = int(number(r"steps#", name))
    if kind == "linear_quadratic":
        return schedules.linear_quadratic_sigmas(steps)
    if kind == "beta":
        both = number(r"alpha = beta = #", about)
        return schedules.beta_sigmas(steps, alpha=both, beta=both)
    if variant == "default":
        return schedules.ltx2_sigmas(steps)
    if variant == "no_stretch":
        return schedules.ltx2_sigmas(steps, terminal=None)
    if variant.startswith("tokens"):
        return schedules.ltx2_sigmas(steps, tokens=int(number(r"tokens#", variant)))
    return schedules.ltx2_sigmas(
        steps,
        terminal=number(r"terminal #", about),
        max_shift=number(r"max_shift #", about),
        base_shift=number(r"base_shift #", about),
    )


def schedules_and_lists(unit: Part) -> None:
    for name in unit.names():
        if re.match(r"(ltx2|linear_quadratic|beta)\.steps\d", name):
            ours = schedules_of(unit, name)
            if "warning" in unit.about(name) and not unit.input(name).isfinite().all():
                assert bool(ours.isfinite().all())
                unit.warn(name, "the original divides 0 by 0 with one step; ours gives its terminal level")
            else:
                unit.check(name, ours, TABLE)
    unit.check("distilled.stage1", torch.tensor(recipes.DISTILLED), TABLE)
    unit.check("distilled.stage2", torch.tensor(recipes.SECOND_STAGE), TABLE)


def guides(unit: Part) -> None:
    cond, other = unit.input("guide.cond"), unit.input("guide.uncond")
    for name in unit.names("guide."):
        about = unit.about(name)
        if name in ("guide.cond", "guide.uncond"):
            continue
        scale = number(r"scale,? #", about)
        if name.startswith("guide.cfgstar"):
            unit.check(name, guidance.cfg_star(cond, other, scale))
        elif name.startswith("guide.cfg"):
            unit.check(name, guidance.Guidance(cfg=scale).combine(cond, negative=other))
        elif name.startswith("guide.stg"):
            unit.check(name, guidance.Guidance(stg=scale).combine(cond, perturbed=other))
        elif name.startswith("guide.apg"):
            eta, norm = number(r"eta #", about), number(r"norm threshold #", about)
            unit.check(name, guidance.apg(cond, other, scale, eta=eta, max_norm=norm))


def loops(unit: Part) -> None:
    x, x0 = unit.input("euler.sample"), unit.input("euler.denoised")
    for name in unit.names("euler.step"):
        step, levels = int(number(r"step#", name)), unit.input(_schedule(unit.about(name))).tolist()
        state = _state(x, torch.ones(*x.shape[:2], 1), x)
        velocity = velocity_to(state, x0, levels[step])
        unit.check(name, euler_step(state, velocity, levels[step], levels[step + 1]).latent)
    start = tuple(
        _state(*(unit.input(f"loop.{stream}.{kind}") for kind in ("latent", "mask", "clean")))
        for stream in ("video", "audio")
    )
    for name in unit.names("loop.", ".video"):
        about = unit.about(name)
        tanh, shift = number(r"#\*tanh", about), number(r"tanh\(latent\)\+#", about)
        sine = number(r"#\*sin", about)

        def toy(
            states: States, level: float, tanh: float = tanh, shift: float = shift, sine: float = sine
        ) -> tuple[Tensor, Tensor]:
            video, audio = states
            return tanh * torch.tanh(video.latent) + shift, sine * torch.sin(audio.latent)

        levels_tensor = unit.input(_schedule(about))
        if "gradient" in name:
            gamma = number(r"gamma #", about)
            end = sample(toy, start, levels_tensor, method="gradient-estimating", gamma=gamma)
        else:
            end = sample(toy, start, levels_tensor)
        unit.check(name, end[0].latent)
        unit.check(name.replace(".video", ".audio"), end[1].latent)


def sampling(folder: Folder) -> None:
    """Noise levels, guidance and steps."""
    unit = folder.part("unit_schedule")
    guides(unit)
    loops(unit)
    # Last, because a comparison with a schedule says more about it than its use as an input.
    schedules_and_lists(unit)


def _schedule(about: str) -> str:
    found = re.search(r"\bltx2\.steps\d+\.\w+", about)
    if found is None:
        raise ValueError(f"No schedule is named in {about!r}.")
    return found[0]


def _state(latent: Tensor, mask: Tensor, clean: Tensor) -> TokenState:
    positions = torch.zeros(1, 1, latent.shape[1], 2)
    return TokenState(latent, clean, mask, positions, targets=latent.shape[1])


def _check_state(unit: Part, name: str, state: TokenState, tolerance: Tolerance = EXACT) -> None:
    unit.check(f"{name}.latent", state.latent, tolerance)
    unit.check(f"{name}.clean_latent", state.clean, tolerance)
    unit.check(f"{name}.denoise_mask", state.mask, tolerance)
    unit.check(f"{name}.positions", state.positions, TABLE)


def conditioning(folder: Folder) -> None:
    """Token states with each kind of item, their noise, and cross-modal masks."""
    unit = folder.part("unit_conditioning")
    initial = unit.input("initial_latent")
    # The frame rate is nowhere stated; the first latent frame spans exactly one frame.
    fps = round(1 / unit.input("none.positions")[0, 0, 0, 1].item(), 3)
    frames, rows, columns = initial.shape[2:]
    grid = items.Grid(frames, rows, columns, fps)
    start = start_state(latents.patchify_video(initial), latents.video_positions(frames, rows, columns, fps))
    cases = [name.removesuffix(".noised") for name in unit.names(suffix=".noised")]
    for case in cases:
        state = items.condition_picture(start, _items(unit, unit.about(f"{case}.latent")), grid)
        _check_state(unit, case, state)
        about = unit.about(f"{case}.noised")
        generator = torch.Generator().manual_seed(int(number(r"seed #", about)))
        unit.check(f"{case}.noised", noised(state, number(r"scale #", about), generator).latent)
    reference = unit.input("audio_keyframes")
    about = unit.about("audio_append.latent")
    count = int(number(r"# target frames", about))
    zeros = torch.zeros(1, count, reference.shape[1] * reference.shape[3])
    sound = items.SoundReference(reference, number(r"strength #", about)).apply(
        start_state(zeros, latents.audio_positions(count))
    )
    _check_state(unit, "audio_append", sound)
    picture = items.condition_picture(start, _items(unit, unit.about("masks.v2a")), grid)
    a2v, v2a = items.cross_masks(picture.mask, sound.mask, torch.float32)
    unit.check("masks.a2v", a2v, EXACT)
    unit.check("masks.v2a", v2a, EXACT)


def _items(unit: Part, about: str) -> list[items.PictureItem]:
    """Return the items that a description lists, such as `keyframe1 appended at frame 9, strength 0.6`."""
    found: list[items.PictureItem] = []
    latent = torch.empty(0)
    pattern = (
        rf"(keyframe\d+|half of it)(?: \([^)]*\))? ?(replaces latent frame|at latent|latent frame|appended)"
        rf"(?: at frame)? ?(\d*)(?:, strength {NUMBER}| \({NUMBER}\))"
    )
    for name, verb, frame, strength, bracketed in re.findall(pattern, about):
        latent = latent * 0.5 if name == "half of it" else unit.input(name)
        kind = items.Keyframes if verb == "appended" else items.Replacement
        found.append(kind(latent, int(frame or 0), float(strength or bracketed)))
    mentioned = len(re.findall(r"keyframe\d|half of it", about.split("audio =")[0]))
    if len(found) != mentioned:
        raise ValueError(f"{len(found)} of {mentioned} items were understood in {about!r}.")
    return found


def media(folder: Folder) -> None:
    """Scaling, cropping and the H.264 round trip of stills."""
    unit = folder.part("unit_media")
    frames = unit.input("frames")
    for name in unit.names("crop_"):
        height, width = map(int, name.removeprefix("crop_").split("x"))
        unit.check(name, pixels.cover(frames, height, width))
    for name in unit.names(suffix="_after_crf"):
        still = pixels.read_still(folder.path / "media" / f"{name.removesuffix('_after_crf')}.png")
        quality = re.search(r"CRF-(\d+)", " ".join(map(unit.about, unit.names())))
        unit.check(name, pixels.compressed(still, int(quality[1]) if quality else pixels.STILL_CRF), CODEC)
