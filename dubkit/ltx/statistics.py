"""Mean and standard deviation per latent channel, as stored beside the autoencoders."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ChannelStatistics(nn.Module):
    """Move latents between the autoencoder's own scale and the unit scale that the transformer works on.

    The tensors keep the file's hyphenated names, which Python attributes cannot have.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean-of-means", torch.empty(channels))
        self.register_buffer("std-of-means", torch.empty(channels))

    def normalize(self, latent: Tensor, dim: int = 1) -> Tensor:
        """Return `(latent - mean) / std` with the channels on axis `dim`; shape and dtype stay."""
        mean, std = self._shaped(latent, dim)
        return (latent - mean) / std

    def un_normalize(self, latent: Tensor, dim: int = 1) -> Tensor:
        """Return `latent * std + mean`, the inverse of `normalize`."""
        mean, std = self._shaped(latent, dim)
        return latent * std + mean

    def _shaped(self, latent: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        shape = [1] * latent.ndim
        shape[dim] = -1
        mean, std = self.get_buffer("mean-of-means"), self.get_buffer("std-of-means")
        return mean.to(latent).view(shape), std.to(latent).view(shape)
