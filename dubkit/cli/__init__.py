"""The command line: commands parse, call one function of the library and print.

Each command lives in its own module and is imported when it is used, so that `--help` stays quick.
"""

from __future__ import annotations

import importlib

import click

from dubkit import __version__
from dubkit.cli.renamed import character_options

COMMANDS = {
    "run": ("dubkit.cli.run", "Dub videos into other languages, reusing every finished step."),
    "batch": ("dubkit.cli.batch", "Dub many videos: one process each, started when there is room."),
    "plan": ("dubkit.cli.plan", "Show what a run would do, why, and how long it would take."),
    "review": ("dubkit.cli.review", "Review lines: look at them, edit them, make new takes, lock them."),
    "characters": ("dubkit.cli.characters", "Show and change the people of a series, over its episodes."),
    "status": ("dubkit.cli.status", "Show what is finished in an episode, and what needs a look."),
    "series": ("dubkit.cli.series", "Keep the words of a series: terms, forms of address, pronunciations."),
    "qc": ("dubkit.cli.qc", "Measure a finished dub again, and show what its checks found."),
    "explain": ("dubkit.cli.explain", "Show everything that made a line, with its times."),
    "lock": ("dubkit.cli.lock", "Write one file that says what an episode was made from."),
    "rebuild": ("dubkit.cli.rebuild", "Make a locked episode again, and compare."),
    "config": ("dubkit.cli.config", "Show every setting, its value and where the value came from."),
    "judge": ("dubkit.cli.judge", "Judge finished dubs against their source, whoever made them."),
    "export": ("dubkit.cli.export", "Write subtitles, turns or lines of an episode to a file."),
    "verify": ("dubkit.cli.verify", "Say which seconds of a film are the source's and which were generated."),
    "sync": ("dubkit.cli.sync", "Keep a folder of episodes and a store alike."),
    "justdubit": ("dubkit.cli.justdubit", "Dub one clip: the same person with new speech and lips."),
    "storyboard": ("dubkit.cli.storyboard", "Make a film of several shots from one file."),
    "ltx": ("dubkit.cli.ltx", "Make a film from words, stills, clips and sounds."),
    "serve": ("dubkit.cli.serve", "Serve the pages and the HTTP API, with workers that do the jobs."),
    "worker": ("dubkit.cli.worker", "Do the jobs of a server, here or on another machine."),
    "users": ("dubkit.cli.users", "Manage the users of the server and their tokens."),
    "models": ("dubkit.cli.models", "List, download and verify models."),
    "voices": ("dubkit.cli.voices", "List the voice engines, and install those that need an environment."),
    "doctor": ("dubkit.cli.doctor", "Check this machine: what works, what is missing, and how to fix it."),
}


class LazyGroup(click.Group):
    """A group that imports a command only when it is called or shows its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dubkit")
@character_options
def cli() -> None:
    """Localise a whole episode with one command.

    dubkit run Input/episode.mp4 --to pt-BR
    """


def main() -> None:
    """Run the command line; what the user can fix is printed without a traceback and exits 1."""
    import sys

    from dubkit.cli.streams import forgiving_streams
    from dubkit.errors import DubkitError, explained

    forgiving_streams()
    try:
        cli.main(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. Finished work is kept; the same command resumes from here.", err=True)
        sys.exit(130)
    except DubkitError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        sentence = explained(error)
        click.echo(f"Error: {sentence}" if sentence else _unforeseen(error), err=True)
        sys.exit(1)
    except Exception as error:
        click.echo(_unforeseen(error), err=True)
        sys.exit(1)


def _unforeseen(error: Exception) -> str:
    """Say that dubkit itself is at fault, and keep the whole error in a file."""
    import tempfile
    import traceback

    place = "It could not be written to a file."
    try:
        with tempfile.NamedTemporaryFile("w", prefix="dubkit-", suffix=".log", delete=False) as log:
            traceback.print_exception(error, file=log)
        place = f"The whole error is in {log.name}; please report it with that file."
    except OSError:
        pass
    return (
        f"Error: dubkit failed with {type(error).__name__}: {error}\n"
        f"This is a fault of dubkit, not yours. {place} Finished work is kept."
    )
