"""From the bytes of an answer to samples: whole, finite, mono, at 48 kHz; or what is wrong with them."""

from __future__ import annotations

import io
import re
import struct
from typing import TYPE_CHECKING

from dubkit.services.words import is_page, service_words, text_of, value_of
from dubkit.types import SAMPLE_RATE
from dubkit.voice.fit import at_clock_rate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = SAMPLE_RATE
"""Samples per second of what is returned, whatever the answer had."""

RATES = (4_000, 384_000)
"""Samples per second that an answer may have."""

UNKNOWN_SIZE = 0x7FFFF000
"""Size from which a WAV header was written before the sound was there, as streaming servers do."""

WORDS = 20
"""Characters from which a text has a length that can be told."""

FASTEST, SLOWEST, LONGEST = 0.012, 1.5, 30.0
"""Seconds a character below which nobody speaks, even at twice the pace, and above which a model has lost the
text; and the seconds of silence that are allowed around it."""

_RATE_NAMED = re.compile(r"rate\s*=\s*\"?(\d+)")


class BadSound(Exception):
    """An answer is no whole sound; the message says what it is, as a clause after `it answered with`."""

    def __init__(self, what: str, *, words: bool = False) -> None:
        super().__init__(what)
        self.words = words
        """Whether it is something else than a sound, and not one that is damaged."""


def decoded(body: bytes, media_type: str, pcm_rate: int = 0) -> NDArray[np.float32]:
    """Return the (N,) samples of an answer at 48 kHz.

    `pcm_rate` is above 0 where plain 16-bit samples were asked for. Raises BadSound.
    """
    import numpy as np

    if not body:
        raise BadSound("an empty answer", words=True)
    samples, rate = _opened(body, media_type, pcm_rate)
    if not RATES[0] <= rate <= RATES[1]:
        raise BadSound(f"a sound of {rate} samples per second")
    if not len(samples):
        raise BadSound("a sound without samples")
    if not np.isfinite(samples).all():
        raise BadSound("samples that are not finite numbers")
    return at_clock_rate(samples.mean(axis=1), rate)


def check_length(samples: NDArray[np.float32], text: str) -> None:
    """Raise BadSound for samples at 48 kHz that are too short or too long to be the speech of a text."""
    seconds = len(samples) / RATE
    if len(text) >= WORDS and not FASTEST * len(text) <= seconds <= LONGEST + SLOWEST * len(text):
        raise BadSound(f"{seconds:.2f} s of sound for {len(text)} characters")


def _opened(body: bytes, media_type: str, pcm_rate: int) -> tuple[NDArray[np.float32], int]:
    """Return samples (N, channels) and their rate."""
    if body.startswith(b"RIFF"):
        return _read(_whole_wav(body), "WAV file")
    if body.startswith(b"fLaC"):
        return _read(body, "FLAC file")
    if not pcm_rate and _is_packed(body):
        return _read(body, "Ogg file" if body.startswith(b"OggS") else "MP3 file")
    if words := _words(body):
        raise BadSound(words, words=True)
    if not pcm_rate:
        raise BadSound(f"{len(body)} bytes that are no sound", words=True)
    return _plain_samples(body, media_type, pcm_rate)


def _is_packed(body: bytes) -> bool:
    return body.startswith((b"ID3", b"OggS")) or (body[0] == 0xFF and body[1:2] >= b"\xe0")


def _plain_samples(body: bytes, media_type: str, pcm_rate: int) -> tuple[NDArray[np.float32], int]:
    import numpy as np

    if len(body) % 2:
        raise BadSound(f"{len(body)} bytes of 16-bit samples, which is half a sample too much")
    named = _RATE_NAMED.search(media_type)
    samples = np.asarray(np.frombuffer(body, "<i2") / 32768, np.float32)
    return samples[:, None], int(named[1]) if named else pcm_rate


def _words(body: bytes) -> str:
    """Return what an answer says that is text and no sound; empty for what is no text."""
    text = text_of(body[:100_000])
    if is_page(text):
        return "a web page"
    if isinstance(value_of(text), (dict, list, str)):
        return f"no sound but words: {service_words(text) or text[:80]}"
    plain = sum(character.isprintable() or character.isspace() for character in text)
    return f"no sound but words: {service_words(text)[:80]}" if plain == len(text) else ""


def _whole_wav(body: bytes) -> bytes:
    """Return a WAV file whose header says what is there. Raises BadSound when less came than it says.

    Servers that stream write a size that no file has, because they do not know it yet; that is no fault.
    """
    form, place = b"", 12
    while place + 8 <= len(body):
        name, size = body[place : place + 4], struct.unpack_from("<I", body, place + 4)[0]
        start = place + 8
        if name == b"fmt ":
            form = body[start : start + size]
        if name == b"data":
            return _with_sizes(form, body, start, size)
        place = start + size + size % 2
    raise BadSound(f"a WAV file that ends in its header, after {len(body)} bytes")


def _with_sizes(form: bytes, body: bytes, start: int, size: int) -> bytes:
    there = len(body) - start
    if size >= UNKNOWN_SIZE or size == 0:
        size = there
    if size > there:
        raise BadSound(f"a WAV file of which {there:,} of {size:,} bytes came")
    if len(form) < 16:
        raise BadSound("a WAV file without a format")
    block = struct.unpack_from("<H", form, 12)[0] or 1
    size -= size % block
    head = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", len(head) + size) + head + body[start : start + size]


def _streamed(body: bytes, what: str) -> tuple[NDArray[np.float32], int]:
    """Read a file that does not say how many samples it has, as servers write it that stream."""
    import av
    import numpy as np

    try:
        with av.open(io.BytesIO(body), mode="r") as file:
            resampler = av.AudioResampler(format="flt", layout="mono")
            frames = [one for frame in file.decode(audio=0) for one in resampler.resample(frame)]
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise BadSound(f"a damaged {what} ({getattr(error, 'strerror', None) or error})") from None
    if not frames:
        raise BadSound(f"a {what} without sound")
    samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    return samples.astype(np.float32)[:, None], int(frames[0].sample_rate)


def _read(body: bytes, what: str) -> tuple[NDArray[np.float32], int]:
    import soundfile  # type: ignore[import-untyped]

    try:
        with soundfile.SoundFile(io.BytesIO(body)) as file:
            declared, rate = file.frames, int(file.samplerate)
            if not 0 < declared < UNKNOWN_SIZE and body.startswith(b"fLaC"):
                return _streamed(body, what)
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, ValueError) as error:
        raise BadSound(f"a damaged {what} ({str(error).rstrip('.')})") from None
    if len(samples) < declared < UNKNOWN_SIZE:
        raise BadSound(f"a {what} of which {len(samples):,} of {declared:,} samples came")
    return samples, rate
