"""Which of the files that a server lists a graph uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dubkit.engines.comfyui.definitions import Definitions
from dubkit.engines.comfyui.presets import PRESETS
from dubkit.engines.comfyui.settings import ComfySettings
from dubkit.errors import GeneratorError, SettingError

_LTX = re.compile(r"ltx")
_NEWER = re.compile(r"2\.3|22b")
_OLDER = re.compile(r"19b|ltx-?2[-_.]0|ltx-2-")
_DUBBING = re.compile(r"lip-?_?dub")
_DISTILLED = re.compile(r"distill")
_UPSCALER = re.compile(r"spatial.*upscal.*x2|upscal.*spatial.*x2")
_GEMMA = re.compile(r"gemma.?3.?12b")
_SHARD = re.compile(r"-\d{5}-of-\d{5}\.")
_SMALLER = re.compile(r"fp8|fp4|q4|q8|int8|nvfp4|gguf")
"""Weights in fewer bits: taken where there is nothing better."""

STRENGTHS = {"2.3": 0.5, "2": 1.0}
"""Family of models -> strength of its distilled LoRA."""


@dataclass(frozen=True, slots=True)
class Files:
    """The model files of a graph, as the server lists them."""

    checkpoint: str
    text_encoder: str
    family: str
    """`2.3` or `2`: files of one do not work with the other's."""
    dubbing_lora: str = ""
    distilled_lora: str = ""
    """Empty where the checkpoint itself is distilled, or no stage needs it."""
    distilled_strength: float = 1.0
    upscaler: str = ""
    loras: tuple[tuple[str, float], ...] = ()


def find_files(nodes: Definitions, settings: ComfySettings) -> Files:
    """Return the files of a graph: those that settings name, else those found by their names.

    Raises GeneratorError with everything that is missing.
    """
    found = _Finder(nodes, settings)
    preset = PRESETS[settings.preset]
    dubbing = found.dubbing_lora() if settings.recipe == "lip-dub" else ""
    checkpoint = found.checkpoint(_family(dubbing), any_kind=preset.distilled)
    family = _family(checkpoint) or _family(dubbing) or "2"
    two_stages = preset.two_stages and settings.upscale
    distils = (preset.distilled or two_stages) and not _DISTILLED.search(_base(checkpoint))
    result = Files(
        checkpoint=checkpoint,
        text_encoder=found.text_encoder(),
        family=family,
        dubbing_lora=dubbing,
        distilled_lora=found.distilled_lora(family) if distils else "",
        distilled_strength=settings.distilled_strength or STRENGTHS[family],
        upscaler=found.upscaler(family) if two_stages else "",
        loras=tuple((found.named("LoRA", _LORAS, name), s) for name, s in further_loras(settings.loras)),
    )
    if found.missing:
        raise GeneratorError("This ComfyUI lacks model files:\n" + "\n".join(found.missing))
    return result


def further_loras(text: str) -> list[tuple[str, float]]:
    """Read `NAME:STRENGTH, NAME:STRENGTH`; a name alone has strength 1. Raises SettingError."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, mark, strength = part.rpartition(":")
        try:
            found.append((name.strip(), float(strength)) if mark else (part, 1.0))
        except ValueError:
            raise SettingError("dub.comfyui.loras", text, f"{strength!r} is no strength") from None
    return found


_CHECKPOINTS = ("CheckpointLoaderSimple", "ckpt_name")
_TEXTS = ("LTXAVTextEncoderLoader", "text_encoder")
_LORAS = ("LoraLoaderModelOnly", "lora_name")
_UPSCALERS = ("LatentUpscaleModelLoader", "model_name")


class _Finder:
    """Looks files up, and notes what is missing."""

    def __init__(self, nodes: Definitions, settings: ComfySettings) -> None:
        self._nodes, self._settings = nodes, settings
        self.missing: list[str] = []

    def dubbing_lora(self) -> str:
        wanted = "lip-dub IC-LoRA (its name holds lipdub)"
        return self._find(wanted, _LORAS, "dubbing_lora", _DUBBING.search, newest=True)

    def checkpoint(self, family: str, *, any_kind: bool) -> str:
        """The full model is preferred: distilled weights can be added to it, not taken away."""

        def full(name: str) -> bool:
            return _is_of(name, family) and not _DISTILLED.search(name)

        kind = "LTX-2 checkpoint" if any_kind else "LTX-2 checkpoint that is not distilled"
        wanted = f"{kind} of LTX-{family}" if family else kind
        others = (lambda name: _is_of(name, family)) if any_kind else None
        return self._find(wanted, _CHECKPOINTS, "checkpoint", full, others, newest=True)

    def text_encoder(self) -> str:
        return self._find(
            "Gemma 3 12B text encoder in one file", _TEXTS, "text_encoder",
            lambda name: bool(_GEMMA.search(name)) and not _SHARD.search(name),
        )  # fmt: skip

    def distilled_lora(self, family: str) -> str:
        def fits(name: str) -> bool:
            return bool(_DISTILLED.search(name)) and _is_of(name, family) and "lora" in name

        return self._find(f"distilled LoRA of LTX-{family}", _LORAS, "distilled_lora", fits)

    def upscaler(self, family: str) -> str:
        def fits(name: str) -> bool:
            return bool(_UPSCALER.search(name)) and _is_of(name, family)

        wanted = f"x2 spatial upscaler of LTX-{family} (or set dub.comfyui.upscale to false)"
        return self._find(wanted, _UPSCALERS, "upscaler", fits)

    def named(self, what: str, place: tuple[str, str], name: str) -> str:
        """Return the listed name of a file that is asked for by name, with or without its folder."""
        listed = self._nodes.choices(*place)
        plain = name.replace("\\", "/").casefold()
        for choice in listed:
            if choice.replace("\\", "/").casefold() == plain:
                return choice
        same = sorted((c for c in listed if _base(c) == _base(name)), key=len)
        if not same:
            self.missing.append(f"- {what} {name!r}: {_offer(listed)}")
        return same[0] if same else ""

    def _find(
        self,
        wanted: str,
        place: tuple[str, str],
        setting: str,
        fits: Callable[[str], object],
        or_else: Callable[[str], object] | None = None,
        *,
        newest: bool = False,
    ) -> str:
        if name := str(getattr(self._settings, setting)):
            return self.named(f"{wanted}, dub.comfyui.{setting} =", place, name)
        listed = self._nodes.choices(*place)
        for test in filter(None, (fits, or_else)):
            matching = [choice for choice in listed if test(_base(choice))]
            if matching:
                return min(matching, key=lambda name: _rank(name, newest))
        self.missing.append(f"- {wanted}: {_offer(listed)} Name it in dub.comfyui.{setting}.")
        return ""


def _rank(name: str, newest: bool) -> tuple[object, ...]:
    """The newer family first where that is open, then full precision, then the shortest path."""
    base = _base(name)
    older = newest and not _NEWER.search(base)
    return (older, bool(_SMALLER.search(base)), len(name.replace("\\", "/").split("/")), name)


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].casefold()


def _family(name: str) -> str:
    base = _base(name)
    return "2.3" if _NEWER.search(base) else "2" if _OLDER.search(base) else ""


def _is_of(name: str, family: str) -> bool:
    found = _family(name)
    return bool(_LTX.search(name)) and (not family or not found or found == family)


def _offer(listed: Sequence[str]) -> str:
    if not listed:
        return "the server lists none."
    shown = ", ".join(listed[:4])
    return (
        f"the server lists {shown} and {len(listed) - 4} more."
        if len(listed) > 4
        else f"the server lists {shown}."
    )
