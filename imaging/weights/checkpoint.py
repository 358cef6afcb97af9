"""Reads a state dict that PyTorch saved in its first format, without PyTorch.

Such a file is a sequence of pickles, and a pickle can run any code. This unpickler knows four names, and none of them
runs anything: https://docs.python.org/3/library/pickle.html#restricting-globals.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
MAX_VALUES = 50_000_000

Array = NDArray[Any]
Tensors = Mapping[str, Array]


class BadCheckpoint(ValueError):
    """The file is not a state dict of tensors."""


@dataclass(frozen=True)
class _Type:
    """The type of a storage, in place of a class of PyTorch."""

    dtype: str


@dataclass
class _Storage:
    """Values that tensors are views of; they follow after the pickles."""

    dtype: str
    count: int
    values: Array | None = None


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage, as the pickle describes it."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self) -> Array:
        """A contiguous copy. Raises `BadCheckpoint` if it does not lie within its storage."""
        values = self.storage.values
        last = self.offset + sum((size - 1) * step for size, step in zip(self.shape, self.strides, strict=True))
        if values is None or min((self.offset, *self.shape, *self.strides), default=0) < 0 or last >= len(values):
            raise BadCheckpoint("a tensor lies outside of its storage")
        strides = tuple(step * values.itemsize for step in self.strides)
        view = np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, strides, writeable=False)
        return np.ascontiguousarray(view)


def read_tensors(data: bytes) -> Tensors:
    """The tensors by name. Raises `BadCheckpoint`."""
    file = BytesIO(data)
    try:
        return _read(file)
    except BadCheckpoint:
        raise
    except Exception as exc:  # a damaged pickle raises whatever its opcodes lead to
        raise BadCheckpoint(f"the file can't be read ({type(exc).__name__})") from exc


def _read(file: BinaryIO) -> Tensors:
    if _Restricted(file).load() != MAGIC or _Restricted(file).load() != PROTOCOL:
        raise BadCheckpoint("the file is not in PyTorch's first format")
    if not _Restricted(file).load().get("little_endian"):
        raise BadCheckpoint("the file's numbers are big-endian")
    reader = _Restricted(file)
    described = reader.load()
    for key in _Restricted(file).load():
        _fill(reader.storages[key], file)
    return {str(name): tensor.array() for name, tensor in described.items()}


def _fill(storage: _Storage, file: BinaryIO) -> None:
    count = int.from_bytes(file.read(8), "little")
    if count != storage.count or count > MAX_VALUES:
        raise BadCheckpoint("a storage has another size than described")
    storage.values = np.frombuffer(file.read(count * np.dtype(storage.dtype).itemsize), storage.dtype)
    if len(storage.values) != count:
        raise BadCheckpoint("the file ends early")


def _rebuild(storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> _Tensor:
    return _Tensor(storage, offset, shape, strides)


_NAMES: Mapping[tuple[str, str], Callable[..., Any] | _Type] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    ("torch", "FloatStorage"): _Type("<f4"),
    ("torch", "LongStorage"): _Type("<i8"),
}


class _Restricted(pickle.Unpickler):
    """Resolves four names, and notes the storages that the pickle refers to."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Raises `BadCheckpoint` for any other name."""
        try:
            return _NAMES[module, name]
        except KeyError:
            raise BadCheckpoint(f"the file names {module}.{name}, which is no part of a state dict") from None

    def persistent_load(self, pid: Any) -> _Storage:
        """The storage that a persistent id describes."""
        _, kind, key, _, count, *_ = pid
        return self.storages.setdefault(key, _Storage(kind.dtype, count))
