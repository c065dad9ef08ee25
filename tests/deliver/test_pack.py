"""A whole dub as a pack, opened with other readers: films, texts, reports, provenance, signatures."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from click.testing import CliRunner

from dubkit.cli import cli
from dubkit.config import configure
from dubkit.deliver import deliverable
from dubkit.deliver.pack import pack
from dubkit.deliver.verify import verify
from dubkit.episode.context import Context
from dubkit.episode.store import file_digest
from dubkit.errors import DubkitError
from dubkit.formats.format import FORMATS
from dubkit.studio import episode_context, open_session
from tests.support.certificates import make_chain
from tests.support.desks import Desk
from tests.support.paths import SAMPLE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(unheard_sample: Desk, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The sample in two languages: the second one is the first one under another name."""
    desk = unheard_sample.copy(tmp_path_factory.mktemp("packs"))
    root = desk.folder / "Output" / "sample"
    for folder in (root / "pt-BR", root / ".dubkit" / "items" / "pt-BR"):
        other = folder.with_name("es")
        shutil.copytree(folder, other)
        for file in list(other.rglob("*.json")):
            file.write_text(file.read_text("utf-8").replace("pt-BR", "es"), "utf-8")
    return desk


def context_of(desk: Desk, **values: Any) -> Context:
    settings = configure({"qc.round_trip": False} | values, environment={}).settings
    return episode_context(open_session(settings, desk.folder / "Output"), SAMPLE)


@pytest.fixture(scope="module")
def packed(desk: Desk) -> Path:
    """A pack of both languages, without a signature."""
    out = desk.folder / "pack"
    done = pack(context_of(desk), "studio", out, ("pt-BR", "es"))
    assert done.place == out
    return out


