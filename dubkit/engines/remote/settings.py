"""Settings of clips that other machines make: both of those who ask and of those who make them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from dubkit.errors import SettingError
from dubkit.settings import Positive, check_bounds, option

TABLE = "dub.remote"
LEAST_TOKEN = 16
"""Characters of a token that is not guessed."""


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """Making clips on other machines."""

    addresses: str = option(
        "", "Addresses of clip workers, with blanks between them: http://gpu1:8100.", machine=True
    )
    token: str = option(
        "", "The word that clip workers and those who ask them share.", secret=True, machine=True
    )
    engine: str = option("", "The engine that the workers must have; empty takes any.")
    timeout: Positive = option(
        3600.0, "Seconds that a worker may take for a clip, waiting in its queue included.", machine=True
    )
    answer: Positive = option(
        30.0, "Seconds after which a worker that does not answer counts as gone.", machine=True
    )
    rounds: Annotated[int, msgspec.Meta(ge=1, le=100)] = option(
        3, "How often every address is tried for a clip.", machine=True
    )
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = option(
        8100, "Port of a clip worker; 0 takes a free one.", machine=True
    )
    host: str = option("127.0.0.1", "Address that a clip worker listens on.", machine=True)
    max_mb: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = option(
        2048, "Largest order in MB that a clip worker takes.", machine=True
    )
    waiting: Annotated[int, msgspec.Meta(ge=0, le=1000)] = option(
        4, "Clips that may wait at a worker while it makes one.", machine=True
    )

    def __post_init__(self) -> None:
        check_bounds(self, TABLE)
        for address in self.listed:
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                expected = f"{address!r} is no address such as http://gpu1:8100"
                raise SettingError("dub.remote.addresses", self.addresses, expected)
            if parts.username or parts.password:
                raise SettingError("dub.remote.addresses", "…", "a password belongs into dub.remote.token")

    @property
    def listed(self) -> tuple[str, ...]:
        """The addresses, without a slash at their end."""
        return tuple(dict.fromkeys(address.rstrip("/") for address in self.addresses.split()))


def token_hindrance(token: str) -> str:
    """Return why a token cannot be used, with the cure; empty when it can."""
    if len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        return (
            f"dub.remote.token is not {LEAST_TOKEN} or more plain letters, digits and signs. "
            "Set the variable DUBKIT_DUB_REMOTE_TOKEN to the same long word on both sides."
        )
    return ""
