"""Call a function of a case in a process of its own: `python -m benchmarks.trials.caller JSON`."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from dubkit.episode.store import pretty


def find(name: str) -> Callable[..., Any]:
    """Import `package.module.function`; the function may be that of a class."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found  # type: ignore[no-any-return]
    raise ModuleNotFoundError(f"there is no {name}")


def main(asked: str) -> None:
    """Print the value of a call, or what it raised, as the last line."""
    wish = json.loads(asked)
    function = find(wish["function"])
    answer: dict[str, Any] = {"value": None, "raised": "", "message": ""}
    try:
        answer["value"] = msgspec.json.decode(pretty(function(*wish["arguments"], **wish["keywords"])))
    except Exception as error:  # what it is decides whether the case passes
        answer |= {"raised": type(error).__name__, "message": str(error)}
    print(json.dumps(answer, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1])
