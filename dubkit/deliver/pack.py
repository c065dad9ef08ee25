"""Put an episode together as files for a studio: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from dubkit.deliver.deliverable import DELIVERABLES, Packing
from dubkit.deliver.provenance import provenance
from dubkit.deliver.settings import PackSettings
from dubkit.deliver.sign import Signer, open_signer
from dubkit.deliver.statement import LISTING, PROVENANCE, Listing, PackedFile, Provenance
from dubkit.episode.context import Context, finished_languages
from dubkit.episode.line_states import Counts, line_states
from dubkit.episode.results import finished_dub
from dubkit.episode.store import file_digest, pretty
from dubkit.errors import DubkitError, MediaError
from dubkit.types import Remark

FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""Date of every file in an archive: the earliest that ZIP has. The same pack gives the same bytes."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A pack that was written."""

    place: Path
    """Its folder, or its archive."""
    languages: tuple[str, ...]
    files: tuple[PackedFile, ...]
    remarks: tuple[Remark, ...]

    @property
    def exit_code(self) -> int:
        """3 where a person should look at something, else 0."""
        return 3 if any(said.weight != "note" for said in self.remarks) else 0


def pack(
    context: Context, name: str, out: Path, languages: tuple[str, ...] = (), *, zipped: bool = False
) -> Packed:
    """Write the pack `name` of an episode as the new folder `out`, or as the archive `out`.

    Without `languages`, all that are finished are packed; the first one is the default track. The folder has
    its name only when everything in it is whole. Raises DubkitError for a place that is taken, an episode
    without a finished language, or a language that is not finished.
    """
    if out.exists():
        raise DubkitError(f"{out} is there already.\nName another place with --out, or move it away.")
    if not context.source.is_file():
        raise MediaError(context.source, "the source is gone", "Put it back; the films are made from it.")
    chosen, said = _chosen(context, languages)
    signer = open_signer(context.settings.table("pack", PackSettings))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as temporary:
        folder = Path(temporary) / "pack"
        folder.mkdir()
        packing = Packing(context, chosen, folder, said=said)
        packed = _write(packing, name, signer)
        whole = _zip(folder, Path(temporary) / "pack.zip", packing.name) if zipped else folder
        if out.exists():  # somebody else was quicker
            raise DubkitError(f"{out} is there already.\nName another place with --out, or move it away.")
        os.rename(whole, out)
    return replace(packed, place=out)


def _chosen(context: Context, languages: tuple[str, ...]) -> tuple[tuple[str, ...], list[Remark]]:
    """Return the languages to pack, with a remark on those that are not finished."""
    from dubkit.types import remark

    begun = finished_languages(context)
    whole = tuple(tag for tag in languages or begun if finished_dub(context.store, tag) is not None)
    missing = [tag for tag in languages or begun if tag not in whole]
    if languages and missing:
        raise DubkitError(
            f"{context.source.name} has no finished dub in {', '.join(missing)}.\n"
            f"Run first: dubkit run {context.source} --to {','.join(missing)}"
        )
    if not whole:
        raise DubkitError(
            f"{context.store.root} has no finished dub to pack.\n"
            f"Run first: dubkit run {context.source} --to LANG"
        )
    said = [
        remark("pack-incomplete", f"The dub in {tag} is not finished, so it is not in the pack.")
        for tag in missing
    ]
    for tag in whole:
        counts = Counts.of(line_states(context.fresh(tag)))
        if counts.to_look_at:
            sentence = (
                f"{tag}: {counts}. Look at them with: dubkit review list {context.store.root.name} --flagged"
            )
            said.append(remark("lines-to-look-at", sentence))
    return whole, said


def _write(packing: Packing, name: str, signer: Signer | None) -> Packed:
    for deliverable in DELIVERABLES:
        if name in deliverable.packs:
            packing.deliverable = deliverable.name
            deliverable.write(packing)
    files = _signed(packing, name, signer)
    whole = tuple(_hashed(packing.folder, file) for file in files)
    said = _together(packing.said)
    (packing.folder / PROVENANCE).write_bytes(pretty(provenance(packing, name, whole)))
    own = _hashed(packing.folder, PackedFile(PROVENANCE, "provenance"))
    listing = Listing(name, packing.name, packing.languages, (*whole, own), tuple(r.sentence for r in said))
    (packing.folder / LISTING).write_bytes(pretty(listing))
    return Packed(packing.folder, packing.languages, (*whole, own), said)


def _signed(packing: Packing, name: str, signer: Signer | None) -> list[PackedFile]:
    """Sign what holds the dub, and return all files, those of signatures beside them included."""
    to_sign = [file for file in packing.files if file.tracks]
    if signer is None:
        packing.say("not-signed", "Nothing is signed: pack.sign_key names no key.")
        return packing.files
    statement = provenance(packing, name, ())
    found: list[PackedFile] = []
    for file in packing.files:
        if file not in to_sign:
            found.append(file)
            continue
        place = signer.sign(packing.folder / file.path, Path(file.path).name, signed_words(statement, file))
        found.append(replace(file, signed=place))
        if place != "inside":
            beside = (Path(file.path).parent / place).as_posix()
            found.append(PackedFile(beside, file.deliverable, file.language))
    return found


def signed_words(statement: Provenance, file: PackedFile) -> dict[str, Any]:
    """Return what is signed into a file: the provenance of its languages, and its own tracks."""
    spoken = {track.language for track in file.tracks} | {file.language}
    languages = tuple(one for one in statement.languages if one.language in spoken)
    own = replace(statement, languages=languages, files=(file,))
    words: dict[str, Any] = msgspec.json.decode(pretty(own))
    return words


def _hashed(folder: Path, file: PackedFile) -> PackedFile:
    place = folder / file.path
    return replace(file, size=place.stat().st_size, sha256=file_digest(place))


def _together(said: list[Remark]) -> tuple[Remark, ...]:
    """Return remarks, each once, those that want a look first."""
    order = ("doubtful", "degraded", "note")
    return tuple(sorted(dict.fromkeys(said), key=lambda one: order.index(one.weight)))


def _zip(folder: Path, archive: Path, name: str) -> Path:
    """Write a folder as an archive; films and sounds in it are not compressed."""
    with zipfile.ZipFile(archive, "w", allowZip64=True) as out:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{name}/{file.relative_to(folder).as_posix()}", FIRST_DATE)
            small = file.suffix in (".json", ".html", ".csv", ".srt", ".vtt")
            entry.compress_type = zipfile.ZIP_DEFLATED if small else zipfile.ZIP_STORED
            entry.external_attr = 0o644 << 16
            with file.open("rb") as source, out.open(entry, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, 1 << 20)
    return archive
