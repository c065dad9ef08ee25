"""What the routes of an episode depend on: its folder, language and lines, checked against the person."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Path, Request

from dubkit.episode.context import Context, finished_languages
from dubkit.review.changes import Desk
from dubkit.review.opening import of_folder
from dubkit.web.accounts.access import Editor, OpenEpisode, Viewer
from dubkit.web.api.etags import check_condition
from dubkit.web.files.memories import EpisodeMemory, memories
from dubkit.web.site import OnSite

Language = Annotated[
    str, Path(max_length=35, pattern=r"^[A-Za-z0-9-]+$", description="BCP 47 tag, such as pt-BR.")
]
LineId = Annotated[
    str, Path(max_length=40, pattern=r"^[A-Za-z0-9_.-]+$", description="Id of a line, such as s0003.")
]


def _memory(request: Request, folder: OpenEpisode) -> EpisodeMemory:
    return memories(request).of(folder.store.root)


Remembered = Annotated[EpisodeMemory, Depends(_memory)]
"""What the server remembers of the episode."""


def _reviewed(
    site: OnSite, person: Viewer, folder: OpenEpisode, language: Language, memory: Remembered
) -> Context:
    context = of_folder(site.session, folder.store.root, memory.store)
    if language not in finished_languages(context):
        raise HTTPException(404, f"{folder.name} has no lines in {language}.")
    return context.fresh(language)


Reviewed = Annotated[Context, Depends(_reviewed)]
"""An episode in a language that has lines; HTTP 404 for any other."""


def _desk(request: Request, context: Reviewed, person: Editor) -> Desk:
    desk = Desk(context, person.name)
    check_condition(request, desk.log.last())
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]
"""The same episode to change; needs the role editor."""
