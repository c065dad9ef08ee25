"""The delivery level of a dub, what it is measured on, and the settings that it depends on."""

from __future__ import annotations

from dubkit.episode.context import Context
from dubkit.types import sample_at
from stages.shared.dubbed_lines import dubbed_lines, lines_without_speech

LEVEL_SETTINGS = ("mix.profile", "mix.lufs_target", "mix.true_peak_db", "mix.limiter")
"""What the level depends on, where there is one."""


def changed_settings(context: Context, *names: str) -> tuple[str, ...]:
    """Return those of the settings that are not at their defaults, as a key names them."""
    settings, defaults = context.settings, type(context.settings)()
    return tuple(name for name in names if settings.value(name) != defaults.value(name))


def kept_spans(context: Context) -> list[tuple[int, int]]:
    """Return the samples of the source lines that are heard in the dub, because they are not dubbed."""
    dubbed = {line.id for _, line in dubbed_lines(context) if context.take_file(line.id) is not None}
    silent = lines_without_speech(context)
    return [
        (sample_at(segment.start), sample_at(segment.end))
        for segment in context.segments
        if segment.id not in dubbed and segment.id not in silent
    ]


def spoken_spans(context: Context) -> list[tuple[int, int]]:
    """Return the samples of the dub in which somebody speaks: the lines of the mix, and those kept."""
    takes = [context.spoken_line(span.id) for span in context.mix_report.spans]
    dubbed = [(take.start_sample, take.start_sample + take.samples) for take in takes]
    return [*dubbed, *kept_spans(context)]
