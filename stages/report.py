"""Collect what the report shows, and write `report.html`."""

from __future__ import annotations

from dubkit.context import Context

NAMED = ("extract", "shots", "diarize", "transcribe", "translate", "cast", "speak", "mix", "stitch")


def degraded_notes(context: Context) -> list[str]:
    """Every fall-back and failed item of the episode and the language, each once."""
    notes: list[str] = []
    for stage in NAMED:
        for language in ("", context.language):
            for record in context.store.records(stage, language).values():
                notes.extend(f"{stage}: {note}" for note in record.degraded)
                if record.error:
                    notes.append(f"{stage} {record.item} failed: {record.error.splitlines()[0]}")
    return list(dict.fromkeys(notes))


def write_report(context: Context) -> None:
    """Write the page."""
