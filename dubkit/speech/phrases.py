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


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _words(
    # English, Portuguese, Spanish
    "mr mrs ms mx dr prof jr rev gen col lt sgt cpl pvt capt maj cmdr adm gov sen rep hon messrs supt insp "
    "sr sra srs sras srta drs dra dras profa eng exmo exma ilmo sto sta cel sgto gal dña sres ud "
    "uds vd vds "
    "gral lic arq "
    # French, Italian, German
    "m mm mme mmes mlle mlles pr mgr ste sig sigg sig.ra sig.na dott dott.ssa prof.ssa ing avv "
    "arch geom egr "
    "hr fr frl dipl mag med phil jur "
    # Russian
    "г ул им"
)
"""Words before a name, whose full stop never ends a sentence."""

CAPITAL_TITLES = _words("on ten")
"""Titles that are also words, so that they count only with a capital: `On. Rossi`, but "Come on." """

PLACES = _words("st ave blvd rd hwy mt ft av avda pça pza p.zza v.le c.so bd boul str pl rte")
"""Words of streets and places, whose full stop ends a sentence only before a word that begins one."""

ABBREVIATIONS = (
    TITLES
    | PLACES
    | _words(
        "vs etc inc ltd co corp dept univ fig vol pp p ch approx est e.g i.e a.m p.m u.s u.s.a u.k "
        "u.n ph.d b.c a.d d.c "
        "jan feb apr aug sept oct nov dec a.k.a min max no.s "
        "pág págs séc cap tel obs ex p.ex núm aprox depto cia ltda máx mín cía dpto dto ej p.ej ee uu "
        "art pag pagg sec ecc es a.c tél env chap apr cf c.-à-d j.-c "
        "nr bzw usw ca z.b d.h u.a o.ä evtl ggf inkl exkl mio mrd tsd abs kap std sek jh chr v.chr "
        "n.chr bes sog geb vgl "
        "zzgl i.d.r u.u s.o s.u т.е т.д т.п"
    )
)
"""Words whose full stop ends no sentence, unless a word that begins one follows some of them."""

NEVER_CLOSE = TITLES | _words(
    "e.g i.e z.b d.h u.a p.ex p.ej ex ej nr núm pág pag fig vol cap art kap abs ca vgl cf"
)
"""Abbreviations that something always follows."""

BEFORE_DIGITS = _words("art cap fig min max sec es est jan dec apr std abs p pp ch")
"""Abbreviations that are also words, so that they count only before a number: `art. 5`."""

STARTERS = _words(
    "i you he she it we they this that these those the a an my your his her our their there here "
    "then but and so or if "
    "when what who why how where yes no not well oh now please thank thanks let's it's i'm he's "
    "she's that's "
    "eu você vocês ele ela nós eles elas o os a as um uma isso isto este esta esse essa aquele meu "
    "minha seu sua mas e "
    "então se quando que quem por como onde sim não bem agora aqui lá já vamos "
    "yo tú usted él ella nosotros ellos ellas el la los las un una eso esto ese esa aquel mi su "
    "pero y entonces si "
    "cuando qué quién cómo dónde sí bien ahora aquí ya vamos luego "
    "io tu lui lei noi voi loro il lo la i gli le un uno una questo quello ma e allora se quando "
    "che chi come dove sì "
    "bene ora qui poi adesso "
    "je tu il elle on nous vous ils elles le la les un une des ce cette ça c'est mais et alors si "
    "quand que qui comment "
    "où oui non bien maintenant ici puis donc "
    "ich du er sie es wir ihr der die das ein eine dies diese dieser aber und dann wenn was wer "
    "wie wo warum ja nein "
    "nicht gut jetzt hier also doch denn da so heute morgen gestern"
)
"""Words that begin a sentence, in the six languages: a full stop before one of them may end the last."""

MONTHS = frozenset(
    {"januar", "jänner", "februar", "märz", "april", "mai", "juni", "juli", "august", "september"}
    | {"oktober", "november", "dezember"}
)
"""German months, which follow an ordinal number with a full stop: `3. Oktober`."""

ASIDES = _words(
    "mhm mm-hmm mm-hm mmm mm hm hmm uh-huh aha ah oh yeah yep yes no okay ok right sure exactly "
    "sim não é tá certo claro pois sí vale ya bueno ja nein genau klar doch oui non ouais d'accord voilà "
    "sì già esatto да нет ага угу"
)
"""What people say into each other's sentences."""

BEFORE_NAMES = {
    "de": _words("fr hl frhr gf exz"),
    "en": _words("pres amb fr atty det pvt brig"),
    "es": _words("pdte pdta vda cap fr pbro ten tte cnel"),
    "fr": _words("me mes gén cne cdt abbé"),
    "it": _words("rag cav mons comm uff mar ten cap"),
    "pt": _words("pe fr ten maj al trav gov pres min mal"),
}
"""Language -> what stands before a name with a capital letter and a full stop."""

STREETS = {"de": ("pl", "str", "allee")}
"""Language -> ends of the names of streets that are cut short: `Goethepl. 3`."""
