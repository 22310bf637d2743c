"""The two networks on the real runtime, with tiny graphs that answer the same whatever they see."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from platesieve.adapters.networks.onnx_models import (
    SURE_OF_PLATE,
    OnnxPlateFinder,
    OnnxPlateReader,
    released_threshold,
)
from platesieve.adapters.networks.released_models import ReleasedModel
from platesieve.domain.errors import ModelError
from platesieve.domain.geometry import Detection
from platesieve.domain.plate import ALPHABET, PlateText
from platesieve.settings import Vision
from platesieve.vision.frame import Frame

onnx = pytest.importorskip("onnx", reason="tiny networks are drawn with the package onnx (extra `train`)")

if TYPE_CHECKING:
    from numpy.typing import NDArray

VISION = Vision(detector_width_px=96, detector_height_px=64)
FRAME = Frame(np.zeros((128, 192), np.uint8), 0, 0, 0)
PLATE = Detection(((10, 10), (110, 10), (110, 40), (10, 40)), 0.9)


def network(role: Any, outputs: dict[str, NDArray[np.float32]], table: dict[str, Any] | None = None) -> ReleasedModel:
    """Return a network that ignores its input and answers with constants."""
    helper = onnx.helper
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "none"], ["nothing"]),
        *(helper.make_node("Add", [f"{name}_value", "nothing"], [name]) for name in outputs),
    ]
    values = [onnx.numpy_helper.from_array(np.zeros((), np.float32), "none")]
    values += [onnx.numpy_helper.from_array(value, f"{name}_value") for name, value in outputs.items()]
    told = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, v.shape) for n, v in outputs.items()]
    given = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 1, None, None])]
    graph = helper.make_graph(nodes, "constant", given, told, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data = model.SerializeToString()
    return ReleasedModel(role, role, "1", hashlib.sha256(data).hexdigest(), data, table or {"threshold": 0.5})


def detector(score: float = 0.9, grid: tuple[int, int] = (8, 12), **table: Any) -> ReleasedModel:
    """Return a detector that sees one plate of 40 x 16 input pixels around the cell (4, 5)."""
    heat, corners = np.zeros((1, 1, *grid), np.float32), np.zeros((1, 8, *grid), np.float32)
    heat[0, 0, 4, 5] = score
    corners[0, :, 4, 5] = [-20, -8, 20, -8, 20, 8, -20, 8]
    return network("detector", {"heat": heat, "corners": corners}, table or None)


def reader(text: str, region: dict[str, float] | None = None, **table: Any) -> ReleasedModel:
    """Return a reader that always reads `text`, and where `region` is given has probabilities of regions too."""
    logits = np.zeros((1, 40, 37), np.float32)
    logits[0, :, 0] = 9
    for i, character in enumerate(text):
        logits[0, 2 * i + 1, 0], logits[0, 2 * i + 1, 1 + ALPHABET.index(character)] = 0, 9
    outputs = {"logits": logits}
    if region is not None:
        outputs["region"] = np.log(np.asarray([list(region.values())], np.float32))
    return network("reader", outputs, {"threshold": 0.5, "regions": list(region or [])} | table)


def test_a_plate_is_found_in_pixels_of_the_frame() -> None:
    """The way back through the letterbox: the frame is twice the input."""
    (found,) = OnnxPlateFinder(VISION, detector()).find(FRAME)

    assert list(found.box.centre) == pytest.approx([88, 72])
    assert found.box.width == pytest.approx(80)
    assert found.score == pytest.approx(0.9)


def test_the_threshold_is_the_released_one_unless_set() -> None:
    """A score below it is no plate."""
    assert OnnxPlateFinder(VISION, detector(0.3)).find(FRAME) == ()
    low = Vision(detector_width_px=96, detector_height_px=64, min_detection_score=0.2)
    assert len(OnnxPlateFinder(low, detector(0.3)).find(FRAME)) == 1


def test_a_score_shortly_below_the_released_threshold_is_faint() -> None:
    """Whether it is a plate is the reader's to say; a threshold that is set is the last word."""
    (found,) = OnnxPlateFinder(VISION, detector(0.45)).find(FRAME)
    (sure,) = OnnxPlateFinder(VISION, detector(0.9)).find(FRAME)
    assert (found.faint, sure.faint) == (True, False)
    strict = Vision(detector_width_px=96, detector_height_px=64, min_detection_score=0.5)
    assert OnnxPlateFinder(strict, detector(0.45)).find(FRAME) == ()


def test_the_threshold_follows_the_input_size() -> None:
    """The one released for this size, or for the nearest."""
    table = {"threshold": 0.9, "thresholds": {"320x192": 0.5, "640x384": 0.7}}
    assert released_threshold(table, 320, 192) == 0.5
    assert released_threshold(table, 608, 384) == 0.7
    assert released_threshold({"threshold": 0.4}, 320, 192) == 0.4
    with pytest.raises(ModelError):
        released_threshold({"thresholds": {"large": 0.4}}, 320, 192)


def test_a_plate_is_read() -> None:
    """Text, one glyph per character and the detection it came from."""
    read = OnnxPlateReader(VISION, reader("AB12CDE")).read(FRAME, PLATE)

    assert read is not None
    assert read.text == PlateText("AB12CDE")
    assert len(read.glyphs) == 7
    assert read.detection == PLATE


def test_no_plate_is_none() -> None:
    """A blank answer is not a text."""
    assert OnnxPlateReader(VISION, reader("")).read(FRAME, PLATE) is None


