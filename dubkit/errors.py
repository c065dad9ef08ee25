"""Errors that a user can mend: each names the thing, the value, the place and the next step."""

from __future__ import annotations

from pathlib import Path


class DubkitError(Exception):
    """Something the user can fix; the command line prints the message without a traceback and exits 1."""


class SettingError(DubkitError):
    """A setting has a value that cannot be used."""

    def __init__(self, name: str, value: object, expected: str, origin: str = "") -> None:
        place = f" (from {origin})" if origin else ""
        super().__init__(f"Setting {name} = {value!r}{place}: {expected}.")


class PluginFailed(DubkitError):
    """A part that another package brings has broken."""

    def __init__(self, place: str, error: BaseException) -> None:
        super().__init__(
            f"{place} failed: {type(error).__name__}: {error}\n"
            "Update or uninstall that package, or choose another part."
        )


class MediaError(DubkitError):
    """A media file cannot be read, or cannot become a dub as it is."""

    def __init__(self, path: Path, problem: str, cure: str) -> None:
        super().__init__(f"{path}: {problem}.\n{cure}")
        self.path = path


class ToolError(DubkitError):
    """An external program failed."""


class ModelMissing(DubkitError):
    """A model that a stage needs is not on this machine and cannot be fetched."""


class ModelDamaged(DubkitError):
    """A model file is there but its size or SHA-256 is not the expected one."""


class TranslationError(DubkitError):
    """No translator can serve the language pair, or the service refused for good."""


class VoiceError(DubkitError):
    """No voice can speak the language, or a line could not be spoken."""


class GeneratorError(DubkitError):
    """A clip could not be generated, or the generator's files do not work."""


class ArtifactDamaged(DubkitError):
    """An artifact of an episode does not have the form it must have."""

    def __init__(self, path: Path, field: str, problem: str, cure: str) -> None:
        at = f" at {field}" if field else ""
        super().__init__(f"{path}{at}: {problem}.\n{cure}")
        self.path = path


class EditRefused(DubkitError):
    """An edit cannot be made as asked: the line is locked, or something named does not exist."""


class EditConflict(EditRefused):
    """Somebody else changed the same thing since it was last seen."""


class EpisodeBusy(DubkitError):
    """Another run holds the lock of the episode."""


class DiskFull(DubkitError):
    """There is no room left to write an artifact; nothing half-written remains."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"No space left on the disk that holds {path}.\n"
            "Nothing half-written was kept. Free some space and run the same command again: it resumes."
        )
