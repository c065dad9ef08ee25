"""Stage directions: what stands in brackets or asterisks and is not said, such as `[door]` or `*laughs*`."""

from __future__ import annotations

import re

from dubkit.voice.text.lexicon import word_set

_BRACKETED = re.compile(
    r"\((?:[^()]|\([^()]*\))*\)|\[(?:[^\[\]]|\[[^\[\]]*\])*\]|\{[^{}]*\}|\uff08[^\uff08\uff09]*\uff09|\u3010[^\u3010\u3011]*\u3011"
)
_STARRED = re.compile(r"(?<!\*)\*([^*\n]{1,60})\*(?!\*)")
_BOLD = re.compile(r"\*\*+([^*]*)\*\*+")
_BRACKETS = re.compile(r"[\[\](){}\uff08\uff09\u3010\u3011]")
_AREA = r"\(\d{2,5}\)"
_LOOSE = re.compile(rf"(?!{_AREA})[(\[]|(?<!\d)\)|[\]{{}}\uff08\uff09\u3010\u3011]")
"""Brackets, without those of the area code of a phone number."""
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")

_SOUNDS = re.compile(
    r"\b(?:laugh|giggl|chuckl|sigh|gasp|cough|sobb?(?:s|ing)?\b|crying|cries\b|weep|scream|shout|yell|"
    r"groan|moan|grunt|"
    r"whisper|mutter|mumbl|sniff|snor|sneez|yawn|gulp|clear(?:s|ing) throat|applau|clapping|claps\b|"
    r"cheer(?:s|ing)\b|"
    r"music\b|song playing|silence\b|inaudible|indistinct|unintelligible|static\b|beep|footsteps|"
    r"thunder|gunshot|siren|"
    r"horn honk|bark(?:s|ing)\b|inhal|exhal|breath(?:es|ing)|smil(?:es|ing)\b|nods?\b|shrugs?\b|"
    r"winks?\b|grins?\b|"
    r"off-?screen|o\.s\.|v\.o\.|voice-?over|chatter|humming|whistl|snicker|scoff|growl|panting|sarcastic|"
    r"ri(?:s[oa]s?|ndo|r)?\b|risad|gargalh|suspir|chor(?:o|a|ando|os)\b|soluç|toss[ei]|grit[oa]|"
    r"sussurr|gem[ei]|aplaus|"
    r"palmas\b|silêncio|inaudível|passos\b|trovão|trovões|tiros?\b|buzin|latido|ofeg|sorri|murmur|"
    r"pigarr|espirr|bocej|"
    r"música|ríe|risas?\b|riendo|llor[ao]|solloz|tos(?:e|iendo)?\b|susurr|silencio|inaudible|"
    r"truenos?\b|disparos?\b|"
    r"ladr|jade[ao]|sonr|carrasp|estornud|bostez|rid(?:e|ono|endo)\b|risat|sospir|piang|pianto|"
    r"singhiozz|urla|applaus|"
    r"musica|silenzio|incomprensibile|tuon[oi]|spar[oi]\b|abbai|ansim|sorrid|mormor|starnut|sbadigl|"
    r"rires?\b|riant|rit\b|"
    r"ricane|soupir|pleur|sanglot|touss|hurl|chuchot|gémi|musique|applaud|silence|tonnerre|klaxon|"
    r"aboie|halèt|souri[ta]|"
    r"éternu|bâill|lach(?:t|en|end)\b|kicher|seufz|schluchz|wein(?:t|en|end)\b|hust|schrei|flüster|"
    r"stöhn|murmel|musik|"
    r"beifall|applaus|unverständlich|schritte\b|donner|schuss|schüsse|bellt|keuch|lächel|grins|räusper|"
    r"niest|gähn)",
    re.IGNORECASE,
)
"""Sounds and gestures, in the six languages."""

