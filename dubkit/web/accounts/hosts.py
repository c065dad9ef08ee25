"""Names the server answers to: a foreign page must not reach it by a name that resolves to this address."""

from __future__ import annotations

import ipaddress
import re
import socket

from dubkit.errors import SettingError

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a server that listens on `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Hosts:
    """The names in `serve.hosts`, or else this machine's; plain addresses are safe, no DNS can forge them."""

    def __init__(self, listed: str, *, local: bool) -> None:
        names = {name.strip().lower().rstrip(".") for name in listed.split(",")} - {""}
        if not names and not local:
            names = {socket.gethostname().lower(), socket.getfqdn().lower()}
        self.names = frozenset(names | {"localhost"})
        self.local = local

    def accepts(self, header: str) -> bool:
        """Tell whether a Host header names this server."""
        match = _HOST.fullmatch(header.lower())
        if match is None:
            return False
        host = match[1].rstrip(".")
        if host in self.names:
            return True
        try:
            address = ipaddress.ip_address(host.strip("[]"))
        except ValueError:
            return False
        return address.is_loopback or not self.local


def trusted_proxies(named: str) -> list[str]:
    """Return the addresses and networks of proxies that are believed, from the setting.

    Raises SettingError for what is neither: nothing then says which client a proxy asks for.
    """
    found = [part.strip() for part in named.split(",") if part.strip()]
    for part in found:
        try:
            ipaddress.ip_network(part)
        except ValueError as error:
            raise SettingError(
                "serve.trusted_proxies", part, f"must be an address or a network such as 10.0.0.0/8 ({error})"
            ) from None
    return found
