"""Both vocoders against the original's numbers, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dubkit.ltx.audio_vae import AudioDecoder
from dubkit.ltx.bigvgan import AliasFree, ExtendedVocoder, open_vocoder
from dubkit.ltx.codec_config import read_audio_vae, read_vocoder
from dubkit.ltx.vocoder import Vocoder
from tests.support.golden import assert_close, checkpoint_config, checkpoint_tensors, golden, requires_golden
from tests.support.upstream import import_upstream

BLOCKS = {"resblock_kernel_sizes": [3, 7, 11], "resblock_dilation_sizes": [[1, 3, 5]] * 3}
FLAT = {
    "resblock": "1",
    "stereo": True,
    "upsample_initial_channel": 32,
    "upsample_rates": [6, 5, 2, 2, 2],
    "upsample_kernel_sizes": [16, 15, 8, 4, 4],
    "output_sampling_rate": 24000,
    **BLOCKS,
}
SNAKE = {
    "resblock": "AMP1",
    "stereo": True,
    "activation": "snakebeta",
    "use_tanh_at_final": False,
    "use_bias_at_final": False,
    **BLOCKS,
}
MAIN = {
    **SNAKE,
    "upsample_initial_channel": 64,
    "upsample_rates": [5, 2, 2, 2, 2, 2],
    "upsample_kernel_sizes": [11, 4, 4, 4, 4, 4],
}
EXTENSION = {
    **SNAKE,
    "upsample_initial_channel": 32,
    "upsample_rates": [6, 5, 2, 2, 2],
    "upsample_kernel_sizes": [12, 11, 4, 4, 4],
    "input_sampling_rate": 16000,
    "output_sampling_rate": 48000,
    "hop_length": 80,
    "n_fft": 512,
    "num_mels": 64,
}


def nested(main: dict[str, Any] = MAIN, extension: dict[str, Any] = EXTENSION) -> dict[str, Any]:
    return {"vocoder": {"vocoder": main, "bwe": extension}}


def fill(module: nn.Module, seed: int = 1) -> None:
    """Fill parameters and stored tables with values that keep the signal's size."""
    generator = torch.Generator().manual_seed(seed)
    for key, value in sorted(module.state_dict().items()):
        noise = torch.randn(value.shape, generator=generator)
        if key.endswith(".filter"):
            value.copy_(noise.abs() / noise.abs().sum())
        elif key.endswith("basis"):
            value.copy_(noise.abs() / value[0].numel() ** 0.5)
        elif "conv_post" in key:
            value.copy_(noise * 0.05)
        else:
            value.copy_(noise * (0.1 if value.ndim == 1 else value[0].numel() ** -0.5))


def mel_of(frames: int, batch: int = 1) -> Tensor:
    return torch.randn(batch, 2, frames, 64, generator=torch.Generator().manual_seed(9))


def compare_with_upstream(values: dict[str, Any], frames: int) -> Tensor:
    upstream = import_upstream("ltx_core.model.audio_vae.model_configurator")
    reference = upstream.VocoderConfigurator.from_config(values).requires_grad_(False)
    fill(reference)
    module = open_vocoder(read_vocoder(values)).requires_grad_(False)
    module.load_state_dict(reference.state_dict())
    expected: Tensor = reference(mel_of(frames))
    assert_close(module(mel_of(frames)), expected)
    return expected


@requires_golden
def test_waveforms_are_the_originals() -> None:
    unit, media = golden("unit_audio"), golden("e2e_media")
    vocoder = Vocoder(read_vocoder(checkpoint_config())).requires_grad_(False)
    vocoder.load_state_dict(checkpoint_tensors("vocoder."))
    assert vocoder.sample_rate == 24000
    assert_close(vocoder(unit["vocoder.mel"]), unit["vocoder.wave"])
    assert_close(vocoder(unit["decode.mel"]), unit["roundtrip.wave"])
    assert_close(vocoder(media["output_mel"])[0], media["output_audio"])


@requires_golden
def test_sound_of_another_dub_is_the_originals() -> None:
    variants = golden("e2e_variants")
    config = checkpoint_config()
    decoder = AudioDecoder(read_audio_vae(config)).requires_grad_(False)
    statistics = checkpoint_tensors("audio_vae.per_channel_statistics.")
    own = {f"per_channel_statistics.{key}": value for key, value in statistics.items()}
    decoder.load_state_dict({**checkpoint_tensors("audio_vae.decoder."), **own})
    vocoder = Vocoder(read_vocoder(config)).requires_grad_(False)
    vocoder.load_state_dict(checkpoint_tensors("vocoder."))
    wave = vocoder(decoder(variants["soft.stage2.final_audio_latent"]))
    assert_close(wave[0, :, :4800], variants["soft.output_audio_first4800"])


