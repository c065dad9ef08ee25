"""Lines by the numbers that people see, in sentences that name them by their ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from dubkit.episode.context import finished_languages
from dubkit.errors import DubkitError
from dubkit.review.opening import of_folder
from dubkit.web.site import Site
from dubkit.web.templating import segment

_ID = re.compile(r"\bs\d{4,}(?:\.\d+)?\b")
_NUMBERS = re.compile(r"(?<!, )\b[Ll]ines? \d+(?:(?:, | to | and )\d+)*")
"""`Line 3`, `lines 1, 4 to 6 and 9`; not those of a file, as in `a.srt, line 12`."""
_NUMBER = re.compile(r"(?:^[Ll]ines? )?(\d+)")


@dataclass(frozen=True, slots=True)
class LineNames:
    """How lines of an episode are named, and where each is reviewed."""

    address: str = ""
    """Address of the review page; empty where there is none."""
    numbers: Mapping[str, int] = field(default_factory=dict)

    def linked(self, text: str) -> Markup:
        """Return a sentence with a link in place of each line that it names.

        >>> LineNames("/review", {"s0003": 3}).linked("s0003 was cut <short>")
        Markup('<a href="/review#line-3">Line 3</a> was cut &lt;short&gt;')
        >>> LineNames("/review").linked("Lines 2 and 4: fast")
        Markup('<a href="/review#line-2">Lines 2</a> and <a href="/review#line-4">4</a>: fast')
        """
        parts, end = [], 0
        for start, stop, words, number in sorted(self._mentions(text)) if self.address else ():
            parts.append(escape(text[end:start]))
            parts.append(Markup('<a href="{}#line-{}">{}</a>').format(self.address, number, words))
            end = stop
        return Markup("").join([*parts, escape(text[end:])])

    def _mentions(self, text: str) -> Iterator[tuple[int, int, str, int]]:
        """Yield where a sentence names a line: start, end, the words for it, and its number."""
        for found in _ID.finditer(text):
            number = self.numbers.get(found[0])
            if number is not None:
                word = "Line" if found.start() == 0 else "line"
                yield found.start(), found.end(), f"{word} {number}", number
        for several in _NUMBERS.finditer(text):
            for one in _NUMBER.finditer(several[0]):
                start = several.start()
                yield start + one.start(), start + one.end(), one[0], int(one[1])


def line_names(site: Site, episode: str, languages: Iterable[str], texts: Iterable[str]) -> LineNames:
    """Return the names of the lines of an episode; without any where no text names a line."""
    said = "\n".join(texts)
    if not (_ID.search(said) or _NUMBERS.search(said)):
        return LineNames()
    try:
        context = of_folder(site.session, site.output / episode)
        finished = finished_languages(context)
        tag = next((tag for tag in languages if tag in finished), "")
        if not tag:
            return LineNames()
        lines = context.fresh(tag).lines if _ID.search(said) else ()
    except (DubkitError, OSError):
        return LineNames()  # the episode was removed or is damaged; its ids are shown as they are
    numbers = {line.id: number for number, (_, line) in enumerate(lines, 1)}
    return LineNames(f"/episodes/{segment(episode)}/{segment(tag)}/review", numbers)
