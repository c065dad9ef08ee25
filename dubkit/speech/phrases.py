# ruff: noqa: RUF001 - texts of many languages, whose letters and marks look like Latin ones
"""Texts that the recogniser is given, and texts that it makes up."""

from __future__ import annotations

SENTENCE_ENDS = frozenset(".?!…。？！؟।")
CLAUSE_ENDS = frozenset(",;:،؛、，；：—–")
CLOSERS = "\"'»”’)]」』）】"
"""Marks that may follow the end of a sentence and still belong to it."""

OPENERS = "\"'«“‘¿¡([「『-–— "
MARKS = ".,!?…:;\"'«»“”‘’¿¡。、，！？؟।；：-–—♪ ()[]「」『』"

STYLE = {
    "de": "Ja, natürlich. Fangen wir jetzt damit an?",
    "en": "Yes, of course. Shall we begin with it?",
    "es": "Sí, por supuesto. ¿Empezamos con ello?",
    "fr": "Oui, bien sûr. On commence par cela ?",
    "it": "Sì, certo. Cominciamo con questo?",
    "ja": "はい、そうですね。では、それから始めましょうか？",
    "ko": "네, 그렇습니다. 그럼 그것부터 시작할까요?",
    "pt": "Sim, claro. Vamos começar por isso?",
    "ru": "Да, конечно. Начнём с этого?",
    "zh": "好的，没问题。那我们从这里开始吧？",
}
"""A prompt with punctuation makes the recogniser punctuate, where a text came without any."""

STOCK_PHRASES = frozenset(
    {
        "thanks for watching",
        "thank you for watching",
        "thank you so much for watching",
        "please subscribe",
        "subtitles by",
        "subtitles by the amara.org community",
        "transcription by castingwords",
        "www.mooji.org",
        "untertitel der amara.org-community",
        "untertitel im auftrag des zdf für funk, 2017",
        "untertitelung des zdf, 2020",
        "vielen dank fürs zuschauen",
        "sous-titres réalisés par la communauté d'amara.org",
        "sous-titres réalisés para la communauté d'amara.org",
        "merci d'avoir regardé cette vidéo",
        "subtítulos realizados por la comunidad de amara.org",
        "gracias por ver el video",
        "sottotitoli creati dalla comunità amara.org",
        "legendas pela comunidade amara.org",
        "napisy stworzone przez społeczność amara.org",
        "ondertitels ingediend door de amara.org gemeenschap",
        "продолжение следует",
        "субтитры сделал dimatorzok",
        "редактор субтитров а.семкин корректор а.егорова",
        "ご視聴ありがとうございました",
        "チャンネル登録をお願いいたします",
        "字幕由amara.org社区提供",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
        "시청해주셔서 감사합니다",
        "ترجمة نانسي قنقر",
    }
)
"""What the subtitles of the training material say where nobody speaks."""

SHORT_STOCK = frozenset({"you", "thank you", "thanks", "bye", "so", "the end", "music", "oh", "okay"})
"""Also said by people, so dropped only where the recogniser itself hardly believes it."""

ABBREVIATIONS = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "st",
        "jr",
        "sr",
        "rev",
        "gen",
        "col",
        "lt",
        "sgt",
        "capt",
        "gov",
        "sen",
        "rep",
        "hon",
        "messrs",
        "vs",
        "etc",
        "inc",
        "ltd",
        "co",
        "corp",
        "dept",
        "fig",
        "vol",
        "pp",
        "approx",
        "e.g",
        "i.e",
        "a.m",
        "p.m",
        "u.s",
        "u.k",
        "u.n",
        "ph.d",
        "b.c",
        "a.d",
        "hr",
        "fr",
        "frl",
        "nr",
        "str",
        "bzw",
        "usw",
        "ca",
        "z.b",
        "d.h",
        "u.a",
        "o.ä",
        "evtl",
        "mme",
        "mlle",
        "mgr",
        "sra",
        "srta",
        "ud",
        "uds",
        "dra",
        "exmo",
        "sig",
        "sigg",
        "dott",
        "ing",
        "avv",
        "egr",
        "pag",
        "art",
        "cap",
        "т.е",
        "т.д",
        "т.п",
        "г",
        "ул",
        "им",
    ]
)
"""Words whose full stop ends no sentence."""

MAY_CLOSE = frozenset(
    ["etc", "inc", "ltd", "co", "corp", "a.m", "p.m", "u.s", "u.k", "u.n", "jr", "sr", "usw", "т.д", "т.п"]
)
"""Abbreviations that close a sentence too, when a capital follows."""

MONTHS = frozenset(
    {"januar", "jänner", "februar", "märz", "april", "mai", "juni", "juli", "august", "september"}
    | {"oktober", "november", "dezember"}
)
"""German months, which follow an ordinal number with a full stop: `3. Oktober`."""
