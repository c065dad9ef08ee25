"""What the elements of a DAPT file take over from those around them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from dubkit.formats.dapt.names import XML
from dubkit.formats.dapt.rules import LANGUAGE, REPRESENTS, SOURCE, TIMES
from dubkit.formats.script import Attributes

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

    from dubkit.formats.dapt.times import Clock

SPACE = f"{{{XML}}}space"


@dataclass(frozen=True, slots=True)
class Around:
    """What an element takes over from those around it."""

    begin: Fraction
    end: Fraction | None
    language: str
    source: str
    represents: str
    preserve: bool

    def inside(self, element: ET.Element, clock: Clock) -> Around:
        """Return the same for what stands in an element."""
        times = {name: clock.seconds(element.attrib[name]) for name in TIMES if name in element.attrib}
        begin = self.begin + times.get("begin", Fraction(0))
        ends = [self.end] if self.end is not None else []
        ends += [self.begin + times["end"]] if "end" in times else []
        ends += [begin + times["dur"]] if "dur" in times else []
        return replace(
            self,
            begin=begin,
            end=min(ends) if ends else None,
            language=element.get(LANGUAGE, self.language),
            source=element.get(SOURCE, self.source),
            represents=element.get(REPRESENTS, self.represents),
            preserve=element.get(SPACE, "preserve" if self.preserve else "default") == "preserve",
        )


def seconds(time: Fraction) -> float:
    """Return a time as scripts hold it, to the millionth."""
    return round(float(time), 6)


def others(element: ET.Element, known: tuple[str, ...]) -> Attributes:
    """Return the attributes of an element beside known ones."""
    return tuple(sorted((name, value) for name, value in element.attrib.items() if name not in known))
