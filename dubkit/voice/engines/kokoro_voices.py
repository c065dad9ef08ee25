"""Kokoro's voice for a speaker: a blend of the packaged voices, by pitch and by how well it is understood.

Kokoro comes with five Japanese voices (four women, one man). A weighted mean of voice vectors is a voice too,
so every speaker can have one of their own. A male share keeps the higher voices intelligible: the pure female
voices carry a strong Japanese accent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dubkit.errors import VoiceError
from dubkit.voice.engine import SpeakerTraits, Voice, VoiceList
from dubkit.voice.engines.kokoro_published import language_of, native, rank


@dataclass(frozen=True, slots=True)
class Blend:
    """A voice, with its median pitch in Hz as measured on the lines below."""

    name: str
    pitch_hz: float


LADDER: tuple[Blend, ...] = (
    Blend("jm_kumo", 92),
    Blend("0.15*jf_alpha+0.85*jm_kumo", 111),
    Blend("0.3*jf_nezumi+0.7*jm_kumo", 131),
    Blend("0.5*jf_gongitsune+0.5*jm_kumo", 154),
    Blend("0.5*jf_nezumi+0.5*jm_kumo", 161),
    Blend("0.5*jf_alpha+0.5*jm_kumo", 172),
    Blend("0.7*jf_nezumi+0.3*jm_kumo", 192),
    Blend("0.5*jf_tebukuro+0.5*jm_kumo", 205),
    Blend("0.85*jf_nezumi+0.15*jm_kumo", 213),
    Blend("jf_gongitsune", 232),
    Blend("jf_nezumi", 238),
)

MORE: tuple[Blend, ...] = (Blend("jf_alpha", 262), Blend("jf_tebukuro", 323))
"""Packaged voices above the ladder: harder to understand, so that no cast gets them before the others."""

PACKAGED = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
"""Voices of the packaged model, for as long as it is not put together."""

GENDERS: Mapping[str, Literal["female", "male", ""]] = {"f_": "female", "m_": "male"}
"""Second and third letter of the name of one of Kokoro's voices, and what that says."""

HEIGHTS = ((120.0, "deep"), (165.0, "low"), (200.0, "middle"), (250.0, "high"), (math.inf, "very high"))
"""Hz below which a voice is called so."""

MALE_HZ, FEMALE_HZ = 155.0, 170.0
"""Hz below which a voice sounds male to most, and above which female; between them it is neither."""

# Word error of whisper-base on what Kokoro said: 5 to 8 everyday lines a language, 2026-11-21; as LADDER.
# Ten harder pt-BR lines: jm_kumo 0.12, half jf_nezumi 0.16, half jf_tebukuro 0.15, of which a lone "Sim." is
# 0.10 each. Beyond the ladder: jf_tebukuro 0.18 at 323 Hz, jf_alpha 0.29 at 262 Hz.
# The second and the ninth voice, of 2026-11-30, have the mean of those beside them: they were measured on
# other lines (benchmarks/RESULTS.md), where they were as well understood.
WORD_ERROR: Mapping[str, tuple[float, ...]] = {
    "pt": (0.06, 0.07, 0.08, 0.08, 0.07, 0.07, 0.09, 0.06, 0.08, 0.08, 0.10),
    "es": (0.04, 0.03, 0.02, 0.02, 0.02, 0.02, 0.02, 0.00, 0.02, 0.02, 0.02),
    "it": (0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.04, 0.02, 0.03, 0.02, 0.04),
    "fr": (0.22, 0.20, 0.19, 0.26, 0.26, 0.21, 0.27, 0.34, 0.40, 0.33, 0.54),
    "de": (0.06, 0.07, 0.08, 0.10, 0.13, 0.08, 0.19, 0.06, 0.23, 0.17, 0.27),
    "en": (0.00, 0.01, 0.02, 0.00, 0.00, 0.02, 0.00, 0.02, 0.00, 0.00, 0.00),
}

UNDERSTOOD = 2.0
"""Octaves of wrong pitch that one whole unit of word error weighs as much as."""

_TERM = re.compile(r"\s*(?:(?P<weight>\d+(?:\.\d+)?|\.\d+)\s*\*\s*)?(?P<name>[A-Za-z_][\w-]*)\s*")


def voice_for(traits: SpeakerTraits, taken: Sequence[str]) -> str:
    """Return the voice of a speaker, one that is not `taken` as long as there is one."""
    base = traits.language.replace("_", "-").lower().partition("-")[0]
    errors = WORD_ERROR.get(base, WORD_ERROR["pt"])
    pitch_hz = traits.pitch_hz
    ranked = sorted(zip(LADDER, errors, strict=True), key=lambda rung: _cost(rung[0], rung[1], pitch_hz))
    free = [blend.name for blend, _ in ranked if blend.name not in taken]
    if not free:
        more = sorted(_more_blends(), key=lambda blend: _cost(blend, 0.0, pitch_hz))
        free = [blend.name for blend in more if blend.name not in taken]
    return free[0] if free else ranked[len(taken) % len(ranked)][0].name


