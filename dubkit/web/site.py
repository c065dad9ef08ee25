"""The state that requests are answered from: one `Site` per running server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

if TYPE_CHECKING:
    from dubkit.config import Configuration, Settings
    from dubkit.models.store import ModelStore
    from dubkit.progress import Speeds
    from dubkit.studio import Session
    from dubkit.web.database import Database
    from dubkit.web.jobs.queue import JobQueue


@dataclass(frozen=True, slots=True)
class Site:
    """One server: its folders, settings and database."""

    configured: Configuration
    output: Path
    """Folder of the episodes."""
    inputs: Path
    """Folder with the media files that jobs may name; uploads go there too."""
    database: Database
    queue: JobQueue
    models: ModelStore
    speeds: Speeds
    secret: bytes
    """Key that signs sessions."""
    local: bool
    """True when only this machine can reach the server."""

    @property
    def settings(self) -> Settings:
        """The settings the server was started with."""
        return self.configured.settings

    @property
    def session(self) -> Session:
        """A session that opens episodes with the settings of the server."""
        from dubkit.studio import Session

        return Session(self.settings, self.output, self.models, self.speeds)


def the_site(request: Request) -> Site:
    """Return the site of the application that answers."""
    site: Site = request.app.state.site
    return site


OnSite = Annotated[Site, Depends(the_site)]
