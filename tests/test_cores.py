"""How much of the machine the code takes."""

from __future__ import annotations

import re

import pytest

from tests.support.paths import ROOT

OPENS = re.compile(r"\b(WhisperModel|ctranslate2\.(Translator|Generator|models\.\w+))\(")


@pytest.mark.parametrize("room", ["dubkit", "stages", "benchmarks/pipeline"])
def test_whatever_opens_a_network_of_ctranslate2_leaves_torch_its_threads(room: str) -> None:
    texts = {file: file.read_text("utf-8") for file in (ROOT / room).rglob("*.py")}
    bare = [
        str(file.relative_to(ROOT))
        for file, text in texts.items()
        if OPENS.search(text) and "with torch_threads_kept():" not in text
    ]
    assert not bare
