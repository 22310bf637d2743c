"""Make the int8 form of a float ONNX file: static, per channel, QDQ, calibrated on training pictures.

Weights are signed and activations unsigned 8-bit integers: x86 multiplies u8 by s8 in one instruction (VNNI), s8 by s8
in several, and ARM's dot product takes both. B. Jacob et al., "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference", CVPR 2018.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

QUANTISED = ("Conv", "MatMul", "Gemm", "Relu")
"""Operators whose weights are worth their bytes; and Relu, which then vanishes into the range of what comes before it
instead of being requantised behind it: a tenth of the reader's time. Sums stay where the runtime puts them."""


class _Pictures(CalibrationDataReader):
    """Feeds one input picture by picture."""

    def __init__(self, name: str, pictures: Iterable[NDArray[np.float32]]) -> None:
        self._feeds = ({name: picture} for picture in pictures)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next feed, or None at the end."""
        return next(self._feeds, None)


def nodes_named(file: Path, parts: tuple[str, ...]) -> list[str]:
    """Return the names of a graph's nodes that contain any of `parts`: layers that shall stay float."""
    return [node.name for node in onnx.load(str(file)).graph.node if any(part in node.name for part in parts)]


def quantise(
    source: Path, target: Path, pictures: Iterable[NDArray[np.float32]], keep_float: tuple[str, ...] = ()
) -> None:
    """Write the int8 form of `source` as one file.

    Args:
        source: float ONNX file with one input.
        target: where the int8 form goes.
        pictures: inputs whose ranges of activations count, a few hundred; never of an evaluation set.
        keep_float: parts of names of nodes that stay float.

    Raises:
        onnx.checker.ValidationError: the result is not a valid graph.
    """
    logging.getLogger().setLevel(logging.ERROR)  # the library warns on each call that preprocessing was not done by it
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        ready, draft = Path(folder) / "ready.onnx", Path(folder) / "int8.onnx"
        # Symbolic shapes are left out: the graphs are small, and inferring them needs a package more.
        quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
        name = onnx.load(str(ready)).graph.input[0].name
        quantize_static(
            str(ready), str(draft), _Pictures(name, pictures),
            quant_format=QuantFormat.QDQ, per_channel=True, op_types_to_quantize=list(QUANTISED),
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax, nodes_to_exclude=nodes_named(ready, keep_float),
        )  # fmt: skip
        onnx.checker.check_model(str(draft), full_check=True)
        target.write_bytes(draft.read_bytes())
