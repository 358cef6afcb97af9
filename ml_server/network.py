"""An ONNX file at work."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ml_server.dataset import Rows
from ml_server.exceptions import BrokenModel

INPUT = "features"
OUTPUT = "probabilities"


class Network:
    """Wraps ONNX Runtime. Any number of threads may call it at once."""

    def __init__(self, onnx: bytes) -> None:
        """Loads `onnx`. Raises `BrokenModel` when ONNX Runtime refuses it or it lacks the input or output."""
        options = onnxruntime.SessionOptions()
        # One small matrix product per call: a pool of threads would only cost the other processes here.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as exc:
            raise BrokenModel(f"ONNX Runtime refuses it ({type(exc).__name__})") from exc
        self._check_ports()

    def probabilities(self, rows: Rows) -> NDArray[np.float32]:
        """Of each class for each row: (n, features) to (n, classes)."""
        found: NDArray[np.float32] = self._session.run([OUTPUT], {INPUT: rows.astype(np.float32)})[0]
        return found

    def _check_ports(self) -> None:
        inputs = {port.name for port in self._session.get_inputs()}
        outputs = {port.name for port in self._session.get_outputs()}
        if inputs != {INPUT} or OUTPUT not in outputs:
            raise BrokenModel(f"its input must be {INPUT} and an output {OUTPUT}")
