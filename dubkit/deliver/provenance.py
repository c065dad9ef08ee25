"""What a pack says of itself, collected from the records of an episode."""

from __future__ import annotations

from dubkit import __version__
from dubkit.config import changed_settings
from dubkit.deliver.deliverable import Packing
from dubkit.deliver.statement import (
    LanguageStatement,
    ModelStatement,
    NamedFile,
    PackedFile,
    Provenance,
)
from dubkit.deliver.timeline import line_statements
from dubkit.episode.context import Context
from dubkit.episode.line_states import Counts, line_states
from dubkit.episode.results import finished_dub
from dubkit.episode.store import file_digest
from stages.shared.report import models_used


def provenance(packing: Packing, pack: str, files: tuple[PackedFile, ...]) -> Provenance:
    """Return what a pack says of itself and its files."""
    context = packing.context
    source = NamedFile(context.source.name, context.sha256, _size(context))
    return Provenance(
        pack=pack,
        dubkit=__version__,
        episode=packing.name,
        seconds=round(float(context.episode.duration), 3),
        source=source,
        source_language=context.source_language,
        languages=tuple(_language(packing.within(language)) for language in packing.languages),
        files=files,
    )


def _size(context: Context) -> int:
    return context.source.stat().st_size


def _language(context: Context) -> LanguageStatement:
    dub = finished_dub(context.store, context.language)
    assert dub is not None, "only finished languages are packed"
    return LanguageStatement(
        language=context.language,
        dub=NamedFile(dub.name, file_digest(dub), dub.stat().st_size),
        state=str(Counts.of(line_states(context))),
        settings=changed_settings(context.settings),
        models=_models(context),
        lines=line_statements(context),
    )


def _models(context: Context) -> tuple[ModelStatement, ...]:
    """Return the models that did the work, with licences, and the digests of files that are pinned."""
    specs = {spec.name: spec for spec in context.models.catalogue}
    found = []
    for model in models_used(context):
        spec = specs.get(model.name)
        files = tuple(NamedFile(f.name, f.sha256, f.size) for f in spec.files if f.sha256) if spec else ()
        url = spec.licence_url if spec else ""
        found.append(ModelStatement(model.role, model.name, model.source, model.licence, url, files))
    return tuple(found)
