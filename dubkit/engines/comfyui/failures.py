"""What a server's errors mean for the user, as sentences with the next step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dubkit.engines.comfyui.graph import lacking_node
from dubkit.errors import GeneratorError
from dubkit.services.words import shortened

_OUT_OF_MEMORY = re.compile(r"OutOfMemory|out of memory|ran out of memory", re.IGNORECASE)
_BROKEN_WEIGHTS = re.compile(
    r"Safetensor|UnpicklingError|EOFError|incomplete metadata|HeaderToo|invalid header"
)
_SIZES = re.compile(r"size mismatch|shape|state_dict|Missing key", re.IGNORECASE)
_SHOWN = 3
"""Errors of nodes that a message names."""


class ServerAway(GeneratorError):
    """The server does not answer, or has lost a job again and again."""

    may_pass = True


class JobFailed(GeneratorError):
    """The server took a graph, and a node of it broke."""


class JobStopped(GeneratorError):
    """Somebody stopped a job on the server."""

    def __init__(self, clip: str, place: str) -> None:
        super().__init__(
            f"Clip {clip} was stopped on the ComfyUI at {place}.\nRun the same command again to make it."
        )


class ResultGone(GeneratorError):
    """The server says that a clip is made, and does not give it."""


def refused_graph(answer: object, place: str) -> GeneratorError:
    """Return what to raise for the answer of a server that does not take a graph.

    `answer` is the JSON of a status of 400, or of a 200 that names errors of nodes.
    """
    told = answer if isinstance(answer, dict) else {}
    error = told.get("error")
    kind = str(error.get("type", "")) if isinstance(error, dict) else ""
    if kind in ("missing_node_type", "invalid_prompt"):
        extra = error.get("extra_info") if isinstance(error, dict) else None
        name = extra.get("class_type") if isinstance(extra, dict) else None
        if name:
            return GeneratorError(lacking_node(str(name)).replace("This ComfyUI", f"The ComfyUI at {place}"))
    sentences = _node_sentences(told.get("node_errors"))
    if not sentences:
        words = error.get("message") or error.get("details") if isinstance(error, dict) else error
        sentences = [shortened(str(words or "it gives no reason"))]
    shown = sentences[:_SHOWN]
    if len(sentences) > _SHOWN:
        shown.append(f"and {len(sentences) - _SHOWN} more.")
    return GeneratorError(
        f"The ComfyUI at {place} does not take the graph of the clip:\n"
        + "\n".join(f"- {sentence}" for sentence in shown)
        + "\nCheck the files that dub.comfyui names, and update ComfyUI and its nodes."
    )


def _node_sentences(node_errors: object) -> list[str]:
    if not isinstance(node_errors, Mapping):
        return []
    found = []
    for node, told in node_errors.items():
        errors = told.get("errors", ()) if isinstance(told, Mapping) else ()
        name = str(told.get("class_type") or node) if isinstance(told, Mapping) else str(node)
        found += [f"{name}: {_sentence(error)}" for error in errors if isinstance(error, Mapping)]
        if not errors:
            found.append(f"{name}: it has an error that is not told.")
    return found


def _sentence(error: Mapping[str, Any]) -> str:
    """Say one error of a node in words; the server's own where its kind is not known."""
    extra = error.get("extra_info")
    extra = extra if isinstance(extra, Mapping) else {}
    name, value = extra.get("input_name", ""), extra.get("received_value")
    details = shortened(str(error.get("details") or ""))
    sentences = {
        "required_input_missing": f"its input {name or details} is missing.",
        "bad_linked_input": f"its input {name} has no link of the right form.",
        "return_type_mismatch": f"its input {name} takes another type than {extra.get('received_type')}.",
        "invalid_input_type": f"its input {name} cannot be {value!r}.",
        "value_smaller_than_min": f"its input {name} is {value}, which is too small.",
        "value_bigger_than_max": f"its input {name} is {value}, which is too large.",
        "value_not_in_list": f"the server has no {name} {value!r}.",
        "custom_validation_failed": f"{details.rstrip('.')}.",
        "dependency_cycle": "it waits for its own result.",
    }
    own = shortened(": ".join(filter(None, (str(error.get("message") or ""), details))))
    return sentences.get(str(error.get("type")), f"{own.rstrip('.')}.")


def failed_job(told: Mapping[str, Any], clip: str, place: str) -> JobFailed:
    """Return what to raise for a job that broke while it ran; `told` is its `execution_error`."""
    kind, words = str(told.get("exception_type") or ""), str(told.get("exception_message") or "")
    node = str(told.get("node_type") or "a node")
    said = shortened(words.split("TIPS")[0]) or "no details"
    head = f"The ComfyUI at {place} failed to make clip {clip}: {node}"
    if _OUT_OF_MEMORY.search(f"{kind} {words}"):
        return JobFailed(
            f"{head} ran out of memory.\n"
            "Set dub.comfyui.preset to preview or dub.size to less, name fp8 files in dub.comfyui, or start "
            "the server with --lowvram."
        )
    if _BROKEN_WEIGHTS.search(f"{kind} {words}"):
        return JobFailed(
            f"{head} cannot read its model file ({said}).\nThe file on the server is broken or incomplete: "
            "fetch it again, or name another one in dub.comfyui."
        )
    if "Loader" in node and _SIZES.search(words):
        return JobFailed(
            f"{head}: its file does not fit the others ({said}).\n"
            "Name files of one LTX-2 version in dub.comfyui."
        )
    short = kind.rpartition(".")[2]
    return JobFailed(f"{head}: {f'{short}: ' if short else ''}{said}\nThe log of the server says more.")
