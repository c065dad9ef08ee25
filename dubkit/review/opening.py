"""Open an episode for review: by its source, its folder or its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.episode.context import Context, finished_languages
from dubkit.episode.folders import find_source, folder_name, open_episode, reopen
from dubkit.episode.remembering import Memory, RememberingStore
from dubkit.episode.store import EpisodeStore
from dubkit.errors import DubkitError, MediaError
from dubkit.studio import Session, context_of, episode_context, with_last_settings

if TYPE_CHECKING:
    from dubkit.remote.places import RemoteOutput


def open_review(session: Session, where: Path, language: str = "") -> Context:
    """Return the episode in a language, which may be left out when there is only one.

    `where` is the source, the episode's folder, or the folder's name below the output folder or in the store.
    Raises DubkitError when there is no such episode, or nothing to review in that language yet.
    """
    context = _context(session, where)
    place = context.store.shown(context.store.root)
    tags = finished_languages(context)
    if not language:
        if len(tags) != 1:
            hint = f"There are {', '.join(tags)}: add --to LANG." if tags else _run_first(context, "LANG")
            raise DubkitError(f"{place}: which language?\n{hint}")
        language = tags[0]
    if language not in tags:
        there = f" There are lines in {', '.join(tags)}." if tags else ""
        raise DubkitError(f"{place} has no lines in {language} yet.{there}\n{_run_first(context, language)}")
    return context.fresh(language)


def open_episode_of(session: Session, where: Path) -> Context:
    """Return an episode in no language, with the settings of its last run. Raises DubkitError without one."""
    return _context(session, where)


def _context(session: Session, where: Path) -> Context:
    if session.remote is not None:
        return _in_store(session, session.remote, where)
    for folder in (where, session.output / where):
        if find_source(EpisodeStore(folder)) is not None:
            return of_folder(session, folder)
    if where.is_file():
        return episode_context(with_last_settings(session, open_episode(session.output, where).store), where)
    left = session.output / folder_name(where)
    if find_source(EpisodeStore(left)) == where.resolve():
        return of_folder(session, left)  # the source is gone, its episode is here
    episodes = sorted(p.name for p in session.output.glob("*") if find_source(EpisodeStore(p)) is not None)
    raise _no_episode(where, str(session.output), episodes)


def _in_store(session: Session, remote: RemoteOutput, where: Path) -> Context:
    if where.is_file():
        opened = remote.open(where)
        return context_of(with_last_settings(session, opened.store), opened)
    inside = where.parent == remote.folder  # the working folder of an episode
    names = [where.name] if inside else [str(where), folder_name(where)]
    for name in dict.fromkeys(names):
        store = remote.find(name)
        if store is not None and (name == names[0] or find_source(store) == where.resolve()):
            opened = replace(reopen(store.root), store=store)
            return context_of(with_last_settings(session, store), opened)
    raise _no_episode(where, remote.objects.place(), remote.names())


def _no_episode(where: Path, place: str, episodes: Sequence[str]) -> MediaError:
    there = f"Episodes in {place}: {', '.join(episodes)}." if episodes else "Name a media file."
    return MediaError(where, f"no such episode, neither a file nor a folder in {place}", there)


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
