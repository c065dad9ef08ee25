"""What messages say to whom: where the server keeps its folders is for admins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dubkit.web.accounts.people import Person
    from dubkit.web.site import Site

_PLACE = re.compile(r"(?<![\w/.:])/(?:[^\s/:;,'\"]+/)+[^\s:;,'\"]*")
"""An absolute path of two folders or more; addresses of web pages have a colon or slashes before it."""


def told(site: Site, person: Person, text: str) -> str:
    """Return a message as a person may read it."""
    if person.may("admin"):
        return text
    for folder, name in ((site.output, "Output"), (site.inputs, "Input")):
        for form in dict.fromkeys((str(folder.resolve()), str(folder.absolute()))):
            text = text.replace(form, name)
    return text


def placeless(person: Person, text: str) -> str:
    """Return a fact about the machine as a person may read it: without any absolute path.

    >>> from dubkit.web.accounts.people import Person
    >>> placeless(Person("eve", "editor"), "3.11.7 at /opt/py/bin/python, see https://a.example/b/c")
    '3.11.7 at …, see https://a.example/b/c'
    """
    return text if person.may("admin") else _PLACE.sub("…", text)