def voice_list(known: Sequence[str]) -> VoiceList:
    """Return the voices of a model and the blends that casts use, from low to high; any blend is one too."""
    listed = [
        Voice(
            blend.name,
            _title(blend),
            _gender(blend),
            blend.pitch_hz,
            word_error=_word_error(blend),
            male_share=_male_share(blend),
        )
        for blend in sorted((*LADDER, *MORE), key=lambda blend: blend.pitch_hz)
        if all(term["name"] in known for term in _terms(blend.name))
    ]
    measured = {voice.name for voice in listed}
    others = [
        Voice(name, _person(name), GENDERS.get(name[1:3], ""), languages=_languages(name))
        for name in sorted(known, key=rank)
        if name not in measured
    ]
    return VoiceList((*listed, *others), lambda voice: parse_blend(voice, known))


def _languages(name: str) -> tuple[str, ...]:
    language = language_of(name)
    return (language,) if language else ()


def _word_error(blend: Blend) -> dict[str, float]:
    if blend not in LADDER:
        return {}
    rung = LADDER.index(blend)
    return {language: errors[rung] for language, errors in WORD_ERROR.items()}


def _terms(blend: str) -> list[re.Match[str]]:
    return [term for term in map(_TERM.fullmatch, blend.split("+")) if term]


def _title(blend: Blend) -> str:
    height = next(word for limit, word in HEIGHTS if blend.pitch_hz < limit)
    terms = _terms(blend.name)
    if len(terms) == 1:
        return f"{height}, {_person(terms[0]['name'])}"
    return f"{height}, " + " and ".join(
        f"{float(term['weight'] or 1):.0%} {_person(term['name'])}" for term in terms
    )


def _person(name: str) -> str:
    return name.partition("_")[2].capitalize() or name


def _gender(blend: Blend) -> Literal["female", "male", ""]:
    if blend.pitch_hz < MALE_HZ:
        return "male"
    return "female" if blend.pitch_hz > FEMALE_HZ else ""


def _male_share(blend: Blend) -> float | None:
    """Return how much of a blend is men's voices; None for a voice that is no blend."""
    terms = _terms(blend.name)
    weights = [float(term["weight"] or 1) for term in terms]
    male = [w for w, term in zip(weights, terms, strict=True) if GENDERS.get(term["name"][1:3]) == "male"]
    return round(sum(male) / sum(weights), 4) if len(terms) > 1 else None


def plain_voice(language: str, known: Sequence[str] = ()) -> str:
    """Return the voice for a speaker of whom nothing is known: a native one, else the best understood one."""
    natives = [name for name in native(known, language) if name not in PACKAGED]
    return natives[0] if natives else voice_for(SpeakerTraits(language, 0.0), ())


def _cost(blend: Blend, word_error: float, pitch_hz: float) -> float:
    distance = abs(math.log2(blend.pitch_hz / pitch_hz)) if pitch_hz > 0 else 0.0
    return distance + UNDERSTOOD * word_error


def _more_blends() -> Iterator[Blend]:
    """Yield blends between the rungs, for casts larger than the ladder."""
    low = LADDER[0]
    for percent in (40, 60, 20, 80, 10, 90, 35, 45, 55, 65, 15, 25, 75, 85):
        for high, pitch in (
            ("jf_nezumi", 238),
            ("jf_gongitsune", 232),
            ("jf_tebukuro", 323),
            ("jf_alpha", 262),
        ):
            share = percent / 100
            name = f"{share:g}*{high}+{round(1 - share, 2):g}*{low.name}"
            yield Blend(name, low.pitch_hz ** (1 - share) * pitch**share)


def parse_blend(voice: str, known: Sequence[str]) -> tuple[tuple[float, str], ...]:
    """Return the weights, which add up to 1, and names of a blend such as `0.7*a+0.3*b` or of a plain name.

    Raises VoiceError for a form that is not a blend, for an unknown name, and when all weights are 0.

    >>> parse_blend("3*a + b", ("a", "b"))
    ((0.75, 'a'), (0.25, 'b'))
    """
    terms = [_TERM.fullmatch(term) for term in voice.split("+")]
    found = [(float(term["weight"] or 1), term["name"]) for term in terms if term]
    total = sum(weight for weight, _ in found)
    if len(found) != len(terms) or not total:
        raise VoiceError(
            f"Voice {voice!r} is neither a name nor a blend such as 0.7*{known[0]}+0.3*{known[-1]}.\n"
            f"Names: {', '.join(sorted(known))}."
        )
    for _, name in found:
        if name not in known:
            raise VoiceError(f"There is no voice {name!r} (in {voice!r}). Names: {', '.join(sorted(known))}.")
    return tuple((weight / total, name) for weight, name in found)
