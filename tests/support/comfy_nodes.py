"""What the nodes of a graph do, as far as a graph can be wrong where ComfyUI's own checks see nothing.

Latents of pictures, of sound and of both joined are all of type LATENT; here each is what it is, so that a
node which gets another kind fails as the real one does. In place of a network the source's own pictures are
taken, with their colours moved, in the size and length that the graph's latents have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

RATE = 48_000


class NodeFailed(Exception):
    """A node broke: its id, the type of the exception, and what it says."""

    def __init__(self, node: str, kind: str, words: str) -> None:
        super().__init__(words)
        self.node, self.kind, self.words = node, kind, words


@dataclass(frozen=True)
class Picture:
    """Latent of pictures."""

    width: int
    height: int
    frames: int
    guides: int = 0
    source: str = ""


@dataclass(frozen=True)
class Sound:
    """Latent of a sound."""

    seconds: float
    source: str = ""
    frozen: bool = False


@dataclass(frozen=True)
class Both:
    """Joined latents."""

    picture: Picture
    sound: Sound


@dataclass(frozen=True)
class Film:
    """What is saved: pictures, and a sound beside them."""

    picture: Picture | None
    sound: Sound | None
    rate: float = 0.0


class Runner:
    """Runs a graph node by node; `inputs` is the folder of uploads."""

    def __init__(self, graph: Mapping[str, Mapping[str, Any]], inputs: Path) -> None:
        self.graph, self.inputs = graph, inputs
        self.results: dict[str, tuple[Any, ...]] = {}

    def order(self, outputs: list[str]) -> list[str]:
        """Return the nodes that outputs need, each after those it needs itself."""
        found: dict[str, None] = {}

        def walk(name: str) -> None:
            for value in self.graph[name]["inputs"].values():
                if isinstance(value, list):
                    walk(value[0])
            found.setdefault(name)

        for name in outputs:
            walk(name)
        return list(found)

    def run(self, name: str) -> Any:
        """Run one node; return what it gives."""
        entry = self.graph[name]
        values = {
            key: self.results[value[0]][value[1]] if isinstance(value, list) else value
            for key, value in entry["inputs"].items()
        }
        work = getattr(self, f"_{entry['class_type']}", None)
        try:
            result = work(values) if work else (f"{entry['class_type']} {name}",) * 4
        except AssertionError as error:
            raise NodeFailed(name, "builtins.ValueError", str(error)) from error
        self.results[name] = result if isinstance(result, tuple) else (result,)
        return self.results[name]

    def _LoadVideo(self, v: dict[str, Any]) -> Any:
        return (v["file"],)

    def _GetVideoComponents(self, v: dict[str, Any]) -> Any:
        return (v["video"], None, 0.0, 8)

    def _LoadImage(self, v: dict[str, Any]) -> Any:
        return (v["image"], None)

    def _ImageScale(self, v: dict[str, Any]) -> Any:
        return (v["image"],)

    def _LTXVPreprocess(self, v: dict[str, Any]) -> Any:
        return (v["image"],)

    def _LoadAudio(self, v: dict[str, Any]) -> Any:
        return (v["audio"],)

    def _EmptyLTXVLatentVideo(self, v: dict[str, Any]) -> Any:
        return Picture(v["width"] // 32 * 32, v["height"] // 32 * 32, (v["length"] - 1) // 8 * 8 + 1)

    def _LTXVEmptyLatentAudio(self, v: dict[str, Any]) -> Any:
        rate = float(v["frame_rate"]) if isinstance(v["frame_rate"], float) else int(v["frame_rate"])
        return Sound(v["frames_number"] / rate)

    def _LTXVAudioVAEEncode(self, v: dict[str, Any]) -> Any:
        return Sound(len(read_sound(self.inputs / v["audio"])) / RATE, v["audio"])

    def _SetLatentNoiseMask(self, v: dict[str, Any]) -> Any:
        return replace(v["samples"], frozen=True)

    def _LTXAddVideoICLoRAGuide(self, v: dict[str, Any]) -> Any:
        assert isinstance(v["latent"], Picture), "a guide is added to the latent of pictures alone"
        assert v["latent"].guides == 0, "there is a guide already"
        return (v["positive"], v["negative"], replace(v["latent"], guides=1, source=v["image"]))

    def _LTXVImgToVideoInplace(self, v: dict[str, Any]) -> Any:
        assert isinstance(v["latent"], Picture), "a still is put into the latent of pictures alone"
        return replace(v["latent"], source=v["image"])

    def _LTXVSetAudioRefTokens(self, v: dict[str, Any]) -> Any:
        assert isinstance(v["audio_latent"], Sound), "a voice is the latent of a sound"
        return (f"{v['positive']} voice", v["negative"], replace(v["audio_latent"], frozen=True))

    def _LTXVConcatAVLatent(self, v: dict[str, Any]) -> Any:
        assert isinstance(v["video_latent"], Picture), "video_latent is none of pictures"
        assert isinstance(v["audio_latent"], Sound), "audio_latent is none of a sound"
        return Both(v["video_latent"], v["audio_latent"])

    def _SamplerCustomAdvanced(self, v: dict[str, Any]) -> Any:
        assert isinstance(v["latent_image"], Both), "the model makes picture and sound together"
        return (v["latent_image"], v["latent_image"])

    def _LTXVSeparateAVLatent(self, v: dict[str, Any]) -> Any:
        assert isinstance(v["av_latent"], Both), "not enough values to unpack (expected 2, got 1)"
        return (v["av_latent"].picture, v["av_latent"].sound)

    def _LTXVCropGuides(self, v: dict[str, Any]) -> Any:
        assert isinstance(v["latent"], Picture), "guides are in the latent of pictures"
        return (v["positive"], v["negative"], replace(v["latent"], guides=0))

    def _LTXVLatentUpsampler(self, v: dict[str, Any]) -> Any:
        assert isinstance(v["samples"], Picture), "only pictures are made larger"
        assert v["samples"].guides == 0, "the guide would be made larger, too"
        return replace(v["samples"], width=2 * v["samples"].width, height=2 * v["samples"].height)

    def _VAEDecodeTiled(self, v: dict[str, Any]) -> Any:
        assert isinstance(v["samples"], Picture), "a joined latent cannot be decoded"
        extra = 8 * v["samples"].guides
        return replace(v["samples"], frames=v["samples"].frames + extra)

    def _LTXVAudioVAEDecode(self, v: dict[str, Any]) -> Any:
        assert isinstance(v["samples"], Sound), "this is no latent of a sound"
        return v["samples"]

    def _CreateVideo(self, v: dict[str, Any]) -> Any:
        return Film(v["images"], v.get("audio"), v["fps"])

    def _SaveVideo(self, v: dict[str, Any]) -> Any:
        return v["video"]

    def _SaveAudio(self, v: dict[str, Any]) -> Any:
        return Film(None, v["audio"])


# --- media -------------------------------------------------------------------------------------


def read_sound(path: Path) -> NDArray[np.float32]:
    """Return the sound (N,) of a file at 48 kHz."""
    shaper = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        parts = [
            part.to_ndarray()[0] for frame in container.decode(audio=0) for part in shaper.resample(frame)
        ]
    return np.concatenate(parts).astype(np.float32)


def _frames(film: Film, inputs: Path) -> Iterator[NDArray[np.uint8]]:
    import cv2

    picture = film.picture
    assert picture is not None
    made = 0
    last: NDArray[np.uint8] | None = None
    with av.open(str(inputs / picture.source)) as container:
        for frame in container.decode(video=0):
            if made == picture.frames:
                return
            image = cv2.resize(frame.to_ndarray(format="rgb24"), (picture.width, picture.height))
            last = np.ascontiguousarray(np.roll(image, 1, axis=2))
            yield last
            made += 1
    for _ in range(picture.frames - made):
        assert last is not None
        yield last


def sound_of(film: Film, inputs: Path) -> NDArray[np.float32]:
    """Return the sound (1, N) of a film: the one that it was to keep, or a hum as long as its latent."""
    assert film.sound is not None
    count = round(film.sound.seconds * RATE)
    if film.sound.source:
        heard = read_sound(inputs / film.sound.source)[:count]
        return heard[None]
    hum = 0.2 * np.sin(2 * np.pi * 180 * np.arange(count) / RATE)
    return hum[None].astype(np.float32)


def write(film: Film, inputs: Path, path: Path) -> None:
    """Write a film as SaveVideo does, or its sound as SaveAudio does."""
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as file:
        picture: Any = None
        if film.picture is not None:
            rate = Fraction(round(film.rate * 1000), 1000)
            picture = file.add_stream("libx264", rate=rate)
            picture.width, picture.height, picture.pix_fmt = (
                film.picture.width,
                film.picture.height,
                "yuv420p",
            )
            picture.options = {"crf": "12", "preset": "ultrafast", "x264-params": "threads=1"}
        codec = {".flac": "flac", ".webm": "libopus"}.get(path.suffix, "aac")
        heard: Any = file.add_stream(codec, rate=RATE, layout="mono")
        if picture is not None:
            for image in _frames(film, inputs):
                file.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            file.mux(picture.encode(None))
        sound = sound_of(film, inputs)
        shaper = av.AudioResampler(format=heard.codec_context.format.name, layout="mono", rate=RATE)
        for start in range(0, sound.shape[1], 960):
            block = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(sound[:, start : start + 960]), format="fltp", layout="mono"
            )
            block.sample_rate, block.pts = RATE, start
            for part in shaper.resample(block):
                file.mux(heard.encode(part))
        file.mux(heard.encode(None))
