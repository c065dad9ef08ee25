"""What languages are written with: the letters beyond ASCII, and the old encodings of their files."""

from __future__ import annotations

from collections.abc import Mapping

WESTERN = ("cp1252", "mac_roman", "cp850", "latin_1")
CENTRAL = ("cp1250", "iso8859_2", "cp852", "mac_latin2")
BALTIC = ("cp1257", "iso8859_13", "iso8859_4", "cp775")
TURKISH = ("cp1254", "iso8859_9", "cp857")
CYRILLIC = ("cp1251", "koi8_r", "cp866", "iso8859_5", "mac_cyrillic")
UKRAINIAN = ("cp1251", "koi8_u", "cp1125", "iso8859_5")
GREEK = ("cp1253", "iso8859_7", "cp737")
HEBREW = ("cp1255", "iso8859_8", "cp862")
ARABIC = ("cp1256", "iso8859_6")
THAI = ("cp874",)
VIETNAMESE = ("cp1258",)
JAPANESE = ("cp932", "euc_jp")
KOREAN = ("cp949", "johab")
CHINESE = ("gb18030", "big5hkscs")

_RUSSIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"

ALPHABETS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "en": (WESTERN, "àâäåæçèéêëíîïñóôöøœùúûü"),
    "pt": (WESTERN, "áâãàéêíóôõúüçº\u00aa"),
    "es": (WESTERN, "áéíóúüñº\u00aa"),
    "fr": (WESTERN, "àâæçéèêëîïôœùûüÿ"),
    "de": (WESTERN, "äöüßéà"),
    "it": (WESTERN, "àèéìíîòóùúº\u00aa"),
    "nl": (WESTERN, "áéíóúàèëïöüêĳ"),
    "sv": (WESTERN, "åäöéàü"),
    "da": (WESTERN, "æøåéäö"),
    "no": (WESTERN, "æøåéòôàäö"),
    "fi": (WESTERN, "äöåéšž"),
    "is": (WESTERN, "áéíóúýðþæö"),
    "ca": (WESTERN, "àçéèíïóòúü·"),
    "pl": (CENTRAL, "ąćęłńóśźż"),
    "cs": (CENTRAL, "áčďéěíňóřšťúůýž"),
    "sk": (CENTRAL, "áäčďéíĺľňóôŕšťúýž"),
    "hu": (CENTRAL, "áéíóöőúüű"),
    "ro": (CENTRAL, "ăâîşţșț"),
    "hr": (CENTRAL, "čćđšž"),
    "bs": (CENTRAL, "čćđšž"),
    "sl": (CENTRAL, "čšžćđ"),
    "sq": (CENTRAL, "çë"),
    "lt": (BALTIC, "ąčęėįšųūž"),
    "lv": (BALTIC, "āčēģīķļņšūž"),
    "et": (BALTIC, "äõöüšž"),
    "tr": (TURKISH, "çğıöşüâîûİ"),
    "az": (TURKISH, "çğıöşüəİ"),
    "vi": (
        VIETNAMESE,
        "àáâãèéêìíòóôõùúăđĩũơưýạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ\u0300\u0301\u0303\u0309\u0323",
    ),
    "ru": (CYRILLIC, _RUSSIAN),
    "bg": (CYRILLIC, "абвгдежзийклмнопрстуфхцчшщъьюя"),
    "uk": (UKRAINIAN, "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя"),
    "be": (UKRAINIAN, "абвгдеёжзійклмнопрстуўфхцчшыьэюя"),
    "sr": (("cp1251", "iso8859_5"), "абвгдђежзијклљмнњопрстћуфхцчџш"),
    "mk": (("cp1251", "iso8859_5"), "абвгдѓежзѕијклљмнњопрстќуфхцчџш"),
    "el": (GREEK, "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"),
    "he": (HEBREW, "".join(map(chr, range(0x5B0, 0x5EB)))),
    "ar": (ARABIC, "".join(map(chr, range(0x621, 0x653)))),
    "fa": (ARABIC, "".join(map(chr, range(0x621, 0x653))) + "پچژکگی\u200c"),
    "ur": (ARABIC, "".join(map(chr, range(0x621, 0x653))) + "پچژکگیٹڈڑںھہے"),
    "th": (THAI, "".join(map(chr, range(0xE01, 0xE5C)))),
    "ja": (JAPANESE, ""),
    "ko": (KOREAN, ""),
    "zh": (CHINESE, ""),
}
"""Language -> encodings of its files before UTF-8, the likely ones first, and its letters beyond ASCII.

Chinese, Japanese and Korean have too many letters for a list.
"""

RARE = frozenset(("is", "sq", "lt", "lv", "et", "az", "be", "mk"))
"""Languages that few files are written in."""

FREQUENT: Mapping[str, str] = {
    "pt": "ãçáéêõíó",
    "es": "áéíóúñ¿¡",
    "fr": "éèàêçâ",
    "de": "äöüß",
    "it": "èéàòùì",
    "sv": "åäö",
    "da": "æøå",
    "no": "æøå",
    "fi": "äö",
    "is": "áéíóúðþ",
    "pl": "ąęłóśżćń",
    "cs": "áéíýčěřšžů",
    "sk": "áéíýčšžľ",
    "hu": "áéíóöőü",
    "ro": "ăâîşţ",
    "hr": "čćđšž",
    "tr": "ığüşöç",
    "lt": "ąčęėįšūž",
    "lv": "āēīūšļņ",
    "et": "äõöü",
    "ru": "оеаинтсрвл",
    "bg": "аиоетнрсвл",
    "uk": "оанивіерст",
    "be": "анірыоестл",
    "sr": "аоиенрстјк",
    "mk": "аоиетнрсвк",
    "el": "αοιετσνηυρέί",
    "he": "יוהלאמרתבש",
    "ar": "ايلنمتوربه",
    "fa": "ایرنهودمتس",
    "ur": "ایکرےنہوتم",
    "th": "านรอกเงมย่วล้สดัีทต",
    "ja": "のにはをたがでてとしれさいうんかまっ。、",
    "ko": "이다는의에을가고하를한은지도나그",
    "zh": "的一是不了人我在有他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家"
    "這個國說們為時會過來學對麼沒還點樣樂請謝嗎吧呢好很想什都。\uff0c",
}
"""The commonest letters of languages whose encodings swap letters among themselves."""
