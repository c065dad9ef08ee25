"""Episode folders: which folder belongs to which source, and who may write there."""

from __future__ import annotations

import json
import os
import socket
import stat as stat_kinds
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dubkit.episode.store import HIDDEN, EpisodeStore, canonical, decode_json, file_digest, fitting_name
from dubkit.errors import EpisodeBusy, MediaError

SOURCE = f"{HIDDEN}/source.json"


@dataclass(frozen=True, slots=True)
class SourceMemo:
    """Which file an episode was made from. Size and time save reading it again to hash it."""

    path: str
    sha256: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class OpenEpisode:
    """An episode folder, and the source it belongs to."""

    store: EpisodeStore
    source: Path
    sha256: str
    note: str = ""
    """Why the folder is not simply `Output/<stem>`; empty when it is."""


def open_episode(output: Path, source: Path) -> OpenEpisode:
    """Choose the folder of `source` below `output`; two sources with one stem get two folders.

    Nothing is created yet. Raises MediaError when the source cannot be read.
    """
    try:
        stat = source.stat()
    except OSError as error:
        raise MediaError(
            source, (error.strerror or str(error)).lower(), "Check the path and your right to read it."
        ) from None
    if source.is_dir():
        raise MediaError(source, "this is a folder", "Name a media file, or let run take the whole folder.")
    if not stat_kinds.S_ISREG(stat.st_mode):
        cure = "Write what comes out of it into a file first, and name that file."
        raise MediaError(source, "this is a pipe or a device, and a film is read more than once", cure)
    _check_name(source)
    stem = folder_name(source)
    plain = EpisodeStore(output / stem)
    sha = _known_digest(plain, source, stat) or _digest_among(output, stem, source, stat)
    if sha is None:
        sha = _hash(source)
    memo = _memo(plain)
    if memo is None and plain.root.is_dir() and any(plain.root.iterdir()) and not _is_ours(plain):
        return _suffixed(output, stem, sha, source, "that folder holds other things")
    if memo is None or memo.sha256 == sha or Path(memo.path) == source.resolve():
        return OpenEpisode(plain, source, sha)
    return _suffixed(output, stem, sha, source, f"{stem} already belongs to {memo.path}")


def reopen(folder: Path) -> OpenEpisode:
    """Open an episode by its folder; its source may be gone. Raises MediaError for any other folder."""
    store = EpisodeStore(folder)
    memo = _memo(store)
    if memo is None:
        raise MediaError(
            folder, "this is not an episode folder", "Name a media file or a folder that run made."
        )
    return OpenEpisode(store, Path(memo.path), memo.sha256)


def folder_name(source: Path) -> str:
    """Name of the episode folder: the stem, without what a file system cannot hold at the end of a name."""
    return fitting_name(source.stem.strip().rstrip(".") or "episode")


def _check_name(source: Path) -> None:
    try:
        str(source).encode()
    except UnicodeEncodeError:
        problem = "the file name is not valid Unicode"
        raise MediaError(source, problem, "Rename the file and run the same command again.") from None


def remember_source(opened: OpenEpisode) -> None:
    """Note which file the episode was made from. Needs the lock."""
    stat = opened.source.stat()
    memo = SourceMemo(str(opened.source.resolve()), opened.sha256, stat.st_size, stat.st_mtime_ns)
    if _memo(opened.store) != memo:
        opened.store.write_bytes(SOURCE, canonical(memo))


def find_source(store: EpisodeStore) -> Path | None:
    """Return the file that an episode was made from; None where it is not known."""
    memo = _memo(store)
    return Path(memo.path) if memo else None


