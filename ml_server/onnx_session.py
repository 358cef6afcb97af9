"""Runs an ONNX model with ONNX Runtime."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import load_from_string
from onnx.external_data_helper import uses_external_data

from ml_server.exceptions import InvalidModel

DEFAULT_OUTPUT = "probabilities"
PROVIDERS = [
    name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in onnxruntime.get_available_providers()
]

Tensor = NDArray[np.float32]
FloatArray = NDArray[np.floating]


class OnnxSession:
    """Wraps an ONNX Runtime session. Any number of threads may call it."""

    def __init__(self, onnx: bytes, output: str = DEFAULT_OUTPUT, *, returns_logits: bool = False) -> None:
        """Loads `onnx`, whose `output` holds a probability or a logit for each class.

        Raises:
            InvalidModel: ONNX Runtime can't load it, it has no such output, it has several inputs, or its weights are
                in another file.
        """
        options = onnxruntime.SessionOptions()
        # Each call is one small matrix product. A thread pool would only take the CPU from other processes.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors only: what it warns of before it refuses a file is in the exception
        try:
            _require_own_weights(onnx)
            self._session = onnxruntime.InferenceSession(onnx, options, providers=PROVIDERS)
        except InvalidModel:
            raise
        except Exception as exc:
            raise InvalidModel(f"ONNX Runtime can't load it ({type(exc).__name__})") from exc
        self._outputs, self._returns_logits = [output], returns_logits
        self._input = self._check_inputs_and_outputs()

    @property
    def provider(self) -> str:
        """The execution provider, as ONNX Runtime names it, such as `CPUExecutionProvider`."""
        name: str = self._session.get_providers()[0]
        return name

    def probabilities(self, batch: FloatArray) -> Tensor:
        """Returns the probability of each class for each member of the batch: (n, …) to (n, classes)."""
        found: Tensor = self._session.run(self._outputs, {self._input: batch.astype(np.float32, copy=False)})[0]
        return softmax(found) if self._returns_logits else found

    def _check_inputs_and_outputs(self) -> str:
        inputs = [each.name for each in self._session.get_inputs()]
        outputs = {each.name for each in self._session.get_outputs()}
        if len(inputs) != 1 or self._outputs[0] not in outputs:
            raise InvalidModel(f"it must have one input and an output {self._outputs[0]}")
        name: str = inputs[0]
        return name


def _require_own_weights(onnx: bytes) -> None:
    """Raises `InvalidModel` if weights are in another file: ONNX Runtime would read it, and no digest covers it."""
    if any(uses_external_data(tensor) for tensor in load_from_string(onnx).graph.initializer):
        raise InvalidModel("its weights are in another file: export it with external_data=False")


def softmax(logits: Tensor) -> Tensor:
    """Softmax over the last axis, without overflow for large logits."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Tensor = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities
