"""Download a model from a hub: resumed when the connection breaks, checked when it is there."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from dubkit.errors import DubkitError, ModelDamaged, ModelMissing
from dubkit.models.packaged import BLOCK, sha256_of
from dubkit.proxies import refused_proxies
from dubkit.types.models import HubSource, ModelFile

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Called with the name of the model, the bytes done and the bytes in all."""


@dataclass(frozen=True, slots=True)
class Hub:
    """Which hub, with which access, and how patiently."""

    endpoint: str = ""
    """Address of the hub; empty is the public one."""
    token: str = ""
    """Access token; empty takes the login of the hub's own tool, where there is one."""
    tries: int = 5
    """Tries per file without any progress in between."""
    pause: float = 1.0
    """Seconds before the second try; doubled for each further one, at most 10."""
    timeout: float = 20.0


class _Bar:
    """The part of a progress bar that the hub client uses, reporting to a function."""

    def __init__(
        self, report: Callable[[int], None], *, total: int | None = None, initial: int = 0, **_: Any
    ) -> None:
        self.report = report
        self.total = total
        self.n = initial
        report(initial)

    def update(self, n: float | None = 1) -> None:
        self.n += int(n or 0)
        self.report(self.n)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def close(self) -> None:
        return None


def download(
    source: HubSource, folder: Path, hub: Hub, pinned: Mapping[str, str], progress: Callable[[int, int], None]
) -> tuple[ModelFile, ...]:
    """Bring the files of a repository into `folder` and return them with their SHA-256.

    A broken download resumes where it stopped (in steps of 10 MB), in this call and in a later one on the
    same folder. Every file is checked against the digest that the hub states and, where it is in `pinned`
    (file name -> SHA-256), against that. Raises `ModelMissing` when it cannot be had, `ModelDamaged` when it
    is wrong.
    """
    listing = _listing(source, hub)
    total = sum(entry.size or 0 for entry in listing)
    done = 0
    files: list[ModelFile] = []
    for entry in listing:
        report = partial(_report, progress, done, total)
        path = _download_file(source, entry, folder, hub, report)
        files.append(_checked(source, entry, path, pinned.get(entry.rfilename, "")))
        done += files[-1].size
        progress(done, total)
    files.sort(key=lambda file: -file.size)
    return tuple(files)


def _report(progress: Callable[[int, int], None], before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _listing(source: HubSource, hub: Hub) -> list[RepoSibling]:
    """Ask which files the repository has, with sizes and digests."""
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    refused = refused_proxies()
    if refused:
        raise ModelMissing(f"{source.repo} cannot be downloaded. {refused}")
    api = HfApi(endpoint=hub.endpoint or None, token=hub.token or None)
    try:
        answer = api.model_info(
            source.repo, revision=source.revision, files_metadata=True, timeout=hub.timeout
        )
    except (HfHubHTTPError, httpx.HTTPError, OSError) as error:
        raise _explained(source, hub, error) from error
    entries = [
        entry
        for entry in answer.siblings or []
        if any(fnmatch(entry.rfilename, pattern) for pattern in source.patterns)
        and entry.rfilename != ".gitattributes"
    ]
    if not entries:
        raise ModelMissing(
            f"{source.repo} on {_place(hub)} has none of the files {', '.join(source.patterns)}.\n"
            "Check the address in models.hub: it may be an incomplete mirror."
        )
    return entries


def _download_file(
    source: HubSource, entry: RepoSibling, folder: Path, hub: Hub, report: Callable[[int], None]
) -> Path:
    """Download one file; a try that brought new bytes does not count against `hub.tries`."""
    import httpx
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    reached = 0

    def remember(done: int) -> None:
        nonlocal reached
        reached = done
        report(done)

    failures, best = 0, 0
    while True:
        try:
            return Path(
                hf_hub_download(
                    source.repo,
                    entry.rfilename,
                    revision=source.revision,
                    local_dir=folder,
                    endpoint=hub.endpoint or None,
                    token=hub.token or None,
                    etag_timeout=hub.timeout,
                    # The client only ever calls it; its annotation wants a subclass of tqdm.
                    tqdm_class=cast("type[Any]", partial(_Bar, remember)),
                )
            )
        except HfHubHTTPError as error:
            if error.response is None or error.response.status_code < 500:
                raise _explained(source, hub, error) from error
            problem: Exception = error
        except httpx.TransportError as error:
            problem = error
        except OSError as error:
            # The client reports a short body and an unreachable hub as bare OSErrors; a full disk is ours.
            if error.errno is not None:
                raise
            problem = error
        failures = 1 if reached > best else failures + 1
        best = max(best, reached)
        if failures >= hub.tries:
            raise _explained(source, hub, problem) from problem
        log.warning("%s: connection broke at %d bytes, trying again: %s", entry.rfilename, reached, problem)
        time.sleep(min(10.0, hub.pause * 2 ** (failures - 1)))


def _checked(source: HubSource, entry: RepoSibling, path: Path, pinned: str) -> ModelFile:
    """Check a downloaded file against the stated and the pinned digest; remove a wrong one."""
    digest = sha256_of((path,))
    stated = entry.lfs.sha256 if entry.lfs else ""
    expected = pinned or stated
    if expected and digest != expected:
        problem = f"SHA-256 {digest}, expected {expected}"
    elif not expected and entry.blob_id and _git_blob(path) != entry.blob_id:
        problem = f"content differs from the {entry.size} bytes the hub lists"
    else:
        return ModelFile(entry.rfilename, path.stat().st_size, digest)
    path.unlink()
    raise ModelDamaged(
        f"{entry.rfilename} of {source.repo}: {problem}.\nThe file was removed. Run the same command again; "
        "if it happens twice, the hub or a proxy on the way changes it."
    )


def _git_blob(path: Path) -> str:
    """Return the git object name of a file: what a hub states for small files."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _place(hub: Hub) -> str:
    return hub.endpoint or "the model hub"


def _explained(source: HubSource, hub: Hub, error: Exception) -> DubkitError:
    """Turn what the client raised into what the user can do."""
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    where = f"{source.repo} on {_place(hub)}"
    status = error.response.status_code if isinstance(error, HfHubHTTPError) and error.response else 0
    if isinstance(error, RepositoryNotFoundError) and not isinstance(error, GatedRepoError):
        return ModelMissing(f"{where} does not exist, or is private.\nCheck models.hub and models.token.")
    if isinstance(error, GatedRepoError) or status in (401, 403):
        access = "The token that was sent has no access to it." if hub.token else "No token was sent."
        return ModelMissing(
            f"{where} refuses access. {access}\n"
            "Accept its terms on its page, then set models.token (or HF_TOKEN) to a token of that account."
        )
    if isinstance(error, LocalEntryNotFoundError):
        error = error.__cause__ if isinstance(error.__cause__, Exception) else error
    elif isinstance(error, (RevisionNotFoundError, EntryNotFoundError)):
        return ModelMissing(
            f"{where} lacks a file or revision {source.revision}.\n"
            "Check the address in models.hub: it may be an incomplete mirror."
        )
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ModelMissing(
        f"{where} could not be downloaded: {reason}.\n"
        "Run the same command again with the network up: it resumes where it stopped."
    )
