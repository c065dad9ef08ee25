"""Change bytes and texts at random, as transfers, editors and programs do."""

from __future__ import annotations

import random

SNIPPETS = (
    b"\x00",
    b"\xff",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\r",
    b"\r\n",
    b"\r\r\n",
    b"\n\n",
    b"\t",
    b" ",
    b"-->",
    b"->",
    b"00:00:01,000",
    b"99:99:99,999",
    b"-1",
    b"nan",
    b"1e999",
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b"<",
    b">",
    b"&amp;",
    b"&#x110000;",
    b"\\N",
    b"{\\an8}",
    b"<i>",
    b"</v>",
    b"WEBVTT",
    b"Dialogue:",
    b"null",
    b"\xe2\x80\xa8",
    b"\xc2\x85",
    "é".encode("latin-1"),
    "日本".encode(),
    "\U0001f600".encode(),
    b"A" * 3000,
)


def mutated(content: bytes, chance: random.Random, most: int = 6) -> bytes:
    """Return content with one to `most` changes: bits, cuts, copies, snippets, other encodings."""
    raw = bytearray(content)
    for _ in range(chance.randint(1, most)):
        _change(raw, chance)
    return bytes(raw)


def _change(raw: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(raw) + 1)
    span = min(len(raw) - place, chance.choice((1, 1, 2, 4, 16, 64, 400)))
    match chance.randrange(7):
        case 0:
            for at in range(place, place + span):
                raw[at] = chance.randrange(256)
        case 1:
            del raw[place : place + span]
        case 2:
            raw[place:place] = raw[place : place + span]
        case 3:
            raw[place:place] = chance.choice(SNIPPETS)
        case 4:
            raw[place : place + span] = chance.choice(SNIPPETS)
        case 5:
            del raw[place:]
        case _:
            for at in range(place, place + min(span, 4)):
                raw[at] ^= 1 << chance.randrange(8)
