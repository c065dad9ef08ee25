"""Translate with OPUS-MT, networks for one pair of languages each, which run here without a service.

A pair without a model of its own goes through a third language where both halves are on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dubkit.errors import ModelDamaged, ModelMissing, SettingError
from dubkit.settings import option
from dubkit.translate.engine import TranslationEngine, TranslationTask
from dubkit.translate.language import base, language_name, normalise
from dubkit.translate.networks.files import (
    EXTRA,
    converted,
    ends_itself,
    hindrance,
    pieces_file,
    vocabulary,
)
from dubkit.translate.networks.lines import RULES, Answering, NetworkTranslator
from dubkit.translate.networks.network import Network, load_engine, load_pieces, pieces_of, text_of
from dubkit.translate.networks.opus_names import is_name, names, pair_name, repository, target_token
from dubkit.types import Remark, remark
from dubkit.types.models import HubSource, ModelSpec, ResolvedModel

ROLE = NAME = "opus-mt"
HUBS = ("en", "fr", "es", "de", "ru")
"""Languages that a pair may go through, in order of preference."""


@dataclass(frozen=True, slots=True)
class OpusMt:
    """OPUS-MT, networks for one pair of languages each."""

    pivot: str = option(
        "auto",
        "Language that a pair without a model of its own goes through, such as en; auto takes one that both"
        " halves are here for, off none.",
        flag="--opus-mt-pivot",
        job=True,
    )

    def __post_init__(self) -> None:
        if self.pivot not in ("auto", "off"):
            try:
                normalise(self.pivot)
            except SettingError:
                raise SettingError(
                    "translate.opus-mt.pivot", self.pivot, "must be auto, off or a language such as en"
                ) from None


@dataclass(frozen=True, slots=True)
class Leg:
    """A part of the way from source to target: two languages and the model between them."""

    source: str
    target: str
    model: ResolvedModel


def model_named(name: str) -> ModelSpec | None:
    """Return the model of a name such as `opus-mt-de-en`, which the hub may have or not; None for others."""
    if not is_name(name):
        return None
    source = repository(name)
    large = source.startswith("opus-mt-tc-big")
    terms = "CC-BY-4.0" if "-tc-" in source else "Apache-2.0 (its makers also state CC-BY-4.0)"
    return ModelSpec(
        role=ROLE,
        name=name,
        licence=terms,
        licence_url=f"https://huggingface.co/Helsinki-NLP/{source}",
        about=f"OPUS-MT, {source.removeprefix('opus-mt-')}",
        does="translation",
        without="The pair needs NLLB, a service or a local language model.",
        optional=True,
        required=("config.json", "*model*", "*.spm"),
        hub=HubSource(
            f"Helsinki-NLP/{source}",
            "main",
            (
                "config.json",
                "generation_config.json",
                "*token*.json",
                "vocab.json",
                "*.spm",
                "pytorch_model.bin",
            ),
        ),
        needs=("ctranslate2", "sentencepiece"),
        runtime_pip='"dubkit[mt]"',
        note="other pairs by their names, such as opus-mt-de-en; revision 'main' is not a pin: it may change",
        approximate_size=581_000_000 if large else 304_000_000,
        on_request=True,
    )


def _listed() -> tuple[ModelSpec, ...]:
    return tuple(spec for name in ("opus-mt-en-fr", "opus-mt-en-pt") if (spec := model_named(name)))


# --- the way from source to target ------------------------------------------------------------------


def route(task: TranslationTask) -> tuple[Leg, ...]:
    """Return the way from source to target over models that are here: one leg or two; empty for none."""
    direct = _leg(task, task.source, task.target)
    if direct is not None:
        return (direct,)
    for hub in _hubs(task):
        if hub in (base(task.source), base(task.target)):
            continue
        first, second = _leg(task, task.source, hub), _leg(task, hub, task.target)
        if first is not None and second is not None:
            return (first, second)
    return ()


def _pivot(task: TranslationTask) -> str:
    return task.own.pivot if isinstance(task.own, OpusMt) else "auto"


def _hubs(task: TranslationTask) -> Sequence[str]:
    pivot = _pivot(task)
    if pivot == "auto":
        return HUBS
    return () if pivot == "off" else (base(pivot),)


def _leg(task: TranslationTask, source: str, target: str) -> Leg | None:
    if base(source) == base(target):
        return None
    folder = task.host.setting("models.opus_mt")
    for name in dict.fromkeys(names(source, target)):
        own = Path(folder).expanduser() / name if folder else None
        asked = str(own) if own is not None and own.is_dir() else name
        model = task.host.find_model(ROLE, asked)
        if model is not None:
            return Leg(source, target, model)
    return None


def _hindrance(task: TranslationTask) -> str:
    legs = route(task)
    if not legs:
        pair = f"{language_name(task.source)} into {language_name(task.target)}"
        get = pair_name(task.source, task.target)
        ways = f"{get}{_halves(task)}"
        return f"no model for {pair} is on this machine. Run: dubkit models get {ways}, and {EXTRA}"
    return next(filter(None, (hindrance(leg.model) for leg in legs)), "")


def _halves(task: TranslationTask) -> str:
    """Say which two models lead through the first language in question, where neither end is English."""
    hubs = [hub for hub in _hubs(task) if hub not in (base(task.source), base(task.target))]
    if not hubs or "en" in (base(task.source), base(task.target)):
        return ""
    both = f"{pair_name(task.source, hubs[0])} {pair_name(hubs[0], task.target)}"
    return f" (or {both}, to go through {language_name(hubs[0])})"


def _reason(task: TranslationTask) -> str:
    legs = route(task)
    through = f", through {language_name(legs[0].target)}" if len(legs) > 1 else ""
    return f"OPUS-MT, a network that runs here, {' and '.join(leg.model.name for leg in legs)}{through}"


def _notice(task: TranslationTask) -> Remark | None:
    legs = route(task)
    if len(legs) < 2:
        return None
    pair = f"{language_name(task.source)} into {language_name(task.target)}"
    through = language_name(legs[0].target)
    if _pivot(task) == "auto":
        said = f"No model for {pair} is on this machine, so lines went through {through}."
        return remark(
            "translated-through",
            f"{said} dubkit models get {pair_name(task.source, task.target)} may fetch one.",
        )
    return remark("translated-through-chosen", f"Lines went from {pair} through {through}.")


# --- the networks -----------------------------------------------------------------------------------


def _load(leg: Leg, task: TranslationTask) -> Network:
    path = task.host.model_path(leg.model)
    into, out_of = (load_pieces(pieces_file(path, f"{side}.spm", "*.spm")) for side in ("source", "target"))
    folder = converted(leg.model, "marian")
    token = target_token(leg.target, vocabulary(folder))
    if token is None:
        raise ModelDamaged(
            f"{leg.model.name} does not translate into {language_name(leg.target)}.\nGet one that does."
        )
    begin = [token] if token else []
    end = [] if ends_itself(folder) else ["</s>"]

    def encode(sentence: str) -> list[str]:
        return [*begin, *pieces_of(into, sentence), *end]

    return Network(load_engine(folder, task.host.device()), encode, partial(text_of, out_of))


@dataclass(frozen=True, slots=True)
class Through:
    """Two networks with a language between them."""

    first: Answering
    second: Answering

    def answers(self, sentences: Sequence[str], count: int) -> list[tuple[str, ...]]:
        """Return the second network's best answers to the first one's best."""
        between = [texts[0] for texts in self.first.answers(sentences, 1)]
        return self.second.answers(between, count)


def _answering(task: TranslationTask) -> Answering:
    networks = [_load(leg, task) for leg in route(task)]
    if not networks:
        raise ModelMissing(f"No OPUS-MT model for {task.source} to {task.target} on this machine.")
    return networks[0] if len(networks) == 1 else Through(networks[0], networks[1])


def _open(task: TranslationTask) -> NetworkTranslator:
    return NetworkTranslator(task, _identity(task), partial(_answering, task))


def _identity(task: TranslationTask) -> str:
    return f"{NAME}:{'+'.join(leg.model.name.removeprefix('opus-mt-') for leg in route(task))}"


def _inputs(task: TranslationTask) -> Mapping[str, str]:
    # Another file under the same name is another model.
    return {"rules": RULES} | {f"opus-mt/{leg.model.name}": leg.model.identity for leg in route(task)}


ENGINE = TranslationEngine(
    name=NAME,
    title="a network of OPUS-MT",
    hindrance=_hindrance,
    identity=_identity,
    open=_open,
    settings=OpusMt,
    models=_listed(),
    family=model_named,
    serves=lambda source, target: base(source) != base(target),
    reason=_reason,
    inputs=_inputs,
    candidates=_open,
    notice=_notice,
)
