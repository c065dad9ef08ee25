"""Settings of packs and of their check: `[pack]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dubkit.errors import SettingError
from dubkit.settings import option

Algorithm = Literal["auto", "es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519"]


@dataclass(frozen=True, slots=True)
class PackSettings:
    """Signing what is handed over, and whose signatures count."""

    sign_key: str = option(
        "", "Private key (PEM file, PKCS #8, without a password) that packs are signed with.", machine=True
    )
    sign_certificates: str = option(
        "", "Certificates of that key (PEM file): its own first, then those above it.", machine=True
    )
    sign_algorithm: Algorithm = option(
        "auto", "Signature algorithm; auto takes the one that fits the key.", machine=True
    )
    timestamp_url: str = option(
        "", "Time stamp service (RFC 3161) that signatures are dated by; empty asks nobody.", machine=True
    )
    trust: str = option(
        "", "Root certificates (PEM file) whose signatures dubkit verify calls trusted.", machine=True
    )

    def __post_init__(self) -> None:
        if bool(self.sign_key) != bool(self.sign_certificates):
            missing = "sign_certificates" if self.sign_key else "sign_key"
            other = "sign_key" if self.sign_key else "sign_certificates"
            raise SettingError(
                f"pack.{missing}", "", f"it is needed with pack.{other}; name its PEM file, or set neither"
            )
