"""Which outcomes the conditions of some files had: found by their syntax, noted while the code runs."""

from __future__ import annotations

import ast
import importlib
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.paths import ROOT

NOTE = "__note_outcome__"


class Condition(NamedTuple):
    """One condition of a file."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} {self.text}"


def asks_for_a_card(node: ast.AST) -> bool:
    """Tell whether an expression asks whether something is on a graphics card, or whether there is one."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        return any(isinstance(x, ast.Constant) and str(x.value).startswith("cuda") for x in sides)
    if isinstance(node, ast.Attribute):
        return node.attr == "is_cuda"
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.cuda.is_available"


def conditions(path: Path) -> list[Condition]:
    """Return a file's conditions about cards, in order."""
    tree = ast.parse(path.read_text("utf-8"))
    found = [node for node in ast.walk(tree) if asks_for_a_card(node)]
    return sorted(Condition(path, node.lineno, ast.unparse(node)) for node in found)  # type: ignore[attr-defined]


class _Noting(ast.NodeTransformer):
    """Wraps each condition about cards into a call that notes its outcome and returns it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def visit(self, node: ast.AST) -> Any:
        if not asks_for_a_card(node):
            return self.generic_visit(node)
        place = ast.Tuple([ast.Constant(node.lineno), ast.Constant(ast.unparse(node))], ast.Load())  # type: ignore[attr-defined]
        call = ast.Call(ast.Name(NOTE, ast.Load()), [place, node], [])  # type: ignore[list-item]
        return ast.fix_missing_locations(ast.copy_location(call, node))


@contextmanager
def noted_outcomes(modules: list[str]) -> Iterator[set[tuple[Condition, bool]]]:
    """Note the outcomes of the conditions about cards in some modules, while the block lasts.

    The functions keep their identity: only their code is another, with the conditions wrapped.
    """
    outcomes: set[tuple[Condition, bool]] = set()
    undo: list[Callable[[], None]] = []
    try:
        for name in modules:
            module = importlib.import_module(name)
            undo.append(_instrument(module, outcomes))
        yield outcomes
    finally:
        for back in undo:
            back()


def _instrument(module: types.ModuleType, outcomes: set[tuple[Condition, bool]]) -> Callable[[], None]:
    path = Path(str(module.__file__))

    def note(place: tuple[int, str], outcome: Any) -> Any:
        outcomes.add((Condition(path, *place), bool(outcome)))
        return outcome

    tree = _Noting(path).visit(ast.parse(path.read_text("utf-8")))
    changed = {(code.co_qualname, code.co_firstlineno): code for code in _codes(compile(tree, path, "exec"))}
    kept = []
    for function in _functions(module):
        code = function.__code__
        kept.append((function, code))
        function.__code__ = changed[code.co_qualname, code.co_firstlineno]
    setattr(module, NOTE, note)

    def back() -> None:
        for function, code in kept:
            function.__code__ = code
        delattr(module, NOTE)

    return back


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from _codes(constant)


def _functions(owner: types.ModuleType | type) -> Iterator[types.FunctionType]:
    """Yield the functions and methods that a module defines, without those inside other functions."""
    module = owner.__name__ if isinstance(owner, types.ModuleType) else owner.__module__
    for value in list(vars(owner).values()):
        function = getattr(value, "__wrapped__", getattr(value, "__func__", value))
        function = getattr(function, "func", getattr(function, "fget", function))  # properties
        if isinstance(function, types.FunctionType) and function.__module__ == module:
            if function.__code__.co_filename != "<string>":  # What `dataclass` writes.
                yield function
        elif isinstance(value, type) and value.__module__ == module:
            yield from _functions(value)
