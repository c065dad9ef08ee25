"""People and roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "editor", "admin"]
"""A viewer looks, an editor changes episodes and runs jobs, an admin also manages people and the server."""

ROLES: tuple[Role, ...] = get_args(Role)
"""Every role; each may do what the ones before it may."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who uses the server."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Tell whether this person may do what `role` may."""
        return ROLES.index(self.role) >= ROLES.index(role)


LOCAL = Person("local", "admin")
"""The user of this machine, as long as the server has no users and nobody else can reach it."""

TOKEN_OF_SETTINGS = Person("api", "admin")
"""Whoever sends `serve.api_token`."""

RESERVED = frozenset({LOCAL.name, TOKEN_OF_SETTINGS.name, "everybody"})
"""Names that no user can have, because they have a meaning."""

EVERYBODY = "*"
"""Stands in a grant for every user."""

NOBODY = ""
"""Stands in a grant for no one: the episode is no longer open to all, even if shared with nobody."""
