"""The graphs: lip-dubbing and image to video, in one stage or two, with the voice made or given.

Every step of a recipe works on the picture's and the sound's latents together: they are joined before the
sampler and taken apart after it. What a node makes of them both is of type LATENT, as are its halves, so the
server would not notice a mix-up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from dubkit.engines.comfyui.definitions import Definitions
from dubkit.engines.comfyui.files import Files
from dubkit.engines.comfyui.graph import Graph, Link
from dubkit.engines.comfyui.presets import LEVELS_3, PRESETS, Preset
from dubkit.engines.comfyui.settings import ComfySettings

SIDE = 32
"""Pixels of a latent's side: each side of a stage is a multiple."""
SPAN = 8
"""Frames of a latent, the first one aside: a clip has 8k+1."""
_COMPRESSION = {"2.3": 18, "2": 33}
"""Family -> H.264 loss put on a still, as those that the model was trained on had."""
_STILL = {"2.3": 0.7, "2": 1.0}
"""Family -> how closely the first stage holds to a still."""
_LAST_SEED = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """One clip, as a graph makes it."""

    recipe: str
    """`lip-dub` or `image`."""
    preset: Preset
    two_stages: bool
    width: int
    """Of the canvas: the last stage's, and twice the first one's where there are two."""
    height: int
    frames: int
    """8k+1."""
    rate: Fraction
    seed: int
    prompt: str
    negative: str
    picture: str
    """Name of the source clip (`lip-dub`) or its first frame (`image`) on the server."""
    sound: str
    """Name of the sound on the server: the voice to take after, or the speech to follow."""
    given: bool
    """Whether the picture follows that sound, instead of a voice being made."""
    text_encoder_on: str = "default"
    scale: int = 1
    """By what the sides are smaller than the canvas: 2 for a single stage at half size."""

    @property
    def made_size(self) -> tuple[int, int]:
        """Width and height of what the server makes."""
        return self.width // self.scale, self.height // self.scale


def example(settings: ComfySettings) -> Wanted:
    """Return a clip of everyday size with the preset and the recipe of the settings."""
    preset = PRESETS[settings.preset]
    return Wanted(
        recipe=settings.recipe,
        preset=preset,
        two_stages=preset.two_stages and settings.upscale,
        width=768,
        height=512,
        frames=97,
        rate=Fraction(24),
        seed=0,
        prompt="",
        negative="",
        picture="clip.mp4",
        sound="clip.wav",
        given=False,
        text_encoder_on=settings.text_encoder_on,
        scale=1 if preset.two_stages else 2,
    )


class _Both(NamedTuple):
    """The two halves of a joined latent."""

    picture: Link
    sound: Link


class _Texts(NamedTuple):
    """The conditioning for and against."""

    positive: Link
    negative: Link


def build(wanted: Wanted, files: Files, nodes: Definitions) -> Graph:
    """Return the graph of a clip; `place_results` says where it saves.

    Raises GeneratorError where the server lacks a node or an input, ValueError for a size or length that
    the model does not have.
    """
    check_size(wanted)
    return _Recipe(wanted, files, nodes).graph


def check_size(wanted: Wanted) -> None:
    """Raise ValueError for what the server would cut without a word."""
    unit = SIDE * (2 if wanted.two_stages else 1) * wanted.scale
    for name, side in (("width", wanted.width), ("height", wanted.height)):
        if side % unit:
            raise ValueError(f"A {name} of {side} is no multiple of {unit}: the server would cut it.")
    if wanted.frames % SPAN != 1:
        raise ValueError(f"{wanted.frames} frames are not 8k+1: the server would cut them.")


def sound_length(frames: int, rate: Fraction, kinds: frozenset[str]) -> tuple[int, int | float]:
    """Return frames and rate of an empty sound that is as long as a clip, or up to a frame longer.

    Where the server takes whole rates only, 23.976 would become 23 and the sound 4 % too long; 24 with as
    many frames of its own is right.
    """
    if "FLOAT" in kinds:
        return frames, float(rate)
    whole = max(1, round(rate))
    return math.ceil(frames * whole / rate), whole


