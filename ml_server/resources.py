"""The resources that this process uses."""

from typing import Any

import onnxruntime
import psutil

from ml_server.onnx_session import PROVIDERS


class ResourceUsage:
    """Current use of memory, CPU and GPU."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first call always returns 0; it starts the measurement

    def as_json(self) -> dict[str, Any]:
        """`cpu.percent` is of one CPU since the last call. `gpu` is null if ONNX Runtime can't use a GPU."""
        times = self._process.cpu_times()
        has_gpu = "CUDAExecutionProvider" in PROVIDERS
        return {
            "memory": {
                "rss_bytes": self._process.memory_info().rss,
                "available_bytes": psutil.virtual_memory().available,
            },
            "cpu": {
                "percent": self._process.cpu_percent(),
                "seconds": round(times.user + times.system, 2),
                "count": psutil.cpu_count(),
            },
            "gpu": {"device": onnxruntime.get_device()} if has_gpu else None,
        }
