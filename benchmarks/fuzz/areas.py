"""The areas: each makes its input from a seed and a number, and works on it as dubkit does.

A try is right when it gives a result or raises an error for users.
"""

from __future__ import annotations

import io
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from benchmarks.fuzz.mutation import mutated

ROOT = Path(__file__).resolve().parents[2]
FILMS = (
    "plain.mp4",
    "joined.ts",
    "chapters_languages.mkv",
    "trimmed_pcm.mov",
    "bluray_lpcm.m2ts",
    "gopro.mp4",
)
HEADER = 4096
"""Bytes at the beginning and at the end of a film that are changed: where its headers and its index are."""

Try = Callable[[int, int], str]
"""Works on the input number N of a seed and says what came of it; what it raises is wrong."""


def subtitles(seed: int, number: int) -> str:
    """Read a mutated subtitle file or transcript as `--use` does."""
    from dubkit.errors import DubkitError
    from dubkit.formats.format import readable
    from dubkit.formats.reading import read_cues

    chance = random.Random(f"subtitles {seed} {number}")
    samples = _subtitle_samples()
    name = chance.choice(sorted(samples))
    suffix = Path(name).suffix if chance.random() < 0.85 else chance.choice(readable("cues"))
    with _file(f"a{suffix}", mutated(samples[name], chance)) as path:
        try:
            cues = read_cues(path, language=chance.choice(("", "en", "ru", "ja")))
        except DubkitError as error:
            return f"refused: {str(error).splitlines()[0]}"
    assert all(cue.start <= cue.end for cue in cues), "a cue ends before it starts"
    return f"{len(cues)} cues"


def media(seed: int, number: int) -> str:
    """Probe a film with a mutated header or index."""
    from dubkit.errors import DubkitError
    from dubkit.media.files.probe import probe

    chance = random.Random(f"media {seed} {number}")
    film = ROOT / "tests/data/cases/media" / chance.choice(FILMS)
    content = film.read_bytes()
    if chance.random() < 0.6:
        content = mutated(content[:HEADER], chance, 3) + content[HEADER:]
    else:
        content = content[:-HEADER] + mutated(content[-HEADER:], chance, 3)
    with _file(film.name, content) as path:
        try:
            episode = probe(path)
        except DubkitError as error:
            return f"refused: {str(error).splitlines()[0]}"
    return f"{float(episode.duration):.1f} s"


def commands(seed: int, number: int) -> str:
    """Run a command line of words that fit and words that do not, in an empty folder."""
    import os

    chance = random.Random(f"commands {seed} {number}")
    arguments = _arguments(chance)
    with tempfile.TemporaryDirectory() as folder:
        before = Path.cwd()
        os.chdir(folder)
        try:
            Path("a.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nHi.\n", "utf-8")
            Path("film.mp4").write_bytes(b"no film")
            return f"{_run(arguments)}: {' '.join(arguments)[:80]}"
        finally:
            os.chdir(before)


def replies(seed: int, number: int) -> str:
    """Translate two lines by a service whose answers are mutated bodies of usual and unusual ones."""
    import httpx

    from benchmarks.fuzz.services import bodies, serving
    from dubkit.errors import DubkitError
    from dubkit.translate.engine import TranslationTask
    from dubkit.translate.engines.openai import ENGINE
    from dubkit.translate.lines import SourceLine, Translated
    from dubkit.translate.settings import Translate

    chance = random.Random(f"replies {seed} {number}")
    done: list[Translated] = []
    with serving(lambda: bodies(chance)) as address:
        settings = Translate(provider="openai", base_url=address, model="m", retries=0, timeout=5.0)
        lines = [SourceLine("s0001", "Good morning."), SourceLine("s0002", "See you tomorrow, John.")]
        try:
            ENGINE.open(TranslationTask("en", "pt-BR", settings)).translate(lines, done.extend)
        except DubkitError as error:
            return f"refused: {str(error).splitlines()[0]}"
        except httpx.HTTPError as error:
            raise AssertionError(f"an error of the client came through: {error!r}") from error
    assert sorted(line.id for line in done) == ["s0001", "s0002"], "a line is lost"
    assert all(line.text or line.flags for line in done), "a line without text has no flag"
    return " / ".join(line.text or ",".join(line.flags) for line in done)


AREAS: dict[str, tuple[Try, int]] = {
    "subtitles": (subtitles, 2000),
    "media": (media, 500),
    "commands": (commands, 500),
    "replies": (replies, 300),
}
"""Name -> what is tried, and how many times."""


