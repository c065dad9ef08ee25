"""Signatures: inside files that can hold one, beside the others; a changed file is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubkit.deliver.settings import PackSettings
from dubkit.deliver.sign import Signer, open_signer, read_signature
from dubkit.errors import SettingError
from dubkit.media.files.command import media_input
from dubkit.media.files.ffmpeg import run_ffmpeg
from tests.support.certificates import Chain, make_chain, with_password

pytest.importorskip("c2pa", reason='c2pa-python is not installed: pip install "dubkit[c2pa]"')

SAID = {"numbers": [1, 2, 3], "name": "día"}


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return make_chain(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of picture and sound in several containers."""
    from tests.support.clips import write_film

    folder = tmp_path_factory.mktemp("films")
    write_film(folder / "film.mp4", 25)
    source = media_input(folder / "film.mp4")
    for name, kind in (("film.mov", "mov"), ("film.mkv", "matroska")):
        run_ffmpeg([source["v:0"], source["a:0"]], folder / name, {"c": "copy", "f": kind})
    run_ffmpeg([source["a:0"]], folder / "film.wav", {"f": "wav"})
    run_ffmpeg([source["a:0"]], folder / "film.m4a", {"c": "copy", "f": "mp4"})
    return folder


def signer_of(chain: Chain) -> Signer:
    signer = open_signer(PackSettings(sign_key=str(chain.key), sign_certificates=str(chain.certificates)))
    assert signer is not None
    return signer


@pytest.mark.parametrize("name", ["film.mp4", "film.mov", "film.m4a", "film.wav", "film.mkv"])
def test_a_signed_file_says_what_was_said_and_a_changed_one_that_it_was_changed(
    films: Path, chain: Chain, tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    file.write_bytes((films / name).read_bytes())
    assert read_signature(file) is None
    place = signer_of(chain).sign(file, "Film", SAID)
    assert place == (f"{name}.c2pa" if name.endswith("mkv") else "inside")
    if name.endswith("mkv"):
        assert file.read_bytes() == (films / name).read_bytes()
    found = read_signature(file)
    assert found is not None
    assert (found.state, found.by, found.problems, found.statement) == ("valid", "Test Studio", (), SAID)
    trusted = read_signature(file, str(chain.root))
    assert trusted is not None
    assert trusted.state == "trusted"
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    changed = read_signature(file, str(chain.root))
    assert changed is not None
    assert changed.state == "broken"
    assert any("mismatch" in problem for problem in changed.problems)


@pytest.mark.parametrize("kind", ["p384", "p521", "rsa", "ed25519"])
def test_the_key_says_how_it_signs(films: Path, tmp_path: Path, kind: str) -> None:
    chain = make_chain(tmp_path / "chain", kind=kind)
    file = tmp_path / "film.wav"
    file.write_bytes((films / "film.wav").read_bytes())
    signer_of(chain).sign(file, "Film", SAID)
    found = read_signature(file, str(chain.root))
    assert found is not None
    assert found.state == "trusted"


def test_a_root_of_somebody_else_trusts_nobody(films: Path, chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "film.wav"
    file.write_bytes((films / "film.wav").read_bytes())
    signer_of(chain).sign(file, "Film", SAID)
    other = make_chain(tmp_path / "other", "Somebody Else")
    found = read_signature(file, str(other.root))
    assert found is not None
    assert found.state == "valid"


def test_without_a_key_nothing_is_signed() -> None:
    assert open_signer(PackSettings()) is None


def test_a_key_alone_is_refused() -> None:
    with pytest.raises(SettingError, match=r"pack\.sign_certificates"):
        PackSettings(sign_key="key.pem")
    with pytest.raises(SettingError, match=r"pack\.sign_key"):
        PackSettings(sign_certificates="chain.pem")


def test_files_that_are_no_key_or_belong_to_another_are_named(chain: Chain, tmp_path: Path) -> None:
    other = make_chain(tmp_path / "other")
    text = tmp_path / "text.pem"
    text.write_text("nothing")
    locked = with_password(chain, tmp_path / "locked.pem")
    for key, certificates, words in (
        (text, chain.certificates, "not a private key"),
        (locked, chain.certificates, "has a password"),
        (tmp_path / "gone.pem", chain.certificates, "cannot be read"),
        (chain.key, text, "holds no certificates"),
        (chain.key, other.certificates, "is not that of pack.sign_key"),
    ):
        settings = PackSettings(sign_key=str(key), sign_certificates=str(certificates))
        with pytest.raises(SettingError, match=words):
            open_signer(settings)
