"""The proxies that the environment names, and whether they can be used."""

from __future__ import annotations

import importlib.util
import ipaddress
import re
from urllib.parse import urlsplit

_AROUND = " \t\r\n\"'"
_SCHEMES = ("http", "https", "socks5", "socks5h")
VARIABLES = {"http": "HTTP_PROXY", "https": "HTTPS_PROXY", "all": "ALL_PROXY"}
"""Scheme of an address -> the variable that names its proxy."""


def is_local(host: str) -> bool:
    """Say whether a host is this machine itself."""
    name = host.strip("[]").casefold().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    number = _number(name)
    return number is not None and (number.is_loopback or number.is_unspecified)


def is_number(host: str) -> bool:
    """Say whether a host is given as a number, such as 192.168.0.5."""
    return _number(host) is not None


def proxy_for(address: str) -> tuple[str, str]:
    """Return the proxy for an address and the variable that names it; empty texts where none is used."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(address)
    host, proxies = parts.hostname or "", getproxies()
    place = parts.netloc.rpartition("@")[2]
    if is_local(host) or proxy_bypass(place) or _excepted(host, proxies.get("no", "")):
        return "", ""
    scheme = next((name for name in (parts.scheme, "all") if proxies.get(name, "").strip()), "")
    return (_written_out(proxies[scheme]), VARIABLES[scheme]) if scheme else ("", "")


def proxy_problem(proxy: str) -> str:
    """Return why a proxy cannot be used, as a clause; empty when it can."""
    try:
        parts = urlsplit(proxy)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"not the address of a proxy ({error})"
    if not host:
        return "not the address of a proxy (it names no host)"
    if parts.scheme not in _SCHEMES:
        return f"not a proxy that can be used ({parts.scheme}:// is none of {', '.join(_SCHEMES)})"
    if parts.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        return "a SOCKS proxy, and the package socksio that speaks with such proxies is not installed"
    return ""


def refused_proxies() -> str:
    """Return why a client that reads all proxies of the environment cannot work, with the cure; or nothing.

    Such a client takes `socks://` for an unknown kind, and opens every proxy whatever NO_PROXY says.
    """
    from urllib.request import getproxies

    for scheme, proxy in getproxies().items():
        if scheme not in VARIABLES or not proxy.strip():
            continue
        problem = proxy_problem(proxy if "://" in proxy else f"http://{proxy}")
        if problem:
            variable = VARIABLES[scheme]
            return (
                f"{variable} is {shown(proxy)}: {problem}.\nSet {variable} to an http:// proxy, or unset it."
            )
    return ""


def shown(address: str) -> str:
    """Return an address as messages show it: without the password and the query that may hold a key."""
    plain = re.sub(r"^([a-z0-9+.-]*://)?.*@", r"\1", address.strip(), flags=re.IGNORECASE)
    return re.sub(r"[?#].*", "", plain)


def _written_out(proxy: str) -> str:
    plain = proxy.strip(_AROUND)
    if "://" not in plain:
        plain = f"http://{plain}"
    # `socks://` is what desktops write; it means version 5.
    return re.sub(r"^socks://", "socks5://", plain, flags=re.IGNORECASE)


def _excepted(host: str, exceptions: str) -> bool:
    """Say whether a host lies in one of the networks of NO_PROXY, such as 10.0.0.0/8."""
    number = _number(host)
    for entry in exceptions.split(","):
        try:
            if "/" in entry and number in ipaddress.ip_network(entry.strip(), strict=False):
                return True
        except (ValueError, TypeError, AttributeError):
            continue
    return False


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
