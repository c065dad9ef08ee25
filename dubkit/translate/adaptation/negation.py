"""Whether a text denies something, clause by clause, so that no `not` is lost or added."""

from __future__ import annotations

import re

from dubkit.translate.language import base

_WORDS = {
    "en": (
        r"not|no|never|nothing|nobody|none|neither|nor|nowhere|without|cannot"
        r"|\w+n['\u2019]t|ain['\u2019]t|no[- ]one"
    ),
    "pt": r"não|nunca|jamais|nada|ninguém|nem|nenhum[a]?|tampouco|sem",
    "es": r"no|nunca|jamás|nada|nadie|ni|ningún|ningun[oa]|tampoco|sin",
    "fr": r"ne|n['\u2019]|pas|jamais|rien|aucune?|ni|non|sans|nulle part|guère",
    "it": r"non|mai|niente|nulla|nessun[oa]?|né|neanche|nemmeno|neppure|no|senza|mica",
    "de": r"nicht|nie|niemals|nichts|niemand(?:en|em)?|kein(?:e|en|em|er|es|s)?|weder|noch nie|ohne|nein"
    r"|nirgend(?:s|wo)",
}
"""Words that deny."""

_ANSWERS = {
    "en": r"no|nope|nah|never|no way",
    "pt": r"não|nunca|jamais",
    "es": r"no|nunca|jamás",
    "fr": r"non|jamais",
    "it": r"no|mai",
    "de": r"nein|nee|nie|niemals",
}
"""Those that are a whole answer."""

_TAGS = {
    "en": r",\s*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)n['\u2019]t\s+"
    r"(?:i|you|he|she|it|we|they|there)\s*\?|,\s*no\s*\?|,\s*right\s*\?",
    "pt": r",\s*n(?:é|ão(?: é| acha| foi| está| tá| era| vai)?)\s*\?",
    "es": r",?\s*¿\s*(?:no|verdad)(?: es(?: verdad| así)?)?\s*\?|,\s*no\s*\?",
    "fr": r",?\s*n['\u2019]est-ce pas\s*\?|,\s*non\s*\?",
    "it": r",\s*(?:no|non è vero|vero)\s*\?",
    "de": r",\s*(?:nicht wahr|nicht|oder nicht)\s*\?",
}
"""Questions behind a sentence that deny nothing: `isn't it?`."""

_NOT_DENYING = {
    "en": r"\bnot only\b|\bno doubt\b|\bno problem\b|\bnothing but\b|\bwhy not\b",
    "pt": r"\bnão só\b|\bsem dúvida\b|\bnada mais que\b|\bpor que não\b|\bde nada\b",
    "es": r"\bno sólo\b|\bno solo\b|\bsin duda\b|\bsin embargo\b|\bde nada\b|\bpor qué no\b",
    "fr": r"\bpas seulement\b|\bsans doute\b|\bpourquoi pas\b|\bde rien\b|\bpas de problème\b",
    "it": r"\bnon solo\b|\bsenza dubbio\b|\bperché no\b|\bdi niente\b|\bdi nulla\b",
    "de": r"\bnicht nur\b|\bohne zweifel\b|\bwarum nicht\b|\bkein problem\b",
}
"""Turns of speech with such a word."""

_CLAUSE = re.compile(r"[,.;:!?…\u2014()]+|\s[-\u2013]\s")
_AND = {
    "en": r"\b(?:and|but|or|because|that|if|when)\b",
    "pt": r"\b(?:e|mas|ou|porque|que|se|quando)\b",
    "es": r"\b(?:y|e|pero|sino|o|porque|que|si|cuando)\b",
    "fr": r"\b(?:et|mais|ou|parce que|que|si|quand)\b",
    "it": r"\b(?:e|ed|ma|o|perché|che|se|quando)\b",
    "de": r"\b(?:und|aber|sondern|oder|weil|dass|wenn)\b",
}


def denials(text: str, language: str) -> int | None:
    """Return how many clauses of a text deny something; None in a language whose words are not known here.

    An answer (`No, …`) before another clause that denies is part of it.

    >>> denials("No, I don't know him, but I like her.", "en"), denials("You like her, don't you?", "en")
    (1, 0)
    """
    name = base(language)
    if name not in _WORDS:
        return None
    plain = re.sub(_TAGS[name], " ", text, flags=re.IGNORECASE)
    plain = re.sub(_NOT_DENYING[name], " ", plain, flags=re.IGNORECASE)
    denying = re.compile(rf"(?<!\w)(?:{_WORDS[name]})(?!\w)", re.IGNORECASE)
    if name == "fr":
        denying = re.compile(rf"(?<!\w)(?:{_WORDS[name]})(?!\w)|(?<!\w)n['\u2019](?=\w)", re.IGNORECASE)
    answer = re.compile(rf"\W*(?:{_ANSWERS[name]})(?:\W+(?:{_ANSWERS[name]}))*\W*", re.IGNORECASE)
    clauses = [part for whole in _CLAUSE.split(plain) for part in re.split(_AND[name], whole, flags=re.I)]
    answers = [clause for clause in clauses if clause.strip() and answer.fullmatch(clause)]
    others = [clause for clause in clauses if denying.search(clause) and not answer.fullmatch(clause)]
    return len(others) or min(1, len(answers))
