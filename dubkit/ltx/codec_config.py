"""Sizes and variants of the autoencoders, the vocoder and the latent upsampler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dubkit.ltx.metadata import Section

Padding = Literal["zeros", "reflect", "replicate"]


@dataclass(frozen=True, slots=True)
class VAEBlock:
    """One entry of the video autoencoder's block list."""

    kind: str
    layers: int = 1
    multiplier: int | None = None
    residual: bool = False


@dataclass(frozen=True, slots=True)
class VideoVAEConfig:
    """The video autoencoder. Lists are in the file's order; the decoder applies its own from the end."""

    in_channels: int
    out_channels: int
    latent_channels: int
    patch_size: int
    encoder_blocks: tuple[VAEBlock, ...]
    decoder_blocks: tuple[VAEBlock, ...]
    encoder_padding: Padding
    decoder_padding: Padding
    decoder_base_channels: int
    causal_decoder: bool
    timestep_conditioning: bool


@dataclass(frozen=True, slots=True)
class AudioVAEConfig:
    """The audio autoencoder and the mel front end that its latents stand for."""

    channels: int
    channel_multipliers: tuple[int, ...]
    res_blocks: int
    in_channels: int
    out_channels: int
    latent_channels: int
    mel_bins: int
    sample_rate: int
    """Hz of the waveform that the mel front end expects."""
    fft_size: int
    hop: int
    """Samples from one mel frame to the next."""


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    """One waveform generator: transposed convolutions and residual blocks."""

    initial_channels: int
    rates: tuple[int, ...]
    kernels: tuple[int, ...]
    block_kernels: tuple[int, ...]
    block_dilations: tuple[tuple[int, ...], ...]
    snake: bool
    """Anti-aliased snake-beta activations (2.3) instead of leaky ReLUs (19B)."""
    final_tanh: bool
    final_activation: bool
    final_bias: bool


@dataclass(frozen=True, slots=True)
class VocoderConfig:
    """Mel to waveform. `extension` is 2.3's second generator that doubles the bandwidth."""

    main: GeneratorConfig
    output_rate: int
    extension: GeneratorConfig | None = None
    input_rate: int = 0
    """Hz of the main generator's waveform where an extension follows."""
    fft_size: int = 0
    hop: int = 0
    mel_bins: int = 64


@dataclass(frozen=True, slots=True)
class UpsamplerConfig:
    """A latent upsampler file."""

    in_channels: int
    mid_channels: int
    blocks: int
    dims: int
    spatial: bool
    temporal: bool
    spatial_scale: float
    rational: bool

    @property
    def generation(self) -> Literal["19B", "2.3"] | None:
        """Whose latents it takes, by its kind: rational 19B, plain 2.3; a temporal one does not say."""
        if self.temporal:
            return None
        return "19B" if self.rational else "2.3"


def read_video_vae(values: Mapping[str, Any], keys: frozenset[str] = frozenset()) -> VideoVAEConfig:
    """Read the video autoencoder. `keys` of the file decide where timestep conditioning is not stated."""
    s = Section(values.get("vae"), "vae")
    for key, only in {"dims": 3, "norm_layer": "pixel_norm", "latent_log_var": "uniform"}.items():
        if s.get(key, only) != only:
            raise ValueError(f"vae.{key} is {s.get(key, None)!r}; only {only!r} is implemented.")

    def block(name: str, kind: str, given: int | Mapping[str, Any]) -> VAEBlock:
        params = {"num_layers": given} if isinstance(given, int) else given
        if kind == "res_x" and "num_layers" not in params:
            raise ValueError(f"The checkpoint's configuration has a res_x in vae.{name} without num_layers.")
        if params.get("inject_noise", False):
            raise ValueError(f"vae.{name} has a {kind} with inject_noise; that is not implemented.")
        layers, multiplier = params.get("num_layers", 1), params.get("multiplier")
        return VAEBlock(kind, layers, multiplier, bool(params.get("residual", False)))

    def blocks(name: str) -> tuple[VAEBlock, ...]:
        return tuple(block(name, kind, given) for kind, given in s.need(name))

    shared = s.get("spatial_padding_mode", None)
    known = ("zeros", "reflect", "replicate")
    learned = "vae.decoder.last_scale_shift_table" in keys
    return VideoVAEConfig(
        in_channels=s.get("in_channels", 3),
        out_channels=s.get("out_channels", 3),
        latent_channels=s.need("latent_channels"),
        patch_size=s.need("patch_size"),
        encoder_blocks=blocks("encoder_blocks"),
        decoder_blocks=blocks("decoder_blocks"),
        encoder_padding=s.choice(
            "encoder_spatial_padding_mode",
            s.get("encoder_spatial_padding_mode", shared or "zeros"),
            known,
        ),
        decoder_padding=s.choice(
            "decoder_spatial_padding_mode",
            s.get("decoder_spatial_padding_mode", shared or "reflect"),
            known,
        ),
        decoder_base_channels=s.get("decoder_base_channels", 128),
        causal_decoder=bool(s.get("causal_decoder", False)),
        timestep_conditioning=bool(s.get("timestep_conditioning", learned)),
    )


