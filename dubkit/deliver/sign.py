"""Signatures of the Coalition for Content Provenance and Authenticity (C2PA): written into files, and read.

MP4, MOV, M4A and WAV hold their signature inside. Any other file, such as Matroska, has it in a file of its
own beside it, with the same name and `.c2pa` behind it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.deliver.settings import PackSettings
from dubkit.deliver.statement import SIDECAR
from dubkit.errors import DubkitError, SettingError

if TYPE_CHECKING:
    import c2pa  # type: ignore[import-untyped]

INSIDE = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".m4a": "audio/mp4",
    ".wav": "audio/wav",
}
"""Endings of files that hold their signature -> their type."""

OUTSIDE = "application/octet-stream"
LABEL = "org.dubkit.provenance"
"""What dubkit says of a file, among what is signed."""

MADE_BY = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""A composition of recorded and generated media, as IPTC names it."""

_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_UNTRUSTED = "signingCredential.untrusted"


@dataclass(frozen=True, slots=True)
class Signature:
    """What the signature of a file says."""

    state: str
    """`trusted`: whole, and by somebody under the roots of `pack.trust`. `valid`: whole, by somebody whom no
    root vouches for. `broken`: the file or the signature was changed."""
    by: str
    """Whom the certificate names."""
    problems: tuple[str, ...]
    """Codes of what is wrong, as C2PA has them: `assertion.bmffHash.mismatch`."""
    place: str
    """`inside`, or the name of the file beside it."""
    statement: Mapping[str, Any]
    """What dubkit said of the file; empty for a file that dubkit did not sign."""


class Signer:
    """Signs files with one key."""

    def __init__(self, algorithm: str, certificates: bytes, key: bytes, timestamp_url: str) -> None:
        self._parts = algorithm, certificates, key, timestamp_url

    def sign(self, file: Path, title: str, statement: Mapping[str, Any]) -> str:
        """Sign a file, and say where the signature is: `inside`, or the name of the file beside it.

        Raises DubkitError where that fails; the file is then as it was.
        """
        import c2pa

        builder = c2pa.Builder(json.dumps(_claim(title, statement)))
        mime = INSIDE.get(file.suffix.lower(), OUTSIDE)
        temporary = file.with_name(f".{file.name}.signed")
        if mime == OUTSIDE:
            builder.set_no_embed()
        try:
            with self._open() as signer, file.open("rb") as source, temporary.open("w+b") as out:
                raw = builder.sign(signer, mime, source, out)
            if mime != OUTSIDE:
                os.replace(temporary, file)
                return "inside"
            beside = file.with_name(file.name + SIDECAR)
            beside.write_bytes(raw)
            return beside.name
        except c2pa.C2paError as error:
            raise DubkitError(
                f"{file.name} could not be signed: {error}\n"
                "Check pack.sign_key, pack.sign_certificates (its own first, then those above it; for "
                "signing documents or mail) and pack.timestamp_url."
            ) from None
        finally:
            builder.close()
            temporary.unlink(missing_ok=True)

    def _open(self) -> c2pa.Signer:
        import c2pa

        algorithm, certificates, key, url = self._parts
        return c2pa.Signer.from_info(
            c2pa.C2paSignerInfo(algorithm, certificates, key, url.encode() if url else None)
        )


def _claim(title: str, statement: Mapping[str, Any]) -> dict[str, Any]:
    from dubkit import __version__

    return {
        "title": title,
        "claim_generator_info": [{"name": "dubkit", "version": __version__}],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": MADE_BY}]},
            },
            # As text: a list of small numbers would come back as something else.
            {"label": LABEL, "data": {"provenance": json.dumps(statement, ensure_ascii=False)}},
        ],
    }


def open_signer(settings: PackSettings) -> Signer | None:
    """Open the key that the settings name; None where they name none.

    Raises SettingError for files that are no key or no certificates, and DubkitError without c2pa-python.
    """
    if not settings.sign_key:
        return None
    need_c2pa()
    key = _read("pack.sign_key", settings.sign_key)
    certificates = _read("pack.sign_certificates", settings.sign_certificates)
    algorithm = _algorithm(settings, key)
    _check_pair(settings, key, certificates)
    return Signer(algorithm, certificates, key, settings.timestamp_url)