def test_bytes_that_are_no_network_are_refused() -> None:
    """With our error, not the runtime's."""
    broken = ReleasedModel("reader", "r", "1", "", b"not a network", {})
    with pytest.raises(ModelError, match="cannot be loaded"):
        OnnxPlateReader(VISION, broken)


def test_a_network_of_another_shape_is_refused_at_the_start() -> None:
    """Not on the road."""
    with pytest.raises(ModelError, match="shapes"):
        OnnxPlateFinder(VISION, detector(grid=(6, 9)))
    with pytest.raises(ModelError, match="inputs or outputs"):
        OnnxPlateFinder(VISION, reader("AB12CDE"))


def test_an_input_size_the_network_cannot_have_is_refused() -> None:
    """Sides are multiples of 32 pixels."""
    with pytest.raises(ModelError, match="100 x 64"):
        OnnxPlateFinder(Vision(detector_width_px=100, detector_height_px=64), detector())


def test_a_failing_runtime_is_not_an_empty_road() -> None:
    """Inference errors reach the caller."""
    finder = OnnxPlateFinder(VISION, detector())

    class Broken:
        def run(self, *_: object) -> list[Any]:
            raise RuntimeError("out of memory")

    finder._session._session = Broken()  # type: ignore[assignment]  # a runtime that fails, in place of the real one
    with pytest.raises(ModelError, match="RuntimeError"):
        finder.find(FRAME)


def test_external_data_is_not_read(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that points at a second file does not load, even where that file lies in the working folder."""
    model = onnx.load_from_string(reader("AB12CDE").data)
    onnx.external_data_helper.convert_model_to_external_data(model, location="weights.bin", size_threshold=0)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    data = path.read_bytes()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ModelError):
        OnnxPlateReader(VISION, ReleasedModel("reader", "r", "1", "", data, {}))


def test_telemetry_is_off() -> None:
    """The variable is set before the library is loaded."""
    OnnxPlateReader(VISION, reader("AB12CDE"))

    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


def test_a_sure_region_is_named() -> None:
    """With its probability; a reader that is not sure names none."""
    sure = OnnxPlateReader(VISION, reader("AB12CDE", {"unknown": 0.03, "GB": 0.95, "US": 0.02})).read(FRAME, PLATE)
    unsure = OnnxPlateReader(VISION, reader("AB12CDE", {"unknown": 0.2, "GB": 0.7, "US": 0.1})).read(FRAME, PLATE)
    unknown = OnnxPlateReader(VISION, reader("AB12CDE", {"unknown": 0.98, "GB": 0.02})).read(FRAME, PLATE)

    assert sure is not None
    assert unsure is not None
    assert unknown is not None
    assert sure.region == "GB"
    assert sure.region_probability == pytest.approx(0.95)
    assert unsure.region is None
    assert unknown.region is None


def test_a_reader_without_names_for_its_regions_tells_none() -> None:
    """The output is there, released.toml does not say what it means: it is not asked."""
    read = OnnxPlateReader(VISION, reader("AB12CDE", {"GB": 1.0, "US": 1e-6}, regions=[])).read(FRAME, PLATE)

    assert read is not None
    assert read.region is None


@pytest.mark.parametrize(
    ("regions", "match"),
    [(["GB"], "1 have names"), (["GB", "GB"], "twice"), (["GB", "Texas"], "3166"), ("GB", "3166")],
)
def test_regions_that_do_not_fit_the_reader_are_refused(regions: object, match: str) -> None:
    """Before the first plate is read."""
    with pytest.raises(ModelError, match=match):
        OnnxPlateReader(VISION, reader("AB12CDE", {"GB": 0.5, "US": 0.5}, regions=regions))


def test_a_reader_that_lacks_the_region_it_was_released_with_is_refused() -> None:
    """released.toml names regions, the file has no such output."""
    with pytest.raises(ModelError, match="other inputs or outputs"):
        OnnxPlateReader(VISION, reader("AB12CDE", None, regions=["unknown", "GB"]))


def test_what_is_hardly_a_plate_is_not_read() -> None:
    """The same faint text with a lower bar is read; so it is the bar that refuses it."""
    faint = np.zeros((1, 40, 37), np.float32)
    faint[0, :, 0] = 6
    for column, character in ((4, "R"), (20, "E"), (30, "0")):
        faint[0, column, 1 + ALPHABET.index(character)] = 7

    shipped = OnnxPlateReader(VISION, network("reader", {"logits": faint}))
    assert shipped.read(FRAME, replace(PLATE, score=SURE_OF_PLATE - 0.01)) is None
    assert shipped.read(FRAME, replace(PLATE, score=SURE_OF_PLATE)) is not None  # the detector answers for it
    low = OnnxPlateReader(VISION, network("reader", {"logits": faint}, {"least_plateness": -9.0}))
    assert low.read(FRAME, replace(PLATE, score=SURE_OF_PLATE - 0.01)) is not None


def test_a_bar_of_zero_is_a_bar() -> None:
    """A reader that is released with the lowest bar is not given another one."""
    faint = np.zeros((1, 40, 37), np.float32)
    faint[0, :, 0] = 6
    for column, character in ((4, "R"), (20, "E"), (30, "4")):
        faint[0, column, 1 + ALPHABET.index(character)] = 7
    unsure = replace(PLATE, score=SURE_OF_PLATE - 0.01)
    shipped, zero = (
        OnnxPlateReader(VISION, network("reader", {"logits": faint}, t)) for t in ({}, {"least_plateness": 0})
    )
    assert (shipped.read(FRAME, unsure) is None, zero.read(FRAME, unsure) is None) == (True, False)
