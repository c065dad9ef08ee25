"""`dubkit series`: a file is written, shown and checked."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from dubkit.cli.series import command
from dubkit.series.place import find_series
from dubkit.series.reading import parse_words, read_words
from dubkit.series.template import TEMPLATE
from tests.support.paths import ROOT

EXAMPLE = re.search(
    r"```toml\n(# series\.toml\n.*?)```", (ROOT / "docs/series.md").read_text("utf-8"), re.DOTALL
)


def call(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def test_a_new_file_is_in_order_and_found_from_its_episodes(tmp_path: Path) -> None:
    call("init", tmp_path / "Season 1")
    assert call("check", tmp_path / "Season 1").endswith("is in order.\n")
    found = find_series(tmp_path / "Season 1/sub/e01.mp4")
    assert found is not None
    assert found.words.title == "Season 1"


def test_the_examples_of_a_new_file_are_valid_entries() -> None:
    begun, lines = False, []
    for line in TEMPLATE.splitlines():
        begun = begun or line.startswith("# [[terms]]")
        bare = line.removeprefix("# ")
        entry = begun and line.startswith("# ") and re.match(r'\[|"|[a-z_.A-Z-]+ = ', bare)
        lines.append(bare if entry else "")
    text = "\n".join(lines).replace("{{", "{").replace("}}", "}")
    words = parse_words(text, "template")
    assert (len(words.terms), len(words.address), len(words.style)) == (1, 1, 1)
    assert (len(words.pronunciations), len(words.titles)) == (1, 1)


def test_the_example_of_the_docs_is_in_order_and_shown(tmp_path: Path) -> None:
    assert EXAMPLE is not None
    file = tmp_path / "series.toml"
    file.write_text(EXAMPLE[1], "utf-8")
    assert "is in order" in call("check", tmp_path)
    german = call("show", tmp_path, "--to", "de")
    assert "term: Warden → de Wächter\n" in german
    assert "term: gate → de Tor [in s01*]" in german
    assert "address: Mara ↔ Tom: de du" in german
    assert "running title: The Long Winter → de Der lange Winter" in german
    assert "pt-BR" not in german
    assert "Xibalba" not in german
    shown = json.loads(call("show", file, "--json"))
    assert shown["address"][0]["from"] == "Mara"
    assert len(read_words(file).terms) == len(shown["terms"]) == 2


def test_contradictions_are_told_with_an_exit_code(tmp_path: Path) -> None:
    text = '[[terms]]\nsource = "x"\napproved.fr = ["y"]\n'
    (tmp_path / "series.toml").write_text(text + text.replace("y", "z"), "utf-8")
    assert "two entries for the term “x”" in call("check", tmp_path, code=3)
    scoped = text + text.replace("y", "z") + 'episodes = ["s02*"]\n'
    (tmp_path / "series.toml").write_text('episodes = ["s01*"]\n'.join((text, scoped[len(text) :])), "utf-8")
    assert "is in order" in call("check", tmp_path)
