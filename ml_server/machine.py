"""What this process takes of the machine."""

from typing import Any

import onnxruntime
import psutil

from ml_server.network import PROVIDERS


class Machine:
    """Memory, processor and graphics processor, at the moment of asking."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first reading is always 0: it begins a span

    def as_json(self) -> dict[str, Any]:
        """`cpu.percent` is since the last call, of one processor; `gpu` is null where ONNX Runtime can't use one."""
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
