"""What was seen of a line's picture, as the checks are given it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaceLook:
    """One moment of a line in which the source shows the face that speaks."""

    time: float
    """Seconds on the episode clock."""
    found: bool
    """Whether the dub shows a face there; without one the rest says nothing."""
    height: float = 0.0
    """Of the face in the source, in pixels."""
    likeness: float = 0.0
    """How alike eyes, brows and nose are in both pictures, 1 for the same."""
    shape: float = 0.0
    """How far the places of eyes, brows and nose differ, as a share of the distance of the eyes."""
    sharpness: float = 1.0
    """Detail of the face in the dub over that in the source."""
    opening: float = 0.0
    """Opening of the mouth over its width, in the dub."""
    source_opening: float = 0.0
    """The same in the source."""
    change: float | None = None
    """How much the face changed since the look before, in levels of grey; None for the first look."""
    source_change: float | None = None
    """The same in the source."""
    colour: float = 0.0
    """How far the colour of the face is from the source's, as CIE 1976 counts differences."""


@dataclass(frozen=True, slots=True)
class LinePictures:
    """What the dub's picture shows during a line whose picture is not the source's."""

    looks: tuple[FaceLook, ...]
    """In order of time; none where the source shows no face that speaks."""
    lips: bool = True
    """Whether lips were made anew; where they are the source's, nothing is said of mouth and speech."""
    seam: float | None = None
    """Largest jump of colour at a border between the source's pictures and others, which the source does not
    have, in CIE 1976 differences; None where neither border was seen."""
