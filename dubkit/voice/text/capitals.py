"""Words in capitals: they are words, unless they are known letters or nobody could say them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dubkit.voice.text.lexicon import Lexicon, word_set

_LETTERS = word_set(
    "FBI CIA DVD CD TV PC BBC CNN NBC CBS ABC HBO MTV SMS MMS GPS DNA RNA USB HTML HTTP URL PDF CEO "
    "CFO CTO COO DJ MC BMW IBM AMD HDMI HD GPU CPU FM XML SQL KGB NBA NFL NHL UFC FC LSD HIV USA EUA "
    "UK NYPD LAPD WWW IP VPN PVC CV TNT MBA PHD RSVP OMG WTF BTW UHF VHS JPG GIF API ISO WC DC BRB "
    "SUV SOS UCLA IMF LCD ATP AWS"
)
"""Said letter by letter in every language."""

_DOUBTFUL: Mapping[str, frozenset[str]] = {
    "en": word_set("US IT ER RIP LED AA"),
    "pt": word_set("USA COO TI"),
    "es": word_set("USA COO CI"),
    "it": word_set("USA COO"),
    "fr": word_set("SA"),
    "de": word_set("SA EM COO"),
}
"""Letters that are also words, or look like them, where everything is in capitals."""

_SAID_AS_WORDS = word_set(
    "NASA NATO OTAN ONU UNO UNESCO UNICEF FIFA UEFA SIDA AIDS OVNI OPEC OPEP OK FEMA IKEA COVID"
)
"""Words that stay as they are written."""

_MUTTERED = word_set(
    "HM HMM HMMM MM MMM MMMM PST PSST SH SHH SHHH BRR BRRR GRR GRRR TSK PFF PFFT ZZZ MHM NGH TCH PSH"
)
"""Sounds without a vowel that people make."""

_CURRENCIES = word_set("USD EUR GBP BRL JPY INR")

LONGEST_ACRONYM = 4
"""Letters; a longer word in capitals that is not known is a shouted word."""

_VOWELS = frozenset("AEIOUYÁÉÍÓÚÂÊÎÔÛÃÕÀÈÌÒÙÄËÏÖÜŒÆ")
_BEGINNINGS = word_set(
    "bl br ch cl cr dr dw fl fr gh gl gn gr kl kn kr ll ph pl pn pr ps pt rh sc sf sh sk sl sm sn sp "
    "sq st sv sw th tl tr ts tw vl vr wh wr zw pf sg sb sd qu sch scr spl spr squ str shr thr chr phr "
    "schl schm schn schr schw sgr sbr"
)
_ENDS = word_set(
    "ch ck ct cht ff ft gg gh gn gs gt ht hl hm hn hr ks ld lf lg lk ll lm ln lp ls lt lz mb mm mp ms "
    "mpf nc nd ng nk nn ns nt nz pf ph pp ps pt rb rc rd rf rg rh rk rl rm rn rp rr rs rt rv rz sh sk "
    "sm sp ss st th tt ts tz wl wn ws wk bs ds fs hs cs rch lch nch tch cks cts dth fth lfe lks lls "
    "lst lth mps mst nct nds ngs nks nst nth nts ppt pts rds rks rls rms rns rps rst rth rts sch scht "
    "sks sps sts ths tts tzt xt xts chs chst gst kst ngst bst pst zt zz dd bb rgs rtz ntz nft mpft "
    "nscht lsch rsch nsch ck fts lds lms lps lts rbs rfs rld ght"
)
"""Clusters of consonants that words of the six languages begin and end with."""

_WORD = re.compile(r"[^\W\d_]+")
_PLURAL = re.compile(r"\b([A-Z]{2,5})s\b")
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.){2,}(?!\w)")


def capitals_in_words(text: str, lexicon: Lexicon) -> str:
    """Return `text` with shouted words in lower case, and acronyms letter by letter."""
    text = _DOTTED.sub(lambda match: _initials(match, lexicon), text)
    text = _PLURAL.sub(lambda match: _plural(match, lexicon), text)
    return _WORD.sub(lambda match: _said(match, lexicon), text)


def _initials(match: re.Match[str], lexicon: Lexicon) -> str:
    """Say `U.S.` letter by letter; a full stop that ends the sentence stays."""
    if (
        match[0].rstrip(".").replace(".", ". ").lower() in lexicon.short
        or not match[0].replace(".", "").isupper()
    ):
        return match[0]
    rest = match.string[match.end() :].lstrip()
    return " ".join(match[0].replace(".", "")) + ("" if rest and not rest.startswith(("\n",)) else ".")


def _plural(match: re.Match[str], lexicon: Lexicon) -> str:
    """Say `DVDs` letter by letter."""
    word = match[1]
    if word in _LETTERS or word in lexicon.letters or not _VOWELS & set(word):
        return f"{' '.join(word)}s"
    return match[0]


def _said(match: re.Match[str], lexicon: Lexicon) -> str:
    word, text = match[0], match.string
    before, after = text[: match.start()], text[match.end() :]
    if len(word) == 1 or not word.isupper():
        return word.lower() if _is_shouted_letter(word, before, after, lexicon) else word
    if _measures(word, before, lexicon) or (
        re.match(r"\$|\s?\d", after) and (after[0] == "$" or _is_money(word, lexicon))
    ):
        return word
    if (before[-1:] == "&" or after[:1] == "&") and len(word) < LONGEST_ACRONYM:
        return " ".join(word)
    if (before[-1:].isdigit() or after[:1].isdigit()) and len(word) < LONGEST_ACRONYM:
        return " ".join(word)
    if word in _SAID_AS_WORDS or word in lexicon.bare or (word.lower() in lexicon.short and after[:1] == "."):
        return word
    if word.title() in lexicon.bare:
        return word if after[:1] == "." else word.title()
    shouted = _shouted(before, after, lexicon)
    if (word in _LETTERS or word in lexicon.letters) and not (shouted and word in _DOUBTFUL[lexicon.base]):
        return " ".join(word)
    if not _VOWELS & set(word) and word not in _MUTTERED:
        return " ".join(word) if len(word) <= LONGEST_ACRONYM + 1 else word.lower()
    if len(word) > LONGEST_ACRONYM or shouted or _pronounceable(word):
        return word.lower()
    return " ".join(word)


def _is_shouted_letter(word: str, before: str, after: str, lexicon: Lexicon) -> bool:
    """Say whether a capital is a short word of a shouted line: `EU VI A MARIA`, `I'M LATE`, `JE T'AIME`."""
    if not word.isupper() or re.match(r"\.|\d|&", after) or re.search(r"[\d&]$", before):
        return False
    if re.search(r"[^\W\d_]'$", before):
        return True
    if lexicon.base == "en" and word == "I":
        return False
    joined = re.match(r"'[A-ZÀ-Þ]{2}", after)
    beside = [
        found[1]
        for found in (re.search(r"([^\W\d_]+)\s+$", before), re.match(r"\s+([^\W\d_]+)", after))
        if found
    ]
    return joined is not None or any(
        len(other) > 1 and other.isupper() and not _is_known(other, lexicon) for other in beside
    )


def _measures(word: str, before: str, lexicon: Lexicon) -> bool:
    """Say whether a word in capitals is the unit or the size of a number before it."""
    if not re.search(r"\d\s?$", before):
        return False
    return word in lexicon.units or word in lexicon.sizes or word in ("AM", "PM") or _is_money(word, lexicon)


def _is_money(word: str, lexicon: Lexicon) -> bool:
    return word in lexicon.money or word in _CURRENCIES


def _shouted(before: str, after: str, lexicon: Lexicon) -> bool:
    """Say whether a word beside is shouted too, or no other word shows that the line is not."""
    beside = (re.search(r"([^\W\d_]+)\W*$", before), re.match(r"\W*([^\W\d_]+)", after))
    words = [found[1] for found in beside if found]
    if not words:
        return True
    return any(len(word) > 1 and word.isupper() and not _is_known(word, lexicon) for word in words)


def _is_known(word: str, lexicon: Lexicon) -> bool:
    return word in _LETTERS or word in lexicon.letters or word in _SAID_AS_WORDS or not _VOWELS & set(word)


def _pronounceable(word: str) -> bool:
    """Say whether the clusters at both ends of a word occur in words."""
    lower = word.lower()
    vowels = {vowel.lower() for vowel in _VOWELS}
    begin = next((i for i, letter in enumerate(lower) if letter in vowels), len(lower))
    end = next((i for i, letter in enumerate(reversed(lower)) if letter in vowels), len(lower))
    beginning, ending = lower[:begin], lower[len(lower) - end :]
    return (begin < 2 or beginning in _BEGINNINGS) and (end < 2 or ending in _ENDS)
