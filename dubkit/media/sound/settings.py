"""Settings of the mix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from dubkit.errors import SettingError
from dubkit.media.sound.profiles import OWN, PROFILES, SOURCE, Levels, profile_names
from dubkit.settings import check_bounds, option

TRUE_PEAK_DB = -1.0
QUIETEST_LUFS, LOUDEST_LUFS = -50.0, -5.0


@dataclass(frozen=True, slots=True)
class Mix:
    """Laying the speech over the source's sound."""

    duck_db: Annotated[float, msgspec.Meta(ge=-80.0, le=0.0)] = option(
        -24.0, "Level of the source's sound under the dubbed speech, in dB.", job=True
    )
    true_peak_db: Annotated[float, msgspec.Meta(ge=-12.0, le=0.0)] = option(
        TRUE_PEAK_DB, "True-peak ceiling in dBTP; a delivery profile may ask for a lower one.", job=True
    )
    background: str = option(
        "", "Music-and-effects track that replaces the source's sound under speech.", flag="--background"
    )
    profile: str = option(
        SOURCE,
        "Loudness and peaks of the finished dub; source leaves them as they are.",
        flag="--delivery-profile",
        job=True,
        choices=profile_names,
    )
    lufs_target: Annotated[float, msgspec.Meta(ge=-70.0, le=0.0)] = option(
        0.0,
        "Loudness of the finished dub in LUFS, instead of the profile's; 0 is none of its own.",
        flag="--lufs-target",
        job=True,
    )
    style: Literal["default", "enhanced"] = option(
        "default",
        "How speech and bed come together: enhanced shapes the voice and lets the bed follow it.",
        flag="--mix",
        job=True,
    )
    ducking: Literal["on", "off"] = option(
        "on", "Whether the source's sound is lowered under the dubbed speech.", flag="--ducking", job=True
    )
    limiter: Literal["on", "off"] = option(
        "on", "Whether peaks above the true-peak ceiling are limited.", flag="--limiter", job=True
    )
    room: Literal["off", "auto"] = option(
        "off",
        "Whether a dubbed voice is put into the place and room of the source's voice.",
        flag="--room",
        job=True,
    )
    mark: Literal["off", "on"] = option(
        "off",
        "Whether generated speech gets an inaudible mark, which dubkit verify finds again.",
        flag="--mark",
        job=True,
    )

    def __post_init__(self) -> None:
        check_bounds(self, "mix")
        if self.profile not in profile_names():
            raise SettingError("mix.profile", self.profile, f"must be one of {', '.join(profile_names())}")
        if self.lufs_target and not QUIETEST_LUFS <= self.lufs_target <= LOUDEST_LUFS:
            expected = f"a target is {QUIETEST_LUFS:g} to {LOUDEST_LUFS:g} LUFS, such as -16, or 0 for none"
            raise SettingError("mix.lufs_target", self.lufs_target, expected)
        profile = PROFILES.get(self.profile)
        if profile and self.true_peak_db not in (TRUE_PEAK_DB,) and self.true_peak_db > profile.true_peak_db:
            raise SettingError(
                "mix.true_peak_db",
                self.true_peak_db,
                f"profile {profile.name} allows {profile.true_peak_db:g} dBTP at most; lower it, or choose "
                "another profile with --delivery-profile",
            )

    @property
    def levels(self) -> Levels | None:
        """The level that the dub is brought to; None where it keeps that of the source."""
        profile = PROFILES.get(self.profile)
        if profile is None:
            return Levels(OWN, self.lufs_target, self.true_peak_db) if self.lufs_target else None
        peak = min(profile.true_peak_db, self.true_peak_db)
        return Levels(profile.name, self.lufs_target or profile.lufs, peak, profile.gate)

    @property
    def depth_db(self) -> float:
        """How far the source's sound goes down under speech, in dB."""
        return self.duck_db if self.ducking == "on" else 0.0
