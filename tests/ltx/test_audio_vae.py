"""The audio autoencoder against the original's numbers, at two sizes, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dubkit.ltx.audio_vae import AudioDecoder, AudioEncoder
from dubkit.ltx.codec_config import AudioVAEConfig, read_audio_vae
from dubkit.ltx.mel import fit, sample_count
from tests.support.golden import (
    assert_close,
    checkpoint_config,
    checkpoint_tensors,
    golden,
    relative_error,
    requires_golden,
)
from tests.support.upstream import import_upstream

SMALL = AudioVAEConfig(
    channels=32,
    channel_multipliers=(1, 2, 4),
    res_blocks=1,
    in_channels=2,
    out_channels=2,
    latent_channels=8,
    mel_bins=16,
    sample_rate=16000,
    fft_size=1024,
    hop=160,
)


def published(prefix: str, model: Callable[[AudioVAEConfig], nn.Module]) -> Any:
    module = model(read_audio_vae(checkpoint_config()))
    statistics = checkpoint_tensors("audio_vae.per_channel_statistics.")
    own = {f"per_channel_statistics.{key}": value for key, value in statistics.items()}
    module.load_state_dict({**checkpoint_tensors(prefix), **own})
    return module.requires_grad_(False)


def filled(module: nn.Module, seed: int) -> Any:
    generator = torch.Generator().manual_seed(seed)
    for key, value in sorted(module.state_dict().items()):
        noise = torch.randn(value.shape, generator=generator)
        value.copy_(noise.abs() + 0.5 if "std" in key else noise / max(1, value[0].numel()) ** 0.5)
    return module.requires_grad_(False)


def stages(module: nn.Module, names: list[str], given: Tensor) -> dict[str, Tensor]:
    seen: dict[str, Tensor] = {}
    hooks = [
        module.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: seen.__setitem__(name, output)
        )
        for name in names
    ]
    seen["result"] = module(given)
    for hook in hooks:
        hook.remove()
    return seen


@requires_golden
@pytest.mark.parametrize(("name", "rate"), [("stereo48k", 48000), ("stereo44k", 44100), ("mono16k", 16000)])
def test_waveform_becomes_the_originals_latent(name: str, rate: int) -> None:
    unit = golden("unit_audio")
    encoder = published("audio_vae.encoder.", AudioEncoder)
    assert_close(encoder(unit[f"{name}.mel"]), unit[f"{name}.latent"])
    assert_close(encoder(encoder.mel(unit[f"{name}.wave"], rate)), unit[f"{name}.latent"])


@requires_golden
def test_clip_becomes_the_originals_reference_latent() -> None:
    encoder = published("audio_vae.encoder.", AudioEncoder)
    sound = golden("e2e_media")["clip_audio"]
    wave = fit(sound, sample_count(25, Fraction(25), 48000))[None]
    assert_close(encoder(encoder.mel(wave, 48000)), golden("e2e_justdubit")["ref_audio_latent"])


@requires_golden
def test_every_stage_of_the_decoder_is_the_originals() -> None:
    unit = golden("unit_audio")
    decoder = published("audio_vae.decoder.", AudioDecoder)
    names = ["conv_in", "mid.block_2", "up.2.upsample", "up.1.upsample", "up.0.block.1"]
    seen = stages(decoder, names, unit["decode.latent"])
    for name in names:
        expected = unit[f"decode.{name}"]
        assert_close(seen[name][:, : expected.shape[1]], expected)  # some are stored in part
    assert_close(seen["result"], unit["decode.mel"])


@requires_golden
def test_final_latent_of_the_dub_becomes_the_originals_mel() -> None:
    decoder = published("audio_vae.decoder.", AudioDecoder)
    latent = golden("e2e_justdubit")["stage2.final_audio_latent"]
    assert_close(decoder(latent), golden("e2e_media")["output_mel"])


@requires_golden
def test_bfloat16_encoder_stays_near_the_float32_one() -> None:
    encoder = published("audio_vae.encoder.", AudioEncoder).bfloat16()
    mel = encoder.mel(golden("e2e_media")["clip_audio"][None, :, :48000], 48000)
    assert mel.dtype == torch.float32
    latent = encoder(mel)
    assert latent.dtype == torch.bfloat16
    expected = golden("e2e_justdubit")["ref_audio_latent"]
    # The original's own bfloat16 run lies 0.008 away.
    assert (latent.float() - expected).norm() / expected.norm() < 0.02
    assert relative_error(latent, golden("e2e_bf16")["ref_audio_latent"]) < 0.05


def upstream_config(config: AudioVAEConfig) -> dict[str, Any]:
    net = {
        "ch": config.channels,
        "ch_mult": list(config.channel_multipliers),
        "num_res_blocks": config.res_blocks,
        "attn_resolutions": [],
        "mid_block_add_attention": False,
        "z_channels": config.latent_channels,
        "mel_bins": config.mel_bins,
        "double_z": True,
        "norm_type": "pixel",
        "causality_axis": "height",
        "in_channels": 2,
        "out_ch": 2,
        "resolution": 256,
        "dropout": 0.0,
        "resamp_with_conv": True,
        "attn_type": "vanilla",
    }
    return {
        "audio_vae": {
            "model": {"params": {"sampling_rate": 16000, "ddconfig": net}},
            "preprocessing": {
                "stft": {"filter_length": 1024, "hop_length": 160, "causal": True},
                "mel": {"n_mel_channels": config.mel_bins},
            },
            "variables": {"mel_bins": config.mel_bins},
        }
    }


@pytest.mark.parametrize("res_blocks", [1, 2])
def test_both_directions_agree_with_ltx_core_at_another_size(res_blocks: int) -> None:
    upstream = import_upstream("ltx_core.model.audio_vae.model_configurator")
    values = upstream_config(replace(SMALL, res_blocks=res_blocks))
    config = read_audio_vae(values)
    assert config == replace(SMALL, res_blocks=res_blocks)
    encoder = filled(AudioEncoder(config), seed=1)
    reference = upstream.AudioEncoderConfigurator.from_config(values)
    reference.load_state_dict(encoder.state_dict())
    mel = torch.randn(2, 2, 22, 16, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        assert_close(encoder(mel), reference(mel))
    decoder = filled(AudioDecoder(config), seed=3)
    reference = upstream.AudioDecoderConfigurator.from_config(values)
    reference.load_state_dict(decoder.state_dict())
    latent = torch.randn(2, 8, 6, 4, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        assert_close(decoder(latent), reference(latent))


@pytest.mark.parametrize(("frames", "latents"), [(1, 1), (4, 1), (5, 2), (485, 122)])
def test_four_mel_frames_make_a_latent_frame_rounded_up(frames: int, latents: int) -> None:
    narrow = replace(SMALL, channels=2, latent_channels=1)
    encoder, decoder = filled(AudioEncoder(narrow), 1), filled(AudioDecoder(narrow), 2)
    latent = encoder(torch.zeros(1, 2, frames, 16))
    assert latent.shape == (1, 1, latents, 4)
    assert decoder(latent).shape == (1, 2, 4 * latents - 3, 16)


def test_later_sound_does_not_change_earlier_latents() -> None:
    encoder = filled(AudioEncoder(SMALL), seed=5)
    mel = torch.randn(1, 2, 21, 16, generator=torch.Generator().manual_seed(6))
    changed = mel.clone()
    changed[:, :, 17:] = 0
    assert torch.equal(encoder(mel)[:, :, :5], encoder(changed)[:, :, :5])
    assert not torch.equal(encoder(mel)[:, :, 5:], encoder(changed)[:, :, 5:])


def test_mono_serves_as_both_sides() -> None:
    encoder = filled(AudioEncoder(SMALL), seed=7)
    mono = torch.randn(1, 1, 9, 16, generator=torch.Generator().manual_seed(8))
    assert torch.equal(encoder(mono), encoder(mono.repeat(1, 2, 1, 1)))


def test_modules_can_be_built_without_memory() -> None:
    with torch.device("meta"):
        modules = [AudioEncoder(SMALL), AudioDecoder(SMALL)]
    assert all(value.is_meta for module in modules for value in module.state_dict().values())


def test_published_sizes_have_the_published_number_of_values() -> None:
    full = replace(SMALL, channels=128, res_blocks=2, mel_bins=64)
    with torch.device("meta"):
        counts = [sum(p.numel() for p in m.parameters()) for m in (AudioEncoder(full), AudioDecoder(full))]
    assert [round(count / 1e6, 2) for count in counts] == [21.33, 31.92]


@pytest.mark.parametrize("shape", [(2, 9, 16), (1, 3, 9, 16), (1, 2, 0, 16), (1, 2, 9, 64)])
def test_encoder_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="AudioEncoder's input has shape"):
        AudioEncoder(SMALL)(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(8, 5, 4), (1, 4, 5, 4), (1, 8, 0, 4), (1, 8, 5, 16)])
def test_decoder_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="AudioDecoder's input has shape"):
        AudioDecoder(SMALL)(torch.zeros(shape))


def test_mel_bins_that_cannot_be_halved_are_refused() -> None:
    with pytest.raises(ValueError, match="18 mel bins cannot be divided by 4"):
        AudioEncoder(replace(SMALL, mel_bins=18))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("norm_type", "group"),
        ("causality_axis", "width"),
        ("mid_block_add_attention", True),
        ("double_z", False),
    ],
)
def test_reader_refuses_what_is_not_implemented(key: str, value: object) -> None:
    values = upstream_config(SMALL)
    values["audio_vae"]["model"]["params"]["ddconfig"][key] = value
    with pytest.raises(ValueError, match=f"ddconfig.{key} is"):
        read_audio_vae(values)


def test_reader_names_a_missing_field() -> None:
    values = upstream_config(SMALL)
    del values["audio_vae"]["model"]["params"]["ddconfig"]["ch_mult"]
    with pytest.raises(ValueError, match=r"lacks audio_vae\.model\.params\.ddconfig\.ch_mult"):
        read_audio_vae(values)
