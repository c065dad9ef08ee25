"""What the library knows of the episodes in the output folder: read once, and again when one has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dubkit.context import Context
from dubkit.episodes import find_source
from dubkit.errors import DubkitError
from dubkit.store import HIDDEN, EpisodeStore
from dubkit.translate.language import language_name
from dubkit.web.accounts.access import may_see
from dubkit.web.accounts.people import Person
from dubkit.web.site import Site

Stamp = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class LanguageCard:
    """One language of an episode."""

    tag: str
    name: str
    verdict: str
    lines: int
    flags: tuple[str, ...]
    """Lines that need a look, with the reasons."""
    finished: bool


@dataclass(frozen=True, slots=True)
class EpisodeCard:
    """One episode as the library shows it."""

    name: str
    source: str
    """File name of the source; empty when nobody knows it."""
    series: str
    """Folder of the source below the input folder; empty for none."""
    seconds: float | None
    has_video: bool
    shot: str
    """Shot whose picture stands for the episode; empty when there is none."""
    languages: tuple[LanguageCard, ...] = ()
    degraded: tuple[str, ...] = ()
    fault: str = ""
    """Why the episode cannot be read, in words; empty when it can."""


class Shelf:
    """Remembers what was read of each episode until one of its files changes."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Stamp, EpisodeCard]] = {}

    def card(self, site: Site, name: str) -> EpisodeCard:
        """Return what is known of an episode; a damaged one says so and hides no other."""
        root = site.output / name
        stamp = _stamp(root)
        known = self._known.get(root)
        if known is None or known[0] != stamp:
            known = self._known[root] = (stamp, _read(site, name))
        return known[1]


def visible_episodes(site: Site, person: Person) -> list[str]:
    """Return the names of the episodes a person may see."""
    return [name for name in _episodes(site.output) if may_see(site, person, name)]


def series_of(site: Site, source: Path | None) -> str:
    """Return the series of a source: its folder below the input folder."""
    if source is None:
        return ""
    try:
        folder = source.resolve().relative_to(site.inputs.resolve()).parent
    except ValueError:
        return ""
    return "" if folder == Path() else folder.as_posix()


def _episodes(output: Path) -> Iterator[str]:
    if output.is_dir():
        for folder in sorted(output.iterdir(), key=lambda path: path.name.casefold()):
            if not folder.name.startswith(".") and (folder / HIDDEN).is_dir():
                yield folder.name


def _stamp(root: Path) -> Stamp:
    """Return what changes when anything of the episode does: a record or an artifact is always renamed in."""
    watched = [root, *root.glob("*/"), *(root / HIDDEN / "items").glob("*/*/"), *root.glob("**/edits.json")]
    found = []
    for path in watched:
        try:
            found.append((path.as_posix(), path.stat().st_mtime_ns))
        except OSError:
            continue
    return tuple(found)


def _read(site: Site, name: str) -> EpisodeCard:
    store = EpisodeStore(site.output / name)
    source = find_source(store)
    file = source.name if source else ""
    series = series_of(site, source)
    context = Context(store, site.settings, source or store.root, "", site.models)
    try:
        if not store.has("episode.json"):
            return EpisodeCard(name, file, series, None, False, "")
        return _whole(context, name, file, series)
    except DubkitError as error:
        return EpisodeCard(name, file, series, None, False, "", fault=str(error))


def _whole(context: Context, name: str, file: str, series: str) -> EpisodeCard:
    from dubkit.summary import summarise

    episode = context.episode
    summary = summarise(context)
    languages = []
    for row in summary.languages:
        here = context.fresh(row.tag)
        finished = not row.verdict.startswith("not finished") and context.store.has("qc.json", row.tag)
        lines = len(here.translation.lines)
        languages.append(
            LanguageCard(row.tag, language_name(row.tag), row.verdict, lines, row.flags, finished)
        )
    return EpisodeCard(
        name=name,
        source=file,
        series=series,
        seconds=float(episode.duration),
        has_video=episode.video is not None,
        shot=_shot(context) if episode.video else "",
        languages=tuple(languages),
        degraded=tuple(dict.fromkeys(summary.degraded)),
    )


def _shot(context: Context) -> str:
    """Return the longest shot: a face is more likely in it than in a title."""
    if not context.store.has("shots.json"):
        return ""
    shots = context.shots.shots
    return (
        max(shots, key=lambda shot: (shot.end_frame - shot.start_frame, -shot.start_frame)).id
        if shots
        else ""
    )