_SPEECH = word_set(
    "i you he she we they me him us them my your his our their and but or so if because not no yes is "
    "are was were be am do does did have has had will would can could should just also at least like "
    "well maybe please thank thanks this that these those what who why how when i'm it's that's don't "
    "i'll you're eu você vocês tu ele ela nós eles elas meu minha seu sua nosso nossa e mas ou porque "
    "não sim é são foi era está estou tem tenho vou vai que quem isso isto este essa como quando "
    "talvez obrigado obrigada yo tú usted él ella nosotros ellos mi su nuestro y pero o no sí es son "
    "fue está estoy tiene tengo voy qué quien eso esto cuando quizás gracias io lui lei noi voi loro "
    "mio tuo suo nostro ma perché sono ho ha hai che chi questo quello quando forse grazie je il elle "
    "on nous vous ils elles mon ton son notre et mais ou car parce pas non oui est sont était ai as "
    "suis qui quoi ce ça comme quand peut-être merci c'est j'ai ich du er sie es wir ihr mich dich "
    "mein dein sein unser und aber oder weil nicht nein ja ist sind war waren bin habe hat haben wird "
    "dass wer das dies wie wenn vielleicht danke "
    "hello hi hey bye goodbye there here come go stop wait sorry okay ok help now never always "
    "let's look listen "
    "olá oi tchau aqui ali vem espera desculpa socorro agora nunca sempre olha "
    "hola adiós aquí ven perdón ayuda ahora siempre mira "
    "ciao qui vieni aspetta scusa aiuto ora mai guarda "
    "salut bonjour bonsoir ici viens attends pardon désolé maintenant jamais toujours regarde "
    "hallo tschüss hier komm warte entschuldigung hilfe jetzt nie immer schau"
)
"""Words that people say, and that directions do without."""

_MANNER = re.compile(r"(?:ing|ndo|mente|ly|lich|end)$", re.IGNORECASE)
_LANGUAGE = re.compile(r"(?:speak\w+\s+)?(?:in|em|en|auf)\s+\w+", re.IGNORECASE)
_ADDRESSED = re.compile(r"(?:to|para|zu|à|a|al)\s+(?:the\s+)?[A-ZÀ-Ý]\w*")
_MOST_WORDS = 6


def without_directions(text: str) -> str:
    """Return `text` without stage directions; what is said in brackets stays, without its brackets."""
    text = _BOLD.sub(r"\1", text)
    text = _STARRED.sub(_starred, text)
    return _LOOSE.sub(" ", _BRACKETED.sub(_bracketed, text))


def _bracketed(match: re.Match[str]) -> str:
    if re.fullmatch(_AREA, match[0]):
        return match[0]
    inner = _BRACKETS.sub(" ", match[0]).strip()
    before, after = match.string[: match.start()].rstrip(), match.string[match.end() :].lstrip()
    leads = (not before or before[-1] in ".!?…:-—") and bool(re.match(r"\W*\w", after))
    alone = not re.search(r"\w", before) and not re.search(r"\w", after)
    if match[0][0] in "{":
        return " "
    if not match[0].startswith("("):
        kept = _is_said(inner) and not _SOUNDS.search(inner)
        return f" {inner} " if kept or len(re.findall(r"\d", inner)) > 2 else " "
    attached = bool(before) and before == match.string[: match.start()] and before[-1].isalpha()
    if attached and len(inner) <= 3 and inner.islower():
        return inner  # friend(s)
    return " " if _is_direction(inner, leads or alone) else f" {inner} "


def _is_said(inner: str) -> bool:
    """Say whether words hold what only a person says: a pronoun, a sentence, a number."""
    words = _WORD.findall(inner.lower())
    return any(word in _SPEECH for word in words)


def _is_direction(inner: str, set_apart: bool) -> bool:
    """Say whether words in parentheses are a direction; `set_apart` where they open a line or stand alone."""
    words = _WORD.findall(inner)
    if not words:
        return not any(character.isalnum() for character in inner)
    if any(character.isdigit() for character in inner) or re.search(r"[?!.…]\s*$|[.?!]\s", inner):
        return _SOUNDS.search(inner) is not None and len(words) <= 2
    if _SOUNDS.search(inner) and len(words) <= _MOST_WORDS:
        return not _is_said(inner) or len(words) <= 3
    if _is_said(inner) or len(words) > _MOST_WORDS:
        return False
    manner = any(_MANNER.search(word) for word in words) and len(words) <= 4 and words[0].lower() != "the"
    named = _LANGUAGE.fullmatch(inner) or (set_apart and _ADDRESSED.fullmatch(inner))
    shouted = inner.isupper() and len(words[0]) > 2
    return bool(manner or named or shouted or (set_apart and len(words) <= 4))


def _starred(match: re.Match[str]) -> str:
    """Drop `*laughs*`; keep `*she*`, which is stressed."""
    inner = match[1].strip()
    before, after = match.string[: match.start()].rstrip(), match.string[match.end() :].lstrip()
    if _SOUNDS.search(inner) and len(_WORD.findall(inner)) <= _MOST_WORDS:
        return " "
    begins = not before or before[-1] in ".!?…—-"
    ends = not after or after[0].isupper() or after[0] in "¿¡\"'“-—."
    marked = inner[-1:] in ".!?…" or inner.isupper()
    apart = begins and ends and inner[:1].islower() and not marked and not _is_said(inner)
    return " " if apart else match[1]
