# ruff: noqa: RUF001 - dialogue is written with typographic and full-width marks
"""What models say beside a translation: announcements, notes, second versions, questions for the text."""

from __future__ import annotations

import html
import re

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|\{\\[^{}]*\}")
_BREAK = re.compile(r"<br\s*/?>|\\[Nnhrt]", re.IGNORECASE)
_TWICE = re.compile(r"[ÃÂÐÑ][\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,5});")

# `Note:` and its like, at the beginning of a remark behind the translation.
_NOTE = re.compile(
    r"(?<=[.!?…。！？\"”»')\]*])[\s(\[*_-]*"
    r"\b(?:translator'?s? |translation |tradu\w+ )?"
    r"(?:notes?|n\.? ?b|nota(?: d[eo] tradu\w+)?|n\. ?d?\.? ?t|observaç(?:ão|ões)|obs|explica(?:ção"
    r"|ción)|explicacion"
    r"|explanation|remark|comment|context|remarque|note de traduction|explication|anmerkung(?:en)?"
    r"|anm|hinweis"
    r"|erklärung|spiegazione|osservazione|opmerking|toelichting|примечани[ея]|пояснение|uwag[ai]"
    r"|wyjaśnienie|anmärkning"
    r"|anmærkning|merknad|bemærk|huomautus|huom|not(?=\s*:\s)|açıklama|poznámka|megjegyzés|notă|σημείωση"
    r"|alternativ(?:e|ely|a|amente|ement)?|variante?|literal(?:ly|mente)?|wörtlich|littéralement"
    r"|letteralmente"
    r"|or|ou|oder|oppure)"
    r"\.?[*_]*\s?[:：]\s",
    re.IGNORECASE,
)
_NOTE_WIDE = re.compile(r"[（(【\[]?(?:注|注意|备注|備註|译注|譯註|说明|說明|訳注|補足|참고|주|역주)\s?[:：]")
_BRACKET = re.compile(r"\s*[(（\[]([^()（）\[\]]{2,})[)）\]]\s*[.!]?\s*$")

_OR = r"(?:or|ou|o|oder|of|lub|или|eller|veya|oppure|o bien|または|或|또는)"
_QUOTED_TWICE = re.compile(
    rf"^[\"“«„']([^\"“”«»„]+)[\"”»“'],?\s+{_OR}\s+[\"“«„'].+[\"”»“'][.!]?$", re.IGNORECASE
)
_NUMBERED_TWICE = re.compile(r"^1[.)]\s+(.+?)\s+2[.)]\s+\S.*$")
# One word for him and for her: `obrigado/a`, `cansado(a)`, `Freund*in`.
_EITHER = re.compile(
    r"\b([^\W\d_]{2,})(?:/-?(?:a|o|as|os|e|es|in|innen|ne|trice)\b|\((?:a|o|as|os|e|es|in|innen"
    r"|ne)\)|[*:_]in(?:nen)?\b)"
)
_ITEM = re.compile(r"^(?:[-•*]\s+|\d{1,2}[.)]\s+)(?=\S)")

# Begins an answer to whoever asked, in English or a language of the model's choice.
_SURE = re.compile(
    r"^(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|alright|got it|understood"
    r"|no problem|claro(?: que sí| que sim)?"
    r"|com certeza|certamente|por supuesto|desde luego|bien sûr|certainement|d'accord|natürlich"
    r"|gerne|selbstverständlich"
    r"|certo|certamente|natuurlijk|zeker|конечно|oczywiście|självklart|visst|selvfølgelig|tabii"
    r"|elbette|当然|好的|もちろん|물론)"
    r"\s*[!.,:，！。]+\s*",
    re.IGNORECASE,
)
_HERE = re.compile(
    r"\bhere(?:'s| is| are| you)\b|\bvoici\b|\baquí (?:está|tienes)\b|\baqui (?:está|vai)\b|\becco\b"
    r"|\bhier (?:ist|is)\b"
    r"|\bвот\b|\boto\b|\bhär är\b|\bher er\b|\bişte\b|以下|こちら",
    re.IGNORECASE,
)

