"""The shape of the code: imports point down only, the command line starts light, files stay readable."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import ROOT

RANKS: dict[str, int] = {
    # what everything may know
    "dubkit": 0,
    "dubkit.errors": 0,
    "dubkit.types": 0,
    "dubkit.cores": 1,
    "dubkit.memory": 1,
    "dubkit.settings": 1,
    "dubkit.proxies": 1,
    "dubkit.registry": 2,
    "dubkit.services": 2,
    "dubkit.host": 3,
    "dubkit.formats": 3,
    # leaves: each knows itself, and what everything may know
    "dubkit.ltx": 4,
    "dubkit.media": 4,
    "dubkit.qc": 4,
    "dubkit.speech": 4,
    "dubkit.translate": 4,
    "dubkit.voice": 4,
    # declared beside the models, and read with all other settings
    "dubkit.models.settings": 4,
    "dubkit.remote.settings": 4,
    "dubkit.series.settings": 4,
    "dubkit.deliver.settings": 4,
    "dubkit.dubbing": 5,
    "dubkit.series": 5,
    # what stages stand on
    "dubkit.models": 6,
    "dubkit.engines": 7,
    "dubkit.generation": 7,
    "dubkit.config": 8,
    "dubkit.progress": 8,
    "dubkit.episode": 9,
    "dubkit.storyboard": 10,
    "dubkit.chain": 10,
    "dubkit.remote": 10,
    "dubkit.ops": 11,
    "stages": 11,
    # what runs them
    "dubkit.studio": 12,
    "dubkit.batch": 13,
    "dubkit.deliver": 13,
    "dubkit.review": 13,
    "dubkit.judge": 13,
    "dubkit.web": 14,
    "dubkit.locking": 13,
    "dubkit.explain": 14,
    "dubkit.cli": 15,
    "dubkit.__main__": 16,
}
"""A unit may import units of a lower rank only: an equal rank is sideways, a higher one is up."""

ROOMS: dict[str, dict[str, int]] = {
    "dubkit.dubbing": {
        "planning": 0,
        "diffusion": 0,
        "settings": 1,
        "loras": 1,
        "clip": 2,
        "film": 2,
        "continuation": 3,
        "enhance": 3,
        "request": 4,
        "pipeline": 5,
        "": 6,
    },
    "dubkit.media": {
        "files": 0,
        "sound": 1,
        "picture": 1,
        "splice": 1,
        "separation": 2,
        "delivery": 2,
        "playout": 2,
        "": 3,
    },
    "dubkit.qc": {
        "settings": 0,
        "alignment": 0,
        "unchanged": 0,
        "faults": 1,
        "numbers": 0,
        "pictures": 0,
        "text": 0,
        "sound": 0,
        "timing": 0,
        "sharing": 1,
        "evidence": 1,
        "check": 2,
        "remarks": 3,
        "checks": 3,
        "measures": 3,
        "report": 4,
        "": 5,
    },
    "dubkit.web": {
        "settings": 0,
        "migrations": 0,
        "database": 0,
        "states": 0,
        "jobs": 1,
        "site": 2,
        "accounts": 3,
        "templating": 4,
        "files": 4,
        "startup": 4,
        "http": 5,
        "api": 6,
        "pages": 7,
        "app": 8,
        "": 9,
    },
}
"""The rooms of a package are its folders and files, and itself as "": inside, too, a lower rank only."""

LEAF = RANKS["dubkit.media"]

CHAIN_READERS = {("stages.shared.report", "stages")}
"""The report reads the records of every stage that takes part, so it asks for the chain."""

LEAVES = {"dubkit.ltx", "dubkit.media", "dubkit.qc", "dubkit.speech", "dubkit.translate", "dubkit.voice"}

HEAVY = (
    "alembic",
    "argon2",
    "aiobotocore",
    "av",
    "botocore",
    "c2pa",
    "cv2",
    "fastapi",
    "faster_whisper",
    "fsspec",
    "httpx",
    "huggingface_hub",
    "imageio_ffmpeg",
    "jinja2",
    "numpy",
    "onnxruntime",
    "scenedetect",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "torch",
    "transformers",
    "uvicorn",
    "weasyprint",
)

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 100


def sources() -> list[Path]:
    return sorted([*(ROOT / "dubkit").rglob("*.py"), *(ROOT / "stages").rglob("*.py")])


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit_of(module: str) -> str:
    """Return the ranked unit a module belongs to: the longest name in RANKS that it begins with."""
    parts = module.split(".")
    if parts[0] == "stages":
        return "stages"
    return ".".join(parts[:3]) if ".".join(parts[:3]) in RANKS else ".".join(parts[:2])


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def own_imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the dubkit and stages modules a file imports, wherever the import stands, with its line."""
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            # `from dubkit import media` names a unit; `from dubkit.media import x` names it by the module.
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "dubkit" else [module]
        else:
            continue
        for name in names:
            if name.split(".")[0] in ("dubkit", "stages"):
                yield (name if unit_of(name) in RANKS else "dubkit"), node.lineno


