"""Harmless shortenings of a text: what people leave out when they say the same sentence faster.

Each is a rule with a kind, for one language or for all. None touches a name, a number or a denial; what a
rule makes is compared with the text all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from dubkit.translate.language import base

VERSION = "1"
"""Goes up when the rules change; enters the keys of lines."""

_START = r"(?:^|(?<=[.!?…] ))"


@dataclass(frozen=True, slots=True)
class Shortened:
    """A shorter text, and the names of the changes that made it, the first first."""

    text: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    """One kind of shortening; `shorter` gives what stands for a match."""

    kind: str
    pattern: re.Pattern[str]
    shorter: Callable[[re.Match[str]], str]
    drops: bool = True
    """Whether words go, rather than grow together."""

    def named(self, match: re.Match[str]) -> str:
        """Return the name of a change: `filler: Bem`, `contraction: it is → it's`."""
        words = match.group().strip(" ,")
        return f"{self.kind}: {words}" if self.drops else f"{self.kind}: {words} → {self.shorter(match)}"


def shortenings(text: str, language: str) -> Iterator[Shortened]:
    """Give shorter and shorter texts, each with one change more; none where nothing can be left out.

    >>> [short.text for short in shortenings("Well, it is late.", "en")]
    ["Well, it's late.", "It's late."]
    """
    changes: tuple[str, ...] = ()
    for rule in (*_COMMON, *_RULES.get(base(language), ())):
        while True:
            match = rule.pattern.search(text)
            if match is None or len(changes) > _MOST:
                break
            shorter = _capitalised(text, text[: match.start()] + rule.shorter(match) + text[match.end() :])
            if len(shorter) >= len(text) or not any(map(str.isalnum, shorter)):
                break
            text, changes = shorter, (*changes, rule.named(match))
            yield Shortened(text, changes)


_MOST = 12


def _capitalised(before: str, after: str) -> str:
    """Return a text whose sentences begin with capitals, where those of the text before did."""
    if not before[:1].isupper():
        return after
    return re.sub(r"(?:^|(?<=[.!?] ))[^\W\d_]", lambda match: match.group().upper(), after)


def _contractions(pairs: str, behind: str = r"(?= \w)", ahead: str = "") -> _Rule:
    """Return the rule of words that grow together, given as `it is>it's, that is>that's`.

    `behind` must follow them, `ahead` come before. A capital inside is a name: `de El Salvador`.
    """
    table = dict(pair.strip().split(">") for pair in pairs.split(","))
    table |= {long[0].upper() + long[1:]: short[0].upper() + short[1:] for long, short in table.items()}
    words = "|".join(sorted(map(re.escape, table), key=len, reverse=True))
    pattern = re.compile(rf"{ahead}\b(?:{words})\b{behind}")
    return _Rule("contraction", pattern, lambda match: table[match.group()], drops=False)


def _fillers(starts: str, inside: str) -> tuple[_Rule, ...]:
    """Return the rules of words that say nothing: at the start of a sentence, inside it, at its end."""
    begin = re.compile(rf"{_START}(?:{starts}), +(?=\w)", re.IGNORECASE)
    within = re.compile(rf", (?:{inside})(?=, \w|\.)", re.IGNORECASE)
    return (
        _Rule("filler", begin, lambda match: ""),
        _Rule("filler", within, lambda match: ""),
    )


def _pronouns(one: str, many: str, between: str, verbs: str, ending: str, after: str) -> _Rule:
    """Return the rule of `I` and `we` before verbs whose endings say who speaks."""
    persons = rf"{one} (?=(?:(?:{between}) )*(?:{verbs})\b)|{many} (?=(?:(?:{between}) )*\w+{ending}\b)"
    behind = "|".join(rf"(?<=\b{word} )" for word in after.split("|"))
    return _Rule("pronoun", re.compile(rf"(?:{_START}|(?<=, )|{behind})(?:{persons})"), lambda match: "")


_COMMON = (
    _Rule(
        "doubled word",
        re.compile(r"\b([^\W\d_]{2,}), \1\b(?=[,.!?…]| \w)", re.IGNORECASE),
        lambda match: match.group(1),
    ),
)

_EN = (
    "it is>it's, that is>that's, there is>there's, he is>he's, she is>she's, what is>what's, who is>who's,"
    "here is>here's, I am>I'm, you are>you're, we are>we're, they are>they're, I will>I'll, you will>you'll,"
    "he will>he'll, she will>she'll, we will>we'll, they will>they'll, it will>it'll, is not>isn't,"
    "are not>aren't, was not>wasn't, were not>weren't, do not>don't, does not>doesn't, did not>didn't,"
    "cannot>can't, can not>can't, could not>couldn't, will not>won't, would not>wouldn't,"
    "should not>shouldn't, has not>hasn't, have not>haven't, had not>hadn't"
)
_PT = (
    "de o>do, de a>da, de os>dos, de as>das, em o>no, em a>na, em os>nos, em as>nas, em um>num,"
    "em uma>numa, por o>pelo, por a>pela, a o>ao, a os>aos, de ele>dele, de ela>dela, de isso>disso"
)
_IT = (
    "di il>del, di la>della, a il>al, a la>alla, da il>dal, da la>dalla, in il>nel, in la>nella,"
    "su il>sul, su la>sulla"
)
_FR = "que il>qu'il, que elle>qu'elle, si il>s'il, de le>du, de les>des, à le>au, à les>aux"
_DE = "in dem>im, zu dem>zum, zu der>zur, an dem>am, bei dem>beim, von dem>vom, in das>ins, an das>ans"
_PT_VERBS = (
    "sou|estou|tenho|vou|acho|sei|quero|posso|preciso|gosto|faço|digo|vejo|venho|trago|peço|ouço|conheço"
    "|entendo|espero|lembro|penso|falo|trabalho|moro|amo|odeio|prometo|juro|acredito|agradeço|gostaria|fui|estive|tive"
    r"|fiz|quis|pude|soube|vi|vim|dei|\w{2,}ei"
)
_ES_VERBS = (
    "soy|estoy|tengo|voy|creo|sé|quiero|puedo|necesito|hago|digo|veo|vengo|conozco|pienso|espero|recuerdo"
    r"|hablo|trabajo|vivo|amo|odio|prometo|juro|fui|estuve|tuve|hice|quise|pude|supe|dije|vi|\w{2,}é"
)
_IT_VERBS = (
    "ho|vado|so|voglio|posso|devo|faccio|dico|vedo|vengo|penso|credo|spero|conosco|ricordo|parlo|lavoro|vivo"
    "|amo|odio|prometto|giuro|sto|capisco"
)

_RULES: Mapping[str, tuple[_Rule, ...]] = {
    "en": (
        _contractions(_EN, ahead=r"(?<!\bwhat )(?<!\bhow )(?<!\bwhere )(?<!\bwho )"),
        *_fillers("well|you know|I mean|uh|um|you see", "you know|I mean|uh|um|you see"),
    ),
    "pt": (
        _contractions(_PT),
        *_fillers(
            "bem|bom|então|sabe|você sabe|vocês sabem|quer dizer|ora",
            "sabe|você sabe|vocês sabem|quer dizer|tipo assim|digamos",
        ),
        _pronouns(
            "[Ee]u",
            "[Nn]ós",
            "não|já|só|também|sempre|nunca|ainda|me|te|lhe|nos|realmente",
            _PT_VERBS,
            "mos",
            "e|mas|que|porque|quando",
        ),
        _Rule("pronoun", re.compile(rf"{_START}Isso (?=(?:não )?(?:é|foi|está)\b)"), lambda match: ""),
    ),
    "es": (
        _contractions("de el>del, a el>al"),
        *_fillers("bueno|pues|sabes|ya sabes|o sea|verás", "sabes|ya sabes|o sea|verás|digamos"),
        _pronouns(
            "[Yy]o",
            "[Nn]osotr[oa]s",
            "no|ya|sólo|solo|también|siempre|nunca|me|te|le|nos|lo|la",
            _ES_VERBS,
            "mos",
            "y|pero|que|porque",
        ),
    ),
    "it": (
        _contractions(_IT),
        *_fillers("beh|allora|sai|insomma|ecco|cioè|vede|vedi", "sai|insomma|cioè|diciamo|vedi"),
        _pronouns(
            "[Ii]o",
            "[Nn]oi",
            "non|già|solo|anche|sempre|mai|mi|ti|ci|lo|la|vi",
            _IT_VERBS,
            "mo",
            "e|ma|che|perché",
        ),
    ),
    "fr": (
        _contractions(_FR),
        *_fillers(
            "eh bien|ben|bon|alors|enfin|tu sais|vous savez|tu vois|vous voyez",
            "tu sais|vous savez|tu vois|vous voyez|disons",
        ),
    ),
    "de": (
        _contractions(_DE, behind=r"(?= [A-ZÄÖÜ])", ahead=r"(?<!, )"),
        *_fillers(
            "also|nun|na ja|tja|weißt du|wissen Sie|ach",
            "weißt du|wissen Sie|sagen wir|sozusagen",
        ),
    ),
}