# Words for translating that mean nothing else ...
_TRANSLATE = re.compile(
    r"\btranslat(?:e|ed|ing|ion|or)s?\b|\btradu(?:z|ç|c(?:ir|ci|t|e\b)|[ij]|is|re\b|rr)\w*"
    r"|\bübersetz\w*|\bvertal\w+"
    r"|översätt|oversæt|oversett|käännö|překlad|přelož|fordítás|traducere|μεταφρ|תרגו|ترجم|अनुवाद"
    r"|bản dịch|terjemah"
    r"|翻译|翻譯|译文|譯文|翻訳|번역",
    re.IGNORECASE,
)
# ... and such as do, which count beside a word for what is to be translated.
_TURN = re.compile(
    r"перев(?:од|ест|ед|ож)|tłumacz|przekład|çevir|tercüme|перекла|превод|prijevod|prelož|fordít|kään", re.I
)
_TEXT = re.compile(
    r"\btexts?\b|\bsentences?\b|\bphrases?\b|\blines?\b|\bcontent\b|\bdialogues?\b|\btextos?\b"
    r"|\bfrases?\b|\boraç|\blinhas?\b"
    r"|\bdiálogos?\b|\bconteúdo\b|\bcontenido\b|\btextes?\b|\bréplique\b|\bsatz\b|\bsätze\b"
    r"|\bzeilen?\b|\btesto\b|\bfrase\b"
    r"|\bbattuta\b|\btekst\w*|текст|фраз|предложени|реплик|zdani[ea]|\bsætning|\bsetning"
    r"|\bmet(?:in|ni)\b|\bcümle|文本|句子|内容|台词|テキスト|文章|セリフ|텍스트|문장|대사",
    re.IGNORECASE,
)
_GIVE = re.compile(
    r"\b(?:send|provide|share|paste|give|enter|supply|tell)\b"
    r"|\bwhat (?:would you like|do you want) me to\b|\benvi[ea]\w*|\bforne[çc]\w+"
    r"|\bcompartilh\w+|\bcol(?:e|ar)\b|\binform[ea]\b|\bproporcion\w+|\bcompart[aei]\w*|\bpropor\w+"
    r"|\bfourni\w+|\benvoye\w+|\bpartage\w+"
    r"|\bdonne[zr]\b|\bgeben\b|\bgib\b|\bschick\w*|\bsenden?\b|\bstell\w*|\bteil(?:e|en)\b"
    r"|\bfornis\w+|\bforni(?:re|sci|te)\b|\binvi[ao]\w*"
    r"|\bcondivi\w+|\bgeef\b|\bstuur\b|\bdeel\b|\bverstrek\w*|предостав|пришл|отправ|укажите|введите"
    r"|\bpodaj\w*|\bprześlij|\bwyślij"
    r"|\bskicka\b|\bange\b|\bsend\b|\bgi\b|\bgiv\b|\bgönder\w*|\bpaylaş\w*|\bsağla\w*|提供|发送|給我"
    r"|给我|送って|提供して|入力して|教えて"
    r"|제공|보내|알려|입력",
    re.IGNORECASE,
)
_PLEASE = re.compile(
    r"please|would like|por favor|gostaria|s'il (?:vous|te) pla[iî]t|veuillez|souhaite|bitte|möchte"
    r"|per favore|vorrest|desider"
    r"|alsjeblieft|alstublieft|graag|wilt|пожалуйста|хотите|proszę|chcesz|vänligen|snälla|gärna"
    r"|vennligst|venligst|lütfen|请|請"
    r"|ください|주세요|주시",
    re.IGNORECASE,
)
_MORE_CONTEXT = re.compile(
    r"more context|additional context|without (?:more |further )?context|mais contexto|más contexto"
    r"|plus de contexte|mehr kontext"
    r"|più contesto|meer context|больше контекста|więcej kontekstu|mer kontext|daha fazla bağlam"
    r"|更多(?:的)?(?:上下文|背景|语境)"
    r"|文脈が|더 많은 (?:맥락|문맥)",
    re.IGNORECASE,
)


