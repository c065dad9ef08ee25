"""What an error of a store means: whether it may pass, and what a person can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from dubkit.errors import DubkitError

Kind = Literal["passing", "key", "rights", "bucket", "region", "address", "package"]


class StoreError(DubkitError):
    """A store that is reached by URL cannot be used, or not any more."""


class ObjectMissing(Exception):
    """There is no object of that name in the store."""


class Damaged(Exception):
    """What arrived is not what was sent; the next attempt may be whole."""


_CODES: dict[str, Kind] = {
    **dict.fromkeys(
        (
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidToken",
            "TokenRefreshRequired",
            "RequestTimeTooSkewed",
            "InvalidClientTokenId",
        ),
        "key",
    ),
    **dict.fromkeys(("AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden", "403"), "rights"),
    **dict.fromkeys(("NoSuchBucket", "InvalidBucketName"), "bucket"),
    **dict.fromkeys(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"),
        "region",
    ),
    **dict.fromkeys(("MethodNotAllowed", "405"), "address"),
}
_NAMES: dict[str, Kind] = {
    "NoCredentialsError": "key",
    "PartialCredentialsError": "key",
    "CredentialRetrievalError": "key",
    "ProfileNotFound": "key",
    "TokenRetrievalError": "key",
    "UnauthorizedSSOTokenError": "key",
    "NoRegionError": "region",
    "InvalidRegionError": "region",
    "ParamValidationError": "bucket",
    "ImportError": "package",
    "ModuleNotFoundError": "package",
    "PermissionError": "rights",
}
_CURES: dict[Kind, str] = {
    "key": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, to a key of this store.",
    "rights": "The key must be allowed to list the bucket, and to read, write and delete below this URL.",
    "bucket": "Create the bucket, or correct its name in the URL.",
    "region": "Set store.region to the region of the bucket, and check store.endpoint.",
    "address": "Check store.endpoint: it must be the address of an S3-compatible server.",
    "package": "Install what reaches it: for s3:// the extra s3 of dubkit (pip install 'dubkit[s3]').",
    "passing": "Check that the store is reachable and store.endpoint is right, then run the same command "
    "again: it resumes.",
}


def kind_of(error: BaseException) -> Kind:
    """Return what kind of trouble an error is; one that nobody knows may pass."""
    codes = [code for one in _chain(error) if (code := error_code(one))]
    for code in codes:
        if code in _CODES:
            return _CODES[code]
    if codes:
        return "passing"
    for one in _chain(error):
        if type(one).__name__ in _NAMES:
            return _NAMES[type(one).__name__]
        if isinstance(one, ValueError) and "endpoint" in str(one).lower():
            return "address"
    return "passing"


def error_code(error: BaseException) -> str:
    """Return the code of an S3 error, such as `SlowDown`; empty for any other."""
    response: Any = getattr(error, "response", None)
    told = response.get("Error", {}) if isinstance(response, dict) else {}
    return str(told.get("Code", ""))


def store_error(url: str, doing: str, error: BaseException, attempts: int) -> StoreError:
    """Return the error for people: URL, what was being done, the cause in a word, the next step.

    The words of the server are left out, because some repeat the request with its key.
    """
    kind = kind_of(error)
    codes = [code for one in _chain(error) if (code := error_code(one))]
    cause = codes[0] if codes else _plain(error)
    times = f" in {attempts} attempts" if attempts > 1 else ""
    return StoreError(f"{url}: {doing} failed{times} ({cause}).\n{_CURES[kind]}")


def _plain(error: BaseException) -> str:
    if isinstance(error, Damaged | OSError | ImportError) and str(error):
        return str(error).splitlines()[0]
    return type(error).__name__


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
