"""One job on the server: sent, found again, waited for, and its results fetched.

A job's id is made from what it makes. So a run that was killed finds the job that it left behind, waiting,
running or done, and a server that was started again is asked for the files that it may still have.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dubkit.engines.comfyui.events import Events, Share
from dubkit.engines.comfyui.failures import JobStopped, ResultGone, ServerAway, failed_job
from dubkit.engines.comfyui.graph import Graph
from dubkit.engines.comfyui.recipes import place_results
from dubkit.engines.comfyui.server import Found, Server, Stored
from dubkit.engines.comfyui.settings import ComfySettings
from dubkit.errors import GeneratorError

log = logging.getLogger(__name__)

FOLDER = "dubkit"
"""Folder of the clips on the server, among its inputs and its outputs."""
_SPACE = uuid.UUID("6f1c2a52-6f0e-5d0b-9a3e-7d5b0c6f4a11")
"""Ids of jobs are names in it."""
_TRIES = 20
"""Jobs of one graph that earlier runs may have left behind as failures."""
_LOSSES = 3
"""Times that a server may lose one job."""
_PAUSE = 2.0
"""Seconds between two attempts to reach a server that is away."""

PICTURES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".gif", ".apng", ".m4v")
SOUNDS = (".flac", ".wav", ".mp3", ".opus", ".ogg", ".m4a")


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at a graph."""

    id: str
    graph: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Results:
    """What a job made."""

    picture: bytes
    picture_suffix: str
    sound: bytes | None
    sound_suffix: str = ""


Accept = Callable[[Results], object]
"""Reads results. Raises GeneratorError for what cannot be used."""


