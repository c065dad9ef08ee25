"""The OpenAPI document: how to authenticate, and the errors that every operation may answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token from the Settings page, or serve.api_token. Never in a URL.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "dubkit",
        "description": (
            "The cookie of a login. Requests that change something also need the X-CSRF-Token header; "
            "GET /api/me returns its value."
        ),
    },
}

PROBLEMS = {
    "400": "The request cannot be done; `detail` says why and what to do.",
    "401": "Nobody is logged in, or the token is not valid.",
    "403": "The role is too low, or the X-CSRF-Token header is missing or wrong.",
    "404": "There is no such thing, or the caller may not see it.",
    "409": "It conflicts with the current state: something ended, changed, or is in use.",
    "413": "The body is too large.",
    "429": "Too many requests or failures; Retry-After says how long to wait.",
}
"""Status -> meaning, for errors that any operation may answer."""

OPEN = {"/api/health", "/api/health/live", "/api/health/ready"}


def describe(app: FastAPI) -> None:
    """Add to `app.openapi()` how to authenticate and the form of errors."""
    plain = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_problems(plain())
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    components["securitySchemes"] = SCHEMES
    components.setdefault("schemas", {})["Problem"] = {
        "title": "Problem",
        "type": "object",
        "required": ["detail"],
        "properties": {"detail": {"type": "string", "description": "What is wrong and what to do."}},
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in document.get("paths", {}).items():
        for operation in operations.values():
            if path not in OPEN:
                operation["security"] = [{name: []} for name in SCHEMES]
            _either_form(operation["responses"].get("422", {}))
            for status, meaning in PROBLEMS.items():
                operation["responses"].setdefault(status, {"description": meaning}).setdefault(
                    "content", content
                )
    return document


def _either_form(response: dict[str, Any]) -> None:
    """Say of a refused body that the reason is a list of faulty fields, or a sentence."""
    body = response.get("content", {}).get("application/json", {})
    fields = {"$ref": "#/components/schemas/HTTPValidationError"}
    if body.get("schema") == fields:
        body["schema"] = {"anyOf": [fields, {"$ref": "#/components/schemas/Problem"}]}
