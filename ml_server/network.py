"""An ONNX file at work."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import load_from_string
from onnx.external_data_helper import uses_external_data

from ml_server.exceptions import BrokenModel

OUTPUT = "probabilities"
PROVIDERS = [
    name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in onnxruntime.get_available_providers()
]

Tensor = NDArray[np.float32]
Numbers = NDArray[np.floating]


class Network:
    """Wraps ONNX Runtime. Any number of threads may call it at once."""

    def __init__(self, onnx: bytes, output: str = OUTPUT, *, holds_logits: bool = False) -> None:
        """Loads `onnx`, whose `output` holds a probability for each class, or a logit.

        Raises:
            BrokenModel: ONNX Runtime refuses it, it has no such output, not one input alone, or its weights elsewhere.
        """
        options = onnxruntime.SessionOptions()
        # One small matrix product per call: a pool of threads would only cost the other processes here.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # what it warns of while it refuses a file is in the exception too
        try:
            self._session = onnxruntime.InferenceSession(onnx, options, providers=PROVIDERS)
        except Exception as exc:
            raise BrokenModel(f"ONNX Runtime refuses it ({type(exc).__name__})") from exc
        self._outputs, self._holds_logits = [output], holds_logits
        self._input = self._check_ports()
        # Such a file has no weights of its own, and its digest says nothing of them.
        if any(uses_external_data(tensor) for tensor in load_from_string(onnx).graph.initializer):
            raise BrokenModel("it keeps its weights in another file")

    @property
    def provider(self) -> str:
        """What ONNX Runtime computes it on, in its own words, such as `CPUExecutionProvider`."""
        name: str = self._session.get_providers()[0]
        return name

    def probabilities(self, batch: Numbers) -> Tensor:
        """Of each class for each member of the batch: (n, …) to (n, classes)."""
        found: Tensor = self._session.run(self._outputs, {self._input: batch.astype(np.float32, copy=False)})[0]
        return softmax(found) if self._holds_logits else found

    def _check_ports(self) -> str:
        inputs = [port.name for port in self._session.get_inputs()]
        outputs = {port.name for port in self._session.get_outputs()}
        if len(inputs) != 1 or self._outputs[0] not in outputs:
            raise BrokenModel(f"it must have one input and an output {self._outputs[0]}")
        name: str = inputs[0]
        return name


def softmax(logits: Tensor) -> Tensor:
    """Over the last axis; no logit is too large."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Tensor = powers / powers.sum(axis=-1, keepdims=True)
    return shares
