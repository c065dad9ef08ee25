"""Reading a page as a browser does: its elements, and what is wrong with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

HOSTILE = "<script>alert('x')</script>"
HOSTILE_NAME = "<img src=x onerror=alert(1)> & 'co'"
"""A text and a name that would do harm in a page that does not quote them."""

VOID = frozenset(
    ("area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""
    labelled: bool = False


@dataclass
class Read(HTMLParser):
    """Every element of a page with its text, and what is wrong with the nesting."""

    elements: list[Element] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.left_open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.faults.append(f"<{tag}> has an attribute twice: {names}")
        element = Element(tag, {name: value or "" for name, value in attrs})
        element.labelled = any(one.tag == "label" for one in self.left_open)
        self.elements.append(element)
        if tag not in VOID:
            self.left_open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if not self.left_open or self.left_open[-1].tag != tag:
            self.faults.append(f"</{tag}> closes {self.left_open[-1].tag if self.left_open else 'nothing'}")
            return
        self.left_open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.left_open:
            element.text += data


def read(text: str) -> Read:
    page = Read()
    page.feed(text)
    page.close()
    if page.left_open:
        page.faults.append(f"never closed: {[element.tag for element in page.left_open]}")
    return page


def check_page(text: str, *, whole: bool = True) -> Read:
    """Assert what holds for every page and every part of one."""
    page = read(text)
    assert not page.faults
    ids = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
    assert sorted(ids) == sorted(set(ids)), "an id twice"
    labels = {one.attributes.get("for") for one in page.elements if one.tag == "label"}
    for one in page.elements:
        have = one.attributes
        assert not [name for name in have if name.startswith("on") or name == "style"], have
        for name in ("href", "src", "action", "hx-get", "hx-post"):
            address = have.get(name, "")
            external = re.match(r"[a-z]+:|//", address)
            assert not external or (one.tag == "a" and address.startswith("https://")), have
        assert one.tag != "style"
        if one.tag == "script":
            assert have["src"].startswith("/static/")
            assert not one.text.strip()
        if (
            one.tag in ("input", "select", "textarea")
            and have.get("type") != "hidden"
            and "hidden" not in have
        ):
            assert one.labelled or "aria-label" in have or have.get("id") in labels, have
        if one.tag in ("button", "a", "summary"):
            assert one.text.strip() or have.get("aria-label"), f"no name: {one}"
        if one.tag == "img":
            assert "alt" in have
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(have.get(name, "").split()) <= set(ids), f"{have} points nowhere"
        assert not set(labels - {None}) - set(ids)
    if whole:
        assert len([one for one in page.elements if one.tag == "h1"]) == 1
        assert len([one for one in page.elements if one.tag == "main"]) == 1
    assert HOSTILE not in text
    assert "<img src=x" not in text
    return page