def resolved(text: str) -> str:
    """Return a text without the marks of files and pages: breaks, tags, entities; on one line.

    >>> resolved("Tom &amp; Ana,<br>l&#39;eau \\\\N <i>aqui</i>")
    "Tom & Ana, l'eau aqui"
    """
    plain = _MARKUP.sub("", _BREAK.sub(" ", _decoded(text)))
    if _ENTITY.search(plain):
        plain = _MARKUP.sub("", _BREAK.sub(" ", html.unescape(plain)))
    return " ".join(plain.replace("\u200b", "").replace("\ufeff", "").split())


def _decoded(text: str) -> str:
    """Return a text that was decoded wrongly once (`vocÃª`) as it was meant."""
    if not _TWICE.search(text):
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def without_asides(line: str, source: str) -> str:
    """Return a translation without what was said before and behind it, in one version instead of two."""
    line = _without_announcement(line.strip(), source)
    line = _one_version(line, source)
    line = _without_notes(line, source)
    if not _EITHER.search(source):
        line = _EITHER.sub(r"\1", line)
    return line.strip()


def is_note(line: str) -> bool:
    """Say whether a line begins as a remark on a translation does: `Note: …`, `(Alternatively: …)`."""
    return bool(_NOTE.match("." + line, 1) or _NOTE_WIDE.match(line))


def speaks_of_the_task(text: str, source: str) -> bool:
    """Say whether a text asks for the line, or speaks of translating, and its source does no such thing."""
    if _TRANSLATE.search(source) or _TURN.search(source):
        return False
    if _TRANSLATE.search(text) or (_TURN.search(text) and _TEXT.search(text) and not _TEXT.search(source)):
        return True
    if (
        _MORE_CONTEXT.search(text)
        and "context" not in source.casefold()
        and "contex" not in source.casefold()
    ):
        return True
    asked = _GIVE.search(text) and _TEXT.search(text) and _PLEASE.search(text)
    return bool(asked) and not _TEXT.search(source)


def _without_announcement(line: str, source: str) -> str:
    """`Sure! Here is the translation: Bom dia.` -> `Bom dia.`"""
    sure = _SURE.match(line)
    rest = line[sure.end() :] if sure else line
    colon = re.search(r"[:：]\s*(?=\S)", rest[:120])
    if not colon or re.search("[:：]", source):
        return line
    before = rest[: colon.end()]
    announced = _TRANSLATE.search(before) or _TURN.search(before) or (sure and _HERE.search(before))
    return rest[colon.end() :].strip(" *_") if announced else line


def _one_version(line: str, source: str) -> str:
    """The first of two versions, where the source has no two of anything."""
    for pattern in (_QUOTED_TWICE, _NUMBERED_TWICE):
        found = pattern.match(line)
        if found and not pattern.match(source):
            return found.group(1).strip()
    parts = re.split(r"\s+(?:/|\|)\s+", line)
    if len(parts) > 1 and not re.search(r"[/|]", source) and all(map(_is_long_enough, parts)):
        return parts[0]
    if _ITEM.match(line) and not _ITEM.match(source) and not re.match(r"\s*\d", source):
        return _ITEM.sub("", line)
    return line


def _is_long_enough(part: str) -> bool:
    return any(character.isalpha() for character in part)


def _without_notes(line: str, source: str) -> str:
    for pattern in (_NOTE, _NOTE_WIDE):
        found = pattern.search(line)
        if found and line[: found.start()].strip(" *_-(") and not pattern.search(source):
            line = line[: found.start()].rstrip(" *_-([")
    bracket = _BRACKET.search(line)
    if bracket and line[: bracket.start()].strip() and not re.search(r"[(（\[]", source):
        line = line[: bracket.start()].rstrip(" —–")
    return line if source.rstrip().endswith("*") else line.rstrip("* ")
