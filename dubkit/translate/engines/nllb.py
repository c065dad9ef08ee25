"""Translate 200 languages into each other with NLLB, a network that runs here without a service."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from dubkit.errors import ModelMissing
from dubkit.translate.engine import TranslationEngine, TranslationTask
from dubkit.translate.language import base, language_name
from dubkit.translate.networks.files import EXTRA, converted, hindrance, pieces_file
from dubkit.translate.networks.lines import RULES, NetworkTranslator
from dubkit.translate.networks.network import Network, load_engine, load_pieces, pieces_of, text_of
from dubkit.translate.networks.nllb_codes import nllb_code
from dubkit.types import Remark, remark
from dubkit.types.models import HubSource, ModelSpec

if TYPE_CHECKING:
    from dubkit.types.models import ResolvedModel

ROLE = NAME = "nllb"
TERMS = "CC-BY-NC-4.0, not for commercial use"
_PIECES = ("sentencepiece.bpe.model", "*spm*.model", "*.spm", "*.model")

MODEL = ModelSpec(
    role=ROLE,
    name=NAME,
    licence="CC-BY-NC-4.0 (not for commercial use)",
    licence_url="https://huggingface.co/facebook/nllb-200-distilled-600M",
    about="NLLB-200, distilled to 600 million weights: 200 languages into each other",
    does="translation",
    without="Pairs other than English-Portuguese need OPUS-MT, a service or a local language model.",
    setting="models.nllb",
    optional=True,
    required=("config.json", "*model*"),
    hub=HubSource(
        "facebook/nllb-200-distilled-600M",
        "f8d333a098d19b4fd9a8b18f94170487ad3f821d",
        ("*.json", "pytorch_model.bin", "sentencepiece.bpe.model"),
    ),
    needs=("ctranslate2", "sentencepiece"),
    runtime_pip='"dubkit[mt]"',
    note="not for commercial use: take another translator there, such as opus-mt",
    approximate_size=2_483_000_000,
    on_request=True,
)


def _model(task: TranslationTask) -> ResolvedModel | None:
    return task.host.find_model(ROLE)


def _hindrance(task: TranslationTask) -> str:
    unknown = [tag for tag in (task.source, task.target) if not nllb_code(tag)]
    if unknown:
        return f"NLLB does not know {language_name(unknown[0])} ({unknown[0]})."
    model = _model(task)
    if model is None:
        return (
            f"its model is not on this machine. Run: dubkit models get {NAME} (2.5 GB; {TERMS}), and {EXTRA}"
        )
    return hindrance(model)


def _reason(task: TranslationTask) -> str:
    return f"NLLB, a network that runs here ({TERMS}){_variant(task)}"


def _variant(task: TranslationTask) -> str:
    """Say of a regional variant that the network makes no difference between them."""
    plain = base(task.target)
    if task.target == plain or nllb_code(task.target) != nllb_code(plain):
        return ""
    return f"; it knows {language_name(plain)}, not which country's"


def _notice(task: TranslationTask) -> Remark:
    return remark("not-for-commerce", f"NLLB translated. Its licence is {TERMS}.")


def _load(task: TranslationTask) -> Network:
    model = _model(task)
    if model is None:
        raise ModelMissing(f"No NLLB model on this machine.\nRun: dubkit models get {NAME}")
    path = task.host.model_path(model)
    pieces = load_pieces(pieces_file(path, *_PIECES))
    folder = converted(model, "m2m_100")
    source = nllb_code(task.source)

    def encode(sentence: str) -> list[str]:
        return [source, *pieces_of(pieces, sentence), "</s>"]

    engine = load_engine(folder, task.host.device())
    return Network(engine, encode, partial(text_of, pieces), (nllb_code(task.target),))


def _open(task: TranslationTask) -> NetworkTranslator:
    return NetworkTranslator(task, _identity(task), partial(_load, task))


def _identity(task: TranslationTask) -> str:
    model = _model(task)
    return f"{NAME}:{model.name if model else NAME}"


def _inputs(task: TranslationTask) -> Mapping[str, str]:
    model = _model(task)
    # Another file under the same name is another model.
    return {"rules": RULES} | ({"models.nllb": model.identity} if model else {})


ENGINE = TranslationEngine(
    name=NAME,
    title="the NLLB network",
    hindrance=_hindrance,
    identity=_identity,
    open=_open,
    models=(MODEL,),
    serves=lambda source, target: nllb_code(source) != nllb_code(target),
    configured=lambda task: bool(task.host.setting("models.nllb")),
    reason=_reason,
    inputs=_inputs,
    candidates=_open,
    notice=_notice,
)
