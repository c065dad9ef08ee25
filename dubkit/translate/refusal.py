# ruff: noqa: RUF001 - dialogue is written with typographic apostrophes
"""Tell a model that refuses from a character who does.

`I'm sorry, I can't do that` may be a refusal or a faithful translation. A marker therefore counts
only when the source has none of its kind.
"""

from __future__ import annotations

import re

_SORRY = (
    r"\b(?:i'?m|i am|we'?re) (?:really |so |very |truly )?sorry\b|\bsorry\b|\bapologi[sz]e"
    r"|\bmy apologies\b|\bregret\b|\bdesculp|\bsinto muito\b|\blamento|\bperd[óo][en]|\blo siento\b"
    r"|\bdisculp|\bdésolée?\b|\bexcuse|\bpardon|\bm['’ ]excuse|\bes tut mir (?:sehr )?leid\b"
    r"|\bentschuldig|\bleider\b|\bmi dispiace\b|\bscus|\bhet spijt me\b|\bhelaas\b|извин|прости"
    r"|к сожалению|сожалею|\bprzepraszam|\bniestety|\bprzykro|\bförlåt|\btyvärr|\bbeklag|\büzgünüm|抱歉"
    r"|对不起|對不起|遗憾|遺憾|申し訳|ごめん|すみません|恐れ入り|残念|죄송|미안|آسف|عذرا|अफसोस|माफ़"
    r"|em sap greu|ho sento"
)
_UNABLE = (
    r"\b(?:can(?:'t|not| not|’t)|unable to|not able to|won(?:'|’)t|will not|refuse to|must decline"
    r"|decline to|not (?:comfortable|allowed|permitted|going to)|couldn(?:'|’)t|could not|no way)\b"
    r"|\bnão (?:posso|podemos|consigo|é possível|vou|irei|sou capaz|pode)\b"
    r"|\bno (?:puedo|podemos|es posible|voy a|soy capaz)\b"
    r"|\bne (?:peux|pouvons|puis|suis pas en mesure|vais)\b|\bje (?:peux|vais) pas\b|\bimpossible\b"
    r"|\bkann (?:\w+ ){0,5}nicht\b|\bnicht (?:in der lage|möglich)\b|\bkönnen (?:\w+ ){0,5}nicht\b"
    r"|\bwerde (?:\w+ ){0,5}nicht\b|\bnon (?:posso|possiamo|è possibile|sono in grado|riesco)\b"
    r"|\bkan (?:\w+ ){0,5}niet\b|не (?:могу|можем|смогу|буду|в состоянии)"
    r"|\bnie (?:mogę|możemy|jestem w stanie)\b|\bkan inte\b"
    r"|\bkan ikke\b|无法|不能|不可以|無法|拒绝|できません|できない"
    r"|出来ません|出来ない|いたしかねます|할 수 없|수 없습니다|못 해|못합니다|لا (?:أستطيع|يمكنني)"
    r"|नहीं (?:कर )?सकता|\bno puc\b"
    r"|\byapamam\b|\bedemem\b"
)
_MODEL = (
    r"\b(?:as|being) an? (?:ai|artificial|large|language|helpful)\b"
    r"|\b(?:an? )?(?:ai|large)? ?language model\b|\bi(?:'m| am) an? ai\b|\bai assistant\b|\bopenai\b"
    r"|\banthropic\b|\bmodelo de (?:linguagem|lenguaje)\b"
    r"|\bcomo (?:uma|una) (?:ia|inteligência|inteligencia)\b|\bmodèle de langage\b"
    r"|\ben tant qu['’]?(?:ia|intelligence|assistant)\b|\bsprachmodell\b|\bals ki\b"
    r"|\bmodello linguistico\b|\btaalmodel\b|языков\w+ модел|искусственн\w+ интеллект"
    r"|\bmodel językowy\b|语言模型|人工智能|語言模型|言語モデル|언어 모델"
)
_POLICY = (
    r"\b(?:content|usage|safety|community) (?:policy|policies|guidelines?)\b"
    r"|\bagainst my (?:guidelines|policy|programming|values)\b"
    r"|\b(?:explicit|inappropriate|offensive|harmful|sexual|hateful|graphic|sensitive) (?:content"
    r"|language|material|text|nature)\b"
    r"|\bconteúdo (?:explícito|inadequado|ofensivo|sensível|impróprio|prejudicial)\b"
    r"|\bpolíticas? de (?:conteúdo|contenido|uso)\b|\bdiretrizes\b"
    r"|\bcontenido (?:explícito|inapropiado|ofensivo|sensible|dañino)\b"
    r"|\bcontenu (?:explicite|inapproprié|offensant|sensible)\b"
    r"|\b(?:anstößig|unangemessen|explizit)\w* inhalt|\brichtlinien\b"
    r"|\bcontenut[oi] (?:esplicit|inappropriat|offensiv|sensibil)|неприемлем\w+ (?:контент|содержан)"
    r"|不当内容|敏感内容|不适当的内容|不適切な(?:内容|コンテンツ)|부적절한 (?:내용|콘텐츠)"
)
_TASK = (
    r"\btranslat"
    r"|\b(?:this|that|your) (?:request|content|task|prompt)\b|\btradu[zcç]"
    r"|\b(?:esse|essa|este|esta|sua|seu|tal) (?:pedido|solicitação|solicitud|contenido|conteúdo)\b"
    r"|\bcette demande\b|\bce contenu\b|\bübersetz|\bdiese[nrs]? (?:anfrage|inhalt|anforderung)\b"
    r"|\bquest[ao] (?:richiesta|contenuto)\b|\bdeze (?:vraag|inhoud)\b|\bvertal|перев(?:ести|од)"
    r"|этот запрос|\bprzetłumacz|翻译|翻譯|这个请求|您的请求|該請求|翻訳|ご要望|ご依頼|リクエスト|번역|요청"
)
_HELP = (
    r"\b(?:assist|help)(?: you)? with (?:this|that|your|the)\b|\bcan't assist\b"
    r"|\bajud\w+ com (?:isso|isto|ess[ea]|est[ea])\b"
    r"|\bayudar\w* con (?:eso|esto|es[ea]|est[ea])\b|\baider (?:avec|à|pour) (?:ça|cela|cette)"
    r"|\bdabei (?:\w+ ){0,4}helfen\b"
    r"|\baiutar\w* con (?:questo|quest[ao]|ciò)\b|\bпомочь (?:с|вам с) эт\w+"
)
_KINDS = {
    "sorry": re.compile(_SORRY, re.IGNORECASE),
    "unable": re.compile(_UNABLE, re.IGNORECASE),
    "model": re.compile(_MODEL, re.IGNORECASE),
    "policy": re.compile(_POLICY, re.IGNORECASE),
    "task": re.compile(_TASK, re.IGNORECASE),
    "help": re.compile(_HELP, re.IGNORECASE),
}
# The languages whose apologies are listed above; of others a weak marker proves nothing.
_COVERED = frozenset(
    (
        "en",
        "pt",
        "es",
        "fr",
        "de",
        "it",
        "nl",
        "ru",
        "pl",
        "sv",
        "da",
        "no",
        "nb",
        "nn",
        "tr",
        "zh",
        "yue",
        "ja",
        "ko",
        "ar",
        "hi",
        "ca",
    )
)


def is_refusal(reply: str, source: str, source_language: str) -> bool:
    """True when the reply refuses, explains or lectures and the source line does no such thing.

    `source_language` is a language without region, such as `en`.
    """
    said = _kinds(reply)
    meant = _kinds(source)
    new = said - meant
    if "model" in new:
        return True
    if "unable" in said and ("policy" in new or "task" in new):
        return True
    if "sorry" in said and "policy" in new:
        return True
    if {"help", "unable"} <= said and "unable" not in meant:
        return source_language in _COVERED
    if {"sorry", "unable"} <= said and not meant & {"sorry", "unable"}:
        return source_language in _COVERED or len(reply) > 2 * len(source) + 20
    return False


def _kinds(text: str) -> set[str]:
    plain = text.replace("’", "'")
    return {kind for kind, pattern in _KINDS.items() if pattern.search(plain)}
