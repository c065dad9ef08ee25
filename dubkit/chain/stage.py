"""What a stage is: its name, what its results depend on, and the work.

A stage lists its items (one for the whole episode, or one per line), and works on those that the
chain found missing or out of date. It opens a heavy model only inside `run`, once for all items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from dubkit.episode.context import Context
    from dubkit.errors import DubkitError

EPISODE = "episode"
"""The item of a stage that handles the episode as a whole."""


@dataclass(frozen=True, slots=True)
class Item:
    """One unit of work, and everything besides settings that its result depends on."""

    id: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Name of an input, such as `translate/s0003`, -> SHA-256 of its content."""
    edits: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    settings: tuple[str, ...] | None = None
    """Dotted names of the settings that change this item; None takes those of the stage."""
    take: str = ""
    """Take that a person chose, such as `s0003/v002`: it is used whatever it was made from."""
    held: tuple[str, ...] | None = None
    """A locked line's: a result that is there stays, if these inputs are still those it was made from."""
    problem: str = ""
    """Why it cannot be made; recorded as its failure, without work."""


class Take(Protocol):
    """A take in the making: files go into `folder`, the result into `value`."""

    folder: Path
    value: Any
    degraded: list[str]


class Sink(Protocol):
    """Where a stage leaves its results; each item is safe on disk as soon as `done` returns."""

    def write(self, relative: str) -> AbstractContextManager[Path]:
        """Give a temporary path that becomes the artifact `relative` when the block ends well."""

    def write_json(self, relative: str, value: Any) -> None:
        """Write a JSON artifact."""

    def take(self, item: str) -> AbstractContextManager[Take]:
        """Give the next take of `item`; leaving the block well makes it whole and recorded."""

    def done(
        self,
        item: str,
        *,
        value: Any = None,
        files: Iterable[str] = (),
        degraded: Iterable[str] = (),
    ) -> None:
        """Record an item as finished, with its value or the shared or language artifacts it wrote."""

    def fail(self, item: str, error: DubkitError) -> None:
        """Record an item as failed; the others go on."""

    def say(self, text: str) -> None:
        """Tell the user what was chosen, and why."""

    def advance(self, share: float) -> None:
        """Report progress inside the running item, 0 to 1."""


Items = Callable[["Context"], Sequence[Item]]
Work = Callable[["Context", Sequence[Item]], float]
Run = Callable[["Context", Sequence[Item], Sink], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the chain."""

    name: str
    version: int
    scope: Literal["episode", "language"]
    items: Items
    run: Run
    needs: tuple[str, ...] = ()
    """Stages whose results it reads."""
    settings: tuple[str, ...] = ()
    """Dotted names of the settings that change its results."""
    artifact: str = ""
    """Main file it leaves; what `--from` needs to be there."""
    assemble: Callable[[Context], None] | None = None
    """Write the artifact from the records of all items; called when any of them changed."""
    accepts: tuple[str, ...] = ()
    """Suffixes of files that `--use STAGE=FILE` takes instead of the stage's own work."""
    light: bool = False
    """Pure text made in no time: kept up to date quietly, neither planned nor counted."""
    shared: bool = False
    """A language stage whose results do not depend on the language: all languages share them."""
    engine: str = ""
    """The engine that it belongs to; empty for every engine."""
    work: Work | None = None
    """Amount of work in some items, in a unit of the stage's own that its time is in proportion to."""
    takes: bool = False
    """Results are kept as takes, so an earlier one comes back when its key does."""

    def home(self, language: str) -> str:
        """Return where its results lie: a language's folder, or (empty) what all languages share."""
        return "" if self.shared else language
