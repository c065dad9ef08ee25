"""Messages about settings name settings that exist."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from dubkit.config import all_settings, sections
from tests.support.paths import ROOT
from tests.test_layers import sources, tree_of

NOT_A_SETTING = {"language"}
"""The target language of a run, which `--to` and the web form give."""


def literal_names() -> Iterator[tuple[str, str]]:
    """Yield place and name of every SettingError whose name is written out; `{}` stands for what is not."""
    for path in sources():
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            function, name = node.func, node.args[0]
            if not isinstance(function, ast.Name) or function.id != "SettingError":
                continue
            place = f"{path.relative_to(ROOT)}:{node.lineno}"
            if isinstance(name, ast.Constant):
                yield place, str(name.value)
            elif isinstance(name, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "{}" for p in name.values)
                yield place, "".join(map(str, parts))


def test_every_setting_that_a_message_names_is_declared() -> None:
    names = {entry.name for entry in all_settings()}
    tables = {table for table, _ in sections()}
    known = names | tables | {f"{table}.{{}}" for table in tables} | NOT_A_SETTING
    found = list(literal_names())
    assert len(found) > 10, "SettingError is written in another way: mend literal_names"
    assert [f"{place}: {name}" for place, name in found if name not in known] == []
