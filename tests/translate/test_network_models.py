"""Getting the models of OPUS-MT and NLLB: by their names, from a hub, with their licences."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dubkit.cli import cli
from dubkit.errors import ModelMissing
from dubkit.models.hub import Hub
from dubkit.models.listing import list_models
from dubkit.models.store import ModelStore
from tests.support.hub_server import HubServer, serve

FILES = {
    "config.json": b"{}",
    "vocab.json": b"{}",
    "source.spm": b"source",
    "target.spm": b"target",
    "pytorch_model.bin": b"weights",
    "tf_model.h5": b"not this one",
}


def store_of(cache: Path, hub: HubServer) -> ModelStore:
    store = ModelStore(cache, {}, hub.url)
    store.hub = Hub(endpoint=hub.url, tries=2, pause=0.0)
    return store


@pytest.mark.parametrize(
    ("name", "repo", "licence"),
    [
        ("opus-mt-de-en", "Helsinki-NLP/opus-mt-de-en", "Apache-2.0"),
        ("opus-mt-en-pt", "Helsinki-NLP/opus-mt-tc-big-en-pt", "CC-BY-4.0"),
        ("opus-mt-tc-big-en-zle", "Helsinki-NLP/opus-mt-tc-big-en-zle", "CC-BY-4.0"),
    ],
)
def test_a_model_of_any_pair_is_fetched_by_its_name(
    tmp_path: Path, name: str, repo: str, licence: str
) -> None:
    with serve(HubServer(repo=repo, files=dict(FILES), large={"pytorch_model.bin"})) as hub:
        store = store_of(tmp_path, hub)
        model = store.get(name)
        assert (model.role, model.name, model.origin) == ("opus-mt", name, "hub")
        assert model.licence.startswith(licence)
        assert (model.path / "source.spm").is_file()
        assert not (model.path / "tf_model.h5").exists()
        again = ModelStore(tmp_path).find("opus-mt", name)
        assert again is not None
        assert again.identity == model.identity
        rows = {row.name: row for row in list_models(ModelStore(tmp_path))}
        assert rows[name].state in ("found", "in use")
        assert rows[name].licence.startswith(licence)


def test_a_pair_that_the_hub_does_not_have_is_said(tmp_path: Path) -> None:
    with serve(HubServer(repo="Helsinki-NLP/opus-mt-de-en", files=dict(FILES))) as hub:
        with pytest.raises(ModelMissing, match=r"Helsinki-NLP/opus-mt-xx-yy on .* does not exist"):
            store_of(tmp_path, hub).get("opus-mt-xx-yy")
        with pytest.raises(ModelMissing, match=r"There is no model named 'opus-mt'"):
            store_of(tmp_path, hub).get("opus-mt")


def test_no_run_downloads_them(tmp_path: Path) -> None:
    with serve(HubServer()) as hub:
        for role, name in (("opus-mt", "opus-mt-en-fr"), ("nllb", "nllb")):
            with pytest.raises(ModelMissing, match=f"dubkit models get {name}"):
                store_of(tmp_path, hub).fetch(role, name)
        assert hub.requests == []


def test_the_list_says_who_may_not_use_nllb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DUBKIT_MODELS_CACHE", str(tmp_path))
    said = " ".join(CliRunner().invoke(cli, ["models", "list"]).output.split())
    assert "CC-BY-NC-4.0 (not for commercial use)" in said
    assert "not for commercial use: take another translator there, such as opus-mt" in said
    assert "other pairs by their names, such as opus-mt-de-en" in said
