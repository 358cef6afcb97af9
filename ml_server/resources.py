"""The resources that this process uses."""

from pathlib import Path
from typing import Any

import onnxruntime
import psutil

from ml_server.onnx_session import PROVIDERS

GPUS = Path("/proc/driver/nvidia/gpus")  # the driver's own list: nvidia-smi takes a second


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

    def of_machine(self, folder: Path) -> dict[str, Any]:
        """CPU, memory and the disk of `folder`, in percent and bytes; `process` is this process."""
        memory, disk = psutil.virtual_memory(), psutil.disk_usage(str(folder))
        return {
            "cpu": {
                "count": psutil.cpu_count(),
                "percent": psutil.cpu_percent(),
                "load": [round(each, 2) for each in psutil.getloadavg()],
            },
            "memory": {"total_bytes": memory.total, "available_bytes": memory.available, "percent": memory.percent},
            "disk": {"total_bytes": disk.total, "free_bytes": disk.free, "percent": disk.percent},
            "process": {"rss_bytes": self._process.memory_info().rss, "threads": self._process.num_threads()},
        }


def gpu_state() -> dict[str, Any]:
    """The machine's GPUs by name, as NVIDIA's driver lists them, and whether ONNX Runtime computes on one."""
    try:
        lines = [line for path in GPUS.glob("*/information") for line in path.read_text().splitlines()]
    except OSError:
        lines = []
    devices = [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return {"used": "CUDAExecutionProvider" in PROVIDERS, "devices": devices}
