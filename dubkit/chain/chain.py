"""The chain: stages in the order they run, and which of them a request is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dubkit.chain.stage import Setup, Stage
from dubkit.errors import DubkitError


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to do."""

    languages: tuple[str, ...]
    until: str = ""
    start: str = ""
    """Stage to begin at; the results of earlier stages are used as they are."""
    force: frozenset[str] = frozenset()
    uses: Mapping[str, Path | None] = field(default_factory=dict)
    """Stage -> the user's own file; None goes back to the stage's own work."""
    lines: frozenset[str] = frozenset()
    """Lines to make again, with their clips; everything else is used as it is. Empty: all lines."""
    leave: frozenset[str] = frozenset()
    """Lines and clips (`pt-BR/s0003`) that failed before and are not tried again in this run."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Stages in the order they run."""

    stages: tuple[Stage, ...]

    @classmethod
    def of(cls, own: Iterable[Stage], others: Iterable[Stage] = ()) -> Chain:
        """Order stages: `own` as they come, each of `others` right after the last stage that it needs.

        A stage that needs none of them comes last.
        """
        ordered = list(own)
        for stage in others:
            places = [place for place, before in enumerate(ordered) if before.name in stage.needs]
            ordered.insert(max(places, default=len(ordered) - 1) + 1, stage)
        return cls(tuple(ordered))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the stages, in order."""
        return tuple(stage.name for stage in self.stages)

    def find(self, name: str, option: str) -> Stage:
        """Find a stage by name or alias. Raises DubkitError naming the option and the stages there are."""
        for stage in self.stages:
            if name == stage.name or name in stage.aliases:
                return stage
        raise DubkitError(f"{option} {name}: no such stage. Stages: {', '.join(self.names)}.")

    def check(self, request: Request) -> None:
        """Refuse stage names that do not exist and files that a stage cannot use. Raises DubkitError."""
        for option, names in (
            ("--until", [request.until]),
            ("--from", [request.start]),
            ("--force", request.force),
        ):
            for name in names:
                if name:
                    self.find(name, option)
        for name, file in request.uses.items():
            self._check_use(name, file)

    def _check_use(self, name: str, file: Path | None) -> None:
        stage = self.find(name, "--use")
        if stage.accepts is None:
            others = ", ".join(s.name for s in self.stages if s.accepts)
            raise DubkitError(f"--use {name}: this stage takes no file. Stages that do: {others}.")
        if file is None:
            return
        if stage.folder:
            return _check_folder(name, file, stage.accepts())
        if not file.is_file():
            problem = "no such file."
            if file.exists() and not file.is_dir():
                problem = (
                    "this is a pipe or a device.\nWrite what comes out of it into a file, and name that."
                )
            raise DubkitError(f"--use {name}={file}: {problem}")
        suffixes = stage.accepts()
        if file.suffix.lower() not in suffixes:
            raise DubkitError(
                f"--use {name}={file}: takes {', '.join(suffixes)}, not {file.suffix or 'this'}."
            )

    def scopes(self, request: Request, setup: Setup) -> Iterator[tuple[str, list[Stage]]]:
        """Yield "" with the shared stages, then each language with its stages; only stages that take part."""
        part = self.taking_part(setup)
        yield "", [stage for stage in self._selected(request, "episode") if stage in part]
        for language in request.languages:
            yield language, [stage for stage in self._selected(request, "language") if stage in part]

    def taking_part(self, setup: Setup) -> list[Stage]:
        """Return the stages that take part in a run, in order."""
        answers: dict[Callable[[Setup], bool], bool] = {}
        for stage in self.stages:
            if stage.belongs not in answers:  # stages of one engine share the question
                answers[stage.belongs] = stage.belongs(setup)
        return [stage for stage in self.stages if answers[stage.belongs]]

    def _selected(self, request: Request, scope: str) -> list[Stage]:
        last = len(self.stages)
        if request.until:
            last = self.stages.index(self.find(request.until, "--until"))
        selected = [stage for i, stage in enumerate(self.stages) if i <= last and stage.scope == scope]
        if request.lines and request.until:
            # Work on all lines, such as putting faces into the film, waits for a run of the whole dub.
            last_name = self.find(request.until, "--until").name
            needed = self.needed(last_name) | {last_name}
            selected = [stage for stage in selected if stage.name in needed]
        return selected

    def needed(self, name: str) -> frozenset[str]:
        """Return all stages that a stage needs, directly or not."""
        needs = {stage.name: stage.needs for stage in self.stages}
        found: set[str] = set()
        open_names = list(needs[name])
        while open_names:
            before = open_names.pop()
            if before not in found:
                found.add(before)
                open_names += needs.get(before, ())
        return frozenset(found)

    def hindrances(
        self,
        setup: Setup,
        request: Request,
        source: str,
        given: Callable[[Stage, str], bool] = lambda stage, language: False,
    ) -> dict[str, str]:
        """Return target language -> why a stage of the run can do nothing for it; the others are not there.

        `source` is the tag of the source's language, empty while it is not known. `given` says whether the
        user's own file stands for a stage's work in a language.
        """
        found: dict[str, str] = {}
        for language, stages in self.scopes(request, setup):
            for stage in stages:
                used = request.uses.get(stage.name) or (
                    stage.name not in request.uses and given(stage, language)
                )
                if not language or used or self.skips(stage, request):
                    continue
                reason = stage.hindrance(setup, source, language)
                if reason:
                    found[language] = reason
                    break
        return found

    def skips(self, stage: Stage, request: Request) -> bool:
        """Tell whether a run leaves a stage alone: before --from, and where only lines are made again."""
        if request.lines and stage.scope == "episode":
            return True
        if not request.start:
            return False
        return self.stages.index(stage) < self.stages.index(self.find(request.start, "--from"))


def _check_folder(name: str, folder: Path, suffixes: tuple[str, ...]) -> None:
    """Refuse what is no folder with files that a stage takes."""
    if not folder.is_dir():
        problem = "takes a folder of files, not a file." if folder.exists() else "no such folder."
        raise DubkitError(f"--use {name}={folder}: {problem}")
    if not any(file.suffix.lower() in suffixes for file in folder.iterdir()):
        raise DubkitError(
            f"--use {name}={folder}: holds none of the files that are read ({', '.join(suffixes)})."
        )
