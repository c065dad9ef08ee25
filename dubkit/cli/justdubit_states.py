"""Where `dubkit justdubit` reads and writes the state of a shot: a file, or a service that workers share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dubkit.dubbing.continuation.continued import DubbedFrames
    from dubkit.dubbing.continuation.folder import FolderBlobStore
    from dubkit.dubbing.continuation.remote import RemoteStates


class _Place(click.ParamType):
    """A file, or the address of a state on a service, which stays a text."""

    name = "state"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path | str:
        text = os.fspath(value)
        return text if text.lower().startswith(("http://", "https://")) else Path(text)


STATE = _Place()


def check_state(state: Path | str | None, taken: tuple[Path, Path]) -> None:
    """Refuse an unusable --save_state before hours of work."""
    if state is None:
        return
    if isinstance(state, str):
        _service(state)
        return
    if state.is_dir():
        raise click.UsageError(f"--save_state {state} is a folder; name a file in it.")
    if state.resolve() in {path.resolve() for path in taken}:
        raise click.UsageError(f"--save_state {state} is the clip or its dub; name another file.")


def continuation(state: Path | str | None) -> dict[str, Any]:
    """Return the arguments of the pipeline that continue from a state."""
    from dubkit.dubbing.continuation.continued import StateUnfit
    from dubkit.dubbing.continuation.envelope import ContinuationState

    if state is None:
        return {}
    if isinstance(state, str):
        service, name = _service(state)
        return {"continuation": service.load(name), "blob_store": service}
    try:
        return {"continuation": ContinuationState.from_json(state.read_bytes()), "blob_store": _blobs(state)}
    except FileNotFoundError:
        raise StateUnfit(
            f"No state at {state}.\nWrite one with --save_state when the previous clip is made."
        ) from None
    except ValueError as error:
        raise StateUnfit(f"{state}: {error}\nName a file that --save_state wrote.") from error


def save_state(place: Path | str, video: DubbedFrames) -> None:
    """Write the state; it appears only when it is complete."""
    if isinstance(place, str):
        service, name = _service(place)
        service.save(name, video.continuation(service))
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    text = video.continuation(_blobs(place)).to_json()
    temporary = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        temporary.write_text(text, "utf-8")
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)


def _blobs(state: Path) -> FolderBlobStore:
    from dubkit.dubbing.continuation.folder import FolderBlobStore

    return FolderBlobStore(state.with_suffix(".blobs"))


def _service(address: str) -> tuple[RemoteStates, str]:
    """Return the service of an address `http://HOST:PORT/states/NAME`, and the name."""
    from dubkit.cli.options import load
    from dubkit.dubbing.continuation.remote import RemoteStates, split_address
    from dubkit.dubbing.continuation.settings import States

    base, name = split_address(address)
    return RemoteStates(base, load({}).settings.table("states", States).token), name
