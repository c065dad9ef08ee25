"""The pages for people who build on dubkit say how it is, not how it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import dubkit.types
from tests.support.paths import ROOT
from tests.test_layers import RANKS

PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]
SELF = {"dubkit", "dubkit.__main__"}
NOT_OURS = {"__pycache__", "vendor", "versions"}


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def drawn(block: str) -> Iterator[str]:
    """Yield the folders of a drawn tree as paths."""
    above: list[str] = []
    for line in block.splitlines():
        match = re.match(r"( *)([\w.]+)/ +\S", line)
        assert match is not None, f"{line!r} has no folder, or no words"
        del above[len(match[1]) // 2 :]
        above.append(match[2])
        yield "/".join(above)


def folders() -> Iterator[str]:
    """Yield the folders of the code as paths."""
    for top in ("dubkit", "stages"):
        for path in (ROOT / top, *(ROOT / top).rglob("*")):
            inside = path.relative_to(ROOT)
            if path.is_dir() and not NOT_OURS.intersection(inside.parts) and any(path.iterdir()):
                yield inside.as_posix()


def blocks(text: str) -> list[str]:
    return re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_drawn_tree_is_the_tree() -> None:
    assert sorted(drawn(blocks(page("architecture.md"))[0])) == sorted(folders())


def test_the_drawn_floors_are_those_that_imports_are_held_to() -> None:
    lines = blocks(page("architecture.md"))[1].replace(",\n", ", ").splitlines()
    floors = [re.split(r" {2,}", line)[0].split(", ") for line in lines]
    assert sorted(name for floor in floors for name in floor) == sorted(RANKS.keys() - SELF)
    for above, below in pairwise(floors):
        assert min(RANKS[name] for name in above) > max(RANKS[name] for name in below), (above, below)


def test_every_class_of_an_episode_is_in_the_glossary() -> None:
    classes = {name for name in dubkit.types.__all__ if name[0].isupper() and not name.isupper()}
    explained = set(re.findall(r"`(\w+)`", page("glossary.md")))
    assert sorted(classes - explained) == []


def test_every_class_in_the_glossary_is_there() -> None:
    classes = set()
    for path in (ROOT / "dubkit").rglob("*.py"):
        classes |= set(
            re.findall(r"^(?:class )?([A-Z]\w*)(?:[(:]| = )", path.read_text("utf-8"), re.MULTILINE)
        )
    named = {name for name in re.findall(r"`([A-Z]\w+)`", page("glossary.md"))}
    assert sorted(named - classes) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for link, _, place in (target.partition("#") for target in re.findall(r"\]\(([^):]+)\)", text)):
        file = path.parent / link if link else path
        assert file.exists(), link
        if place:
            titles = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
            assert place in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}, (
                place
            )


def test_every_page_is_in_the_index() -> None:
    linked = set(re.findall(r"\]\((\w+\.md)\)", page("README.md")))
    assert linked == {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}


def test_every_file_that_the_pages_name_is_there() -> None:
    for path in (ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md"):
        for name in re.findall(r"`((?:dubkit|stages|tests|docs)/[\w/.]+)`", path.read_text("utf-8")):
            assert (ROOT / name).exists(), name