def test_flat_vocoder_agrees_with_ltx_core_at_another_size() -> None:
    wave = compare_with_upstream({"vocoder": FLAT}, frames=7)
    assert wave.shape == (1, 2, 7 * 240)
    compare_with_upstream({"vocoder": {**FLAT, "use_tanh_at_final": False, "use_bias_at_final": False}}, 3)


def test_extended_vocoder_agrees_with_ltx_core() -> None:
    wave = compare_with_upstream(nested(), frames=5)
    assert wave.shape == (1, 2, 5 * 480)
    assert wave.abs().max() < 1  # so that the clamp hides nothing


def test_extended_vocoder_agrees_where_the_hop_does_not_divide_the_sound() -> None:
    odd = {**MAIN, "upsample_rates": [7, 3], "upsample_kernel_sizes": [11, 5]}
    assert compare_with_upstream(nested(odd), frames=5).shape == (1, 2, 5 * 21 * 3)


def test_extended_vocoder_agrees_with_other_final_activations_and_tables() -> None:
    main = {**MAIN, "use_tanh_at_final": True, "use_bias_at_final": True}
    # Flags that the original does not read for an extension, and other table sizes.
    extension = {**EXTENSION, "apply_final_activation": True, "n_fft": 256}
    compare_with_upstream(nested(main, extension), frames=4)


def test_published_flat_vocoder_has_the_published_number_of_values() -> None:
    with torch.device("meta"):
        vocoder = open_vocoder(read_vocoder({"vocoder": {**FLAT, "upsample_initial_channel": 1024}}))
    assert round(sum(p.numel() for p in vocoder.parameters()) / 1e6, 2) == 55.59


def test_extended_vocoder_can_be_built_without_memory() -> None:
    with torch.device("meta"):
        vocoder = open_vocoder(read_vocoder(nested()))
    assert isinstance(vocoder, ExtendedVocoder)
    assert all(value.is_meta for value in vocoder.state_dict().values())


def test_anti_aliased_activation_keeps_the_length_and_a_constant() -> None:
    activation = AliasFree(3).requires_grad_(False)
    for key, value in activation.state_dict().items():
        if key.endswith("filter"):
            value.fill_(1 / 12)
    x = torch.full((2, 3, 11), 0.5)
    expected = 0.5 + torch.tensor(0.5).sin().square()
    assert torch.allclose(activation(x), expected.expand(2, 3, 11))


def test_bfloat16_weights_give_a_bfloat16_wave() -> None:
    for values in ({"vocoder": FLAT}, nested()):
        vocoder = open_vocoder(read_vocoder(values)).requires_grad_(False)
        fill(vocoder)
        expected = vocoder(mel_of(3))
        wave = vocoder.bfloat16()(mel_of(3))
        assert wave.dtype == torch.bfloat16
        assert (wave.float() - expected).norm() / expected.norm() < 0.1


@pytest.mark.parametrize("shape", [(2, 9, 64), (1, 1, 9, 64), (1, 2, 0, 64), (1, 2, 9, 80)])
def test_vocoder_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="the vocoder takes"):
        Vocoder(read_vocoder({"vocoder": FLAT}))(torch.zeros(shape))


def test_each_vocoder_refuses_the_others_configuration() -> None:
    with pytest.raises(ValueError, match=r"2\.3's vocoder"):
        Vocoder(read_vocoder(nested()))
    with pytest.raises(ValueError, match="no bandwidth extension"):
        ExtendedVocoder(read_vocoder({"vocoder": FLAT}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"upsample_initial_channel": 48}, "48 first channels cannot be halved 5 times"),
        ({"upsample_kernel_sizes": [16, 15]}, "differ in length"),
        ({"stereo": False}, "vocoder.stereo is False"),
        ({"resblock": "2"}, "vocoder.resblock is '2'"),
    ],
)
def test_impossible_flat_configurations_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_vocoder(read_vocoder({"vocoder": {**FLAT, **change}}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": "snake"}, "vocoder.bwe.activation is 'snake'"),
        ({"output_sampling_rate": 44100}, "44100 Hz is not a multiple of 16000 Hz"),
    ],
)
def test_impossible_extensions_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_vocoder(read_vocoder(nested(extension={**EXTENSION, **change})))


def test_reader_names_a_missing_field_of_the_extension() -> None:
    extension = {key: value for key, value in EXTENSION.items() if key != "n_fft"}
    with pytest.raises(ValueError, match=r"lacks vocoder\.bwe\.n_fft"):
        read_vocoder(nested(extension=extension))


def test_output_rate_defaults_to_24_kilohertz() -> None:
    flat = {key: value for key, value in FLAT.items() if key != "output_sampling_rate"}
    assert read_vocoder({"vocoder": flat}).output_rate == 24000