def need_c2pa() -> None:
    """Raise DubkitError where signatures can be neither written nor read."""
    try:
        import c2pa  # noqa: F401
    except ImportError:
        raise DubkitError(
            'Signatures need the package c2pa-python.\nRun: pip install "dubkit[c2pa]"'
        ) from None


def _read(setting: str, name: str) -> bytes:
    try:
        return Path(name).expanduser().read_bytes()
    except OSError as error:
        raise SettingError(setting, name, f"it cannot be read ({error.strerror}); name a PEM file") from None


def _algorithm(settings: PackSettings, raw: bytes) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    key = _key(settings, raw)
    if settings.sign_algorithm != "auto":
        return settings.sign_algorithm
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    expected = "C2PA takes elliptic curves (P-256, P-384, P-521), RSA and Ed25519; make such a key"
    raise SettingError("pack.sign_key", settings.sign_key, expected)


def _key(settings: PackSettings, raw: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(raw, password=None)
    except TypeError:
        expected = "the key has a password; take it off, or name another key"
    except ValueError:
        expected = "it is not a private key in PEM form; name one that begins with BEGIN PRIVATE KEY"
    raise SettingError("pack.sign_key", settings.sign_key, expected)


def _check_pair(settings: PackSettings, raw: bytes, certificates: bytes) -> None:
    """Raise SettingError where the first certificate is not that of the key."""
    from cryptography import x509

    name = settings.sign_certificates
    try:
        first = x509.load_pem_x509_certificates(certificates)[0]
    except (ValueError, IndexError):
        expected = "it holds no certificates in PEM form; name a file that begins with BEGIN CERTIFICATE"
        raise SettingError("pack.sign_certificates", name, expected) from None
    if first.public_key() != _key(settings, raw).public_key():
        expected = "its first certificate is not that of pack.sign_key; put the key's own first"
        raise SettingError("pack.sign_certificates", name, expected)


def read_signature(file: Path, trust: str = "") -> Signature | None:
    """Read and check the signature of a file; None where it has none.

    `trust` is the PEM file of roots. Raises DubkitError without c2pa-python, SettingError for bad roots.
    """
    need_c2pa()
    import c2pa

    mime = INSIDE.get(file.suffix.lower(), OUTSIDE)
    beside = file.with_name(file.name + SIDECAR)
    manifest = beside.read_bytes() if beside.is_file() else None
    if mime == OUTSIDE and manifest is None:
        return None
    place = beside.name if manifest is not None else "inside"
    rules: dict[str, Any] = {"verify": {"verify_trust": True, "remote_manifest_fetch": False}}
    if trust:
        rules["trust"] = {"trust_anchors": _read("pack.trust", trust).decode("utf-8", "replace")}
    try:
        with c2pa.Context.from_dict(rules) as context, file.open("rb") as stream:
            reader = c2pa.Reader(mime, stream, manifest_data=manifest, context=context)
            with reader:
                return _signature(json.loads(reader.json()), reader.get_validation_state(), place)
    except c2pa.C2paError as error:
        if "ManifestNotFound" in type(error).__name__ or "no JUMBF data" in str(error):
            return None
        return Signature("broken", "", (str(error).partition("\n")[0],), place, {})


def _signature(store: Mapping[str, Any], state: str | None, place: str) -> Signature:
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    info = active.get("signature_info", {})
    codes = tuple(dict.fromkeys(status["code"] for status in store.get("validation_status", ())))
    wrong = tuple(code for code in codes if code != _UNTRUSTED)
    said = _said(active.get("assertions", ()))
    word = "broken" if wrong or state == "Invalid" else "trusted" if state == "Trusted" else "valid"
    return Signature(word, str(info.get("common_name") or info.get("issuer") or ""), wrong, place, said)


def _said(assertions: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    for assertion in assertions:
        if assertion.get("label") == LABEL:
            try:
                found = json.loads(assertion["data"]["provenance"])
            except (KeyError, TypeError, ValueError):
                return {}
            return found if isinstance(found, dict) else {}
    return {}
