"""Sessions of ONNX Runtime for the models on this machine, loaded with their first use."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from imaging.weights import folder

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from imaging.weights.catalogue import Model


@cache
def session(model: Model) -> InferenceSession:
    """The model's session; any number of threads may call it. Raises `ModelMissing`."""
    import onnxruntime  # noqa: PLC0415 - 40 MB

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # other processes need the processors too
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(folder.load(model), options, providers=["CPUExecutionProvider"])
