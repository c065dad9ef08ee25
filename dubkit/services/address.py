"""Where a service is and what opens it: its address, its key, and the proxy on the way."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from dubkit.errors import DubkitError
from dubkit.proxies import is_local, is_number, proxy_for, proxy_problem, shown
from dubkit.services.names import ServiceNames

if TYPE_CHECKING:
    import httpx

_CALL = re.compile(
    r"/(?:chat/completions|chat|completions|responses|models|audio/speech|audio/voices|audio)/?$",
    re.IGNORECASE,
)
_WORD = re.compile(r"^(?:(?:authorization|api[-_ ]?key)\s*[:=]\s*)?(?:bearer\s+)?", re.IGNORECASE)
_AROUND = " \t\r\n\"'`\u00a0\u200b\u200c\u200d\u2060\ufeff"
"""What comes along when an address or a key is copied."""


def clean_address(text: str, names: ServiceNames) -> str:
    """Return the base address of a service: no blanks, no call and no stroke at its end.

    Raises the error of `names` for what is no web address.
    """
    address = text.strip(_AROUND)
    if "://" not in address:
        host = address.partition("/")[0].partition(":")[0]
        address = f"{'http' if is_local(host) or is_number(host) else 'https'}://{address}"
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port  # is read to see that it is a number
    except ValueError as problem:
        raise _no_address(text, names, str(problem)) from None
    if parts.scheme not in ("http", "https"):
        raise _no_address(text, names, f"{parts.scheme}:// is not http:// or https://")
    if not host or re.search(r"[\s<>\"{}|\\^`]", address):
        raise _no_address(text, names, "it has a sign that no address has" if host else "it names no host")
    path = parts.path.rstrip("/")
    while (shorter := _CALL.sub("", path)) != path:
        path = shorter.rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def call_address(address: str, call: str) -> str:
    """Return the address that a request for a `call`, such as `chat/completions`, goes to."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc, f"{parts.path}/{call}", parts.query, ""))


def clean_key(text: str, names: ServiceNames) -> str:
    """Return a key without what came along when it was copied.

    Raises the error of `names` for what is no key.
    """
    key = _WORD.sub("", text.strip(_AROUND)).strip(_AROUND)
    for place, sign in enumerate(key, start=1):
        if not "!" <= sign <= "~":
            what = "a blank or a new line" if sign.isspace() else f"the sign {sign!r}"
            raise names.error(
                f"The key of {names.what} ({names.key}) has {what} at place "
                f"{place} of {len(key)}; keys are plain letters, digits and signs.\n"
                "Copy the key from the service again."
            )
    return key


def open_client(address: str, seconds: float, names: ServiceNames, *, keep: bool = True) -> httpx.Client:
    """Return an HTTP client for a service, with the proxy that the environment names for its host.

    Without `keep` no connection outlives its request, so that nobody need close the client.
    Raises the error of `names` for a proxy or a certificate file that cannot be used.
    """
    import httpx

    proxy, variable = proxy_for(address)
    problem = proxy_problem(proxy) if proxy else ""
    if problem:
        cure = "Run: pip install socksio\nOr set" if "socksio" in problem else "Set"
        host = urlsplit(address).hostname
        raise names.error(
            f"{variable} is {shown(proxy)}: {problem}.\n"
            f"{cure} {variable} to an http:// proxy, or name {host} in NO_PROXY."
        )
    return httpx.Client(
        timeout=seconds,
        trust_env=False,
        verify=_certificates(names),
        proxy=proxy or None,
        follow_redirects=False,
        limits=httpx.Limits() if keep else httpx.Limits(max_keepalive_connections=0),
    )


def _certificates(names: ServiceNames) -> ssl.SSLContext:
    """Return the certificates that are trusted: those of SSL_CERT_FILE where it is set."""
    import httpx

    try:
        return httpx.create_ssl_context()
    except (OSError, ssl.SSLError) as error:
        raise names.error(
            f"The certificates of this machine cannot be read ({error}).\n"
            "Check SSL_CERT_FILE and SSL_CERT_DIR."
        ) from error


def _no_address(text: str, names: ServiceNames, problem: str) -> DubkitError:
    plain = text.strip(_AROUND)
    said = plain if len(plain) <= 100 and "@" not in plain else plain.rpartition("@")[2][:100]
    return names.error(
        f"{names.address} is {said!r}, which is no address of a service: {problem}.\n"
        f"Write one such as {names.example}."
    )
