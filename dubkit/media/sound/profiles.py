"""Delivery profiles: how loud a finished programme is to be, and how high its peaks may reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Gate = Literal["programme", "dialogue"]
"""What is measured: everything that is heard, or the spoken lines alone."""

SOURCE = "source"
"""The profile that changes nothing: the dub is as loud as its source."""
OWN = "lufs-target"
"""What a level of the user's own is called where the name of a profile is shown."""

TOLERANCE_LU = 0.3
"""How far the delivered file may be from its target."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The level that a way of delivery asks for."""

    name: str
    title: str
    lufs: float
    """Integrated loudness in LUFS (LKFS is the same)."""
    true_peak_db: float
    """Highest true peak in dBTP."""
    gate: Gate = "programme"


PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("web-16", "web and podcasts (AES TD1008, Apple)", -16.0, -1.0),
        Profile("web-14", "music and video platforms", -14.0, -1.0),
        Profile("ebu-r128", "European broadcast (EBU R 128)", -23.0, -1.0),
        Profile("atsc-a85", "American broadcast (ATSC A/85)", -24.0, -2.0),
        Profile("arib-tr-b32", "Japanese broadcast (ARIB TR-B32)", -24.0, -1.0),
        Profile("film-dialogue", "streamed film and series, dialogue-gated", -27.0, -2.0, "dialogue"),
    )
}
"""Name -> profile; `source` is none of them."""


def profile_names() -> tuple[str, ...]:
    """Return what `mix.profile` may be."""
    return (SOURCE, *PROFILES)


@dataclass(frozen=True, slots=True)
class Levels:
    """The level that one dub is brought to."""

    name: str
    """Name of the profile; `lufs-target` for a level of the user's own."""
    lufs: float
    true_peak_db: float
    gate: Gate = "programme"
