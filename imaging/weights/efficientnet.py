"""Builds EfficientNet-Lite0 in ONNX from a state dict: https://arxiv.org/abs/1905.11946, without squeeze and swish.

Padding is TensorFlow's SAME, as in the training. Batch normalizations are folded into the convolutions before them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from imaging.weights.checkpoint import BadCheckpoint, Tensors

SIDE = 224  # pixels
CLASSES = 1000
INPUT, OUTPUT = "image", "probabilities"
MEAN, SCALE = 127.0, 128.0  # a value v of 0 to 255 enters as (v - MEAN) / SCALE
OPSET, IR_VERSION = 17, 8

_EPSILON = 1e-3  # of the batch normalizations
_HALVING = frozenset({1, 3, 5, 11})  # blocks with stride 2

Floats = NDArray[np.float32]


@dataclass
class _Graph:
    """Nodes and weights so far; `last` is the name of the newest output."""

    tensors: Tensors
    last: str = INPUT
    nodes: list[NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def add(self, kind: str, inputs: Sequence[str], output: str = "", **options: Any) -> str:
        """Adds a node. Returns the name of its output."""
        self.last = output or f"{kind.lower()}_{next(self._numbers)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [self.last], **options))
        return self.last

    def constant(self, name: str, value: Floats) -> str:
        """Adds a weight. Returns its name."""
        self.weights.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def convolution(self, conv: str, norm: str, *, stride: int = 1, activated: bool = True) -> str:
        """A convolution with its batch normalization, and ReLU6 if it is activated."""
        weight, bias = _folded(self.tensors, conv, norm)
        depthwise = weight.shape[1] == 1 and weight.shape[0] > 1
        inputs = [self.last, self.constant(f"{conv}.weight", weight), self.constant(f"{conv}.bias", bias)]
        options: dict[str, Any] = {
            "kernel_shape": list(weight.shape[2:]),
            "strides": [stride, stride],
            "group": len(weight) if depthwise else 1,
        }
        self.add("Conv", inputs, auto_pad="SAME_UPPER", **options)
        return self.add("Clip", [self.last, "zero", "six"]) if activated else self.last


def convert(tensors: Tensors) -> ModelProto:
    """The network as ONNX: `image` of shape (n, 3, 224, 224), RGB, to `probabilities` of shape (n, 1000).

    Raises `BadCheckpoint` if the state dict is that of another network.
    """
    try:
        return _model(_network(tensors))
    except (KeyError, ValueError, IndexError) as exc:
        raise BadCheckpoint(f"these are not the weights of EfficientNet-Lite0 ({exc})") from exc


def _network(tensors: Tensors) -> _Graph:
    graph = _Graph(tensors)
    graph.constant("zero", np.zeros((), np.float32))
    graph.constant("six", np.full((), 6, np.float32))
    graph.convolution("_conv_stem", "_bn0", stride=2)
    for number in takewhile(lambda number: f"_blocks.{number}._bn1.weight" in tensors, count()):
        _add_block(graph, number)
    graph.convolution("_conv_head", "_bn1")
    graph.add("GlobalAveragePool", [graph.last])
    graph.add("Flatten", [graph.last])
    weight, bias = graph.constant("_fc.weight", tensors["_fc.weight"]), graph.constant("_fc.bias", tensors["_fc.bias"])
    graph.add("Gemm", [graph.last, weight, bias], transB=1)
    graph.add("Softmax", [graph.last], OUTPUT, axis=1)
    return graph


def _add_block(graph: _Graph, number: int) -> None:
    """An inverted residual block."""
    name, stride, before = f"_blocks.{number}", 2 if number in _HALVING else 1, graph.last
    if f"{name}._bn0.weight" in graph.tensors:
        graph.convolution(f"{name}._expand_conv", f"{name}._bn0")
    graph.convolution(f"{name}._depthwise_conv", f"{name}._bn1", stride=stride)
    graph.convolution(f"{name}._project_conv", f"{name}._bn2", activated=False)
    first = "_expand_conv" if f"{name}._bn0.weight" in graph.tensors else "_depthwise_conv"
    channels = graph.tensors[f"{name}.{first}.weight"].shape[1 if first == "_expand_conv" else 0]
    if stride == 1 and channels == len(graph.tensors[f"{name}._project_conv.weight"]):
        graph.add("Add", [graph.last, before])


def _folded(tensors: Tensors, conv: str, norm: str) -> tuple[Floats, Floats]:
    """The weight and bias of a convolution that does what it and its batch normalization did."""
    weight = tensors[f"{conv}.weight"].astype(np.float64)
    gain = tensors[f"{norm}.weight"] / np.sqrt(tensors[f"{norm}.running_var"].astype(np.float64) + _EPSILON)
    bias = tensors[f"{norm}.bias"] - gain * tensors[f"{norm}.running_mean"]
    return (weight * gain.reshape(-1, 1, 1, 1)).astype(np.float32), bias.astype(np.float32)


def _model(graph: _Graph) -> ModelProto:
    inputs = [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", 3, SIDE, SIDE])]
    outputs = [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", CLASSES])]
    made = helper.make_graph(graph.nodes, "efficientnet-lite0", inputs, outputs, graph.weights)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
