"""How large a network is, taken from its file: numbers that were learnt, and multiplications of one run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import onnx

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def size(file: Path, shape: Sequence[int]) -> dict[str, int]:
    """Return `parameters` (floats that stand in the file) and `multiplications` of one run.

    Args:
        file: ONNX in its float form; int8 adds scales that nobody learnt.
        shape: of its one input.

    Raises:
        ValueError: a convolution's or a product's shape cannot be told.
    """
    model = onnx.load(str(file))
    for dimension, value in zip(model.graph.input[0].type.tensor_type.shape.dim, shape, strict=True):
        dimension.dim_value = value
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {w.name: tuple(w.dims) for w in graph.initializer}
    shapes |= {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in graph.value_info}
    shapes |= {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in graph.output}
    total = 0
    for node in graph.node:
        if node.op_type not in ("Conv", "MatMul", "Gemm"):
            continue
        made, by = shapes.get(node.output[0], ()), shapes.get(node.input[1], ())
        if not made or not by or 0 in (*made, *by):
            raise ValueError(f"{node.name}: nobody knows its shape")
        transposed = any(a.name == "transB" and a.i for a in node.attribute)
        summed = math.prod(by[1:]) if node.op_type == "Conv" or transposed else by[-2]
        total += math.prod(made) * summed
    floats = (w for w in graph.initializer if w.data_type == onnx.TensorProto.FLOAT)
    return {"parameters": sum(math.prod(w.dims) for w in floats), "multiplications": total}
