"""A certificate chain for signing, made for a test: a root, and below it the certificate of a key."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BEGIN = dt.datetime(2026, 1, 1)
END = dt.datetime(2046, 1, 1)


Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Chain:
    """PEM files."""

    key: Path
    certificates: Path
    root: Path


def new_key(kind: str) -> Key:
    """Make a key: `ed25519`, `rsa`, or `p256`, `p384` and `p521` for elliptic curves."""
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "rsa":
        return rsa.generate_private_key(65_537, 2048)
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    return ec.generate_private_key(curves[kind])


def make_chain(folder: Path, name: str = "Test Studio", kind: str = "p256") -> Chain:
    """Write key, certificates and root into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    above, own = ec.generate_private_key(ec.SECP256R1()), new_key(kind)
    top = _named(f"{name} Root")
    root = _certificate(top, above, top, above, authority=True)
    leaf = _certificate(_named(name), own, top, above, authority=False)
    chain = Chain(folder / "key.pem", folder / "chain.pem", folder / "root.pem")
    chain.key.write_bytes(_pem(own, None))
    chain.certificates.write_bytes(_public(leaf) + _public(root))
    chain.root.write_bytes(_public(root))
    return chain


def with_password(chain: Chain, out: Path) -> Path:
    """Write the key again so that it needs a password."""
    key = serialization.load_pem_private_key(chain.key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    out.write_bytes(_pem(key, b"secret"))
    return out


def _pem(key: Key, password: bytes | None) -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _named(common: str) -> x509.Name:
    parts = {NameOID.COUNTRY_NAME: "DE", NameOID.ORGANIZATION_NAME: common, NameOID.COMMON_NAME: common}
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts.items()])


def _certificate(
    subject: x509.Name,
    key: Key,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    usage = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(END)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(usage, critical=True)
    )
    if not authority:
        mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        made = made.add_extension(mail, critical=False)
    return made.sign(signer, hashes.SHA256())
