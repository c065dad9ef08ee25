"""Errors that a user can mend: each names the thing, the value, the place and the next step."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class DubkitError(Exception):
    """Something the user can fix; the command line prints the message without a traceback and exits 1."""

    may_pass = False
    """Whether it may be over when the same command runs again later, with nothing changed."""


class SettingError(DubkitError):
    """A setting has a value that cannot be used."""

    def __init__(self, name: str, value: object, expected: str, origin: str = "") -> None:
        place = f" (from {origin})" if origin else ""
        super().__init__(f"Setting {name} = {value!r}{place}: {expected}.")
        self._parts = name, value, expected

    def of(self, origin: str) -> SettingError:
        """Return the error with the place where the value was set."""
        return SettingError(*self._parts, origin)


class PluginFailed(DubkitError):
    """A part that another package brings has broken."""

    def __init__(self, place: str, error: BaseException) -> None:
        super().__init__(
            f"{place} failed: {type(error).__name__}: {error}\n"
            "Update or uninstall that package, or choose another part."
        )


class ItemFailed(DubkitError):
    """One line or clip could not be made, because something broke that nobody foresaw."""

    def __init__(self, item: str, error: BaseException) -> None:
        reason = f": {error}" if str(error) else ""
        super().__init__(
            f"{item} failed with {type(error).__name__}{reason}\n"
            "The others went on. Change its text or its voice, and run again; --debug logs the whole error."
        )


class MediaError(DubkitError):
    """A media file cannot be read, or cannot become a dub as it is."""

    def __init__(self, path: Path, problem: str, cure: str) -> None:
        super().__init__(f"{path}: {problem}.\n{cure}")
        self.path = path


class PlaceError(DubkitError):
    """A file or folder cannot be read or written, for a reason that lies in the machine."""


CURES: Mapping[int, str] = {
    errno.EACCES: "Check your right to read and write there.",
    errno.EPERM: "Check your right to read and write there.",
    errno.EROFS: "Name a place that can be written to, for example with --output.",
    errno.ENAMETOOLONG: "Give the file or the folder a shorter name.",
    errno.ENOENT: "Was it moved or deleted? Put it back, or run again.",
    errno.ENOTDIR: "A part of the path is a file. Check the path.",
    errno.EISDIR: "It is a folder. Check the path.",
    errno.EEXIST: "Something else has that name. Move it away, or name another place.",
    errno.ELOOP: "Its links lead in a circle. Check the path.",
    errno.EMFILE: "Too many files are open. Raise the limit (ulimit -n), and run again.",
    errno.ENFILE: "Too many files are open on this machine. Close some programs, and run again.",
    errno.ENOSPC: "Free some space and run the same command again: it resumes.",
    errno.EDQUOT: "Free some space and run the same command again: it resumes.",
    errno.EFBIG: "The disk takes no file of that size. Name another place with --output.",
    errno.EIO: "The disk or the network drive has a fault. Check it, and run again.",
    errno.ESTALE: "The network drive was lost. Connect it, and run again.",
    errno.ENODEV: "The drive is gone. Connect it, and run again.",
    errno.ENXIO: "It is no file that can be read. Copy it into a file.",
    errno.EBUSY: "Another program holds it. Close that program, and run again.",
    errno.ENOMEM: "Memory ran out. Close other programs, and run again.",
}
"""What to do about an error of the operating system. Any other is a fault of dubkit's own."""


def explained(error: OSError) -> str | None:
    """Say what the operating system refused, where, and what to do; None for what no user can mend."""
    cure = CURES.get(error.errno or 0)
    if cure is None or (error.errno == errno.ENOENT and not error.filename):
        return None
    place = error.filename if error.filename is not None else "this machine"
    place = place.decode(errors="backslashreplace") if isinstance(place, bytes) else place
    return f"{place}: {(error.strerror or str(error)).lower()}.\n{cure}"


@contextmanager
def places_explained() -> Iterator[None]:
    """Turn what the operating system refuses, and a user can mend, into PlaceError."""
    try:
        yield
    except OSError as error:
        sentence = explained(error)
        if sentence is None:
            raise
        raise PlaceError(sentence) from error


class ToolError(DubkitError):
    """An external program failed."""


class ModelMissing(DubkitError):
    """A model that a stage needs is not on this machine and cannot be fetched."""


class ModelDamaged(DubkitError):
    """A model file is there but its size or SHA-256 is not the expected one."""


class TranslationError(DubkitError):
    """No translator can serve the language pair, or the service refused for good."""


class TranslatorDown(TranslationError):
    """The service that translates does not work now."""

    may_pass = True


class TranslatorUnreachable(TranslatorDown):
    """Nothing answered at the address of the translator; another translator may go on."""


class VoiceError(DubkitError):
    """No voice can speak the language, or a line could not be spoken."""


class SpeechServiceDown(VoiceError):
    """The service that speaks does not work now."""

    may_pass = True


class ConsentMissing(DubkitError):
    """Voices are to be cloned, and consent that is asked for is not recorded or has run out."""

    def __init__(self, path: Path, missing: Mapping[str, str], form: str) -> None:
        reasons = "; ".join(f"{name}: {why}" if name else why for name, why in missing.items())
        super().__init__(
            f"cast.consent is strict, and the voices of the speakers may not be cloned ({reasons}).\n"
            f"Write an entry for each of them into {path}, or clone no voices. {form}"
        )
        self.missing = missing


class GeneratorError(DubkitError):
    """A clip could not be generated, or the generator's files do not work."""


class ClipWorkersDown(GeneratorError):
    """No worker that makes clips answers now."""

    may_pass = True


class ArtifactDamaged(DubkitError):
    """An artifact of an episode does not have the form it must have."""

    def __init__(self, path: Path, field: str, problem: str, cure: str) -> None:
        at = f" at {field}" if field else ""
        super().__init__(f"{path}{at}: {problem}.\n{cure}")
        self.path = path


class EditRefused(DubkitError):
    """An edit cannot be made as asked: the line is locked, or something named does not exist."""


class VoiceRefused(EditRefused):
    """The voice engine has no voice of this name; the message says which it has."""


class EditConflict(EditRefused):
    """Somebody else changed the same thing since it was last seen."""


class EpisodeBusy(DubkitError):
    """Another run holds the lock of the episode."""

    may_pass = True


class OutputLost(DubkitError):
    """Results can be kept no more, so the run ends instead of failing item by item."""


class DiskFull(OutputLost):
    """There is no room left to write an artifact; nothing half-written remains."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"No space left on the disk that holds {path}.\n"
            "Nothing half-written was kept. Free some space and run the same command again: it resumes."
        )
