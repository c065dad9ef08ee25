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
    from dubkit.config import Settings
    from dubkit.episode.context import Context
    from dubkit.errors import DubkitError
    from dubkit.models.store import ModelStore
    from dubkit.progress import Progress
    from dubkit.types import Remark
    from dubkit.types.models import ModelSpec

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
    """For a locked line: its result stays as long as these inputs do, whatever else changes."""
    problem: str = ""
    """Why it cannot be made: recorded as its failure, and the stage does not run on it."""


class Take(Protocol):
    """A take that is being made: files go into `folder`, the result into `value` (see `Record.value`)."""

    folder: Path
    value: Any
    remarks: list[Remark]


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
        remarks: Iterable[Remark] = (),
        models: Mapping[str, str] | None = None,
    ) -> None:
        """Record an item as finished, with its value or the shared or language artifacts it wrote.

        `remarks` is what people should know of it; `models` is what made it, where that is not what the item
        says, so that its key says so.
        """

    def attempt(self, item: str) -> AbstractContextManager[None]:
        """Turn whatever the block raises into the failure of `item`, so that the others go on."""

    def fail(self, item: str, error: DubkitError) -> None:
        """Record an item as failed; the others go on."""

    def say(self, text: str) -> None:
        """Tell the user what was chosen, and why."""

    def advance(self, share: float) -> None:
        """Report progress inside the running item, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What some work needs besides time."""

    disk: int = 0
    """Bytes that will be written."""
    tokens: tuple[int, int] = (0, 0)
    """The least and most tokens that a language model will read and write."""
    characters: tuple[int, int] = (0, 0)
    """The least and most characters that a paid voice will speak, and what they cost; 0 if nobody knows."""
    money: tuple[float, float] = (0.0, 0.0)
    clips: int = 0
    """Clips to generate, their frames, and the operations that the network takes for them."""
    frames: int = 0
    tflop: float = 0.0

    def __add__(self, other: Needs) -> Needs:
        return Needs(
            disk=self.disk + other.disk,
            tokens=(self.tokens[0] + other.tokens[0], self.tokens[1] + other.tokens[1]),
            characters=(self.characters[0] + other.characters[0], self.characters[1] + other.characters[1]),
            money=(self.money[0] + other.money[0], self.money[1] + other.money[1]),
            clips=self.clips + other.clips,
            frames=self.frames + other.frames,
            tflop=self.tflop + other.tflop,
        )


class Setup(Protocol):
    """What decides whether a stage takes part: a run's settings, and the models on this machine."""

    @property
    def settings(self) -> Settings:
        """The settings of the run."""

    @property
    def models(self) -> ModelStore:
        """The models on this machine."""


def always(_setup: Setup) -> bool:
    """Take part in every run."""
    return True


def serves_all(_setup: Setup, _source: str, _target: str) -> str:
    """Serve every pair of languages."""
    return ""


