"""The help of every command as one Markdown page: `python -m dubkit.cli.reference > docs/cli.md`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from dubkit.cli import cli

WIDTH = 100


def pages(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    """Yield the help of a command and of all commands below it."""
    shape = {"max_content_width": WIDTH, "terminal_width": WIDTH, **command.context_settings}
    context = click.Context(command, info_name=name, parent=parent, **shape)
    title = context.command_path
    yield f"## {title}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            names = command.get_command(context, child)
            if names is not None:
                yield from pages(names, child, context)


def reference() -> str:
    """Return the whole page."""
    head = "# The command line\n\nThis page is the `--help` of every command.\n\n"
    return head + "\n".join(pages(cli, "dubkit"))


if __name__ == "__main__":
    click.echo(reference(), nl=False)
