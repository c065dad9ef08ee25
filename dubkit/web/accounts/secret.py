"""The key that signs sessions: where it comes from, and when it is refused."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import DubkitError, SettingError
from dubkit.web.settings import Serve

if TYPE_CHECKING:
    from dubkit.config import Configuration

SHORTEST = 32
"""Characters of the shortest secret."""

KEPT = ".dubkit-secret"
"""File in the output folder with the generated secret of a server that only this machine can reach."""

KNOWN = (
    "changeme",
    "change-me",
    "secret",
    "password",
    "example",
    "dubkit",
    "default",
    "0123456789",
    "abcdef",
)
"""Parts of defaults and examples."""

_MAKE = 'Make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'


def load_secret(configured: Configuration, output: Path, *, local: bool) -> bytes:
    """Return the site's secret.

    A server that others can reach, or one with `serve.strict_secrets`, needs a secret from its user. Raises
    SettingError when there is none, when it is weak, or when others can read the file that holds it.
    """
    serve = Serve.of(configured.settings)
    if serve.secret and serve.secret_file:
        raise SettingError("serve.secret_file", serve.secret_file, "serve.secret is given too; leave one out")
    if serve.secret:
        origin = configured.origins.get("serve.secret", "")
        if origin.endswith(".toml") and (serve.strict_secrets or not local):
            _refuse_readable("serve.secret", Path(origin))
        return _checked(serve.secret, "serve.secret")
    if serve.secret_file:
        path = Path(serve.secret_file).expanduser()
        _refuse_readable("serve.secret_file", path)
        return _checked(path.read_text("utf-8", "replace").strip(), "serve.secret_file")
    if serve.strict_secrets or not local:
        why = "serve.strict_secrets is on" if local else f"other machines can reach {serve.host}"
        raise SettingError(
            "serve.secret", "", f"a secret of your own is needed, because {why}; "
            f"set DUBKIT_SERVE_SECRET or serve.secret_file. {_MAKE}"
        )  # fmt: skip
    return _kept(output / KEPT)


def check_token(configured: Configuration) -> None:
    """Refuse a weak `serve.api_token`, and with strict secrets one in a file that others can read."""
    serve = Serve.of(configured.settings)
    if not serve.api_token:
        return
    origin = configured.origins.get("serve.api_token", "")
    if serve.strict_secrets and origin.endswith(".toml"):
        _refuse_readable("serve.api_token", Path(origin))
    _checked(serve.api_token, "serve.api_token")


def _checked(secret: str, name: str) -> bytes:
    if len(secret) < SHORTEST:
        raise SettingError(name, "***", f"has {len(secret)} characters, needs {SHORTEST} or more. {_MAKE}")
    plain = secret.lower()
    for part in KNOWN:
        plain = plain.replace(part, "")
    if len(set(secret)) < 8 or len(plain) < SHORTEST // 2 or _repeats(secret):
        raise SettingError(name, "***", f"can be guessed: it repeats itself or is a known default. {_MAKE}")
    return secret.encode()


def _repeats(secret: str) -> bool:
    return any(
        secret == (secret[:size] * len(secret))[: len(secret)] for size in range(1, len(secret) // 2 + 1)
    )


def _refuse_readable(name: str, path: Path) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise SettingError(name, str(path), f"cannot be read: {error.strerror}") from None
    if os.name == "posix" and mode & 0o077:
        raise SettingError(
            name, str(path), f"others can read or write this file (mode {mode:04o}); run: chmod 600 {path}"
        )


def _kept(path: Path) -> bytes:
    """Return the secret in a file; the first time, make both."""
    if path.is_file():
        _refuse_readable("secret", path)
        return _checked(path.read_text("utf-8", "replace").strip(), str(path))
    try:
        return _make(path)
    except OSError as error:
        raise DubkitError(
            f"Cannot write {path}: {error.strerror}.\n"
            "Make the output folder writable, or name another one with --output."
        ) from None


def _make(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    secret = secrets.token_urlsafe(48)
    temporary = path.with_name(f"{KEPT}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(secret + "\n")
    try:
        os.link(temporary, path)  # of two servers that start at once, both take the first one's
    except FileExistsError:
        return _kept(path)
    finally:
        temporary.unlink()
    return secret.encode()
