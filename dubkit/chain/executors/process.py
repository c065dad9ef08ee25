"""The side of a process of a pool: open the worker, and do jobs until the pipe ends."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

from dubkit.errors import DubkitError

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""What libraries that count cores when they are loaded read."""


def serve(
    place: str,
    open_worker: Callable[[str], Callable[[Any, Callable[[Any], None]], Any]],
    pipe: connection.Connection,
    cores: int,
) -> None:
    """Open the worker, and do jobs until the pipe ends."""
    # Ctrl-C reaches every process of the terminal; the parent decides, and stops this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    limit_threads(cores)
    try:
        worker = open_worker(place)
    except Exception as error:
        _send(pipe, "unopened", portable(error))
        return
    _send(pipe, "free", None)
    while True:
        try:
            raw = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            result = worker(pickle.loads(raw), lambda value: _send(pipe, "told", value))
        except Exception as error:
            result = portable(error)
        try:
            _send(pipe, "done", result)
        except OSError:
            return
        except Exception as error:
            _send(pipe, "done", portable(error))


def limit_threads(cores: int) -> None:
    """Have libraries that are loaded from now on use so many cores; 0 leaves it to them."""
    for name in THREADS if cores else ():
        os.putenv(name, str(cores))


def _send(pipe: connection.Connection, kind: str, value: Any) -> None:
    pipe.send((kind, value))


def end_with_parent() -> None:
    """From now on, end this process when its parent ends, in whatever way and in the middle of any job.

    Every process that waits for work begins so; those of a killed run would stay for ever.
    """
    threading.Thread(target=_await_parent, daemon=True).start()


def _await_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def portable(error: Exception) -> Exception:
    """Return an error that can be pickled and says where it came from."""
    if not isinstance(error, DubkitError):
        error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        kind = DubkitError if isinstance(error, DubkitError) else RuntimeError
        message = str(error) if kind is DubkitError else f"{type(error).__name__}: {error}"
        other = kind(message)
        for note in getattr(error, "__notes__", []):
            other.add_note(note)
        return other
    return error
