"""Put the spoken lines over the source's bed and leave every other sample of the source as it is.

A dubbed span is a source line, its speech, and a short ramp on each side. Inside it the source is
ducked (or gives way to a music-and-effects track) and the speech is added to the front centre, or
to left and right. Outside the spans the mix is the source, bit for bit.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import reduce
from itertools import chain, pairwise
from operator import add
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from msgspec import UNSET

from dubkit.media.sound import loudness
from dubkit.media.sound.audio import open_copy
from dubkit.media.sound.dress import dress
from dubkit.media.sound.line_loudness import LineLoudness
from dubkit.media.sound.master import Master, levelled_by, write_master
from dubkit.media.sound.profiles import Levels
from dubkit.media.sound.scene import MixRules, Placement, Scene
from dubkit.media.sound.settings import Mix
from dubkit.media.sound.stems import write_stems
from dubkit.types import SAMPLE_RATE, DubbedSpan, MixReport
from dubkit.types.reports import LevelReport

__all__ = ["MixRules", "Placement", "mix"]

log = logging.getLogger(__name__)

DEFAULT_LUFS = -23.0
"""Least target where the source has no voice to match: the programme level of EBU R 128."""

_PIECE = loudness.PIECE_SECONDS * SAMPLE_RATE
_PASSES = 6
_CLOSE = 0.05  # LU; no meter shows a smaller difference
_PROGRAMME_LU = 0.8  # the programme may be this far off before the dialogue gives way
_MICROPHONE_DB = 36.0  # a recording may be that much softer or louder than other lines before its mix
_LIMITED_DB = 0.1  # less gain reduction than this is not reported


def mix(
    source: Path,
    placements: Sequence[Placement],
    out: Path,
    settings: Mix,
    *,
    channels: int,
    layout: str,
    background: Path | None = None,
    rules: MixRules | None = None,
    kept: Sequence[loudness.Span] = (),
    stems: Mapping[str, Path] | None = None,
    sounds: Sequence[loudness.Span] | None = None,
) -> MixReport:
    """Write the dubbed track of `source` at `out` and say what was done.

    `channels` and `layout` (`stereo`, `5.1`) are those of the source. With `background`, a track of
    music and effects of the same length, the source is replaced under speech instead of ducked.
    The loudness in the report is that of the dialogue: of the source over the source lines, and of
    the mix over lines and speech; -70 stands for silence. Without placements it is the whole
    programme's, and `out` has the source's samples.

    `sounds` of the source are heard at its level wherever no speech of the dub is, in lines as well.

    Raises `MediaError` for sound files of the wrong form.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(dir=out.parent, prefix=".mix")))
        dressed = dress(placements, folder, settings, source, layout)
        scene = Scene(stack, source, dressed.placements, settings, rules or MixRules(), layout, background)
        if scene.channels != channels:
            raise ValueError(f"{source} has {scene.channels} channels, not {channels}")
        scene.keep(sounds or ())
        level = _measure(scene)
        lines = LineLoudness(scene, level.gains)
        shifts = _balance(scene, level, lines)
        gains = _louder(level.gains, shifts)
        plain = out if settings.levels is None else folder / "mix.wav"
        peak = _write(scene, source, plain, gains)
        limited = scene.reduction_db > _LIMITED_DB
        master, levelled = None, None
        if settings.levels is not None:
            spoken = [*kept, *((line.start, line.end - line.tail) for line in scene.lines)]
            limiter = settings.limiter == "on"
            master = levelled_by(plain, settings.levels, layout, spoken, limiter=limiter)
            levelled = _deliver(plain, out, master, settings.levels)
            peak = loudness.true_peak_of_file(out)
        if stems is not None:
            write_stems(scene, gains, stems, kept=kept, mixed=plain, master=master)
        heard = lines.at(sum(shifts)) if placements else level.programme
    return MixReport(
        spans=tuple(
            DubbedSpan(line.id, *span, round(gains[line.id], 3))
            for line, span in zip(scene.lines, _shares(scene), strict=True)
        ),
        source_lufs=_number(level.dialogue if placements else level.programme),
        dub_lufs=_number(heard),
        true_peak_db=_number(peak, -120.0),
        duck_db=settings.depth_db,
        limited=limited,
        samples=scene.samples,
        channels=channels,
        levels=levelled or UNSET,
        rooms=dressed.rooms or UNSET,
        nonverbal=UNSET if sounds is None else scene.kept,
    )


def _deliver(plain: Path, out: Path, master: Master, levels: Levels) -> LevelReport:
    """Write the mix at its delivery level, and say what that took."""
    taken = write_master(plain, out, master)
    return LevelReport(
        profile=levels.name,
        target_lufs=levels.lufs,
        max_true_peak_db=levels.true_peak_db,
        gate=levels.gate,
        gain_db=round(master.gain_db, 3),
        limited_db=round(taken, 2),
    )


def _number(value: float | None, floor: float = loudness.ABSOLUTE_GATE) -> float:
    return floor if value is None else round(max(value, floor), 3)


def _shares(scene: Scene) -> list[loudness.Span]:
    """The dubbed span of each line; together they are the ramped regions.

    A gap inside a region is split in the middle between the lines beside it.
    """
    cores = loudness.merge_spans(line.core for line in scene.lines)
    after, before = {}, {}
    for (_, left), (right, _) in pairwise(cores):
        if any(start < left and right < end for start, end in scene.regions):
            after[left] = before[right] = (left + right) // 2
    spans = []
    for line in scene.lines:
        start = before.get(line.core[0], max(0, line.core[0] - scene.fade_in))
        end = after.get(line.core[1], min(scene.samples, line.core[1] + scene.fade_out))
        if line.tail:
            end = max(end, min(scene.samples, line.reach[1] + scene.fade_out))
        spans.append((start, end))
    return spans