def wrong_arrows(path: Path) -> list[str]:
    importer = unit_of(module_of(path))
    wrong = []
    for imported, line in own_imports(path):
        target = unit_of(imported)
        if target == importer:
            continue
        up = RANKS[target] >= RANKS[importer]
        # A leaf knows types and errors only; the network not even those, so that it can be used alone.
        beyond = importer in LEAVES and RANKS[target] >= LEAF
        if up or beyond or importer == "dubkit.ltx":
            wrong.append(f"{path.relative_to(ROOT)}:{line} imports {imported}")
    return wrong


def package_of(module: str) -> str:
    """Return the package with ranked rooms that a module belongs to, or nothing."""
    return next((name for name in ROOMS if f"{module}.".startswith(f"{name}.")), "")


def room_of(module: str) -> str:
    """Return the room of its package that a module belongs to; empty for the package itself."""
    return module.removeprefix(package_of(module)).lstrip(".").split(".")[0]


def wrong_doors(path: Path) -> list[str]:
    package, importer = package_of(module_of(path)), room_of(module_of(path))
    return [
        f"{path.relative_to(ROOT)}:{line} imports {imported}"
        for imported, line in own_imports(path)
        if package_of(imported) == package and room_of(imported) != importer
        if ROOMS[package][room_of(imported)] >= ROOMS[package][importer]
    ]


def test_every_unit_has_a_rank() -> None:
    unknown = sorted({unit_of(module_of(path)) for path in sources()} - RANKS.keys())
    assert unknown == [], "decide where it stands and add it to RANKS"


def test_imports_point_down_only() -> None:
    assert [arrow for path in sources() for arrow in wrong_arrows(path)] == []


@pytest.mark.parametrize("package", ROOMS)
def test_the_rooms_of_a_package_point_one_way(package: str) -> None:
    members = [path for path in sources() if package_of(module_of(path)) == package]
    rooms = {room_of(module_of(path)) for path in members}
    assert rooms == ROOMS[package].keys(), "decide where a new room stands and add it to ROOMS"
    assert [door for path in members for door in wrong_doors(path)] == []


@pytest.mark.parametrize(
    ("module", "code", "wrong"),
    [
        ("dubkit/media/x.py", "from dubkit.speech.vad import gate", True),
        ("dubkit/media/x.py", "def f():\n    from dubkit import speech", True),
        ("dubkit/media/x.py", "from ..speech import vad", True),
        ("dubkit/media/x.py", "from dubkit.media.files.probe import probe\nfrom .frames import f", False),
        ("dubkit/media/x.py", "from dubkit.types import Episode", False),
        ("dubkit/ltx/x.py", "from dubkit.types import Episode", True),
        ("dubkit/episode/store.py", "import dubkit.chain.run", True),
        ("dubkit/errors.py", "from dubkit import config", True),
        ("stages/x.py", "from dubkit.studio import plan", True),
        ("stages/x.py", "from dubkit.media.files.probe import probe\nimport numpy", False),
        ("dubkit/cli/x.py", "from dubkit import __version__, chain", False),
    ],
)
def test_the_rule_itself_tells_down_from_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, code: str, wrong: bool
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / module
    path.parent.mkdir(parents=True)
    path.write_text(code, encoding="utf-8")
    assert bool(wrong_arrows(path)) is wrong


