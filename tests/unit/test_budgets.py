"""What the released networks may cost: a small board runs them on one thread, beside everything else."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

MODELS = Path(__file__).parents[2] / "models"
MOST_PARAMETERS = {"detector": 300_000, "reader": 1_000_000}
MOST_MULTIPLICATIONS = {"detector": 150e6, "reader": 80e6}
INPUT = {"detector": (1, 1, 288, 480), "reader": (1, 1, 48, 160)}
MOST_BYTES = 4_000_000


def float_file(role: str) -> Path:
    """Return the float form of a released network."""
    table = tomllib.loads((MODELS / "released.toml").read_text())[role]
    return MODELS / "released" / str(table["float_file"])


def parameters(model: onnx.ModelProto) -> int:
    """Return how many numbers a network was taught."""
    return sum(math.prod(w.dims) for w in model.graph.initializer if w.data_type == onnx.TensorProto.FLOAT)


def multiplications(model: onnx.ModelProto, shape: tuple[int, ...]) -> int:
    """Return the multiplications of all convolutions and matrix products for one input of this shape."""
    for dimension, size in zip(model.graph.input[0].type.tensor_type.shape.dim, shape, strict=True):
        dimension.dim_value = size
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {w.name: tuple(w.dims) for w in graph.initializer}
    for value in (*graph.value_info, *graph.input, *graph.output):
        shapes.setdefault(value.name, tuple(d.dim_value or 1 for d in value.type.tensor_type.shape.dim))
    total = 0
    for node in graph.node:
        if node.op_type in {"Conv", "MatMul", "Gemm"}:
            weight = shapes[node.input[1]]
            turned = node.op_type == "Gemm" and any(a.name == "transB" and a.i for a in node.attribute)
            inner = math.prod(weight[1:]) if node.op_type == "Conv" else weight[-1 if turned else -2]
            total += math.prod(shapes[node.output[0]]) * inner
    return total


@pytest.mark.parametrize("role", sorted(INPUT))
def test_a_released_network_is_small_and_quick(role: str) -> None:
    """Parameters and multiplications of the float form."""
    model = onnx.load(str(float_file(role)))
    assert 50_000 < parameters(model) <= MOST_PARAMETERS[role]
    assert 10e6 < multiplications(model, INPUT[role]) <= MOST_MULTIPLICATIONS[role]


def test_a_convolution_is_counted_rightly() -> None:
    """The control: 3 x 3 over 2 channels to 4, on 10 x 8 with padding, is 4 * 80 * 18 multiplications."""
    info = onnx.helper.make_tensor_value_info
    weight = numpy_helper.from_array(np.zeros((4, 2, 3, 3), np.float32), "w")
    node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    x, y = info("x", 1, [1, 2, None, None]), info("y", 1, [1, 4, None, None])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "one", [x], [y], [weight]))
    assert parameters(model) == 72
    assert multiplications(model, (1, 2, 10, 8)) == 4 * 80 * 18


def test_the_float_files_are_small_together() -> None:
    """What a device downloads at most when both are renewed."""
    assert sum(float_file(role).stat().st_size for role in INPUT) <= MOST_BYTES
