"""Find a reference of every speaker's voice: given by people, or the best piece of the source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.chain.stage import EPISODE, Item, Setup, Sink, Stage
from dubkit.episode.context import Context
from dubkit.episode.store import canonical, decode_json
from dubkit.types.references import References, SpeakerPieces
from stages.shared.cloning.cloned_voices import consent_remarks
from stages.shared.cloning.consent import consents, refuse_without_consent
from stages.shared.cloning.found_pieces import encoder_identity, find_all, heard_as, music_input
from stages.shared.cloning.taken_references import (
    nearest_pieces,
    reference_edits,
    speaker_names,
    take_references,
    written_files,
)
from stages.shared.cloning.voice_files import given_files, unused_files
from stages.shared.machine_code import COMMON, NETWORKS
from stages.shared.people.modes import clones

if TYPE_CHECKING:
    from dubkit.progress import Progress

PIECES = "pieces"
"""The item that searches the source; the other one takes a reference for each speaker."""
ARTIFACT = "references.json"


def items(context: Context) -> Sequence[Item]:
    source = {
        "extract/audio.wav": context.file_digest("extract", "audio.wav"),
        "diarize/turns": context.digest(context.diarization.turns),
        "transcribe/segments": context.digest([context.segments, heard_as(context)]),
        **music_input(context),
    }
    models = {"speaker": encoder_identity(context)} if context.segments else {}
    settings = ("cast.reference_per_line",) if context.settings.cast.reference_per_line else ()
    return [
        Item(PIECES, inputs=source, models=models, settings=settings),
        Item(
            EPISODE,
            inputs={**source, **_given(context)},
            edits={f"{speaker}.reference": edit for speaker, edit in reference_edits(context).items()},
            models=models,
            settings=settings,
        ),
    ]


def _given(context: Context) -> dict[str, str]:
    """Return what people gave, as it enters the key."""
    names = speaker_names(context)
    given = {
        f"voices/{speaker}": context.digest([file.digest, file.text, file.origin])
        for speaker, file in given_files(context, names).items()
    }
    if unused := unused_files(context, names):
        given["voices of nobody"] = context.digest([path.name for path in unused])
    return given


def run(context: Context, items: Sequence[Item], sink: Sink) -> None:
    refuse_without_consent(context)
    due = {item.id for item in items}
    if PIECES in due:
        found, files, remarks = find_all(context, sink)
        sink.done(PIECES, value=found, files=files, remarks=remarks)
    if EPISODE in due:
        found = found_pieces(context)
        taken, remarks = take_references(context, found, sink)
        value = References(taken, nearest_pieces(context, found), found)
        sink.write_json(ARTIFACT, value)
        sink.done(EPISODE, files=[ARTIFACT, *written_files(taken)], remarks=remarks)


def found_pieces(context: Context) -> tuple[SpeakerPieces, ...]:
    """Return the pieces that were found in the source; none before it was searched."""
    record = context.store.record("references", PIECES)
    if record is None or record.error:
        return ()
    return decode_json(canonical(record.value), tuple[SpeakerPieces, ...])


def after(context: Context, languages: Sequence[str], _progress: Progress) -> None:
    """Refuse to go on without consent: it may have run out since the references were taken."""
    refuse_without_consent(context, languages)
    consents(context)  # a file that cannot be read is no consent, and no lack of it


def belongs(setup: Setup) -> bool:
    """Take part where voices are cloned."""
    return clones(setup)


STAGE = Stage(
    name="references",
    version=1,
    scope="episode",
    items=items,
    run=run,
    title="Finding voices to clone",
    done="references found",
    belongs=belongs,
    refuse=refuse_without_consent,
    after=after,
    notices=consent_remarks,
    pace=0.10,
    needs=("extract", "diarize", "music", "transcribe"),
    beside=True,
    cores=1,
    loads=(*COMMON, *NETWORKS),
    artifact=ARTIFACT,
)
