"""Units (NAL) of H.264 and HEVC: split packets into them, and keep two sets of parameters apart.

A spliced film holds groups of pictures of two encoders. Each has its own parameter sets, which live side
by side because their ids differ; the stream's header (`extradata`) names all of them.
"""

from __future__ import annotations

import re

PARAMETER_SETS = {"h264": {7, 8}, "hevc": {32, 33, 34}}
"""Types of the units that describe a stream, by codec."""

_SEI = {"h264": {6}, "hevc": {39}}
_CARRIED_SEI = {4, 137, 144, 147}
"""Captions and dynamic HDR, mastering display, content light level, preferred transfer."""
_DOLBY = 62
"""Unit of an HEVC picture that says how Dolby Vision shows it; it follows the picture."""
_CRA, _BROKEN_LINK = 21, 18
_START = b"\0\0\0\1"
_HEVC_SET_ID = 15
"""Id of VPS and SPS: the one whose code is a whole byte longer than that of id 0."""
_HEVC_PPS_IDS = range(15, 31)
"""Ids of PPS with the same property."""


def unit_size(extradata: bytes | None, codec: str) -> int:
    """Bytes of the length before each unit of a packet; 0 when start codes separate the units."""
    if extradata is None or len(extradata) < 7 or extradata[0] != 1:
        return 0
    return (extradata[4 if codec == "h264" else 21] & 3) + 1


def split_units(content: bytes, size: int) -> list[bytes]:
    """Split a packet into its units, by start codes when `size` is 0, else by lengths of `size` bytes."""
    if not size:
        parts = content.split(b"\0\0\1")[1:]
        return [part.rstrip(b"\0") for part in parts if part.rstrip(b"\0")]
    units, at = [], 0
    while at + size <= len(content):
        start = at + size
        at = start + int.from_bytes(content[at : at + size], "big")
        unit = content[start:at].rstrip(b"\0")
        if unit:
            units.append(unit)
    return units


def join_units(units: list[bytes], size: int) -> bytes:
    """Write units as one packet, the way `split_units` reads them."""
    if not size:
        return b"".join(_START + unit for unit in units)
    return b"".join(len(unit).to_bytes(size, "big") + unit for unit in units)


def unit_type(unit: bytes, codec: str) -> int:
    """Type of a unit as the codec's standard numbers it."""
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F


def is_picture_unit(unit: bytes, codec: str) -> bool:
    """Tell whether a unit holds coded picture (a slice)."""
    return 1 <= unit_type(unit, codec) <= 5 if codec == "h264" else unit_type(unit, codec) < 32


def is_parameter_set(unit: bytes, codec: str) -> bool:
    return unit_type(unit, codec) in PARAMETER_SETS[codec]


def header_units(extradata: bytes, codec: str) -> list[bytes]:
    """Parameter sets that a stream's header names."""
    if not unit_size(extradata, codec):
        return [unit for unit in split_units(extradata, 0) if is_parameter_set(unit, codec)]
    if codec == "h264":
        sequences, at = _read_sets(extradata, 6, extradata[5] & 0x1F)
        pictures, _ = _read_sets(extradata, at + 1, extradata[at])
        return sequences + pictures
    units, at = [], 23
    for _ in range(extradata[22]):
        count = int.from_bytes(extradata[at + 1 : at + 3], "big")
        found, at = _read_sets(extradata, at + 3, count)
        units += found
    # Messages may stand among them.
    return [unit for unit in units if is_parameter_set(unit, codec)]


