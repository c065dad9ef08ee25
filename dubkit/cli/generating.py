"""What `dubkit justdubit` and `dubkit ltx` have in common: options, how they are read, and what is shown."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dubkit.cli.options import F
from dubkit.dubbing.diffusion.recipes import NEGATIVE_PROMPT

if TYPE_CHECKING:
    from dubkit.dubbing.enhance import Enhanced

FILE = click.Path(path_type=Path)
SEEDS = click.IntRange(0, 2**63 - 1)


def flag(name: str, **attributes: Any) -> Callable[[F], F]:
    """Add an option that can be spelled with underscores, as in the original, or with hyphens."""
    spellings = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
    return click.option(*spellings, name, **attributes)


@contextmanager
def stopped_plainly() -> Iterator[None]:
    """Turn Ctrl-C into a sentence and exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\nStopped. Nothing is kept; the same command starts over.", err=True)
        raise SystemExit(130) from None


def negative_prompt_of(given: str | None) -> str:
    """Return what to avoid: the given words, else those of the settings, as for an episode."""
    from dubkit.cli.options import load

    return load({}).settings.dub.negative_prompt or NEGATIVE_PROMPT if given is None else given


def show_enhanced(enhanced: Enhanced) -> None:
    """Show on stderr a prompt as it was written and as it is used, or why it was not enhanced."""
    click.echo(f"Prompt as written: {enhanced.original}", err=True)
    failed = enhanced.remark()
    click.echo(failed.sentence if failed else f"Prompt as enhanced: {enhanced.prompt}", err=True)


class Steps:
    """Reports on stderr what is done, and how long the running step will take."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.step, self.began = "", 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        if step != self.step:
            self.step, self.began = step, now
        if self.live:
            left = (now - self.began) / done * (total - done) if done else 0.0
            rest = f", about {left:.0f} s left" if left >= 1 else ""
            click.echo(f"\r\033[K{step}: {done} of {total}{rest}", err=True, nl=done == total)
        elif done == total:
            click.echo(f"{step}: {total} in {now - self.began:.1f} s", err=True)


class _Echo(logging.Handler):
    """Log records as plain lines on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(record.getMessage(), err=True)


@contextmanager
def generator_log(quiet: bool) -> Iterator[None]:
    """Show the log of the generator: memory mode, and choices made for the user."""
    log, handler = logging.getLogger("dubkit.dubbing"), _Echo()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.WARNING if quiet else logging.DEBUG)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def pair_loras(paths: tuple[Path, ...], strengths: tuple[float, ...]) -> list[tuple[Path, float]]:
    if len(strengths) > max(len(paths), 1):
        raise click.UsageError(
            f"{len(strengths)} --lora_strength for {len(paths)} --lora: give one per LoRA."
        )
    return list(zip(paths, (*strengths, *[1.0] * len(paths)), strict=False))


def read_rate(text: str | None) -> Fraction | None:
    """Read `25`, `23.976` or `24000/1001`."""
    if text is None:
        return None
    from dubkit.dubbing.clip.mp4 import exact_rate

    try:
        return exact_rate(Fraction(text) if "/" in text else float(text))
    except (ValueError, ZeroDivisionError) as error:
        raise click.UsageError(f"--frame_rate {text}: write 25, 23.976 or 24000/1001.") from error
