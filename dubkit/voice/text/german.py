"""German ordinals: where a number with a full stop is one, and how it is declined."""

from __future__ import annotations

import re

from dubkit.voice.text.genders import gender
from dubkit.voice.text.lexicon import Lexicon, word_set
from dubkit.voice.text.values import numeral

_ORDINAL = re.compile(r"(?<![\w.,])(\d{1,3})\.(?=\s+([^\W\d_]+))")
_DETERMINERS = word_set(
    "der die das dem den des am im vom zum zur beim ans ins ein eine einen einem einer eines kein "
    "keine mein meine meinen meinem meiner dein deine deinen deinem deiner sein seine seinen seinem "
    "seiner ihr ihre ihren ihrem ihrer unser unsere unseren unserem unserer euer eure jeder jede "
    "jedes jedem jeden dieser diese dieses diesem diesen bis ab seit vor nach und"
)
_BEFORE = re.compile(rf"\b({'|'.join(_DETERMINERS)})\s+$", re.IGNORECASE)
_STARTERS = word_set(
    "der die das ein eine ich du er sie es wir ihr und aber oder denn doch dann da so jetzt nun ja "
    "nein nicht was wer wie wo warum wann kein keine mein meine dein sein wenn als ob dass heute "
    "morgen gestern hier dort auch nur man alle alles dies diese dieser komm geh gut genau bitte "
    "danke mit von in auf am im"
)
"""Words that begin a new sentence after a number and a full stop."""

_NOUNS = word_set(
    "januar jänner februar märz april mai juni juli august september oktober november dezember jan "
    "feb jun jul aug sep sept okt nov dez jahrhundert jahrtausend klasse stock weltkrieg etage platz "
    "mal tag woche monat jahr runde staffel folge reich liga halbzeit kapitel teil geburtstag spiel "
    "akt semester quartal generation person auflage ausgabe bundesliga grad hochzeitstag jahrestag "
    "minute stunde stelle versuch advent gang weihnachtstag lebensjahr drittel bezirk gebot mann kind "
    "frau sinfonie symphonie"
)
"""What is often numbered."""

_ENDINGS = {
    "dem": "n",
    "den": "n",
    "des": "n",
    "am": "n",
    "im": "n",
    "vom": "n",
    "zum": "n",
    "zur": "n",
    "beim": "n",
}
_DATIVE_BEFORE = re.compile(
    r"\b(?:in|an|auf|von|mit|bei|nach|aus|zu|seit|vor|während|wegen|unter|über|ende|anfang|mitte|"
    r"seite)\s+der\s+$",
    re.IGNORECASE,
)


_DATIVE_EARLIER = re.compile(r"\b(?:am|vom|zum|zur|im|dem|den|beim)\b[^.!?]{0,40}$", re.IGNORECASE)
_LAST = re.compile(
    r"(?<=\b)(?P<before>(?:der|die|das|am|vom|zum|dem|den|beim)\s+)(\d{1,2})\.(?=\s*$)", re.IGNORECASE
)
"""An ordinal that ends the line: `Heute ist der 1.`"""


def names_ordinal(before: str, following: str) -> bool:
    """Say whether a number and a full stop between two texts are an ordinal, not the end of a sentence."""
    if not following:
        return False
    if following[0].islower():
        return True
    noun = following.lower()
    if noun in _NOUNS or following == "F":  # 1. FC, letter by letter
        return True
    return _BEFORE.search(before) is not None and noun not in _STARTERS


def german_ordinals(text: str, lexicon: Lexicon) -> str:
    """Return `text` with ordinals such as `2. Weltkrieg` in words, declined."""

    def said(match: re.Match[str]) -> str:
        before = match.string[: match.start()]
        if not names_ordinal(before, match[2]):
            return match[0]
        return numeral(int(match[1]), lexicon, "ordinal") + _ending(before, match[2])

    text = _ORDINAL.sub(said, text)
    return _LAST.sub(lambda match: f"{match['before']}{_last(match, lexicon)}.", text)


def _last(match: re.Match[str], lexicon: Lexicon) -> str:
    spoken = numeral(int(match[2]), lexicon, "ordinal").capitalize()
    return spoken + ("n" if match["before"].strip().lower() in _ENDINGS else "")


def _ending(before: str, noun: str) -> str:
    """Return what follows "zweite", by the word before the number and the gender of the noun."""
    found = _BEFORE.search(before)
    word = found[1].lower() if found else ""
    if word in _ENDINGS or _DATIVE_BEFORE.search(before) or word.endswith(("em", "en", "ner", "rer")):
        return "n"
    if word in ("der", "die", "das", "diese", "dieser", "dieses", "jede", "jeder", "jedes"):
        return ""
    kind = gender(noun, "de") if noun[0].isupper() else "m"
    if word in ("bis", "ab", "seit", "vor", "nach"):
        return "n"
    if word == "und":
        return "n" if _DATIVE_EARLIER.search(before) else ""
    if not word:
        return {"f": "", "n": "s"}.get(kind, "r") if noun.lower() not in _MONTHS else "r"
    if word.endswith("e"):  # eine, meine, unsere
        return ""
    return "s" if kind == "n" else "r"


_MONTHS = word_set(
    "januar jänner februar märz april mai juni juli august september oktober november dezember jan "
    "feb jun jul aug sep sept okt nov dez"
)
