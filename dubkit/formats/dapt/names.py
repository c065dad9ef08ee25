"""The vocabulary of DAPT: namespaces, names and values."""

from __future__ import annotations

import re

TT = "http://www.w3.org/ns/ttml"
TTP = f"{TT}#parameter"
TTM = f"{TT}#metadata"
TTS = f"{TT}#styling"
TTA = f"{TT}#audio"
DAPTM = f"{TT}/profile/dapt#metadata"
EBUTTM = "urn:ebu:tt:metadata"
XML = "http://www.w3.org/XML/1998/namespace"
DUBKIT = "urn:dubkit:script"
"""What dubkit keeps of a line beside what DAPT has words for."""

PREFIXES = {
    TTP: "ttp",
    TTM: "ttm",
    TTS: "tts",
    TTA: "tta",
    DAPTM: "daptm",
    EBUTTM: "ebuttm",
    DUBKIT: "dubkit",
    XML: "xml",
}
"""Namespace -> the prefix that is written; that of TTML has none."""

CONTENT_PROFILE = f"{TT}/profile/dapt1.0/content"
PROCESSOR_PROFILE = f"{TT}/profile/dapt1.0/processor"
MARK = f"{TT}/profile/dapt"
"""How the address of each of DAPT's own names begins."""

KINDS = ("originalTranscript", "translatedTranscript", "preRecording", "asRecorded")
ON_SCREEN = ("ON", "OFF", "ON_OFF", "OFF_ON")
NOTES = ("pronunciationNote", "scene", "plotSignificance")

DESCRIPTORS = (
    "audio",
    "audio.dialogue",
    "audio.nonDialogueSounds",
    "visual",
    "visual.dialogue",
    "visual.nonText",
    "visual.text",
    "visual.text.title",
    "visual.text.credit",
    "visual.text.location",
)
"""What a part of a script can stand for; own ones begin with `x-`."""

_OWN = re.compile(r"x-[\w-]+(?:\.[\w-]+)*")
_LANGUAGE = re.compile(r"(?:[A-Za-z]{2,8}|[ixIX](?=-))(?:-[A-Za-z0-9]{1,8})*")
_NAME = re.compile(r"[^\W\d][\w.\-·]*")
NO_SPEECH = frozenset({"", "und", "zxx"})
"""Languages that say that none is known, or that there is none."""


def tt(name: str) -> str:
    """Return the full name of an element of TTML."""
    return f"{{{TT}}}{name}"


def split(name: str) -> tuple[str, str]:
    """Return namespace and local name of a full name.

    >>> split("{urn:a}b"), split("b")
    (('urn:a', 'b'), ('', 'b'))
    """
    space, _, local = name.rpartition("}")
    return space.removeprefix("{"), local


def is_descriptor(value: str) -> bool:
    """Tell whether a value says what a part of a script stands for."""
    if value in DESCRIPTORS or _OWN.fullmatch(value):
        return True
    return any(
        value.startswith(f"{known}.") and _OWN.fullmatch(value[len(known) + 1 :]) for known in DESCRIPTORS
    )


def covers(general: str, value: str) -> bool:
    """Tell whether a descriptor is another one or a kind of it.

    >>> covers("visual.text", "visual.text.title"), covers("visual.text", "visual")
    (True, False)
    """
    return value == general or value.startswith(f"{general}.")


def is_language(tag: str) -> bool:
    """Tell whether a text is formed as a language tag."""
    return _LANGUAGE.fullmatch(tag) is not None


def is_id(name: str) -> bool:
    """Tell whether a text can be an id: it begins with a letter, and has no blank and no colon."""
    return _NAME.fullmatch(name) is not None


def id_of(name: str) -> str:
    """Return an id for a name that need not be one.

    >>> id_of("s0001"), id_of("3 men: a")
    ('s0001', '_3_men__a')
    """
    plain = re.sub(r"[^\w.\-]", "_", name)
    return plain if is_id(plain) else f"_{plain}"