def read_audio_vae(values: Mapping[str, Any]) -> AudioVAEConfig:
    """Read the audio autoencoder and its mel front end."""
    s = Section(values.get("audio_vae"), "audio_vae")
    params = s.section("model").section("params")
    net = params.section("ddconfig")
    stft = s.section("preprocessing").section("stft")
    only = {"norm_type": "pixel", "causality_axis": "height", "attn_resolutions": [], "double_z": True}
    for key, value in only.items():
        if net.get(key, value) != value:
            raise ValueError(f"{net.name}.{key} is {net.get(key, None)!r}; only {value!r} is implemented.")
    if net.get("mid_block_add_attention", False):
        raise ValueError(f"{net.name}.mid_block_add_attention is not implemented.")
    return AudioVAEConfig(
        channels=net.need("ch"),
        channel_multipliers=tuple(net.need("ch_mult")),
        res_blocks=net.need("num_res_blocks"),
        in_channels=net.need("in_channels"),
        out_channels=net.need("out_ch"),
        latent_channels=net.need("z_channels"),
        mel_bins=net.get("mel_bins", None)
        or s.section("preprocessing").section("mel").need("n_mel_channels"),
        sample_rate=params.need("sampling_rate"),
        fft_size=stft.need("filter_length"),
        hop=stft.need("hop_length"),
    )


def read_vocoder(values: Mapping[str, Any]) -> VocoderConfig:
    """Read the vocoder: flat for 19B, nested with a bandwidth extension (`bwe`) for 2.3."""
    s = Section(values.get("vocoder"), "vocoder")
    if "bwe" not in s.values:
        rate = s.get("output_sampling_rate", None) or s.get("output_sample_rate", 24000)
        return VocoderConfig(_generator(s, {"stereo": True, "resblock": "1"}), rate)
    bwe = s.section("bwe")
    only = {"stereo": True, "resblock": "AMP1", "activation": "snakebeta"}
    rates = (bwe.need("input_sampling_rate"), bwe.need("output_sampling_rate"))
    if rates[1] % rates[0]:
        raise ValueError(f"vocoder.bwe: {rates[1]} Hz is not a multiple of {rates[0]} Hz.")
    return VocoderConfig(
        main=_generator(s.section("vocoder"), only),
        output_rate=rates[1],
        extension=_generator(bwe, only, last=True),
        input_rate=rates[0],
        fft_size=bwe.need("n_fft"),
        hop=bwe.need("hop_length"),
        mel_bins=bwe.need("num_mels"),
    )


def _generator(s: Section, only: Mapping[str, object], *, last: bool = False) -> GeneratorConfig:
    for key, value in only.items():
        if s.need(key) != value:
            raise ValueError(f"{s.name}.{key} is {s.values[key]!r}; only {value!r} is implemented here.")
    return GeneratorConfig(
        initial_channels=s.need("upsample_initial_channel"),
        rates=tuple(s.need("upsample_rates")),
        kernels=tuple(s.need("upsample_kernel_sizes")),
        block_kernels=tuple(s.need("resblock_kernel_sizes")),
        block_dilations=tuple(tuple(d) for d in s.need("resblock_dilation_sizes")),
        snake=s.values["resblock"] == "AMP1",
        final_tanh=bool(s.get("use_tanh_at_final", True)),
        # A generator that extends another adds to its waveform, so it is not limited. The file's
        # `apply_final_activation` is not read: the original decides by the generator's place as well.
        final_activation=not last,
        final_bias=bool(s.get("use_bias_at_final", True)),
    )


def read_upsampler(values: Mapping[str, Any]) -> UpsamplerConfig:
    """Read a latent upsampler's own, flat configuration."""
    s = Section(values, "upsampler")
    return UpsamplerConfig(
        in_channels=s.need("in_channels"),
        mid_channels=s.need("mid_channels"),
        blocks=s.need("num_blocks_per_stage"),
        dims=s.get("dims", 3),
        spatial=bool(s.need("spatial_upsample")),
        temporal=bool(s.need("temporal_upsample")),
        spatial_scale=float(s.get("spatial_scale", 2.0)),
        rational=bool(s.get("rational_resampler", False)),
    )
