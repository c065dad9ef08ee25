"""Settings of the service that keeps states for workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from dubkit.settings import Positive, option


@dataclass(frozen=True, slots=True)
class States:
    """Handing clips over between workers."""

    folder: str = option("States", "Folder of the states that `dubkit worker --states` keeps.", machine=True)
    host: str = option("127.0.0.1", "Address that it listens on; the first is this machine's.", machine=True)
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = option(
        8020, "Port that it listens on; 0 takes a free one.", machine=True
    )
    token: str = option(
        "",
        "Token that whoever keeps or fetches states must send, 16 characters or more.",
        secret=True,
        machine=True,
    )
    max_blob_mb: Positive = option(512.0, "Largest blob that is taken, in MB.", machine=True)
    max_gb: Positive = option(20.0, "What all states and blobs may take together, in GB.", machine=True)
    keep_hours: Positive = option(48.0, "How long a state is kept after it was last stored.", machine=True)