def streams(file: Path) -> list[dict[str, Any]]:
    """Return the streams of a film as ffprobe has them."""
    ffprobe = shutil.which("ffprobe")
    if ffprobe is None:
        pytest.skip("ffprobe is not installed")
    command = [ffprobe, "-v", "error", "-show_streams", "-of", "json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)["streams"]
    return found


def shown(stream: dict[str, Any]) -> tuple[str, str, int, int]:
    flags = stream["disposition"]
    language = stream.get("tags", {}).get("language", "")
    return stream["codec_type"], language, flags["default"], flags["original"]


def packets(file: Path, kind: str, number: int) -> list[bytes]:
    with av.open(str(file)) as container:
        stream = getattr(container.streams, kind)[number]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def test_the_film_has_every_language_the_original_and_all_subtitles(packed: Path) -> None:
    found = [shown(stream) for stream in streams(packed / "sample.mkv")]
    picture, *others = found
    assert picture[0] == "video"
    assert others == [
        ("audio", "por", 1, 0),
        ("audio", "spa", 0, 0),
        ("audio", "eng", 0, 1),
        ("subtitle", "por", 0, 0),
        ("subtitle", "spa", 0, 0),
        ("subtitle", "eng", 0, 0),
    ]


def test_picture_and_sound_of_the_film_are_those_of_the_finished_dub(desk: Desk, packed: Path) -> None:
    film, dub = packed / "sample.mkv", desk.folder / "Output/sample/pt-BR/dub.mp4"
    assert packets(film, "video", 0) == packets(SAMPLE, "video", 0)
    assert packets(film, "audio", 0) == packets(dub, "audio", 0)
    assert packets(film, "audio", 2) == packets(SAMPLE, "audio", 0)
    assert (packed / "sample.pt-BR.mp4").read_bytes() == dub.read_bytes()
    found = [shown(stream) for stream in streams(packed / "sample.es.mp4")]
    assert [flags[2] for flags in found if flags[0] == "audio"] == [1, 0]


def test_every_format_that_dubkit_writes_is_in_the_pack(packed: Path) -> None:
    endings = {path.suffix for path in packed.rglob("*") if path.is_file()}
    said = json.loads((packed / "pack.json").read_text())["remarks"]
    for format in FORMATS:
        ending = f".{format.suffixes[0].rpartition('.')[2]}"
        if format.written and ending not in endings:
            assert any(format.title in sentence for sentence in said), format.name
    assert (packed / "subtitles/sample.en.srt").is_file()
    assert (packed / "cue-sheets/sample.es.html").is_file()


def test_takes_lie_where_script_and_timeline_name_them(packed: Path) -> None:
    script = (packed / "edit/sample.pt-BR.dapt.xml").read_text("utf-8")
    links = set(re.findall(r'(?:src|href)="([^"#]+\.wav)"', script))
    timeline = (packed / "edit/sample.es.otio").read_text("utf-8")
    links |= set(re.findall(r'"target_url": ?"([^"]+\.wav)"', timeline))
    assert {link.split("/")[0] for link in links} == {"pt-BR", "es"}
    assert all((packed / "edit" / link).is_file() for link in links)


def test_the_listing_names_every_file_with_its_digest(packed: Path) -> None:
    listed = json.loads((packed / "pack.json").read_text())
    here = {p.relative_to(packed).as_posix() for p in packed.rglob("*") if p.is_file()}
    assert {file["path"] for file in listed["files"]} == here - {"pack.json"}
    for file in listed["files"]:
        assert file["sha256"] == file_digest(packed / file["path"])
        assert file["size"] == (packed / file["path"]).stat().st_size


def test_provenance_names_source_models_settings_and_every_line(packed: Path) -> None:
    said = json.loads((packed / "provenance.json").read_text())
    assert said["source"] == {
        "name": "sample.mp4",
        "sha256": file_digest(SAMPLE),
        "size": SAMPLE.stat().st_size,
    }
    language = said["languages"][0]
    voice = next(model for model in language["models"] if model["use"] == "voice")
    assert voice["licence"]
    assert all(len(file["sha256"]) == 64 for model in language["models"] for file in model["files"])
    assert {line["origin"] for line in language["lines"]} == {"generated"}
    assert language["settings"] == {"qc.round_trip": False}
    assert str(SAMPLE.parent) not in json.dumps(said)


def test_the_report_is_a_page_and_a_pdf(packed: Path) -> None:
    page = (packed / "reports/sample.pt-BR.html").read_text("utf-8")
    assert "Bom dia" in page
    assert "<video" not in page
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")
    file = packed / "reports/sample.pt-BR.pdf"
    if not file.is_file():  # said, with what to install
        said = json.loads((packed / "pack.json").read_text())["remarks"]
        pytest.skip(next(sentence for sentence in said if "WeasyPrint" in sentence))
    reader = pypdf.PdfReader(file)
    text = "\n".join(leaf.extract_text() for leaf in reader.pages)
    assert "English to Brazilian Portuguese" in text
    assert "Bom dia" in text


def test_packed_again_every_byte_is_the_same(desk: Desk, packed: Path) -> None:
    again = desk.folder / "again"
    pack(context_of(desk), "studio", again, ("pt-BR", "es"))
    files = [p.relative_to(packed) for p in sorted(packed.rglob("*")) if p.is_file()]
    assert [name for name in files if (packed / name).read_bytes() != (again / name).read_bytes()] == []
    with pytest.raises(DubkitError, match="is there already"):
        pack(context_of(desk), "studio", again)


def test_a_pack_that_fails_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(packing: deliverable.Packing) -> None:
        raise OSError(28, "No space left on device")

    records = deliverable.DELIVERABLES.records
    broken = replace(records["texts"], write=fail)
    monkeypatch.setitem(records, "texts", broken)
    monkeypatch.delitem(records, "master")
    before = sorted(desk.folder.iterdir())
    with pytest.raises(OSError, match="No space"):
        pack(context_of(desk), "studio", desk.folder / "half", ("es",))
    assert sorted(desk.folder.iterdir()) == before


def test_signed_every_film_and_sound_says_what_it_is_and_a_change_is_seen(desk: Desk) -> None:
    pytest.importorskip("c2pa", reason='c2pa-python is not installed: pip install "dubkit[c2pa]"')
    chain = make_chain(desk.folder / "chain")
    keys = {"pack.sign_key": str(chain.key), "pack.sign_certificates": str(chain.certificates)}
    out = desk.folder / "signed"
    done = pack(context_of(desk, **keys), "studio", out, ("es",))
    assert "not-signed" not in {said.code for said in done.remarks}
    signed = {file.path: file.signed for file in done.files if file.signed}
    takes = {path for path in signed if path.startswith("edit/es/takes/")}
    assert len(takes) == 4
    assert {path: place for path, place in signed.items() if path not in takes} == {
        "sample.mkv": "sample.mkv.c2pa",
        "sample.es.mp4": "inside",
        "sound/sample.es.mix.wav": "inside",
    }
    assert str(chain.key) not in (out / "provenance.json").read_text()
    for name in signed:
        verdict = verify(out / name, trust=str(chain.root))
        assert verdict.signature is not None
        assert verdict.signature.state == "trusted"
        assert (verdict.changed, verdict.unknown) == ((), ())
    alone = desk.folder / "alone.mp4"
    shutil.copy(out / "sample.es.mp4", alone)
    dub = next(t for t in verify(alone).tracks if (t.kind, t.number) == ("sound", 0))
    assert {(s.origin, s.witness) for s in dub.seconds} == {
        ("source", "signature"),
        ("generated", "signature"),
    }
    assert [s.origin for s in dub.seconds[:3]] == ["source", "generated", "generated"]
    raw = bytearray(alone.read_bytes())
    raw[len(raw) // 2] ^= 1
    alone.write_bytes(raw)
    assert verify(alone).exit_code == 1


def test_an_episode_at_hand_tells_a_film_that_says_nothing(desk: Desk) -> None:
    film = desk.folder / "film.mp4"
    shutil.copy(desk.folder / "Output/sample/pt-BR/dub.mp4", film)
    verdict = verify(film, context_of(desk))
    assert verdict.exit_code == 0
    picture, dub, original = verdict.tracks
    assert {second.origin for second in (*picture.seconds, *original.seconds)} == {"source"}
    assert [second.origin for second in dub.seconds[:3]] == ["source", "generated", "generated"]


def test_the_command_packs_says_what_wants_a_look_and_exits_with_3(desk: Desk) -> None:
    root = desk.folder / "Output" / "sample"
    (root / "de").mkdir()
    shutil.copy(root / "es" / "translation.json", root / "de")
    edits = root / "pt-BR" / "edits.json"
    edits.write_text(json.dumps({"lines": {"s0001": {"text": "Boa tarde."}, "s0002": {"accepted": True}}}))
    output = ["--output", str(desk.folder / "Output")]
    archive = desk.folder / "sample.zip"
    try:
        order = ["export", str(SAMPLE), *output, "--pack", "studio", "--lang", "pt-BR"]
        done = CliRunner().invoke(cli, [*order, "--zip", "--out", str(archive)])
        everything = CliRunner().invoke(cli, [*order[:-2], "--out", str(desk.folder / "all")])
        missing = CliRunner().invoke(cli, [*order[:-1], "de"])
    finally:
        shutil.rmtree(root / "de")
        edits.unlink()
    assert done.exit_code == 3, done.output
    assert "1 to look at" in done.output
    assert "The dub in de is not finished" in everything.output
    assert isinstance(missing.exception, DubkitError)
    assert "has no finished dub in de" in str(missing.exception)
    with zipfile.ZipFile(io.BytesIO(archive.read_bytes())) as opened:
        names = opened.namelist()
        said = json.loads(opened.read("sample/provenance.json"))
    assert "sample/sample.mkv" in names
    states = {line["id"]: line["state"] for line in said["languages"][0]["lines"]}
    assert (states["s0001"], states["s0002"]) == ("to look at", "accepted")


def test_the_command_verifies_a_file_and_a_pack(packed: Path, tmp_path: Path) -> None:
    whole = CliRunner().invoke(cli, ["verify", str(packed / "sample.mkv")])
    assert whole.exit_code == 0, whole.output
    assert "generated, says the provenance" in whole.output
    as_json = CliRunner().invoke(cli, ["verify", str(packed / "sample.mkv"), "--json"])
    assert json.loads(as_json.stdout)["tracks"][1]["seconds"][1]["origin"] == "generated"
    assert CliRunner().invoke(cli, ["verify", str(packed)]).exit_code == 0
    copy = tmp_path / "copy"
    shutil.copytree(packed, copy)
    (copy / "subtitles/sample.en.srt").write_text("other")
    changed = CliRunner().invoke(cli, ["verify", str(copy)])
    assert changed.exit_code == 1
    assert "sample.en.srt is not the file that was written" in changed.output