# --- levels ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Level:
    """Loudness of the source in LUFS (None for silence) and the first gain of each line in dB."""

    dialogue: float | None
    programme: float | None
    gains: dict[str, float]

    @property
    def target(self) -> float:
        if self.dialogue is not None:
            return self.dialogue
        return max(DEFAULT_LUFS, self.programme or DEFAULT_LUFS)


def _measure(scene: Scene) -> _Level:
    """Measure the source and give each line the gain that brings it to the loudness of its source line.

    A source line far from its speaker's usual loudness is a shout, a whisper or a wrong time; the
    line follows it within `line_range_lu` only. A line without sound takes the median gain. What is
    heard where nobody speaks sets no level.
    """
    whole = [(0, scene.samples)]
    voices = [line for line in scene.lines if line.heard]
    said = [line.source for line in voices]
    by_speaker = {
        name: [line.source for line in voices if line.speaker == name]
        for name in sorted({line.speaker for line in scene.lines})
    }
    together = (loudness.merge_spans(spans) for spans in (said, *by_speaker.values()))
    scene.measure_source({*whole, *said, *chain.from_iterable(together)})
    programme, dialogue = scene.source_loudness(whole), scene.source_loudness(said)
    level = _Level(dialogue, programme, {})
    speakers = {name: scene.source_loudness(spans) for name, spans in by_speaker.items()}
    wanted: dict[str, float] = {}
    for line in scene.lines:
        usual = speakers[line.speaker]
        usual = level.target if usual is None else usual
        own = scene.source_loudness([line.source]) if line.heard else None
        reach = scene.rules.line_range_lu
        target = usual if own is None else min(max(own, usual - reach), usual + reach)
        spoken = loudness.programme_loudness(line.speech, scene.layout if line.placed else "")
        if spoken is not None:
            wanted[line.id] = target - spoken
    spoken_gains = [wanted[line.id] for line in scene.lines if line.id in wanted and not line.recorded]
    middle = median(spoken_gains or wanted.values()) if wanted else 0.0
    for line in scene.lines:
        limit = _MICROPHONE_DB if line.recorded else scene.rules.speech_gain_limit_db
        gain = wanted.get(line.id, middle)
        level.gains[line.id] = min(max(gain, middle - limit), middle + limit) + line.louder_db
    return level


def _balance(scene: Scene, level: _Level, lines: LineLoudness) -> list[float]:
    """Return the shifts of all gains, in dB, to be added one after the other.

    They make the dialogue as loud as the source's, and the programme nearly so.
    """
    if not scene.lines:
        return []
    first = _solve(scene, lines, 0.0, level.target)
    if level.dialogue is None:  # nothing of the source says how loud its voices would be
        return [first]
    whole = lines.whole(first)
    if level.programme is None or whole is None:
        return [first]
    log.debug("Loudness of the programme: source %.2f, dub %.2f LUFS", level.programme, whole)
    share = scene.rules.programme_share_lu
    offset = min(max((level.programme - whole) / 2, -share), share)
    if abs(level.programme - whole) <= _PROGRAMME_LU or not share:
        return [first]
    return [first, _solve(scene, lines, first, level.target + offset)]


def _louder(gains: Mapping[str, float], shifts: Sequence[float]) -> dict[str, float]:
    return {line: reduce(add, shifts, gain) for line, gain in gains.items()}


def _solve(scene: Scene, lines: LineLoudness, begin: float, target: float) -> float:
    """Return the shift beyond `begin` with which the mix over all lines has the loudness `target`.

    Stops where a louder gain no longer helps, because the limiter or the bed decides.
    """
    best, best_error = 0.0, float("inf")
    shift = 0.0
    for _ in range(_PASSES):
        heard = lines.at(begin + shift)
        if heard is None:
            break
        error = target - heard
        if abs(error) > 0.7 * best_error:
            break
        best, best_error = shift, abs(error)
        if best_error < _CLOSE:
            break
        limit = scene.rules.speech_gain_limit_db
        shift = min(max(shift + error, -limit), limit)
    log.debug("Speech gain shifted by %.2f dB; dialogue is %.2f LU off its target", best, best_error)
    return best


def _write(scene: Scene, source: Path, out: Path, gains: Mapping[str, float]) -> float:
    """Write the mix; return the true peak in dBTP of the dubbed spans, or of all when there are none."""
    import numpy as np

    if not scene.ramped:
        with open_copy(source, out, rf64_bytes=scene.rules.rf64_bytes):
            return loudness.true_peak_of_file(source)
    scene.reduction_db = 0.0
    peak = 0.0
    with open_copy(source, out, rf64_bytes=scene.rules.rf64_bytes) as copy:
        for region in scene.ramped:
            copy.through(region[0])
            for start, end in loudness.pieces(region, _PIECE):
                lead = min(loudness.PEAK_CONTEXT, start)
                sound = scene.render(gains, start - lead, end + loudness.PEAK_CONTEXT)
                inside = slice(lead, lead + end - start)
                # Only what can be higher than the highest peak so far is oversampled.
                above = max(peak, float(np.abs(sound[inside]).max()))
                peak = max(peak, float(loudness.peak_envelope(sound, above=above)[inside].max()))
                copy.replace(sound[inside])
    return loudness.decibels(peak)
