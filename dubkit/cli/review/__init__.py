"""`dubkit review`."""

from __future__ import annotations

import click

from dubkit.cli.review.editing import EDITING
from dubkit.cli.review.looking import LOOKING
from dubkit.cli.review.recording import RECORDING
from dubkit.cli.review.speakers import SPEAKING
from dubkit.cli.review.takes import MAKING
from dubkit.cli.review.texts import TEXTS


@click.group(name="review")
def command() -> None:
    """Look at single lines of a dub, change them, make them again, lock them.

    EPISODE is the source file, the episode's folder, or the folder's name below --output. Lines are named by
    number (3), range (3-7) or id (s0003). Whatever is changed goes into the dub with the next render or run.

    \b
    dubkit review list sample --flagged
    dubkit review edit sample 3 --text "O que eu quero ouvir."
    dubkit review regen sample 3-5
    dubkit review render sample
    """


for _command in (*LOOKING, *EDITING, *TEXTS, *MAKING, *RECORDING, *SPEAKING):
    command.add_command(_command)
