"""Open an episode for review: by its source, its folder or its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dubkit.episode.context import Context, finished_languages
from dubkit.episode.folders import find_source, folder_name, open_episode, reopen
from dubkit.episode.remembering import Memory, RememberingStore
from dubkit.episode.store import EpisodeStore
from dubkit.errors import DubkitError, MediaError
from dubkit.studio import Session, context_of, episode_context, with_last_settings


def open_review(session: Session, where: Path, language: str = "") -> Context:
    """Return the episode in a language, which may be left out when there is only one.

    `where` is the source, the episode's folder, or the folder's name below the output folder. Raises
    DubkitError when there is no such episode, or nothing to review in that language yet.
    """
    context = _context(session, where)
    tags = finished_languages(context)
    if not language:
        if len(tags) != 1:
            hint = f"There are {', '.join(tags)}: add --to LANG." if tags else _run_first(context, "LANG")
            raise DubkitError(f"{context.store.root}: which language?\n{hint}")
        language = tags[0]
    if language not in tags:
        there = f" There are lines in {', '.join(tags)}." if tags else ""
        raise DubkitError(
            f"{context.store.root} has no lines in {language} yet.{there}\n{_run_first(context, language)}"
        )
    return context.fresh(language)


def _context(session: Session, where: Path) -> Context:
    for folder in (where, session.output / where):
        if find_source(EpisodeStore(folder)) is not None:
            return of_folder(session, folder)
    if where.is_file():
        return episode_context(with_last_settings(session, open_episode(session.output, where).store), where)
    left = session.output / folder_name(where)
    if find_source(EpisodeStore(left)) == where.resolve():
        return of_folder(session, left)  # the source is gone, its episode is here
    episodes = sorted(p.name for p in session.output.glob("*") if find_source(EpisodeStore(p)) is not None)
    there = f"Episodes in {session.output}: {', '.join(episodes)}." if episodes else "Name a media file."
    raise MediaError(where, f"no such episode, neither a file nor a folder in {session.output}", there)


def of_folder(session: Session, folder: Path, memory: Memory | None = None) -> Context:
    """Return an episode by its folder, with the settings of its last run. Raises MediaError for others.

    With a `memory`, what was read of it before is not read again until it changes.
    """
    opened = reopen(folder)
    if memory is not None:
        opened = replace(opened, store=RememberingStore(folder, memory))
    return context_of(with_last_settings(session, opened.store), opened)


def to_run(session: Session, context: Context) -> Session:
    """Return a session whose runs use the folder of this episode, wherever it is.

    Raises MediaError when the source is gone, or when a run would use another folder for it.
    """
    session = replace(session, output=context.store.root.parent)
    if not context.source.is_file():
        raise MediaError(
            context.source,
            f"the source of {context.store.root} no longer exists",
            "Put it back there. Without it, lines can be read and edited, but not made again.",
        )
    chosen = open_episode(session.output, context.source).store.root
    if chosen.resolve() != context.store.root.resolve():
        raise MediaError(
            context.store.root,
            f"this folder was made from {context.source}, but a run would use {chosen}",
            f"Rename it back to {chosen.name}, or name the source instead.",
        )
    return session


def _run_first(context: Context, language: str) -> str:
    return f"Run first: dubkit run {context.source} --to {language}"