class _Recipe:
    def __init__(self, wanted: Wanted, files: Files, nodes: Definitions) -> None:
        self.wanted, self.files = wanted, files
        self.graph = Graph(nodes)
        self._load()
        self.texts = self._read_texts()
        both = self._lip_dub() if wanted.recipe == "lip-dub" else self._from_image()
        self._finish(both)

    def _load(self) -> None:
        add, files = self.graph.add, self.files
        loaded = add("CheckpointLoaderSimple", ckpt_name=files.checkpoint)
        self.model, self.vae = loaded.out(0), loaded.out(2)
        self.sound_vae = add("LTXVAudioVAELoader", ckpt_name=files.checkpoint).out()
        for name, strength in files.loras:
            self.model = self._with_lora(self.model, name, strength)
        distilled = self.model
        if files.distilled_lora:
            distilled = self._with_lora(self.model, files.distilled_lora, files.distilled_strength)
        first = distilled if self.wanted.preset.distilled else self.model
        self.models = self._with_dubbing(first, distilled)

    def _with_lora(self, model: Link, name: str, strength: float) -> Link:
        node = self.graph.add("LoraLoaderModelOnly", model=model, lora_name=name, strength_model=strength)
        return node.out()

    def _with_dubbing(self, *models: Link) -> list[Link]:
        """Add the lip-dub LoRA to the models of the stages; the same one is loaded once."""
        if not self.files.dubbing_lora:
            return list(models)
        made: dict[str, Link] = {}
        for model in models:
            if model[0] not in made:
                node = self.graph.add(
                    "LTXICLoRALoaderModelOnly",
                    model=model,
                    lora_name=self.files.dubbing_lora,
                    strength_model=1.0,
                )
                made[model[0]] = node.out()
        return [made[model[0]] for model in models]

    def _read_texts(self) -> _Texts:
        add, wanted = self.graph.add, self.wanted
        encoder = add(
            "LTXAVTextEncoderLoader",
            {"device": wanted.text_encoder_on},
            text_encoder=self.files.text_encoder,
            ckpt_name=self.files.checkpoint,
        ).out()
        texts = [add("CLIPTextEncode", clip=encoder, text=t).out() for t in (wanted.prompt, wanted.negative)]
        node = add("LTXVConditioning", positive=texts[0], negative=texts[1], frame_rate=float(wanted.rate))
        return _Texts(node.out(0), node.out(1))

    # --- lip-dub --------------------------------------------------------------------------------

    def _lip_dub(self) -> _Both:
        add, wanted = self.graph.add, self.wanted
        source = add("GetVideoComponents", video=add("LoadVideo", file=wanted.picture).out()).out(0)
        width, height = self._first_size()
        guide = source
        if (width, height) != (wanted.width, wanted.height):
            guide = add(
                "ImageScale", image=source, upscale_method="area", width=width, height=height, crop="disabled"
            ).out()
        heard = self._heard()
        texts, picture = self._guided(self.texts, self._empty_picture(), guide)
        if wanted.given:
            spoken, sound = texts, self._frozen(heard)
        else:
            # After the guide: the guide node makes new conditioning, and the voice would be lost.
            spoken, sound = self._voice(texts, heard)[0], self._empty_sound()
        both = self._sample(0, spoken, _Both(picture, sound))
        texts, picture = self._cropped(texts, both.picture)
        both = _Both(picture, both.sound)
        if not wanted.two_stages:
            return both
        sound = both.sound
        if not wanted.given:
            texts, sound = self._voice(texts, both.sound)
        texts, picture = self._guided(texts, self._upscaled(both.picture), source)
        both = self._sample(1, texts, _Both(picture, sound))
        return _Both(self._cropped(texts, both.picture)[1], both.sound)

    def _guided(self, texts: _Texts, latent: Link, image: Link) -> tuple[_Texts, Link]:
        node = self.graph.add(
            "LTXAddVideoICLoRAGuide",
            **texts._asdict(),
            vae=self.vae,
            latent=latent,
            image=image,
            frame_idx=0,
            strength=1.0,
            latent_downscale_factor=1.0,
            crop="disabled",
            use_tiled_encode=True,
            tile_size=256,
            tile_overlap=64,
        )
        return _Texts(node.out(0), node.out(1)), node.out(2)

    def _cropped(self, texts: _Texts, latent: Link) -> tuple[_Texts, Link]:
        """Take the guide's frames out again, which are decoded as further ones of the clip otherwise."""
        node = self.graph.add("LTXVCropGuides", **texts._asdict(), latent=latent)
        return _Texts(node.out(0), node.out(1)), node.out(2)

    def _voice(self, texts: _Texts, sound: Link) -> tuple[_Texts, Link]:
        """Return conditioning on a voice, and its sound so that a stage leaves it as it is."""
        node = self.graph.add("LTXVSetAudioRefTokens", **texts._asdict(), audio_latent=sound)
        return _Texts(node.out(0), node.out(1)), node.out(2)

    # --- image to video -------------------------------------------------------------------------

    def _from_image(self) -> _Both:
        add, family = self.graph.add, self.files.family
        still = add(
            "LTXVPreprocess",
            image=add("LoadImage", image=self.wanted.picture).out(),
            img_compression=_COMPRESSION[family],
        ).out()
        sound = self._frozen(self._heard()) if self.wanted.given else self._empty_sound()
        picture = self._held(still, self._empty_picture(), _STILL[family])
        both = self._sample(0, self.texts, _Both(picture, sound))
        if not self.wanted.two_stages:
            return both
        picture = self._held(still, self._upscaled(both.picture), 1.0)
        return self._sample(1, self.texts, _Both(picture, both.sound))

    def _held(self, still: Link, latent: Link, strength: float) -> Link:
        return self.graph.add(
            "LTXVImgToVideoInplace", vae=self.vae, image=still, latent=latent, strength=strength, bypass=False
        ).out()

    # --- common ---------------------------------------------------------------------------------

    def _first_size(self) -> tuple[int, int]:
        factor = 2 if self.wanted.two_stages else self.wanted.scale
        return self.wanted.width // factor, self.wanted.height // factor

    def _empty_picture(self) -> Link:
        width, height = self._first_size()
        return self.graph.add(
            "EmptyLTXVLatentVideo", width=width, height=height, length=self.wanted.frames, batch_size=1
        ).out()

    def _empty_sound(self) -> Link:
        definition = self.graph.nodes.get("LTXVEmptyLatentAudio")
        entry = definition.inputs.get("frame_rate") if definition else None
        kinds = entry.kinds if entry else frozenset(("INT",))
        frames, rate = sound_length(self.wanted.frames, self.wanted.rate, kinds)
        return self.graph.add(
            "LTXVEmptyLatentAudio",
            frames_number=frames,
            frame_rate=rate,
            batch_size=1,
            audio_vae=self.sound_vae,
        ).out()

    def _heard(self) -> Link:
        """Return the latent of the sound that was sent."""
        loaded = self.graph.add("LoadAudio", audio=self.wanted.sound).out()
        return self.graph.add("LTXVAudioVAEEncode", audio=loaded, audio_vae=self.sound_vae).out()

    def _frozen(self, sound: Link) -> Link:
        """Mark a sound as one to be kept; the mark goes with it through the stages."""
        mask = self.graph.add("SolidMask", value=0.0, width=self.wanted.width, height=self.wanted.height)
        return self.graph.add("SetLatentNoiseMask", samples=sound, mask=mask.out()).out()

    def _upscaled(self, latent: Link) -> Link:
        model = self.graph.add("LatentUpscaleModelLoader", model_name=self.files.upscaler).out()
        return self.graph.add("LTXVLatentUpsampler", samples=latent, upscale_model=model, vae=self.vae).out()

    def _sample(self, stage: int, texts: _Texts, both: _Both) -> _Both:
        add, preset = self.graph.add, self.wanted.preset
        joined = add("LTXVConcatAVLatent", video_latent=both.picture, audio_latent=both.sound).out()
        guidance = preset.guidance if stage == 0 else 1.0
        levels = preset.levels if stage == 0 else LEVELS_3
        sampled = add(
            "SamplerCustomAdvanced",
            noise=add("RandomNoise", noise_seed=(self.wanted.seed + stage) & _LAST_SEED).out(),
            guider=add("CFGGuider", model=self.models[stage], **texts._asdict(), cfg=guidance).out(),
            sampler=add("KSamplerSelect", sampler_name="euler").out(),
            sigmas=self._levels(levels, joined),
            latent_image=joined,
        ).out(0)
        parts = add("LTXVSeparateAVLatent", av_latent=sampled)
        return _Both(parts.out(0), parts.out(1))

    def _levels(self, levels: Sequence[float], joined: Link) -> Link:
        if levels:
            return self.graph.add("ManualSigmas", sigmas=", ".join(f"{level:g}" for level in levels)).out()
        return self.graph.add(
            "LTXVScheduler",
            steps=self.wanted.preset.steps,
            max_shift=2.05,
            base_shift=0.95,
            stretch=True,
            terminal=0.1,
            latent=joined,
        ).out()

    def _finish(self, both: _Both) -> None:
        add, wanted = self.graph.add, self.wanted
        pictures = add(
            "VAEDecodeTiled",
            {"temporal_size": 4096, "temporal_overlap": 8},
            samples=both.picture,
            vae=self.vae,
            tile_size=512,
            overlap=64,
        ).out()
        sound = add("LTXVAudioVAEDecode", samples=both.sound, audio_vae=self.sound_vae).out()
        film = add("CreateVideo", images=pictures, audio=sound, fps=float(wanted.rate)).out()
        add("SaveVideo", video=film, filename_prefix="", format="mp4", codec="h264")
        if not wanted.given:
            # The film's own sound is AAC.
            add("SaveAudio", audio=sound, filename_prefix="")


def place_results(graph: Graph, prefix: str) -> dict[str, dict[str, object]]:
    """Return a graph whose results are saved under a prefix."""
    return {
        name: {**entry, "inputs": {**entry["inputs"], "filename_prefix": prefix}}
        if "filename_prefix" in entry["inputs"]
        else dict(entry)
        for name, entry in graph.entries.items()
    }
