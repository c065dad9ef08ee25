"""Messages without the server's folders: only admins see where those are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dubkit.web.accounts.people import Person
    from dubkit.web.site import Site

_PLACE = re.compile(r"(?<![\w/.:])/(?:[^\s/:;,'\"]+/)+[^\s:;,'\"]*")
"""An absolute path with two or more folders; in a URL it follows a colon or a slash."""


def redact(site: Site, person: Person, text: str) -> str:
    """Return a message as a person may read it: with the names of folders in the place of their paths."""
    if person.may("admin"):
        return text
    for folder, name in ((site.output, "Output"), (site.inputs, "Input")):
        for form in dict.fromkeys((str(folder.resolve()), str(folder.absolute()))):
            text = text.replace(form, name)
    return text


def redact_paths(person: Person, text: str) -> str:
    """Return a fact about the machine as a person may read it: without absolute paths.

    >>> from dubkit.web.accounts.people import Person
    >>> redact_paths(Person("eve", "editor"), "3.11.7 at /opt/py/bin/python, see https://a.example/b/c")
    '3.11.7 at …, see https://a.example/b/c'
    """
    return text if person.may("admin") else _PLACE.sub("…", text)