@dataclass(slots=True)
class Work:
    """The work on one clip."""

    server: Server
    settings: ComfySettings
    graph: Graph
    clip: str
    """Its id, for messages."""
    sends_sound: bool
    """Whether the graph saves its sound as a file of its own."""
    upload: Callable[[], None]
    """Puts on the server what the graph loads."""
    advance: Callable[[float], None]
    over: float = field(init=False)

    def __post_init__(self) -> None:
        self.over = time.monotonic() + self.settings.time_limit

    def do(self, read: Callable[[Results], Any]) -> Any:
        """Return what `read` makes of the results: those of an earlier run where they can be read.

        Raises:
            ServerAway: the server does not answer, or has lost the job again and again.
            GeneratorError: the server does not take the graph, the job failed, or its time is over.
        """
        for job in self._jobs():
            found = self.server.find(job.id)
            if found.state in ("failed", "stopped"):
                continue  # of an earlier run
            earlier = found.state != "absent"
            if not earlier and (left := self._left_behind(job)) is not None:
                try:
                    return read(left)
                except GeneratorError as error:
                    log.debug("clip %s: what the server still has cannot be used: %s", self.clip, error)
            try:
                done = self._finished(job, found)
            except JobStopped:
                if not earlier:
                    raise
                continue  # an earlier run stopped it, and the server has come to that only now
            try:
                return read(self._fetched(done))
            except GeneratorError as error:
                if not earlier or error.may_pass:
                    raise
                log.debug("clip %s: made again, because of its earlier job: %s", self.clip, error)
        raise GeneratorError(
            f"The ComfyUI at {self.server.place} has failed {_TRIES} times to make clip {self.clip}.\n"
            "Look at its log; when it is started again, it forgets them."
        )

    def _jobs(self) -> Iterator[Job]:
        """Yield jobs of the graph, each with an id and a place for its results of its own.

        A place of its own makes the server save again: else it names files that may be gone.
        """
        text = json.dumps(self.graph.entries, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        for attempt in range(_TRIES):
            name = str(uuid.uuid5(_SPACE, f"{digest}/{attempt}"))
            yield Job(name, place_results(self.graph, f"{FOLDER}/{name}"))

    # --- waiting --------------------------------------------------------------------------------

    def _finished(self, job: Job, found: Found) -> Found:
        """Return a job that is done; it is sent where it is not there, and again where it is lost."""
        losses = 0
        try:
            while found.state != "done":
                if found.state == "absent":
                    losses += 1
                    if losses > _LOSSES:
                        raise ServerAway(
                            f"The ComfyUI at {self.server.place} has lost the job of clip {self.clip} "
                            f"{_LOSSES} times: it was started again each time.\n"
                            "If its memory runs out, start it with --lowvram or set dub.size to less."
                        )
                    log.debug("clip %s: job %s is sent to %s", self.clip, job.id, self.server.place)
                    self._submit(job)
                found = self._watched(job)
                if found.state == "failed":
                    raise failed_job(found.error, self.clip, self.server.place)
                if found.state == "stopped":
                    raise JobStopped(self.clip, self.server.place)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            self.server.cancel(job.id)
            raise
        return found

    def _submit(self, job: Job) -> None:
        self.upload()
        named = self.server.submit(job.id, job.graph)
        if named != job.id:
            self.server.cancel(named)
            raise GeneratorError(
                f"The ComfyUI at {self.server.place} does not keep the ids of jobs.\n"
                "Update ComfyUI to 0.8 or newer."
            )

    def _watched(self, job: Job) -> Found:
        """Wait until a job is no longer in the queue; return what became of it.

        Events only show progress and end the waiting early: what counts is what the server says when asked.
        """
        share, away_since = Share(job.graph), 0.0
        with Events(self.server.address, self.server.headers, job.id) as events:
            while True:
                try:
                    found = self.server.find(job.id)
                except ServerAway:
                    away_since = away_since or time.monotonic()
                    if time.monotonic() - away_since > self.settings.away_limit or self._late():
                        raise
                    time.sleep(min(_PAUSE, self.settings.poll))
                    continue
                away_since = 0.0
                if found.state not in ("waiting", "running"):
                    return found
                if self._late():
                    self.server.cancel(job.id)
                    raise GeneratorError(
                        f"The ComfyUI at {self.server.place} did not make clip {self.clip} within "
                        f"{self.settings.time_limit:g} s; its job is cancelled.\n"
                        "Set dub.comfyui.time_limit to more, or dub.comfyui.preset to preview."
                    )
                self._listen(events, share)

    def _listen(self, events: Events, share: Share) -> None:
        """Show progress until it is time to ask the server again."""
        until = min(time.monotonic() + self.settings.poll, self.over)
        while (left := until - time.monotonic()) > 0:
            event = events.wait(left)
            if event is None:
                return
            name, told = event
            self.advance(share.after(name, told))
            ended = name == "executing" and told.get("node") is None
            if ended or name in ("execution_error", "execution_interrupted"):
                return

    def _late(self) -> bool:
        return time.monotonic() > self.over

    # --- results --------------------------------------------------------------------------------

    def _fetched(self, found: Found) -> Results:
        """Fetch the results of a job that is done. Raises ResultGone where there are none."""
        stored = list(stored_files(found.outputs))
        picture = next((file for file in stored if file.suffix in PICTURES), None)
        sound = next((file for file in stored if file.suffix in SOUNDS), None) if self.sends_sound else None
        content = self.server.fetch(picture) if picture else None
        heard = self.server.fetch(sound) if sound else None
        if picture is None or content is None or (sound is not None and heard is None):
            named = ", ".join(file.name for file in stored) or "no file"
            raise ResultGone(
                f"The ComfyUI at {self.server.place} says that clip {self.clip} is made, and does not give "
                f"it ({named}).\nRun the same command again to make it anew."
            )
        return Results(content, picture.suffix, heard, sound.suffix if sound else "")

    def _left_behind(self, job: Job) -> Results | None:
        """Return the files of a job that a server has made and then, started again, has forgotten."""
        picture = self.server.fetch(Stored(f"{job.id}_00001_.mp4", FOLDER))
        if picture is None:
            return None
        if not self.sends_sound:
            return Results(picture, ".mp4", None)
        for name in (f"{job.id}_00001.flac", f"{job.id}_00001_.flac"):
            if (sound := self.server.fetch(Stored(name, FOLDER))) is not None:
                return Results(picture, ".mp4", sound, ".flac")
        return None


def stored_files(outputs: Mapping[str, Any]) -> Iterator[Stored]:
    """Yield the files that outputs name, under whatever key: films are among `images`, `videos` or `gifs`.

    What is only shown (`temp`) comes after what is kept.
    """
    found = [
        Stored(str(entry["filename"]), str(entry.get("subfolder") or ""), str(entry.get("type") or "output"))
        for node in outputs.values()
        if isinstance(node, Mapping)
        for entries in node.values()
        if isinstance(entries, list)
        for entry in entries
        if isinstance(entry, Mapping) and entry.get("filename")
    ]
    yield from sorted(found, key=lambda file: file.kind != "output")