@contextmanager
def _file(name: str, content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path


def _subtitle_samples() -> dict[str, bytes]:
    folder = ROOT / "tests/data/cases"
    suffixes = {".srt", ".vtt", ".ass"}
    samples = {path.name: path.read_bytes() for path in folder.glob("*/*") if path.suffix in suffixes}
    words = [{"word": " Hi", "start": 1.0, "end": 1.4, "probability": 0.9}]
    cue = {"id": 0, "start": 1.0, "end": 2.0, "text": " Hi there.", "speaker": "A", "words": words}
    samples["whisper.json"] = json.dumps({"text": "Hi", "segments": [cue], "language": "en"}).encode()
    samples["lines.csv"] = b'id,start,end,text\ns0001,1.0,2.0,Hi there.\ns0002,3.0,4.0,"Bye, all."\n'
    return samples


# --- command lines ----------------------------------------------------------------------------

VALUES = (
    "",
    " ",
    "-",
    "--",
    ".",
    "..",
    "/",
    "film.mp4",
    "a.srt",
    "nofile.mkv",
    "*.mp4",
    "[",
    "fr",
    "pt-BR",
    "xx-klingon",
    "auto",
    "0",
    "-1",
    "1e999",
    "nan",
    "∞",
    "日本",
    "a=b",
    "transcribe=a.srt",
    "translate=",
    "=x",
    "mix=nofile",
    "dub.size=0",
    "dub.size=1e9",
    "nosuch.setting=1",
    "speak.provider=espeak",
    "https://example.com/a.mp4",
    "x" * 5000,
    "\udce9",
    "\x07",
    "extract",
    "transcribe",
    "qc",
    "nostage",
    "srt",
    "txt",
    "s0001",
    "s0001-s0003",
    "2-1",
    "'",
    '"',
    "%s",
    "{0}",
    "$HOME",
)


NOT_RUN = ("serve", "worker", "users")
"""Commands that do not end by themselves or ask for a password at the terminal."""
USUAL = (
    "run film.mp4 --to fr",
    "run film.mp4 --to pt-BR --src-lang en --use transcribe=a.srt --until translate",
    "run https://example.com/a.mp4 --to fr --output out",
    "plan film.mp4 --to fr --set dub.size=512",
    "run film.mp4 --dry-run --to fr --from mix --force speak",
    "status film.mp4 --output out",
    "export film.mp4 --output out --format srt",
    "review list film.mp4 --output out",
    "review edit film.mp4 s0001 --text Oi --output out",
    "review accept film.mp4 1-3 --output out",
    "justdubit --video_conditioning film.mp4 1.0 --prompt x --output_path out.mp4 --device cpu",
    "models get whisper-base",
    "models verify a.srt",
    "config --set speak.provider=espeak",
)


def _arguments(chance: random.Random) -> list[str]:
    import click

    from dubkit.cli import cli

    if chance.random() < 0.5:
        words = chance.choice(USUAL).split()
        for _ in range(chance.randrange(3)):
            words[chance.randrange(len(words))] = chance.choice(VALUES)
        return words
    context = click.Context(cli)
    words = []
    command: click.Command | None = cli
    while isinstance(command, click.Group):
        names = [name for name in command.list_commands(context) if name not in NOT_RUN]
        name = chance.choice(names)
        words.append(name)
        command = command.get_command(context, name)
    options = [word for p in command.params for word in p.opts if command is not None] if command else []
    for _ in range(chance.randrange(7)):
        value = chance.choice(VALUES)
        words.extend(chance.choice(([value], [chance.choice(options)], [chance.choice(options), value])))
    if chance.random() < 0.1:
        words.insert(0, chance.choice(VALUES))
    return [word for word in words if "\0" not in word]


def _run(arguments: list[str]) -> int:
    """Return the exit code of a command line; what is no error for users is raised."""
    import click

    from dubkit.cli import cli
    from dubkit.errors import DubkitError, explained

    quiet = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    with redirect_stdout(quiet), redirect_stderr(quiet):
        try:
            cli.main(arguments, prog_name="dubkit", standalone_mode=False)
        except click.UsageError:
            return 2
        except click.exceptions.Exit as error:
            return error.exit_code
        except SystemExit as error:
            return int(error.code or 0)
        except (click.Abort, DubkitError):
            return 1
        except OSError as error:
            if explained(error) is None:
                raise
            return 1
    return 0
