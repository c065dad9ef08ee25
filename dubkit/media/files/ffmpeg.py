"""Run the ffmpeg program: find it, limit it, and turn its failures into errors that name a cause."""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from dubkit.errors import DiskFull, ToolError
from dubkit.media.files.command import Stream, arguments
from dubkit.media.files.container import media_url

log = logging.getLogger(__name__)

_VERSION_SECONDS = 30
_TAIL_LINES = 6
_NOISE = re.compile(
    r"^(Conversion failed|Error (muxing|submitting|writing|opening output|closing file)|\[out#)"
)


@cache
def ffmpeg_exe() -> tuple[str, str]:
    """Return path and version of the ffmpeg to use: the packaged one, or the system's when it is newer."""
    versions = [(_version(exe), exe) for exe in _candidates()]
    usable = [(version, exe) for version, exe in versions if version]
    if not usable:
        raise ToolError(
            "No ffmpeg program works here.\n"
            "Install the package that brings one: pip install imageio-ffmpeg (or your system's ffmpeg)."
        )
    # `max` keeps the first of equals, which is the packaged one.
    version, exe = max(usable, key=lambda pair: _release(pair[0]))
    return exe, version


def _candidates() -> list[str]:
    import imageio_ffmpeg  # type: ignore[import-untyped]

    found = []
    with contextlib.suppress(RuntimeError):
        found.append(str(imageio_ffmpeg.get_ffmpeg_exe()))
    system = shutil.which("ffmpeg")
    if system and system not in found:
        found.append(system)
    return found


def _version(exe: str) -> str:
    """Version that a program reports, "" when it does not run."""
    try:
        done = subprocess.run(
            [exe, "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.debug("%s does not run: %s", exe, error)
        return ""
    match = re.match(r"ffmpeg version (\S+)", done.stdout)
    return match.group(1) if match else ""


def _release(version: str) -> tuple[int, ...]:
    """Numbers to compare versions by; builds that are named otherwise count as oldest."""
    match = re.match(r"n?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in match.group(1).split(".")) if match else (0,)


def run_ffmpeg(
    streams: Sequence[Stream],
    out: Path,
    options: Mapping[str, object],
    *,
    timeout: float | None = None,
    repeated: Iterable[tuple[str, str]] = (),
) -> None:
    """Write streams to a file with output `options`: {"c:v": "libx264", "copyinkf": None}.

    `repeated` are options that may occur more than once, such as ("-metadata:s:a:0", "language=por").
    Raises `DiskFull` when there is no room, `ToolError` for every other failure and for a run over `timeout`
    seconds. The program never outlives this call, never reads the terminal and never sees a shell.
    """
    exe, version = ffmpeg_exe()
    # Time stamps stay the source's own: shifting them is the caller's business, by `itsoffset`.
    start = [exe, "-nostdin", "-hide_banner", "-loglevel", "error", "-copyts", "-y"]
    tags = [word for pair in repeated for word in pair]
    command = [*start, *arguments(streams, options), *tags, media_url(out)]
    run_command(command, place=out, timeout=timeout, version=version)


def run_command(command: list[str], *, place: Path, timeout: float | None, version: str = "") -> None:
    """Run one program to its end under the rules of `run_ffmpeg`."""
    log.debug("Running %s", command)
    with tempfile.TemporaryFile() as complaints:
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=complaints
            )
        except OSError as error:
            raise ToolError(f"{command[0]} cannot be started: {error.strerror}.") from error
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise ToolError(
                f"{Path(command[0]).name} did not finish {place} within {timeout:.0f} s and was stopped.\n"
                "The source may be damaged, or the machine too slow for this limit."
            ) from error
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        if code:
            complaints.seek(0)
            raise _failure(complaints.read().decode(errors="replace"), code, place, version)


def _failure(text: str, code: int, place: Path, version: str) -> ToolError | DiskFull:
    if "No space left on device" in text:
        return DiskFull(place)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    useful = [line for line in lines if not _NOISE.match(line)] or lines
    said = "\n".join(dict.fromkeys(useful[-_TAIL_LINES:])) or f"it gave no reason (exit code {code})"
    return ToolError(f"ffmpeg {version} could not write {place}:\n{said}")
