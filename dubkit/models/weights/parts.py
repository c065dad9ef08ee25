"""Key and shape of every tensor of the generator's files, from the network itself, built without memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dubkit.errors import DubkitError
from dubkit.models.packaged import package_folder

if TYPE_CHECKING:
    from torch import nn

    from dubkit.ltx.codec_config import UpsamplerConfig
    from dubkit.ltx.config import CheckpointConfig, TransformerConfig

Shapes = dict[str, tuple[int, ...]]

TRANSFORMER = "model.diffusion_model."
STATISTICS = "per_channel_statistics."


def need_torch() -> None:
    """Raise a `DubkitError` that says what to install where torch is missing."""
    if package_folder("torch") is None:
        raise DubkitError(
            'The generator\'s files cannot be described without torch.\nInstall it: pip install "dubkit[gpu]"'
        )


def checkpoint_shapes(config: CheckpointConfig, states: int) -> Shapes:
    """Return every tensor of a single-file checkpoint.

    `states` is what the text encoder gives per token: its width times its layers plus one.
    """
    from dubkit.ltx.audio_vae import AudioDecoder, AudioEncoder
    from dubkit.ltx.bigvgan import open_vocoder
    from dubkit.ltx.connectors import Connector
    from dubkit.ltx.transformer import AVTransformer
    from dubkit.ltx.video_vae import VideoDecoder, VideoEncoder

    with _on_meta():
        modules: dict[str, nn.Module] = {
            TRANSFORMER: AVTransformer(config.transformer),
            f"{TRANSFORMER}video_embeddings_connector.": Connector(config.text.video),
            f"{TRANSFORMER}audio_embeddings_connector.": Connector(config.text.audio),
            "vae.encoder.": VideoEncoder(config.video_vae),
            "vae.decoder.": VideoDecoder(config.video_vae),
            "audio_vae.encoder.": AudioEncoder(config.audio_vae),
            "audio_vae.decoder.": AudioDecoder(config.audio_vae),
            "vocoder.": open_vocoder(config.vocoder),
        }
    shapes = _projection(config, states)
    for prefix, module in modules.items():
        for key, shape in _shapes(module).items():
            # Both halves of an autoencoder use the same statistics, which the file holds once.
            above = prefix.partition(".")[0] + "." if key.startswith(STATISTICS) else prefix
            shapes[above + key] = shape
    return shapes


def transformer_linears(config: TransformerConfig) -> Shapes:
    """Return the transformer's linears, which are what a LoRA may change: name and [outputs, inputs]."""
    from dubkit.ltx.transformer import AVTransformer

    with _on_meta():
        shapes = _shapes(AVTransformer(config))
    return {
        key.removesuffix(".weight"): shape
        for key, shape in shapes.items()
        if key.endswith(".weight") and len(shape) == 2
    }


def upsampler_shapes(config: UpsamplerConfig) -> Shapes:
    """Return every tensor of a latent upscaler file."""
    from dubkit.ltx.upsampler import LatentUpsampler

    with _on_meta():
        return {
            key: shape
            for key, shape in _shapes(LatentUpsampler(config)).items()
            if not key.startswith(STATISTICS)  # those of the checkpoint
        }


def _projection(config: CheckpointConfig, states: int) -> Shapes:
    prefix = "text_embedding_projection."
    if config.text.version == 1:
        return {f"{prefix}aggregate_embed.weight": (config.transformer.caption_channels, states)}
    widths = {"video": config.text.video.width, "audio": config.text.audio.width}
    return {
        f"{prefix}{name}_aggregate_embed.{leaf}": shape
        for name, width in widths.items()
        for leaf, shape in (("weight", (width, states)), ("bias", (width,)))
    }


def _shapes(module: nn.Module) -> Shapes:
    return {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}


@contextmanager
def _on_meta() -> Iterator[None]:
    """Build modules without memory: 48 blocks of the published transformer would take 38 GB."""
    import torch

    with torch.device("meta"):
        yield