def _read_sets(extradata: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    units = []
    for _ in range(count):
        start = at + 2
        at = start + int.from_bytes(extradata[at:start], "big")
        units.append(extradata[start:at])
    return units, at


def merged_header(extradata: bytes, added: list[bytes], codec: str) -> bytes:
    """Return the header `extradata` with the parameter sets `added` behind its own."""
    if not unit_size(extradata, codec):
        return extradata + join_units(added, 0)
    return _merged_avc(extradata, added) if codec == "h264" else _merged_hevc(extradata, added)


def _merged_avc(extradata: bytes, added: list[bytes]) -> bytes:
    count = extradata[5] & 0x1F
    _, middle = _read_sets(extradata, 6, count)
    pictures = extradata[middle]
    _, end = _read_sets(extradata, middle + 1, pictures)
    more = {kind: [unit for unit in added if unit_type(unit, "h264") == kind] for kind in (7, 8)}
    head = bytearray(extradata[:6])
    head[3] = max([head[3], *(unit[3] for unit in more[7])])  # the level must cover every sequence
    head[5] = head[5] & 0xE0 | count + len(more[7])
    return b"".join(
        (
            bytes(head),
            extradata[6:middle],
            join_units(more[7], 2),
            bytes([pictures + len(more[8])]),
            extradata[middle + 1 : end],
            join_units(more[8], 2),
            extradata[end:],
        )
    )


def _merged_hevc(extradata: bytes, added: list[bytes]) -> bytes:
    arrays, at, seen = [], 23, set()
    for _ in range(extradata[22]):
        kind = extradata[at] & 0x3F
        own, end = _read_sets(extradata, at + 3, int.from_bytes(extradata[at + 1 : at + 3], "big"))
        more = [] if kind in seen else [unit for unit in added if unit_type(unit, "hevc") == kind]
        seen.add(kind)
        arrays.append(_hevc_array(extradata[at], own + more))
        at = end
    for kind in sorted(PARAMETER_SETS["hevc"] - seen):
        arrays.append(_hevc_array(kind, [unit for unit in added if unit_type(unit, "hevc") == kind]))
    return extradata[:22] + bytes([len(arrays)]) + b"".join(arrays)


def _hevc_array(kind: int, units: list[bytes]) -> bytes:
    return bytes([kind]) + len(units).to_bytes(2, "big") + join_units(units, 2)


# --- ids of parameter sets --------------------------------------------------------------------


def unescaped(unit: bytes) -> bytes:
    """Take out the bytes that keep start codes from appearing inside a unit."""
    return unit.replace(b"\0\0\3", b"\0\0")


def _escaped(unit: bytes) -> bytes:
    return re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", unit)


def _golomb(content: bytes, bit: int) -> int:
    """Read the exponential Golomb number that starts at `bit`."""
    bits = int.from_bytes(content, "big")
    length = len(content) * 8
    zeros = 0
    while bit + zeros < length and not bits >> (length - 1 - bit - zeros) & 1:
        zeros += 1
    end = bit + 2 * zeros + 1
    if end > length:
        raise ValueError("a parameter set is cut off")
    return (bits >> (length - end) & (2 << zeros) - 1) - 1


def set_id(unit: bytes, codec: str) -> int:
    """Id of a parameter set."""
    content, kind = unescaped(unit[:64]), unit_type(unit, codec)
    if codec == "h264":
        return _golomb(content, 32 if kind == 7 else 8)
    if kind == 32:
        return content[2] >> 4
    if kind == 34:
        return _golomb(content, 16)
    # Before the id lie the profile and, for each further temporal layer, its own.
    layers = content[2] >> 1 & 7
    bit = 24 + 96
    if layers:
        flags = int.from_bytes(content[15:17], "big")
        bit += 16
        for layer in range(layers):
            bit += 88 * (flags >> (15 - 2 * layer) & 1) + 8 * (flags >> (14 - 2 * layer) & 1)
    return _golomb(content, bit)


def free_id(units: list[bytes], codec: str) -> int:
    """Id that no parameter set among `units` has, for `h264` of both kinds; raises `ValueError` if none."""
    used = {(unit_type(unit, codec), set_id(unit, codec)) for unit in units}
    if codec == "h264":
        taken = {number for _, number in used}
        candidates = [number for number in range(31, 0, -1) if number not in taken]
    else:
        free = not {(32, _HEVC_SET_ID), (33, _HEVC_SET_ID)} & used
        candidates = [number for number in reversed(_HEVC_PPS_IDS) if free and (34, number) not in used]
    if not candidates:
        raise ValueError("every id of parameter sets is taken")
    return candidates[0]


def with_hevc_ids(unit: bytes, picture_set: int) -> bytes:
    """Give a unit of an encoder that numbers everything 0 the ids `picture_set` (PPS) and 15 (VPS, SPS).

    The codes of the new ids are exactly eight bits longer than that of 0, so everything behind them keeps
    its place within a byte, and the coded picture is not touched.
    """
    kind, content = unit_type(unit, "hevc"), unescaped(unit)
    if kind == 32:
        return _escaped(content[:2] + bytes([content[2] & 0x0F | _HEVC_SET_ID << 4]) + content[3:])
    if kind == 33:
        content = content[:2] + bytes([content[2] & 0x0F | _HEVC_SET_ID << 4]) + content[3:]
        return _escaped(_longer_id(content, 15, 0, _HEVC_SET_ID))
    if kind == 34:
        content = _longer_id(content, 2, 0, picture_set)
        return _escaped(_longer_id(content, 3, 1, _HEVC_SET_ID))
    if kind < 32:
        return _escaped(_longer_id(content, 2, 2 if 16 <= kind <= 23 else 1, picture_set))
    return unit


def _longer_id(content: bytes, byte: int, bit: int, number: int) -> bytes:
    """Replace the one-bit code of id 0 at `bit` of `byte` by the nine-bit code of `number` (15 to 30)."""
    old = content[byte]
    if not old >> (7 - bit) & 1:
        raise ValueError("the encoder did not number its parameter sets 0")
    before, after = old >> (8 - bit), old & (1 << (7 - bit)) - 1
    new = (before << 9 | number + 1) << (7 - bit) | after
    return content[:byte] + new.to_bytes(2, "big") + content[byte + 1 :]


def broken_link(content: bytes, size: int) -> bytes | None:
    """Turn an HEVC packet with a clean random access picture into a broken link; None for other packets.

    The standard's way to join streams: the same picture bits under a type (18) that tells decoders to
    start anew. An end of sequence in front would do as well, but makes decoders drop waiting frames.
    """
    units = split_units(content, size)
    if not any(unit_type(unit, "hevc") == _CRA for unit in units):
        return None
    links = [
        bytes([unit[0] & 0x81 | _BROKEN_LINK << 1]) + unit[1:] if unit_type(unit, "hevc") == _CRA else unit
        for unit in units
    ]
    return join_units(links, size)


# --- messages beside the picture --------------------------------------------------------------


def carried_messages(units: list[bytes], codec: str) -> list[bytes]:
    """Units with captions and HDR metadata of a packet, which belong to its frame however it is coded."""
    return [unit for unit in units if is_behind_picture(unit, codec) or _is_carried(unit, codec)]


def _is_carried(unit: bytes, codec: str) -> bool:
    if unit_type(unit, codec) not in _SEI[codec]:
        return False
    kinds = _message_types(unit, codec)
    return bool(kinds) and kinds <= _CARRIED_SEI


def is_behind_picture(unit: bytes, codec: str) -> bool:
    """Tell whether a message stands behind the picture that it belongs to."""
    return codec == "hevc" and unit_type(unit, codec) == _DOLBY


def _message_types(unit: bytes, codec: str) -> set[int]:
    content = unescaped(unit)
    at, kinds = 1 if codec == "h264" else 2, set()
    while at + 2 < len(content):  # the last byte is the stop bit
        kind, at = _long_number(content, at)
        length, at = _long_number(content, at)
        kinds.add(kind)
        at += length
    return kinds


def _long_number(content: bytes, at: int) -> tuple[int, int]:
    total = 0
    while at < len(content) and content[at] == 0xFF:
        total, at = total + 255, at + 1
    return total + (content[at] if at < len(content) else 0), at + 1
