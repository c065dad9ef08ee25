"""Every flag has its words: no stage sets one that the registry does not know."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from dubkit.qc.check import CHECKS, flag_words
from tests.support.paths import ROOT

SETTERS = ("dubkit/dubbing", "dubkit/episode", "dubkit/review", "dubkit/translate", "dubkit/voice", "stages")
"""Where flags are set. Elsewhere they are only shown, or are those of a media file or the command line."""

SEGMENTS = "dubkit/speech/segments.py"
"""Alone in its room: the recogniser's own flags are remarks on a whole recording, which no line is given."""

MAKERS = {"ClipSound": 6, "Fault": 0, "FittedSpeech": 3, "Translated": 3, "failed": 2}
"""What is given flags by place, and at which."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    files = [path for folder in SETTERS for path in sorted((ROOT / folder).rglob("*.py"))]
    for path in (*files, ROOT / SEGMENTS):
        name = path.relative_to(ROOT).as_posix()
        yield name, ast.parse(path.read_text(encoding="utf-8"), name)


def texts(node: ast.AST, constants: dict[str, str]) -> Iterator[str]:
    """Yield the texts of a value, and those of the constants that it names."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value
        elif isinstance(part, ast.Name) and part.id in constants:
            yield constants[part.id]


def is_flags(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id == "flags") or (
        isinstance(node, ast.Attribute) and node.attr == "flags"
    )


def values(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what is assigned to flags, added to them, or given as such."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[target], value=value) if is_flags(target):
                yield value
            case ast.AugAssign(target=target, value=value) if is_flags(target):
                yield value
            case ast.keyword(arg="flags", value=ast.Tuple() as value):
                yield value
            case ast.Call(func=ast.Attribute(value=owner, attr="append"), args=args) if is_flags(owner):
                yield from args
            case ast.Call(func=ast.Name(id=maker), args=args) if maker in MAKERS:
                yield from args[MAKERS[maker] :][:1]


def constants_of(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if not isinstance(node, ast.Assign):
            continue
        target, value = node.targets[0], node.value
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        given = value.elts if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) else [value]
        for name, text in zip(names, given, strict=False):
            if isinstance(name, ast.Name) and isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield name.id, text.value


def test_every_flag_that_a_stage_sets_has_a_title_and_a_meaning() -> None:
    read = list(trees())
    constants = {name: text for _, tree in read for name, text in constants_of(tree) if name.isupper()}
    flags = {
        (text, name) for name, tree in read for value in values(tree) for text in texts(value, constants)
    }
    unknown = sorted((text, name) for text, name in flags if text and text not in CHECKS)
    assert unknown == [], "give each a record in dubkit/qc/checks"
    met = {text for text, _ in flags}
    assert {"short", "rushed", "fast", "refused", "untranslated", "lock-conflict", "other-text"} <= met


@pytest.mark.parametrize("name", CHECKS.names)
def test_its_words_are_a_title_and_one_sentence(name: str) -> None:
    title, meaning = flag_words(name)
    assert title[0].isupper()
    assert title != meaning
    assert meaning.endswith(".")
    assert meaning.count(". ") == 0


def test_a_flag_that_nobody_knows_is_shown_as_it_is() -> None:
    assert flag_words("odd-noise") == ("Odd noise", "odd-noise")


def test_the_page_about_reviewing_explains_every_flag() -> None:
    page = (Path(ROOT) / "docs" / "review.md").read_text(encoding="utf-8")
    for check in CHECKS:
        assert f"| `{check.name}` | {check.title} | {check.meaning} |" in page
