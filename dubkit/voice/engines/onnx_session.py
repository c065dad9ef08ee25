"""Networks in onnxruntime, on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import ModelDamaged

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]


def open_session(path: Path, model: str | bytes, threads: int) -> InferenceSession:
    """Load a network, from a file or from memory; `path` is named where it is damaged."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # Waiting threads would spin and slow whatever else runs on the machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no public base class
        raise ModelDamaged(f"{path} cannot be loaded: {error}.\nRun: dubkit models verify") from error
