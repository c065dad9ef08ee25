"""Settings of stores that are reached by URL: `[store]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec

from dubkit.settings import check_bounds, option

Attempts = Annotated[int, msgspec.Meta(ge=1, le=50)]
Seconds = Annotated[float, msgspec.Meta(ge=0.5, le=3600.0)]


@dataclass(frozen=True, slots=True)
class RemoteStores:
    """Stores that are reached by URL.

    Keys are no settings: they come from the environment or the profile that boto reads.
    """

    endpoint: str = option(
        "",
        "Address of an S3-compatible server, such as http://localhost:9000; empty is Amazon's own.",
        variables=("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"),
        machine=True,
    )
    region: str = option("", "Region of the buckets; empty takes what boto knows.", machine=True)
    attempts: Attempts = option(
        8, "How often one request is sent before a store counts as out of reach.", machine=True
    )
    timeout: Seconds = option(
        20.0, "Seconds without an answer after which a request is sent again.", machine=True
    )
    lease: Seconds = option(
        30.0, "Seconds that a run's hold on an episode in a store lasts unless it is renewed.", machine=True
    )
    small: int = option(
        1_000_000,
        "Bytes up to which files are fetched at once; larger ones when they are read.",
        machine=True,
    )

    def __post_init__(self) -> None:
        check_bounds(self, "store")
