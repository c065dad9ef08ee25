"""Open an episode for review: by its source, its folder or its name."""

from __future__ import annotations

from pathlib import Path

from dubkit.context import Context
from dubkit.episodes import open_episode, reopen
from dubkit.errors import DubkitError
from dubkit.session import Session, continued, episode_context, finished_languages


def open_review(session: Session, where: Path, language: str = "") -> Context:
    """Return the episode in a language; with only one language that one needs no name.

    `where` is the source, the episode's folder, or the folder's name below the output folder. Raises
    DubkitError when there is no such episode, or nothing to review in that language yet.
    """
    context = _context(session, where)
    tags = finished_languages(context)
    if not language:
        if len(tags) != 1:
            found = f"There are {', '.join(tags)}: add --to LANG." if tags else _run_first(context, "LANG")
            raise DubkitError(f"{context.store.root}: which language?\n{found}")
        language = tags[0]
    if language not in tags:
        raise DubkitError(
            f"{context.store.root} has no lines in {language} yet.\n{_run_first(context, language)}"
        )
    return context.fresh(language)


def _context(session: Session, where: Path) -> Context:
    folder = where if where.is_dir() else session.output / where
    if folder.is_dir():
        return of_folder(session, folder)
    return episode_context(continued(session, open_episode(session.output, where).store), where)


def of_folder(session: Session, folder: Path) -> Context:
    """Return an episode by its folder, with the settings of its last run. Raises MediaError for others."""
    opened = reopen(folder)
    session = continued(session, opened.store)
    return Context(opened.store, session.settings, opened.source, opened.sha256, session.models)


def _run_first(context: Context, language: str) -> str:
    return f"Run first: dubkit run {context.source} --to {language}"
