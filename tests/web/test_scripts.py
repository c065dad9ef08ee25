"""The scripts of the pages without a browser: their texts, their types, and which of them a page asks for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dubkit.web.pages.review import _modules
from dubkit.web.templating import STATIC, duration, size
from tests.support.paths import ROOT
from tests.support.web_client import running_site

SCRIPTS = STATIC / "js"
TYPES = ROOT / "dubkit" / "web" / "types" / "api.d.ts"


def node(*arguments: str) -> str:
    """Run node in the checkout and return what it printed; skips where there is none."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("needs node (on Debian: apt install nodejs)")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_formatters_say_what_they_should() -> None:
    assert "# fail 0" in node(
        "--test", "--test-reporter=tap", "tests/web/format.test.js", "tests/web/words.test.js"
    )


def test_scripts_and_templates_say_the_same() -> None:
    seconds = [0.0, 0.2, 1.0, 48.4, 60.0, 725.0, 3600.0, 3840.0, 90061.0]
    octets = [0, 12, 999, 1000, 3_400_000, 250_000_000, 20_000_000_000, 5_000_000_000_000]
    code = (
        'import { duration, size } from "./dubkit/web/static/js/format.js";'
        f"console.log(JSON.stringify([{seconds}.map(duration), {octets}.map(size)]))"
    )
    words = json.loads(node("--input-type=module", "--eval", code))
    assert words == [[duration(one) for one in seconds], [size(one) for one in octets]]


def test_the_review_page_names_every_module_that_it_loads() -> None:
    found = {"review/main.js"}
    todo = list(found)
    while todo:
        path = SCRIPTS / todo.pop()
        for name in re.findall(r'^import .*"(\.[^"]+)";$', path.read_text(), re.MULTILINE):
            module = (path.parent / name).resolve().relative_to(SCRIPTS.resolve()).as_posix()
            if module not in found:
                found.add(module)
                todo.append(module)
    assert found == set(_modules())


def test_the_types_of_answers_have_the_fields_of_the_schema(tmp_path: Path) -> None:
    with running_site(tmp_path) as site:
        schemas = site.browser().get("/api/openapi.json").json()["components"]["schemas"]
    declared = _declared(TYPES.read_text())
    assert len(declared) > 15
    unknown = sorted(set(declared) - set(schemas))
    assert not unknown, f"api.d.ts names types as the server does not: {unknown}"
    for name, fields in declared.items():
        assert set(fields) == set(schemas[name]["properties"]), name


def _declared(text: str) -> dict[str, list[str]]:
    """Return the fields of every interface of a declaration file by name."""
    blocks = re.findall(r"^export interface (\w+) \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    return {name: re.findall(r"^  (\w+): ", body, re.MULTILINE) for name, body in blocks}