Items = Callable[["Context"], Sequence[Item]]
Work = Callable[["Context", Sequence[Item]], float]
Run = Callable[["Context", Sequence[Item], Sink], None]
Apart = Callable[["Context", Sequence[Item]], "Sequence[Sequence[Item]]"]
"""Groups of items: those of a group are worked on together, in order, and the groups in any order."""
Recall = Callable[["Context"], "Sequence[Remark]"]
Notices = Callable[["Context"], "Sequence[Remark]"]
Estimate = Callable[["Context", frozenset[str], float], Needs]
"""Context, ids of the items that are due (empty while they are not known), their share of all items."""
Refuse = Callable[["Context", Sequence[str]], None]
After = Callable[["Context", Sequence[str], "Progress"], None]
"""Context of the stage, target languages of the run, and where to report."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the chain: all that dubkit knows of it."""

    name: str
    version: int
    scope: Literal["episode", "language"]
    """Whether it works once for the episode, or once for each target language."""
    items: Items
    run: Run
    title: str = ""
    """What it does, as people say it: `Finding shots`."""
    done: str = ""
    """What its items are when it has worked on them: `spoken`."""
    unit: str = "part"
    """What one item is called: `line`, `clip`."""
    aliases: tuple[str, ...] = ()
    """Other names that options take for it, such as that of its artifact."""
    part_of: str = ""
    """Stage whose items it works on ahead of its time, as stages between the two read their results. They are
    recorded as that stage's, with the same keys, and it does not work on them again."""
    needs: tuple[str, ...] = ()
    """Stages whose results it reads. A stage of another package runs after the last of them."""
    depends: tuple[str, ...] = ()
    """Dotted names of the settings that change its results."""
    settings: type | None = None
    """Section of a stage of another package: its table `[NAME]`. dubkit's own stages read the fixed ones."""
    artifact: str = ""
    """Main file it leaves; what `--from` needs to be there."""
    assemble: Callable[[Context], None] | None = None
    """Write the artifact from the records of all items; called when any of them changed."""
    accepts: Callable[[], tuple[str, ...]] | None = None
    """Suffixes of the files that `--use STAGE=FILE` takes instead of the stage's own work."""
    folder: bool = False
    """`--use STAGE=FOLDER` takes a folder with files for single items, which the stage lists itself."""
    light: bool = False
    """Its work takes no time: kept up to date silently, neither planned nor counted."""
    shared: bool = False
    """A language stage whose results do not depend on the language: all languages share them."""
    beside: bool = False
    """Whether it may work beside stages that it does not need and that do not need it. It then reads only
    what the stages that it needs leave, and changes nothing that the whole process shares. Other stages run
    alone, after all before them."""
    cores: int = 0
    """Processor cores that its work keeps busy; 0: all there are."""
    loads: tuple[str, ...] = ()
    """Modules with machine code that its work may import. They are imported before stages run at the same
    time, in the thread that called: a library that loads while another works can crash the process."""
    belongs: Callable[[Setup], bool] = always
    """Whether it takes part in a run; asked once, before the run begins."""
    hindrance: Callable[[Setup, str, str], str] = serves_all
    """Why it can work for no line of a target language here, with the cure; empty when it can.

    Asked before any work, with settings and models, the tag of the source (empty while it is not known) and
    that of the target."""
    refuse: Refuse | None = None
    """Raises before any work of a run where it may not be done, with the languages of the run."""
    after: After | None = None
    """Called when its results are there, whether or not it worked."""
    recall: Recall | None = None
    """Remarks that its artifacts hold; asked where its records hold none, as those of earlier versions do."""
    notices: Notices | None = None
    """Remarks on what lies in the folder now, whether or not anything runs: files that are not used."""
    work: Work | None = None
    """Amount of work in some items, in a unit of the stage's own, to which its time is proportional."""
    pace: float = 0.0
    """First guess of its time, until this machine's own is known: seconds of work on two processor cores for
    a second of episode, or for a unit of `work`."""
    weight: float = 0.0
    """Seconds that a minute of episode counts for in the progress of a whole job, until `work` is known."""
    estimate: Estimate | None = None
    """What some of its items need besides time."""
    card: bool | Callable[[Setup], bool] = False
    """Whether it needs a graphics card of this machine, or a function that says so of settings and models:
    batches and servers run as many such episodes at once as there are cards."""
    describes: bool = False
    """Its files describe results of the stages it needs: they go where those change and it does not run."""
    joint: bool = False
    """Its items are made together: a run that is about some lines works on all that are due."""
    models: tuple[ModelSpec, ...] = ()
    """Models that it uses by itself, besides those of the parts that it chooses."""
    apart: Apart | None = None
    """Groups of its items that processes may work on apart from each other; None where `run` needs all items
    that are due at once. An item's result must not depend on which groups are worked on beside its own."""
    memory: Callable[[Context], int] | None = None
    """Bytes of memory that a process takes which works on some of its groups, models included. They must be
    free before it begins beside another stage."""
    takes: bool = False
    """Results are kept as takes, so an earlier one comes back when its key does."""

    @property
    def recorded(self) -> str:
        """Name of the stage that its results are recorded for."""
        return self.part_of or self.name

    def takes_card(self, setup: Setup) -> bool:
        """Tell whether it needs a graphics card of this machine in a run with these settings and models."""
        return self.card(setup) if callable(self.card) else self.card

    def result_language(self, language: str) -> str:
        """Return the language whose folder holds its results; empty where all languages share them."""
        return "" if self.shared else language
