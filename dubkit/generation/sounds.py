"""Sounds of films: as latents for the network, cut for a window, and joined where windows meet.

Letters: C latent channels, T sound latents, M mel bins, N samples.
"""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor

from dubkit.dubbing.clip.media import ClipMedia, GivenWave
from dubkit.ltx import latents, mel
from dubkit.ltx.audio_vae import AudioEncoder

UNSURE_END = 0.08
"""Seconds at a sound's end that are not handed on: its spectrum there knows nothing of what follows."""


def sound_latent(sound: GivenWave, frames: int, rate: Fraction, encoder: AudioEncoder) -> Tensor:
    """Return the latent (1, C, T, M) of a sound that accompanies `frames` pictures.

    A shorter sound is followed by silence, as samples: a latent of zeros is no silence. A longer one is cut
    as a latent.
    """
    count, least = latents.audio_latents(frames, rate), mel.sample_count(frames, rate, sound.sample_rate)
    wave = mel.fit(sound.wave.float(), max(least, sound.wave.shape[1]))
    latent = _heard(wave, sound.sample_rate, encoder)
    if latent.shape[2] < count:
        raise ValueError(f"{sound.wave.shape[1]} samples give {latent.shape[2]} sound latents, not {count}.")
    return latent[:, :, :count].contiguous()


def sound_before(tail: GivenWave, encoder: AudioEncoder) -> Tensor | None:
    """Return the sound latents (1, C, n, M) with which a window begins; None where the tail is too short."""
    seconds = tail.wave.shape[1] / tail.sample_rate - UNSURE_END
    ends = latents.audio_positions(int(max(0.0, seconds) * latents.AUDIO_LATENTS_PER_SECOND) + 1)[0, 0, :, 1]
    count = int((ends <= seconds).sum())
    return _heard(tail.wave, tail.sample_rate, encoder)[:, :, :count].contiguous() if count else None


def _heard(wave: Tensor, sample_rate: int, encoder: AudioEncoder) -> Tensor:
    # In float32 on the CPU, whatever the encoder's device: a spectrum has no digits to spare.
    spectrum = encoder.mel(wave[None].float(), sample_rate)
    with torch.no_grad():
        latent: Tensor = encoder(spectrum.to(next(encoder.parameters()).device))
    return latent.cpu()


def cut_wave(sound: GivenWave, rate: Fraction, frame: int) -> GivenWave:
    """Return a sound from a frame on; one sample of silence where it has ended before."""
    begin = mel.sample_count(frame, rate, sound.sample_rate)
    wave = sound.wave[:, begin:]
    return GivenWave(wave if wave.shape[1] else torch.zeros(sound.wave.shape[0], 1), sound.sample_rate)


def wave_of(clip: ClipMedia, sample_rate: int) -> GivenWave:
    """Return a clip's sound; silence at `sample_rate` where it has none."""
    if clip.wave is not None and clip.wave.shape[1]:
        return GivenWave(clip.wave.float(), clip.sample_rate)
    return GivenWave(
        torch.zeros(2, max(1, mel.sample_count(clip.real_frames, clip.rate, sample_rate))), sample_rate
    )


def joined(before: Tensor, after: Tensor, at: int, kept: int, fade: int) -> Tensor:
    """Return two sounds (2, N) as one: the second begins at sample `at` and is heard from `kept` on.

    The two change over within the last `fade` samples before that, where both hold the same sound.
    """
    cut = min(at + kept, before.shape[1])
    fade = min(fade, kept, cut)
    rise = (torch.arange(fade) + 1) / (fade + 1)
    old, new = before[:, cut - fade : cut], after[:, cut - at - fade : cut - at]
    if new.shape[1] < fade:
        return before
    mixed = old * (1 - rise) + new * rise
    return torch.cat([before[:, : cut - fade], mixed, after[:, cut - at :]], dim=1)
