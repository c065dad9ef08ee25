"""Words of speech, recognised only where somebody speaks.

Audio is mono float32 (S,) at 16 kHz on the episode clock. Decoding has no randomness and no memory
of earlier text, so equal sound gives equal words, and a mistake stays where it was made.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.cores import torch_threads_kept, usable_cores
from dubkit.errors import ModelDamaged, ModelMissing, SettingError
from dubkit.speech.at_once import in_order
from dubkit.speech.language import (
    CERTAIN,
    Evidence,
    language_spans,
    languages_spoken,
    sample_windows,
    utterances,
    vote,
)
from dubkit.speech.packs import Pack, build_packs
from dubkit.speech.phrases import SENTENCE_ENDS, STYLE
from dubkit.speech.recognition import OnProgress, Recognition
from dubkit.speech.settings import Transcribe
from dubkit.speech.vad import as_signal
from dubkit.speech.words import drop_loops, drop_stock_phrases, missed_speech, place_words
from dubkit.types import ASR_RATE, LanguageSpan, Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

LOOPING = 2.4
"""Ratio at which text compresses when it repeats itself; speech stays below 2."""

NO_SPEECH = 0.6
DOUBTFUL = -0.8
"""Mean log probability per token below which text over doubtful speech is not believed."""

UNPUNCTUATED = 12
"""Characters from which a text without any sentence end is read again with a prompt."""

TRIAL_LIMIT = 0.9
"""Probability that a trial reading can give a language: it compares rivals, not all languages."""

LOW_CONFIDENCE = 0.5
MISSED = 1.2
"""Seconds of speech without a word after which it is read again."""
CONTEXT = 0.3
"""Seconds of real sound around a window whose language is asked: clipped onsets mislead."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the recogniser made of one pack."""

    words: tuple[Word, ...]
    log_probability: float
    no_speech: float
    compression: float

    @property
    def text(self) -> str:
        """All words as text."""
        return "".join(word.text for word in self.words)


