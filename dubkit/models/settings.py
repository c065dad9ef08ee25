"""Settings of models: `[models]`."""

from __future__ import annotations

from dataclasses import dataclass

from dubkit.settings import option


@dataclass(frozen=True, slots=True)
class Models:
    """Where models come from."""

    cache: str = option(
        "", "Folder for joined and downloaded models; empty is the user's cache folder.", flag="--model-cache"
    )
    offline: bool = option(False, "Never download.", variables=("HF_HUB_OFFLINE",))
    hub: str = option("", "Model hub to download from.", variables=("HF_ENDPOINT",))
    token: str = option("", "Access token for the model hub.", variables=("HF_TOKEN",), secret=True)
    asr: str = option("", "Folder with a faster-whisper model.")
    speaker: str = option("", "File with Resemblyzer weights.")
    nllb: str = option("", "Folder with NLLB, as published or converted for CTranslate2.")
    opus_mt: str = option("", "Folder with OPUS-MT models, each in a folder such as opus-mt-en-fr.")
    tts: str = option("", "Folder with kokoro.onnx, vocab.json and voices.npz.")
    tts_voices: str = option("", "Folder with Kokoro's published voices: af_heart.bin and others.")
    pyannote: str = option("", "Folder or hub name of a pyannote pipeline.")
    generator: str = option("", "Folder with the generator's files under their published names.")
    checkpoint: str = option("", "LTX-2 checkpoint, a single safetensors file.")
    distilled_checkpoint: str = option("", "Distilled LTX-2 checkpoint, a single safetensors file.")
    text_encoder: str = option("", "Folder with Gemma 3 12B.")
    dubbing_lora: str = option("", "JustDubit LoRA.")
    distilled_lora: str = option("", "Distilled LoRA of the checkpoint.")
    spatial_upscaler: str = option("", "Spatial latent upscaler of the checkpoint's generation.")
    temporal_upscaler: str = option("", "Temporal latent upscaler of the checkpoint's generation.")
