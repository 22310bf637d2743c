"""How large a net is, is counted in its file."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

onnx: Any = pytest.importorskip("onnx", reason="needs the extra `train`")
size = importlib.import_module("models.common.size").size

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.training


def net(path: Path) -> Path:
    """Write a net of one convolution (4 kernels of 1 x 3 x 3), a product with 24 x 5, and a layer of 5 to 2."""
    weights = {
        "kernel": np.ones((4, 1, 3, 3), np.float32),
        "shape": np.asarray([0, 4, 24], np.int64),
        "matrix": np.ones((24, 5), np.float32),
        "flat": np.asarray([-1, 20], np.int64),
        "layer": np.ones((2, 20), np.float32),
        "offset": np.ones(2, np.float32),
    }
    helper = onnx.helper
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["a", "shape"], ["b"]),
        helper.make_node("MatMul", ["b", "matrix"], ["c"]),
        helper.make_node("Reshape", ["c", "flat"], ["d"]),
        helper.make_node("Gemm", ["d", "layer", "offset"], ["y"], transB=1),
    ]
    given = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 1, 4, 6])]
    made = [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 2])]
    kept = [onnx.numpy_helper.from_array(values, name) for name, values in weights.items()]
    onnx.save(helper.make_model(helper.make_graph(nodes, "net", given, made, kept)), str(path))
    return path


@pytest.mark.parametrize("pictures", [1, 3])
def test_learnt_numbers_and_multiplications(tmp_path: Path, pictures: int) -> None:
    """Sizes of reshapes are learnt by nobody; work grows with the pictures, what was learnt does not."""
    found = size(net(tmp_path / "net.onnx"), (pictures, 1, 4, 6))
    assert found["parameters"] == 4 * 9 + 24 * 5 + 2 * 20 + 2
    assert found["multiplications"] == pictures * (4 * 24 * 9 + 4 * 5 * 24 + 2 * 20)


def test_unknown_shapes_are_refused(tmp_path: Path) -> None:
    """Rather than counted as nothing."""
    model = onnx.load(str(net(tmp_path / "net.onnx")))
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "h"
    onnx.save(model, str(tmp_path / "open.onnx"))
    with pytest.raises(ValueError, match="nobody knows its shape"):
        size(tmp_path / "open.onnx", (1, 1, 0, 6))