def unchanged_source(store: EpisodeStore) -> Path | None:
    """Return the file that an episode was made from; None where it is gone, or by its size and time another
    file has its name now."""
    memo = _memo(store)
    try:
        stat = Path(memo.path).stat() if memo else None
    except OSError:
        return None
    same = memo and stat and (memo.size, memo.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    return Path(memo.path) if memo and same else None


def _suffixed(output: Path, stem: str, sha: str, source: Path, why: str) -> OpenEpisode:
    store = EpisodeStore(output / f"{stem}-{sha[:6]}")
    return OpenEpisode(store, source, sha, f"{source} uses {store.root}, because {why}.")


def _is_ours(store: EpisodeStore) -> bool:
    return (store.root / HIDDEN).is_dir()


def _memo(store: EpisodeStore) -> SourceMemo | None:
    try:
        return decode_json((store.root / SOURCE).read_bytes(), SourceMemo)
    except (OSError, ValueError):
        return None


def _known_digest(store: EpisodeStore, source: Path, stat: os.stat_result) -> str | None:
    memo = _memo(store)
    if memo is None or Path(memo.path) != source.resolve():
        return None
    return memo.sha256 if (memo.size, memo.mtime_ns) == (stat.st_size, stat.st_mtime_ns) else None


def _digest_among(output: Path, stem: str, source: Path, stat: os.stat_result) -> str | None:
    folders = sorted(output.glob(f"{_escaped(stem)}-*")) if output.is_dir() else []
    return next((sha for f in folders if (sha := _known_digest(EpisodeStore(f), source, stat))), None)


def _escaped(stem: str) -> str:
    import glob

    return glob.escape(stem)


def _hash(source: Path) -> str:
    try:
        return file_digest(source)
    except OSError as error:
        raise MediaError(
            source, (error.strerror or str(error)).lower(), "Check your right to read the file."
        ) from None


# --- the lock ---------------------------------------------------------------------------------


MEMO_SECONDS = 2.0
"""How long a run that has just taken a folder may need to note there which source it is for."""


class _FolderTaken(Exception):
    """The folder that was chosen belongs to another source by now."""


@contextmanager
def hold_episode(
    choose: Callable[[], OpenEpisode], *, wait: bool, on_wait: Callable[[str], None]
) -> Iterator[OpenEpisode]:
    """Hold the lock of the folder that `choose` returns, with a note there of which source it is for.

    Of two sources with one stem that are begun at the same time, one gets the folder; the other one chooses
    again. Waits and raises as `hold_lock` does.
    """
    chosen: set[Path] = set()
    with ExitStack() as held:
        while True:
            opened = choose()
            # Where choosing again gives the same folder, there is no other.
            check = _unchecked if opened.store.root in chosen else partial(_check_owner, opened)
            chosen.add(opened.store.root)
            lock = hold_lock(opened.store, wait=wait, on_wait=on_wait, check=check)
            try:
                held.enter_context(lock)
            except _FolderTaken:
                continue
            remember_source(opened)
            yield opened
            return


def _check_owner(opened: OpenEpisode) -> None:
    """Raise where a folder belongs to another source."""
    memo = _memo(opened.store)
    if not (memo is None or memo.sha256 == opened.sha256 or Path(memo.path) == opened.source.resolve()):
        raise _FolderTaken


def _await_memo(store: EpisodeStore) -> None:
    """Wait until whoever holds a folder has noted which source it is for; it is the first thing they do."""
    until = time.monotonic() + MEMO_SECONDS
    while _memo(store) is None and time.monotonic() < until:
        time.sleep(0.02)


def _unchecked() -> None:
    """Accept the folder."""


@contextmanager
def hold_lock(
    store: EpisodeStore,
    *,
    wait: bool,
    on_wait: Callable[[str], None],
    check: Callable[[], None] = _unchecked,
) -> Iterator[None]:
    """Hold the episode's lock; while another run holds it, wait, or raise EpisodeBusy without `wait`.

    `on_wait` is called with a sentence that names the other run. `check` may raise: it is called before the
    wait, and once more when the lock is held.

    The operating system frees the lock of a killed process, so no stale lock can remain.
    """
    from filelock import FileLock, Timeout

    hidden = store.root / HIDDEN
    hidden.mkdir(parents=True, exist_ok=True)
    lock = FileLock(hidden / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if check is not _unchecked:
            _await_memo(store)
            check()
        who = _holder(store)
        if not wait:
            raise EpisodeBusy(f"{store.root} is in use by {who}.\nTry again when it has ended.") from None
        on_wait(f"{store.root} is in use by {who}; waiting.")
        lock.acquire()
    holder = hidden / "holder.json"
    holder.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
    try:
        with store.holding(wait=wait, on_wait=on_wait):
            check()
            yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _holder(store: EpisodeStore) -> str:
    try:
        holder = json.loads((store.root / HIDDEN / "holder.json").read_text())
        return f"process {holder['pid']} on {holder['host']}"
    except (OSError, ValueError, KeyError):
        return "another process"
