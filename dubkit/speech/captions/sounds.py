"""What subtitles for the hard of hearing describe and nobody says: sounds, manners, songs."""

from __future__ import annotations

import re

from dubkit.speech.captions.words import JOINING, NUMBERED, SOUNDS, SPOKEN, THINGS

NOTES = "♪♫♬♩🎵🎶"
_NOTE = re.compile(f"[{NOTES}]+")
_SONG = re.compile(f"[{NOTES}][^{NOTES}]*[{NOTES}]")
_HASHES = re.compile(r"^#\s.*\s#$|^¶.*", re.S)
_BRACKET = re.compile(r"\[[^\[\]]*\](?!\s*[:\uff1a])|【[^【】]*】(?!\s*[:\uff1a])")
_ROUND = re.compile(r"\(([^()]*)\)(?!\s*[:\uff1a])|\uff08([^\uff08\uff09]*)\uff09(?!\s*[:\uff1a])")
_STARS = re.compile(r"(?:^|(?<=\s))\*([^*\n]{2,40})\*(?=\s|$|[.,!?])")
_READING = re.compile("(?<=[\u3400-\u9fff々])[(\uff08][\u3041-\u3096\u30a1-\u30fa・ー]+[)\uff09]")

_SUNG = re.compile(r"[\[(【]\s*(?:\w+\s+)?(?:sings?|singing|song)(?:\s+\w+)*\s*[\])】].*", re.I | re.S)
_MANNER = re.compile(
    r"(?:in (?-i:[A-Z])\w+$|in a \w+(?: voice)?$|"
    r"(?:on|over) (?:the )?(?:phone|radio|tv|intercom|speaker|computer|pa)\b"
    r"|off-?\s?(?:screen|camera)$|voice-?\s?over$|v\.?o\.?$|o\.?s\.?$|to (?:him|her|them|it)sel(?:f|ves)$"
    r"|(?:quiet|soft|loud|sarcastical|angri|nervous|sad|happi|weak|faint|mocking)ly$|muffled$|distorted$)",
    re.I,
)
_DENSE_SOUND = re.compile(
    "^(?:笑い?|笑い声|拍手|歓声|音楽|ため息|泣き声?|悲鳴|笑声|掌声|音乐|音樂|叹气|嘆氣|哭声?|웃음|박수|음악|한숨|비명)$|(?:音|声|聲|소리)$"
)


def without_sounds(text: str, language: str = "") -> str:
    """Return the lines of a cue without what nobody says; empty where nothing is left.

    Square brackets hold sounds wherever they do not stand inside a sentence. Round ones are left out only
    where they name a sound or a manner: people say much that is written in them.

    >>> without_sounds("(sighs) Good morning (all of you)."), without_sounds("[door slams]")
    ('Good morning (all of you).', '')
    """
    said = _without_songs(text)
    said = _READING.sub("", said)
    said = _BRACKET.sub(lambda found: _bracket(said, found), said)
    said = _ROUND.sub(lambda found: "" if _is_sound(found[1] or found[2] or "") else found[0], said)
    said = _STARS.sub(lambda found: "" if _is_sound(found[1]) else found[0], said)
    if said == text:
        return text
    lines = (" ".join(re.sub(r"\s+([,.!?;])", r"\1", line).split()) for line in said.split("\n"))
    return "\n".join(line for line in lines if any(c.isalnum() for c in line))


def is_song(text: str) -> bool:
    """Tell whether a text is all song: it has notes or is marked as sung, and nothing else is said.

    >>> is_song("♪ We are the champions ♪"), is_song("[singing]"), is_song("He sang ♪ la la ♪ to her")
    (True, True, False)
    """
    if _SUNG.fullmatch(text.strip()):
        return True
    marked = _NOTE.search(text) or _HASHES.match(text.strip())
    return bool(marked) and not any(c.isalnum() for c in _without_songs(text))


def _without_songs(text: str) -> str:
    if _HASHES.match(text.strip()):
        return ""
    if not _NOTE.search(text):
        return text
    signs = _NOTE.sub("♪", text)
    rest = _SONG.sub("", signs)
    if "♪" not in rest:
        return rest
    before, _, after = rest.partition("♪")
    if not after.strip():
        return ""  # `We are the champions ♪`
    return before if before.strip() else ""


def _bracket(text: str, found: re.Match[str]) -> str:
    """Return what stays of a bracket: its words inside a sentence, such as `He took [the car] and left`."""
    if NUMBERED.match(found[0][1:-1].strip()):
        return found[0]  # `[SPEAKER_00] Hello`
    before = text[: found.start()].rstrip(" ")
    after = text[found.end() :].lstrip(" ")
    inside = (
        before[-1:].isalpha()
        and before[-1:].islower()
        and (after[:1].islower() or after[:1] in tuple(".,;!?"))
        and not _is_sound(found[0][1:-1])
    )
    return found[0][1:-1] if inside else " "


def _is_sound(words: str) -> bool:
    """Tell whether words in parentheses name a sound or a manner, and are not said."""
    plain = words.strip(" .…\n♪-")
    if not any(c.isalnum() for c in plain):
        return True
    if _DENSE_SOUND.search(plain) and " " not in plain and len(plain) < 12:
        return True
    parts = [part.strip(",.'\u2019\"!?:;").casefold() for part in plain.split()]
    if len(parts) > 7 or any(part in SPOKEN for part in parts) or words.rstrip().endswith(("?", "!")):
        return False
    if _MANNER.match(plain):
        return True
    if any(part in SOUNDS for part in parts):
        return (len(parts) <= 4 and parts[0] not in JOINING) or parts[0] in SOUNDS or plain.isupper()
    capital = plain.isupper() and len(parts) > 1
    does = len(parts) > 1 and parts[1].endswith(("s", "ing", "ed"))
    return capital or (parts[0] in THINGS and does and len(parts) <= 4)
