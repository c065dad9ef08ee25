"""Ask one speech service: for its dialect, its voices, and the sound of lines."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dubkit.errors import SpeechServiceDown, VoiceError
from dubkit.proxies import shown
from dubkit.services.caller import Caller
from dubkit.services.failures import Failure, Passing, ServiceDown, ServiceUnreachable
from dubkit.types.voices import Receipt, Reference
from dubkit.voice.decoding import BadSound, check_length, decoded
from dubkit.voice.engine import Voice
from dubkit.voice.engines.speech_service.dialects import DIALECTS, Dialect, Wanted, described
from dubkit.voice.engines.speech_service.listing import read_voices
from dubkit.voice.engines.speech_service.memory import Memory, memory_of
from dubkit.voice.engines.speech_service.settings import NAMES, TABLE, SpeechServiceSettings

if TYPE_CHECKING:
    import httpx
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

CALL = "audio/speech"
LISTS = {"audio/voices": "vllm-omni", "voices": "chatterbox"}
"""Where a service lists its voices -> the dialect that it then speaks, unless the names say otherwise."""

OPTIONAL = ("speed", "seed", "stream", "exaggeration")
"""Fields without which a line is still the line: left out where a service refuses them."""

LISTING_SECONDS, LISTING_ATTEMPTS = 15.0, 3
"""Limits for what is asked before anything is spoken, while somebody may wait for a page."""


class SpeechCalls:
    """The way to one service, for any number of threads.

    Raises VoiceError for an address, a key or a proxy that cannot be used.
    """

    def __init__(self, settings: SpeechServiceSettings) -> None:
        self._settings = settings
        self._memory = memory_of(settings)
        self._own = threading.local()
        self._callers: list[Caller] = [self._new_caller(settings.timeout)]

    @property
    def memory(self) -> Memory:
        """What is known of the service."""
        return self._memory

    def stop(self) -> None:
        """Wait for no further answer; called from another thread when the work ends early."""
        for caller in self._callers:
            caller.stopped.set()

    # --- what the service is ------------------------------------------------------------------

    def dialect(self) -> Dialect:
        """Return what the service speaks: as the settings say, or as it shows. Raises VoiceError."""
        if self._settings.dialect != "auto":
            return DIALECTS[self._settings.dialect]
        with self._memory.detecting:
            if self._memory.dialect is None:
                self._memory.dialect = self._detected()
                log.debug("%s speaks %s", self._place, self._memory.dialect.title)
            return self._memory.dialect

    def voices(self) -> tuple[Voice, ...]:
        """Return the voices that the service lists, or is known for. Raises VoiceError."""
        dialect = self.dialect()
        if not dialect.voices_call:
            return dialect.known
        kept = self._memory.voices
        if kept is None:
            kept = self._listed(dialect.voices_call) or ()
            self._memory.keep_voices(kept)
        return tuple(described(voice) for voice in kept)

    def _detected(self) -> Dialect:
        host = urlsplit(self._callers[0].address).hostname or ""
        if host.endswith(("openai.com", "openai.azure.com")):
            return DIALECTS["openai"]
        for call, name in LISTS.items():
            voices = self._listed(call)
            if voices is None:
                continue
            self._memory.keep_voices(voices)
            kokoro = DIALECTS["kokoro-fastapi"]
            return kokoro if any(kokoro.describe(voice.name)[0] for voice in voices) else DIALECTS[name]
        return DIALECTS["openai"]

    def _listed(self, call: str) -> tuple[Voice, ...] | None:
        """Return the voices that a call lists; None where it lists none."""
        caller = self._new_caller(min(self._settings.timeout, LISTING_SECONDS))
        caller.attempts = 1 if self._memory.down else min(caller.attempts, LISTING_ATTEMPTS)

        def ask() -> tuple[Voice, ...] | None:
            while True:
                response = caller.send("GET", call, accept="application/json")
                if response.is_success:
                    return read_voices(response.content)
                failure = caller.failure(response)
                if failure.status == 404 and caller.add_version(failure.said):
                    continue
                if failure.kind in ("address", "refused"):
                    return None
                raise caller.error(failure, self._settings.model)

        try:
            found = caller.persist(ask)
        except ServiceDown as error:
            self._memory.down = isinstance(error, ServiceUnreachable)
            raise _told(error) from error
        self._memory.down = False
        self._memory.address = caller.address if found is not None else self._memory.address
        return found

    # --- lines --------------------------------------------------------------------------------

    def sound(self, wanted: Wanted) -> NDArray[np.float32]:
        """Return the (N,) samples of a line at 48 kHz; a request that was answered before is not sent again.

        Raises VoiceError when the service cannot do what is wanted, or gave no whole sound.
        """
        dialect = self.dialect()
        _refuse(dialect, wanted, self._place)
        caller = self._caller()
        caller.attempts = 1 if self._memory.down else self._settings.retries + 1
        retries, receipt = caller.retries, Receipt()
        try:
            body = self._body(caller, dialect, wanted)
            request = sha256(json.dumps([body, wanted.seed], sort_keys=True).encode()).hexdigest()
            known = self._memory.answer(request)
            if known is not None:
                return known
            receipt = Receipt(requests=1)
            sound = caller.persist(lambda: self._asked(caller, body, wanted))
            self._memory.down = False
            self._memory.keep_answer(request, sound)
            return sound
        except ServiceDown as error:
            self._memory.down = isinstance(error, ServiceUnreachable)
            raise _told(error) from error
        finally:
            again = caller.retries - retries
            self._memory.charge(wanted.text, wanted.voice, receipt + Receipt(requests=again, retries=again))

    def _body(self, caller: Caller, dialect: Dialect, wanted: Wanted) -> dict[str, Any]:
        voice = wanted.voice or dialect.plain_voice
        if wanted.reference is not None:
            upload = dialect.upload_call
            voice = self._uploaded(caller, dialect, wanted.reference) if upload else ""
        model = self._settings.model or dialect.model
        fields = {name: value for name, value in (("model", model), ("voice", voice)) if value}
        form = {"input": wanted.text, "response_format": self._settings.format}
        return {**fields, **form, **dialect.fields(wanted)}

    def _asked(self, caller: Caller, body: Mapping[str, Any], wanted: Wanted) -> NDArray[np.float32]:
        """Send a request once, in whatever form it is taken."""
        while True:
            sent = {name: value for name, value in body.items() if name not in self._memory.left_out}
            response = caller.send("POST", CALL, accept="*/*", json=sent)
            if response.is_success:
                return self._decoded(caller, response, wanted)
            failure = caller.failure(response)
            if not self._adapted(caller, failure, sent):
                raise self._raised(caller, failure, wanted)

    def _decoded(self, caller: Caller, response: httpx.Response, wanted: Wanted) -> NDArray[np.float32]:
        # What does not come whole is paid for, too.
        characters = len(wanted.text)
        paid = Receipt(characters, money=characters * self._settings.price / 1e6)
        self._memory.charge(wanted.text, wanted.voice, paid)
        pcm_rate = self._settings.pcm_rate if self._settings.format == "pcm" else 0
        try:
            sound = decoded(response.content, response.headers.get("content-type", ""), pcm_rate)
            check_length(sound, wanted.text)
            return sound
        except BadSound as problem:
            if problem.words:
                raise caller.no_answer(str(problem)) from None
            raise Passing(
                ServiceDown(
                    f"{caller.place} answered with {problem}.\n"
                    f"Run the same command again, or set {TABLE}.format to another format."
                )
            ) from None

    def _adapted(self, caller: Caller, failure: Failure, sent: Mapping[str, Any]) -> bool:
        """Ask in another form from now on; return whether there is one."""
        if failure.status == 404 and caller.add_version(failure.said):
            return True
        if failure.kind != "refused":
            return False
        said = failure.said.casefold()
        refused = {name for name in OPTIONAL if name in sent and re.search(rf"(?<!\w){name}(?!\w)", said)}
        self._memory.left_out |= refused
        return bool(refused)

    def _raised(self, caller: Caller, failure: Failure, wanted: Wanted) -> Exception:
        if wanted.voice and failure.status in (400, 404, 422) and "voice" in failure.said.casefold():
            return VoiceError(
                f"{caller.place} does not speak with the voice {wanted.voice!r} "
                f"({failure.status}: {failure.words}). Choose another voice, or set {TABLE}.voices."
            )
        return caller.error(failure, self._settings.model)

    def _uploaded(self, caller: Caller, dialect: Dialect, reference: Reference) -> str:
        """Return the name under which the service has a recording, left there if need be."""
        content = reference.file.read_bytes()
        name = f"dubkit-{sha256(content).hexdigest()[:12]}"
        with self._memory.uploading:
            if name not in self._memory.uploaded:
                caller.persist(lambda: self._upload(caller, dialect, name, content, reference.language))
                self._memory.uploaded |= {name}
        return name

    def _upload(self, caller: Caller, dialect: Dialect, name: str, content: bytes, language: str) -> None:
        fields = {"voice_name": name, **({"language": language.partition("-")[0]} if language else {})}
        files = {"voice_file": (f"{name}.wav", content, "audio/wav")}
        response = caller.send(
            "POST", dialect.upload_call, accept="application/json", data=fields, files=files
        )
        if response.is_success:
            return
        failure = caller.failure(response)
        if failure.status in (400, 409) and "exist" in failure.said.casefold():
            return  # an earlier run left it there
        raise caller.error(failure, self._settings.model)

    # --- connections --------------------------------------------------------------------------

    @property
    def _place(self) -> str:
        return shown(self._callers[0].address)

    def _new_caller(self, seconds: float) -> Caller:
        settings = self._settings
        address = self._memory.address or settings.base_url
        attempts = settings.retries + 1
        return Caller(NAMES, address, settings.api_key, seconds=seconds, attempts=attempts, keep=False)

    def _caller(self) -> Caller:
        """Return the caller of this thread."""
        caller: Caller | None = getattr(self._own, "caller", None)
        if caller is None:
            caller = self._own.caller = self._new_caller(self._settings.timeout)
            self._callers.append(caller)
        return caller


def _told(error: ServiceDown) -> VoiceError:
    """Return the error of a line: on one line, because of a line that failed people are told the first."""
    kind = SpeechServiceDown if error.may_pass else VoiceError
    return kind(" ".join(str(error).splitlines()))


def _refuse(dialect: Dialect, wanted: Wanted, place: str) -> None:
    """Raise VoiceError for a line that the service cannot speak as it is wanted."""
    if wanted.reference is not None and "clone" not in dialect.abilities:
        raise VoiceError(
            f"{place} ({dialect.title}) takes no recordings of voices, so it cannot clone one. "
            f"Set {TABLE}.dialect to what the service is, or choose one of its own voices."
        )
    if len(wanted.text) > dialect.longest:
        raise VoiceError(
            f"The line has {len(wanted.text):,} characters; {dialect.title} takes {dialect.longest:,} at "
            "most. Split the line."
        )