def wrong_stages(path: Path) -> list[str]:
    """Return the imports of a module of `stages` that are neither dubkit's nor of `stages.shared`."""
    return [
        f"{path.relative_to(ROOT)}:{line} imports {imported}"
        for imported, line in own_imports(path)
        if imported.split(".")[0] == "stages" and not imported.startswith("stages.shared.")
        if (module_of(path), imported) not in CHAIN_READERS
    ]


def test_no_stage_imports_another_stage() -> None:
    assert [arrow for path in sorted((ROOT / "stages").rglob("*.py")) for arrow in wrong_stages(path)] == []


@pytest.mark.parametrize(
    ("module", "code", "wrong"),
    [
        ("x.py", "from stages.decode import SOUND", True),
        ("x.py", "def f():\n    import stages.mix", True),
        ("x.py", "from .decode import SOUND", True),
        ("x.py", "from stages import chain", True),
        ("x.py", "from stages.shared.clip_files import SOUND", False),
        ("x.py", "from dubkit.chain.stage import Stage", False),
        ("shared/x.py", "from stages.decode import SOUND", True),
        ("shared/x.py", "from stages import chain", True),
        ("shared/x.py", "from stages.shared.engine import dubs_picture", False),
        ("shared/report.py", "def f():\n    from stages import chain", False),
    ],
)
def test_the_rule_of_stages_tells_a_stage_from_what_they_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, code: str, wrong: bool
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "stages" / module
    path.parent.mkdir(parents=True)
    path.write_text(code, encoding="utf-8")
    assert bool(wrong_stages(path)) is wrong


@pytest.mark.parametrize(
    ("module", "code", "wrong"),
    [
        ("dubbing/diffusion/x.py", "def f():\n    from dubkit.dubbing.clip.encode import encode_clip", True),
        ("dubbing/film/x.py", "from dubkit.dubbing.clip import pixels", True),
        ("dubbing/film/x.py", "from dubkit.dubbing import Recipe", True),
        ("dubbing/film/x.py", "from dubkit.dubbing.film.colour import ColourMatch", False),
        ("dubbing/clip/x.py", "from dubkit.dubbing.diffusion.recipes import Recipe", False),
        ("media/files/x.py", "from dubkit.media.sound.audio import open_wav", True),
        ("media/splice/x.py", "from dubkit.media.picture import frames", True),
        (
            "media/delivery/x.py",
            "from dubkit.media.splice import job\nfrom dubkit.dubbing import Recipe",
            False,
        ),
    ],
)
def test_the_rule_of_rooms_tells_one_way_from_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, code: str, wrong: bool
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "dubkit" / module
    path.parent.mkdir(parents=True)
    path.write_text(code, encoding="utf-8")
    assert bool(wrong_doors(path)) is wrong


def test_only_the_settings_and_the_command_line_read_the_environment() -> None:
    readers = []
    for path in sources():
        if unit_of(module_of(path)) in ("dubkit.config", "dubkit.cli"):
            continue
        if path.parent.name == "runners":  # programs of other environments, which set what their engine reads
            continue
        for node in ast.walk(tree_of(path)):
            reads = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            if reads and isinstance(node.value, ast.Name) and node.value.id == "os":  # type: ignore[attr-defined]
                readers.append(f"{path.relative_to(ROOT)}:{node.lineno}")  # type: ignore[attr-defined]
    assert readers == []


def test_nothing_prints_but_the_command_line() -> None:
    printing = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        if unit_of(module_of(path)) != "dubkit.cli"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


@pytest.mark.parametrize("argument", ["import dubkit.cli", "import stages"])
def test_starting_imports_nothing_heavy(argument: str) -> None:
    code = f"import sys\n{argument}\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_files_have_one_subject() -> None:
    long = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in sources()}
    assert {name: lines for name, lines in long.items() if lines > MAX_FILE_LINES} == {}


def test_functions_do_one_thing() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for path in sources()
        for node in ast.walk(tree_of(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert long == []
