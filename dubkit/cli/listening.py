"""Open a port to listen on, before anything else is started."""

from __future__ import annotations

import socket

from dubkit.errors import DubkitError


def listen(host: str, port: int, setting: str, option: str) -> socket.socket:
    """Return a socket that listens.

    Raises DubkitError when that fails, which names the `setting` of the address and the `option` of the port.
    """
    plain = host.strip("[]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(plain, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        raise DubkitError(
            f"Setting {setting} = {plain!r}: there is no such address ({error.strerror}).\n"
            "Use 127.0.0.1 for this machine only, or 0.0.0.0 for every network."
        ) from None
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(socket.SOMAXCONN)
    except OSError as error:
        taken.close()
        raise DubkitError(
            f"Cannot listen on {host} port {port}: {error.strerror}.\n"
            f"Stop what uses the port, or choose another with {option.strip()}; {option}0 is any free one."
        ) from None
    return taken


def address_of(listening: socket.socket) -> str:
    """Return the address of a socket that listens, as browsers take it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