class WhisperRecogniser:
    """One Whisper model in CTranslate2 form, loaded once and used for a whole stage."""

    def __init__(
        self,
        model_dir: Path,
        *,
        name: str = "",
        device: str = "cpu",
        compute_type: str = "",
        threads: int = 0,
        workers: int = 1,
    ) -> None:
        """Load the model; `name` is its name in the transcript, else that of its folder.

        Weights are rounded to int8 on a CPU and to float16 on a GPU, unless `compute_type` says otherwise.
        `workers` runs of the model go side by side, over the same weights, with `threads` each.
        """
        from faster_whisper import WhisperModel  # type: ignore[import-untyped]

        self.name = name or model_dir.name
        for file in ("model.bin", "config.json", "tokenizer.json"):
            # Without its tokenizer the library would go and look for one in the network.
            if not (model_dir / file).is_file():
                raise ModelMissing(
                    f"No speech recognition model in {model_dir}: {file} is missing.\n"
                    "Set transcribe.model to a folder with a CTranslate2 Whisper model, "
                    "or run: dubkit models list"
                )
        try:
            with torch_threads_kept():
                self._model = WhisperModel(
                    str(model_dir),
                    device=device,
                    compute_type=compute_type or ("int8" if device == "cpu" else "float16"),
                    cpu_threads=threads or min(4, usable_cores()),
                    num_workers=workers,
                )
        except (RuntimeError, ValueError) as error:
            if device != "cpu" or compute_type:
                raise SettingError(
                    "device", device, f"the recogniser cannot run there ({error}); leave it out, or name cpu"
                ) from error
            raise ModelDamaged(
                f"The speech recognition model in {model_dir} cannot be loaded: {error}.\n"
                "Delete the folder and fetch the model again, or check it with: dubkit models verify"
            ) from error
        self._workers = workers

    def detect_language(
        self, audio: NDArray[np.float32], spans: Sequence[tuple[float, float]]
    ) -> tuple[str, float]:
        """Return the language most spoken inside `spans` and its probability; ("", 0.0) without speech."""
        if not spans:
            return "", 0.0
        audio = as_signal(audio)
        return self._choose(audio, spans, self._evidence(audio, sample_windows(utterances(spans))))

    def recognise(
        self,
        audio: NDArray[np.float32],
        spans: Sequence[tuple[float, float]],
        settings: Transcribe | None = None,
        on_progress: OnProgress | None = None,
    ) -> Recognition:
        """Return the words spoken inside `spans`; `on_progress` is told the finished share, 0 to 1."""
        settings = settings or Transcribe()
        audio = as_signal(audio)
        if not spans:
            return Recognition("", 0.0, (), ("no-speech",))
        language, probability, parts = self._languages(audio, spans, settings)
        flags: list[str] = []
        if parts:
            flags.append("mixed-languages:" + ",".join(sorted({part.language for part in parts})))
        elif probability < LOW_CONFIDENCE:
            flags.append("language-uncertain")
        words: list[Word] = []
        total = sum(end - start for start, end in spans)
        done = 0.0
        for spoken in sorted({part.language for part in parts}) or [language]:
            chosen = [(p.start, p.end) for p in parts if p.language == spoken] if parts else list(spans)
            share = sum(end - start for start, end in chosen) / total if total else 0.0
            step = _scaled(on_progress, done, share)
            more, notes = self._words(audio, chosen, replace(settings, language=spoken), step)
            words += more
            flags += notes
            done += share
        placed = place_words(sorted(words, key=lambda word: word.start), spans)
        if not placed:
            flags.append("no-speech")
        elif sum(word.probability for word in placed) / len(placed) < LOW_CONFIDENCE:
            flags.append("low-confidence")
        return Recognition(language, probability, tuple(placed), tuple(dict.fromkeys(flags)), parts)

    def _languages(
        self, audio: NDArray[np.float32], spans: Sequence[tuple[float, float]], settings: Transcribe
    ) -> tuple[str, float, tuple[LanguageSpan, ...]]:
        """Return the main language, its probability, and the spans of each when there are several."""
        if settings.language:
            return self._code(settings.language), 1.0, ()
        windows = utterances(spans)
        evidence = self._evidence(audio, sample_windows(windows))
        language, probability = self._choose(audio, spans, evidence)
        if len(languages_spoken(evidence)) < 2:
            return language, probability, ()
        everywhere = evidence if len(evidence) == len(windows) else self._evidence(audio, windows)
        spoken = languages_spoken(everywhere)
        if len(spoken) < 2:
            return language, probability, ()
        return spoken[0], vote(everywhere).get(spoken[0], 0.0), language_spans(everywhere, spoken)

    def _code(self, language: str) -> str:
        """Return Whisper's code for a language tag, without its region: `pt-BR` -> `pt`."""
        code = language.replace("_", "-").split("-")[0].casefold()
        code = {"nb": "no", "fil": "tl", "jv": "jw", "iw": "he"}.get(code, code)
        if code not in self._model.supported_languages:
            raise SettingError(
                "transcribe.language",
                language,
                "the recogniser does not know it; leave it out to detect the language, or give a finished "
                "transcript: --use transcribe=FILE",
            )
        return code

    def _evidence(self, audio: NDArray[np.float32], windows: Sequence[tuple[float, float]]) -> list[Evidence]:
        """Return the recogniser's view of each window."""
        if not self._model.model.is_multilingual:
            return [Evidence(start, end, {"en": 1.0}) for start, end in windows]

        def of_window(window: tuple[float, float]) -> Evidence:
            low, high = max(0.0, window[0] - CONTEXT), window[1] + CONTEXT
            return Evidence(*window, self._probabilities(audio[int(low * ASR_RATE) : int(high * ASR_RATE)]))

        return list(in_order(of_window, windows, self._workers))

    def _probabilities(self, sound: NDArray[np.float32]) -> dict[str, float]:
        """Return the probability of each language in up to 30 s of sound."""
        from faster_whisper.audio import pad_or_trim  # type: ignore[import-untyped]

        features = self._model.feature_extractor(sound)[..., : self._model.feature_extractor.nb_max_frames]
        tokens = self._model.model.detect_language(self._model.encode(pad_or_trim(features)))[0]
        return {token[2:-2]: float(probability) for token, probability in tokens}

    def _choose(
        self, audio: NDArray[np.float32], spans: Sequence[tuple[float, float]], evidence: list[Evidence]
    ) -> tuple[str, float]:
        """Return the winner of the vote, or of a trial reading where the vote is not clear."""
        shares = vote(evidence)
        best, probability = next(iter(shares.items()))
        rivals = [code for code in list(shares)[:3] if shares[code] >= 0.25 * probability]
        if probability >= CERTAIN or len(rivals) == 1:
            return best, probability
        first = build_packs(audio, spans)[:1]
        trial = Transcribe(beam=1, batch_size=1)
        scores = {}
        for code in rivals:
            heard = self._decode(audio, first, replace(trial, language=code))
            scores[code] = math.log(shares[code]) + 5 * sum(pack.log_probability for pack in heard)
        best = max(rivals, key=lambda code: scores[code])
        log.debug("Language by trial reading: %s of %s", best, scores)
        odds = sum(math.exp(score - scores[best]) for score in scores.values())
        return best, max(shares[best], min(1 / odds, TRIAL_LIMIT))

    def _words(
        self,
        audio: NDArray[np.float32],
        spans: Sequence[tuple[float, float]],
        settings: Transcribe,
        on_progress: OnProgress | None,
    ) -> tuple[list[Word], list[str]]:
        """Return the words of speech in one language, with episode times, and flags."""
        packs = build_packs(audio, spans)
        words: list[Word] = []
        flags: list[str] = []
        size = settings.batch_size
        batches = [packs[first : first + size] for first in range(0, len(packs), size)]

        def read(batch: Sequence[Pack]) -> list[tuple[list[Word], list[str]]]:
            heard = self._decode(audio, batch, settings)
            return [self._believed(audio, *pair, settings) for pair in zip(batch, heard, strict=True)]

        for number, found in enumerate(in_order(read, batches, self._workers), 1):
            for believed, notes in found:
                words += believed
                flags += notes
            if on_progress:
                on_progress(number / len(batches))
        more, notes = self._second_look(audio, spans, words, settings)
        return sorted([*words, *more], key=lambda word: word.start), flags + notes

    def _second_look(
        self,
        audio: NDArray[np.float32],
        spans: Sequence[tuple[float, float]],
        words: Sequence[Word],
        settings: Transcribe,
    ) -> tuple[list[Word], list[str]]:
        """Read every stretch of speech that has no words again, by itself, and return its words.

        The model sometimes ends its text before the speech of its window ends, above all where the
        voice changes.
        """
        missed: list[Word] = []
        flags: list[str] = []

        def read(pack: Pack) -> tuple[list[Word], list[str]]:
            heard = self._decode(audio, [pack], settings)[0]
            sure = heard.no_speech < NO_SPEECH and heard.log_probability > DOUBTFUL
            return self._believed(audio, pack, heard, settings) if sure else ([], [])

        stretches = missed_speech(words, spans, MISSED)
        again = [(span, pack) for span in stretches for pack in build_packs(audio, [span])]
        readings = in_order(read, [pack for _, pack in again], self._workers)
        for ((start, end), _), (believed, notes) in zip(again, readings, strict=True):
            missed += [word for word in believed if word.end > start and word.start < end]
            flags += notes if believed else ["speech-without-words"]
        return missed, flags

    def _believed(
        self, audio: NDArray[np.float32], pack: Pack, heard: _Heard, settings: Transcribe
    ) -> tuple[list[Word], list[str]]:
        """Return the words of one pack that were really said, with flags for those that were not."""
        if heard.no_speech > NO_SPEECH and heard.log_probability < DOUBTFUL:
            return [], ["invented-text-removed"] if heard.words else []
        flags = []
        prompt = settings.hints
        style = STYLE.get(settings.language, "")
        if style and len(heard.text) >= UNPUNCTUATED and SENTENCE_ENDS.isdisjoint(heard.text):
            again = self._decode(audio, [pack], settings, prompt=f"{settings.hints} {style}".strip())[0]
            if again.log_probability > heard.log_probability - 0.3:
                heard, prompt = again, style
        words = drop_loops(heard.words)
        if heard.compression > LOOPING or len(words) < len(heard.words):
            flags.append("repetition-removed")
        if heard.compression > LOOPING:
            again = self._decode(audio, [pack], settings, prompt=prompt, no_repeat=4)[0]
            # This reading may not repeat any four tokens, which loops need and speech seldom.
            if again.compression <= LOOPING and again.log_probability > heard.log_probability - 0.5:
                words = drop_loops(again.words)
        kept = drop_stock_phrases(words, prompt)
        return kept, flags + (["invented-text-removed"] if len(kept) < len(words) else [])

    def _decode(
        self,
        audio: NDArray[np.float32],
        packs: Sequence[Pack],
        settings: Transcribe,
        *,
        prompt: str | None = None,
        no_repeat: int = 0,
    ) -> list[_Heard]:
        """Return what is heard in each pack, words with episode times. One run of the model."""
        import numpy as np
        from faster_whisper import BatchedInferencePipeline

        sounds = [pack.sound(audio) for pack in packs]
        edges = np.cumsum([0, *(len(sound) for sound in sounds)])
        # Half a sample more: the library truncates seconds back to samples.
        seconds = ((edges + 0.5) / ASR_RATE).tolist()
        # One for each run: it remembers where the speech before ended.
        segments, _ = BatchedInferencePipeline(self._model).transcribe(
            np.concatenate(sounds),
            language=self._code(settings.language),
            beam_size=settings.beam,
            batch_size=settings.batch_size,
            temperature=0.0,
            no_repeat_ngram_size=no_repeat,
            word_timestamps=True,
            initial_prompt=(settings.hints if prompt is None else prompt) or None,
            clip_timestamps=[{"start": a, "end": b} for a, b in pairwise(seconds)],
        )
        parts: list[list[Any]] = [[] for _ in packs]
        for segment in segments:
            # `seek` is the start of the pack in hundredths, whatever times the words were given.
            at = int(np.searchsorted(edges[1:] * 100 // ASR_RATE, segment.seek, side="right"))
            parts[min(at, len(parts) - 1)].append(segment)
        return [
            _heard(pack, float(edges[index]) / ASR_RATE, parts[index]) for index, pack in enumerate(packs)
        ]


def _heard(pack: Pack, offset: float, segments: Sequence[Any]) -> _Heard:
    """Return one pack's segments with plain floats; the library's are numpy's, which JSON refuses."""
    if not segments:
        return _Heard((), 0.0, 1.0, 0.0)
    words = tuple(
        Word(
            pack.source_time(float(word.start) - offset, ends=False),
            pack.source_time(float(word.end) - offset, ends=True),
            str(word.word),
            round(float(word.probability), 4),
        )
        for segment in segments
        for word in segment.words or ()
    )
    return _Heard(
        words,
        min(float(segment.avg_logprob) for segment in segments),
        max(float(segment.no_speech_prob) for segment in segments),
        max(float(segment.compression_ratio) for segment in segments),
    )


def _scaled(on_progress: OnProgress | None, done: float, share: float) -> OnProgress | None:
    """Return a progress call for one part of the work."""
    if on_progress is None:
        return None
    return lambda fraction: on_progress(min(1.0, done + share * fraction))
