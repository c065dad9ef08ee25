"""Settings of the server and its workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec

from dubkit.settings import Positive, option

if TYPE_CHECKING:
    from dubkit.config import Settings


@dataclass(frozen=True, slots=True)
class Serve:
    """The web server and its workers."""

    host: str = option(
        "127.0.0.1",
        "Address to listen on; anything but this machine needs a secret and a user.",
        machine=True,
    )
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = option(
        8000, "Port to listen on; 0 takes a free one.", machine=True
    )
    database: str = option(
        "",
        "Database URL (sqlite:///… or postgresql+psycopg://…); empty is dubkit.db in the output folder.",
        secret=True,
        machine=True,
    )
    inputs: str = option(
        "Input", "Folder with the media files that jobs may name; uploads go there.", machine=True
    )
    secret: str = option("", "Key that signs sessions, 32 characters or more.", secret=True, machine=True)
    secret_file: str = option("", "File with that key, readable by you alone (mode 0600).", machine=True)
    strict_secrets: bool = option(
        False,
        "Refuse to start without a secret of one's own, even on this machine.",
        variables=("STRICT_SECRETS",),
        machine=True,
    )
    api_token: str = option(
        "", "Token that scripts send to act as an admin.", variables=("API_TOKEN",), secret=True, machine=True
    )
    hosts: str = option(
        "", "Host names the server answers to, separated by commas; empty takes this machine's.", machine=True
    )
    workers: Annotated[int, msgspec.Meta(ge=0, le=64)] = option(
        1, "Worker processes to start with the server.", machine=True
    )
    lease_seconds: Annotated[float, msgspec.Meta(ge=1.0)] = option(
        30.0, "A worker that is silent for so long loses its job.", machine=True
    )
    max_attempts: Annotated[int, msgspec.Meta(ge=1)] = option(
        5, "Times a job is begun before it counts as failed, when its workers keep dying.", machine=True
    )
    max_waiting_jobs: Annotated[int, msgspec.Meta(ge=1)] = option(
        500, "Jobs of one person that may wait.", machine=True
    )
    max_upload_gb: Positive = option(20.0, "Largest upload.", machine=True)
    quota_gb: Annotated[float, msgspec.Meta(ge=0.0)] = option(
        0.0,
        "What uploads, episodes and trash of one person may take, admins excepted; 0 is no limit.",
        machine=True,
    )
    trash_days: Positive = option(30.0, "How long deleted things can be restored.", machine=True)
    trusted_proxies: str = option(
        "127.0.0.1,::1",
        "Addresses or networks of proxies that say which client they ask for, separated by commas.",
        machine=True,
    )
    session_hours: Positive = option(12.0, "How long a login lasts without use.", machine=True)

    @classmethod
    def of(cls, settings: Settings) -> Serve:
        """Return the server's part of all settings."""
        return settings.table("serve", cls)
