"""Say of a film or recording, second by second, what is the source's and what was generated, and who says so.

Four witnesses are asked: the signature in or beside the file, the provenance of a pack beside it, the mark in
generated speech, and, where it is at hand, the episode itself. A witness that was tampered with is not
believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from dubkit.deliver.compare import Comparison
from dubkit.deliver.hear import Contents, contents, heard
from dubkit.deliver.sign import Signature, read_signature
from dubkit.deliver.statement import PROVENANCE, Origin, PackedFile, Provenance, Stretch, TrackStatement
from dubkit.deliver.timeline import seconds_of
from dubkit.episode.context import Context
from dubkit.episode.store import file_digest
from dubkit.errors import DubkitError
from dubkit.media.sound.mark import MarkFinder

Witness = Literal["signature", "provenance", "mark", "episode", ""]
"""Who says where a second comes from; empty where nobody does."""

UP = 4
"""Folders above a file in which a pack is looked for."""


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a track."""

    origin: Origin | Literal["unknown"]
    witness: Witness


@dataclass(frozen=True, slots=True)
class TrackVerdict:
    """One track, second by second."""

    kind: Literal["picture", "sound"]
    number: int
    language: str
    seconds: tuple[Second, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a file."""

    file: str
    sha256: str
    signature: Signature | None
    provenance: str
    """Place of the pack's provenance that names the file; empty where there is none."""
    changed: tuple[str, ...]
    """What shows that file, signature or provenance were changed; empty where nothing does."""
    unknown: tuple[str, ...]
    """What cannot be told, and why."""
    tracks: tuple[TrackVerdict, ...]

    @property
    def exit_code(self) -> int:
        """1 for what was changed, 3 where something cannot be told, else 0."""
        return 1 if self.changed else 3 if self.unknown else 0


@dataclass
class _Findings:
    signature: Signature | None = None
    provenance: str = ""
    tracks: tuple[TrackStatement, ...] = ()
    witness: Witness = ""
    changed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def verify(file: Path, episode: Context | None = None, *, trust: str = "") -> Verdict:
    """Verify a file; with `episode`, it is compared with that, too. `trust` is the PEM file of roots.

    Raises MediaError for what is no film and no recording.
    """
    found, sha256 = contents(file), file_digest(file)
    findings = _Findings()
    _ask_signature(file, findings, trust)
    _ask_provenance(file, sha256, findings)
    comparison = Comparison(episode) if episode is not None else None
    tracks = [_picture(file, number, found, findings, comparison) for number in range(found.pictures)]
    tracks += [_sound(file, number, found, findings, comparison) for number in range(len(found.sounds))]
    _name_unknown(tracks, findings, compared=comparison is not None)
    return Verdict(
        str(file),
        sha256,
        findings.signature,
        findings.provenance,
        tuple(findings.changed),
        tuple(dict.fromkeys(findings.unknown)),
        tuple(tracks),
    )


# --- what is said of the file -----------------------------------------------------------------


def _ask_signature(file: Path, findings: _Findings, trust: str) -> None:
    try:
        signature = read_signature(file, trust)
    except DubkitError as error:
        findings.unknown.append(f"Whether it is signed: {str(error).partition(chr(10))[0]}")
        return
    findings.signature = signature
    if signature is None:
        return
    if signature.state == "broken":
        reasons = ", ".join(signature.problems) or "it cannot be read"
        findings.changed.append(f"The signature does not fit the file any more ({reasons}).")
        return
    if signature.state == "valid":
        findings.unknown.append(
            f"Whether {signature.by or 'who signed it'} can be trusted: no root of pack.trust vouches for it."
        )
    said = _statement_of(signature.statement)
    if said is not None:
        findings.tracks, findings.witness = said.tracks, "signature"


def _statement_of(words: Mapping[str, Any]) -> PackedFile | None:
    try:
        files = msgspec.convert(words, Provenance).files
    except msgspec.ValidationError:
        return None
    return files[0] if files else None


def _ask_provenance(file: Path, sha256: str, findings: _Findings) -> None:
    """Ask the pack that the file lies in, or a copy of its provenance beside the file."""
    for folder in (file.resolve().parent, *list(file.resolve().parents)[1:UP]):
        place = folder / PROVENANCE
        if not place.is_file():
            continue
        try:
            said = msgspec.json.decode(place.read_bytes(), type=Provenance)
        except (msgspec.DecodeError, OSError):
            findings.changed.append(f"{place} is damaged.")
            return
        same = next((one for one in said.files if one.sha256 == sha256), None)
        path = file.resolve().relative_to(folder).as_posix()
        named = next((one for one in said.files if one.path == path), None)
        if same is None and named is None:
            continue
        findings.provenance = str(place)
        if same is None:
            findings.changed.append(f"Its SHA-256 is not the one that {place} has for {path}.")
        elif not findings.tracks and not findings.changed:
            findings.tracks, findings.witness = same.tracks, "provenance"
        elif findings.tracks and findings.tracks != same.tracks:
            findings.changed.append(f"{place} says something else of it than its signature.")
        return


# --- what its tracks show ---------------------------------------------------------------------


def _picture(
    file: Path, number: int, found: Contents, findings: _Findings, comparison: Comparison | None
) -> TrackVerdict:
    length = max(1, round(found.seconds + 0.49))
    said = _said(findings, "picture", number, length)
    seen = comparison.picture(file) if comparison is not None and number == 0 else []
    language = next((t.language for t in findings.tracks if (t.kind, t.number) == ("picture", number)), "")
    return TrackVerdict("picture", number, language, _merged(said, seen, [], findings, "picture 1"))


def _sound(
    file: Path, number: int, found: Contents, findings: _Findings, comparison: Comparison | None
) -> TrackVerdict:
    finder, compared = MarkFinder(), comparison.sound() if comparison is not None else None
    for part in heard(file, number):
        finder.feed(part)
        if compared is not None:
            compared.feed(part)
    marked = finder.seconds()
    said = _said(findings, "sound", number, len(marked))
    seen = compared.seconds() if compared is not None else []
    name = f"sound {number + 1}"
    return TrackVerdict("sound", number, found.sounds[number], _merged(said, seen, marked, findings, name))


def _said(findings: _Findings, kind: str, number: int, length: int) -> list[Second]:
    """Return what a statement says of each second of a track."""
    track = next((t for t in findings.tracks if (t.kind, t.number) == (kind, number)), None)
    if track is None:
        return [Second("unknown", "")] * length
    return [
        Second(seconds_of(track.stretches, second) or track.rest, findings.witness)
        for second in range(length)
    ]


def _merged(
    said: Sequence[Second],
    seen: Sequence[Origin | None],
    marked: Sequence[bool],
    findings: _Findings,
    name: str,
) -> tuple[Second, ...]:
    """Join what witnesses say: what one leaves open another may say, and contradictions are named."""
    merged = list(said)
    against: dict[str, list[int]] = {"mark": [], "episode": []}
    for number, second in enumerate(said):
        looked = seen[number] if number < len(seen) else None
        is_marked = number < len(marked) and marked[number]
        if second.origin == "unknown":
            if looked is not None:
                merged[number] = Second(looked, "episode")
            elif is_marked:
                merged[number] = Second("generated", "mark")
        elif looked is not None and not _agree(second.origin, looked):
            against["episode"].append(number)
        if is_marked and merged[number].origin not in ("generated", "unknown") and not _near(merged, number):
            against["mark"].append(number)
    for witness, numbers in against.items():
        if numbers:
            findings.changed.append(_contradiction(name, witness, numbers))
    return tuple(merged)


def _agree(said: str, looked: str) -> bool:
    """Tell whether what is seen fits what is said; silence fits all."""
    if looked == "silence" or said == looked:
        return True
    # A line that only touches a second leaves it like the source.
    return looked == "source" and said in ("generated", "recorded", "source-recoded", "silence")


def _near(seconds: Sequence[Second], number: int) -> bool:
    """Tell whether generated speech lies in a second beside one: the mark is found in three together."""
    return any(second.origin == "generated" for second in seconds[max(0, number - 1) : number + 2])


def _contradiction(name: str, witness: str, numbers: Sequence[int]) -> str:
    places = ", ".join(f"{number}-{number + 1} s" for number in numbers[:5])
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    what = {
        "mark": "it has the mark of generated speech",
        "episode": "it is neither what the episode's source nor what its dub is there",
    }[witness]
    return f"{name}: {places}{more}: {what}, and is said to come from elsewhere."


def _name_unknown(tracks: Sequence[TrackVerdict], findings: _Findings, *, compared: bool) -> None:
    for track in tracks:
        count = sum(second.origin == "unknown" for second in track.seconds)
        if not count:
            continue
        silent = not findings.tracks and not findings.changed
        why = "nothing says it" if silent else "nothing that can be believed says it"
        if track.kind == "sound":
            why += ", and it has no mark there"
        if not compared:
            why += "; --episode compares it with the episode"
        whole = "all" if count == len(track.seconds) else str(count)
        findings.unknown.append(
            f"Where {whole} of the {len(track.seconds)} seconds of {track.kind} {track.number + 1} come "
            f"from: {why}."
        )


def stretches(track: TrackVerdict) -> list[tuple[int, int, Second]]:
    """Return the seconds of a track as stretches (first, one past the last) of one kind."""
    found: list[tuple[int, int, Second]] = []
    for number, second in enumerate(track.seconds):
        if found and found[-1][2] == second:
            found[-1] = (found[-1][0], number + 1, second)
        else:
            found.append((number, number + 1, second))
    return found


__all__ = ["Second", "Stretch", "TrackVerdict", "Verdict", "stretches", "verify"]
