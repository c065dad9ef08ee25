"""Who asks: a person and what the person may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "editor", "admin"]
"""A viewer looks, an editor changes episodes and runs jobs, an admin also manages people and the server."""

ROLES: tuple[Role, ...] = get_args(Role)
"""Every role, each may do what those before it may."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody a request is answered for."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Tell whether this person may do what `role` may."""
        return ROLES.index(self.role) >= ROLES.index(role)


LOCAL = Person("local", "admin")
"""Whoever sits at the machine, as long as it has no users and nobody else can reach the server."""

TOKEN_OF_SETTINGS = Person("api", "admin")
"""Whoever sends `serve.api_token`."""

RESERVED = frozenset({LOCAL.name, TOKEN_OF_SETTINGS.name, "everybody"})
"""Names no user can have, because they mean somebody already."""

EVERYBODY = "*"
"""Stands in a grant for every user."""

NOBODY = ""
"""Stands in a grant for no one: somebody has said who may see the episode, even if that is nobody else."""
