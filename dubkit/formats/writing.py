"""Write an episode in a format: every call of a writer stands here, and what it answers is checked."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

from dubkit.errors import DubkitError
from dubkit.formats.content import Content, Heading
from dubkit.formats.format import FORMATS, Format


def write(format: Format, content: Content, items: Any, heading: Heading = Heading()) -> bytes:
    """Return a file of some content: cues, turns, rows, a script, …

    Raises DubkitError when the writer gives no bytes.
    """
    writer: Callable[[Any, Heading], object] | None = getattr(format, f"write_{content}")
    assert writer is not None, f"{format.name} is written with {content}"
    written = writer(items, heading)
    if isinstance(written, bytes):
        return written
    package = FORMATS.package(format.name)
    raise DubkitError(
        f"The format {format.name!r}{f' of {package}' if package else ''} was written as "
        f"{reprlib.repr(written)}, a {type(written).__name__} and not bytes.\n"
        "Update or uninstall that package, or choose another format."
    )
