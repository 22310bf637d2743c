"""The two networks on ONNX Runtime: one thread, no spinning, no arena, no telemetry.

Spinning threads burn whole cores for nothing on networks this small, and an arena holds on to the memory of the
largest frame it ever saw.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from platesieve.adapters.networks.released_models import load_released
from platesieve.domain.errors import ModelError
from platesieve.domain.plate import PlateRead, is_region
from platesieve.vision.decode_corners import STRIDE_PX
from platesieve.vision.decode_corners import decode as decode_corners
from platesieve.vision.decode_region import UNKNOWN
from platesieve.vision.decode_region import decode as decode_region
from platesieve.vision.decode_text import read_text
from platesieve.vision.letterbox import letterbox
from platesieve.vision.patterns import load_formats
from platesieve.vision.rectify import HEIGHT_PX, WIDTH_PX, normalise, rectify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from platesieve.adapters.networks.released_models import ReleasedModel
    from platesieve.domain.geometry import Detection
    from platesieve.settings import Vision
    from platesieve.vision.frame import Frame

INPUT_MULTIPLE_PX: Final = 32

FAINT_SCORE: Final = 0.4
"""From this score up to the threshold a detection is faint. The lowest step of 0.05 at which the reader is asked in
vain less than once in ten held-out pictures; of the 58 detections that were no plates it read a text in one."""
LEAST_PLATENESS: Final = 3.0
"""From this plateness a read of a reader counts whose table names no bar of its own: released.toml has the one that
models/reader/plateness.py chose for the released reader."""
SURE_OF_PLATE: Final = 0.9
"""From this score the detector is believed, and a text counts from plateness 0: what owners choose for themselves looks
like lettering. No detection as sure as this was false in 609 held-out pictures."""
SURE_OF_REGION: Final = 0.95
"""From this probability a read names its country: the lowest step of 0.05 at which no held-out photograph (US,
Romania, Canada) is named wrongly, right for all 72 that reader 2.7 then names; at 0.9 two Canadian plates of 175
would be American. The head learnt from drawings; a wrong country stands on a report for good, and an unknown one costs
nothing: no rule needs to know it. The vote over frames then has to agree."""

_FATAL_ONLY: Final = 4  # ONNX Runtime's log goes to standard error, past our own
_HINT: Final = "run `platesieve doctor`; install platesieve again where the model or the runtime is damaged"


class OnnxPlateFinder:
    """Finds plates with the released detector.

    Args:
        vision: input size, threads and threshold.
        model: the detector; None loads the released one.

    Raises:
        ModelError: the model is missing or changed, or does not run.
    """

    def __init__(self, vision: Vision, model: ReleasedModel | None = None) -> None:
        self._width, self._height = vision.detector_width_px, vision.detector_height_px
        if any(side < INPUT_MULTIPLE_PX or side % INPUT_MULTIPLE_PX for side in (self._width, self._height)):
            raise ModelError(
                f"the detector cannot look at {self._width} x {self._height} pixels",
                f"set detector_width_px and detector_height_px to multiples of {INPUT_MULTIPLE_PX}",
            )
        model = model or load_released("detector")
        released = released_threshold(model.table, self._width, self._height)
        self.threshold = released if vision.min_detection_score is None else vision.min_detection_score
        self._faint = min(FAINT_SCORE, released) if vision.min_detection_score is None else self.threshold
        self._session = Session(model, vision.threads, ("heat", "corners"))
        self._warm_up()

    def find(self, frame: Frame) -> tuple[Detection, ...]:
        """Return plates, best score first; those under the threshold are faint.

        A threshold in the settings is the last word: then there are no faint ones.

        Raises:
            ModelError: inference failed.
        """
        pixels, placement = letterbox(frame.luma, self._width, self._height)
        heat, corners = self._session.run(pixels)
        found = decode_corners(heat, corners, placement, self._faint)
        return tuple(replace(each, faint=each.score < self.threshold) for each in found)

    def _warm_up(self) -> None:
        """Run once: the first run allocates, and a model of another shape shows itself here and not on the road."""
        heat, corners = self._session.run(np.zeros((1, 1, self._height, self._width), np.float32))
        grid = self._height // STRIDE_PX, self._width // STRIDE_PX
        if heat.shape != (1, 1, *grid) or corners.shape != (1, 8, *grid):
            raise ModelError(f"the detector answers in shapes {heat.shape} and {corners.shape}", _HINT)


class OnnxPlateReader:
    """Reads plates with the released reader.

    Args:
        vision: threads.
        model: the reader; None loads the released one.

    Raises:
        ModelError: the model is missing or changed, or does not run.
    """

    def __init__(self, vision: Vision, model: ReleasedModel | None = None) -> None:
        model = model or load_released("reader")
        self._temperature = _number(model.table, "temperature", 1.0) or 1.0
        self._regions = released_regions(model.table)
        self._least_plateness = _number(model.table, "least_plateness", LEAST_PLATENESS)
        self._formats = load_formats()
        self._session = Session(model, vision.threads, ("logits", "region") if self._regions else ("logits",))
        logits, *region = self._session.run(np.zeros((1, 1, HEIGHT_PX, WIDTH_PX), np.float32))
        if logits.ndim != 3 or logits.shape[0] != 1 or logits.shape[2] != 37:  # noqa: PLR2004 - n x T x (36 + blank)
            raise ModelError(f"the reader answers in shape {logits.shape}", _HINT)
        if region and region[0].shape != (1, len(self._regions)):
            raise ModelError(f"the reader tells {region[0].shape} regions and {len(self._regions)} have names", _HINT)

    def read(self, frame: Frame, detection: Detection) -> PlateRead | None:
        """Return the read, or None where there is no plate after all.

        Raises:
            ModelError: inference failed.
        """
        logits, *region = self._session.run(normalise(rectify(frame.luma, detection.corners)))
        countries = decode_region(region[0][0], self._regions) if region else None
        found = read_text(logits[0], self._temperature, self._formats, countries)
        if found is None or found.plateness < self._needed(detection):
            return None
        country, probability = max((countries or {}).items(), key=lambda item: item[1], default=("", 0.0))
        if probability < SURE_OF_REGION:
            return PlateRead(found.text, found.glyphs, detection)
        return PlateRead(found.text, found.glyphs, detection, region=country, region_probability=probability)

    def _needed(self, detection: Detection) -> float:
        """Return the plateness from which a text in this place counts."""
        return 0.0 if detection.score >= SURE_OF_PLATE else self._least_plateness


def released_regions(table: dict[str, Any]) -> tuple[str, ...]:
    """Return the classes of the reader's region head, "unknown" or ISO 3166-1 alpha-2; empty where it has none.

    Raises:
        ModelError: the table says them in no way we understand.
    """
    regions = table.get("regions", [])
    if not isinstance(regions, list) or any(name != UNKNOWN and not is_region(name) for name in regions):
        raise ModelError("the reader's table in released.toml names regions that are no ISO 3166-1 codes", _HINT)
    if len(set(regions)) != len(regions):
        raise ModelError("the reader's table in released.toml names a region twice", _HINT)
    return tuple(regions)


def released_threshold(table: dict[str, Any], width: int, height: int) -> float:
    """Return the score from which a detection counts: released for this input size, else for the nearest in area.

    `thresholds` says it by "WIDTHxHEIGHT", because it depends on how small plates appear; `threshold` for all others.

    Raises:
        ModelError: the table says it in no way we understand.
    """
    by_size = table.get("thresholds") or {}
    try:
        areas = {size: int(size.partition("x")[0]) * int(size.partition("x")[2]) for size in by_size}
        if areas:
            return float(by_size[min(areas, key=lambda size: (abs(areas[size] - width * height), size))])
        return float(table["threshold"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError("the detector's table in released.toml names no threshold", _HINT) from error


def _number(table: dict[str, Any], key: str, otherwise: float) -> float:
    value = table.get(key)
    return float(value) if isinstance(value, int | float) else otherwise


class _Runs(Protocol):
    """What we use of onnxruntime.InferenceSession."""

    def run(self, output_names: Sequence[str] | None, feed: dict[str, NDArray[Any]]) -> list[Any]: ...
    def get_inputs(self) -> list[Any]: ...
    def get_outputs(self) -> list[Any]: ...


class Session:
    """One network with one input; every fault of the runtime becomes a ModelError.

    Args:
        model: its bytes.
        threads: of one operator.
        outputs: which answers are wanted, in this order; None takes what there is.
    """

    def __init__(self, model: ReleasedModel, threads: int, outputs: tuple[str, ...] | None) -> None:
        self._role, self._outputs = model.role, outputs
        self._session = _open(model, threads)
        named = {output.name for output in self._session.get_outputs()}
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or not named.issuperset(outputs or ()):
            raise ModelError(
                f"the {model.role} model has other inputs or outputs than {', '.join(outputs or ())}", _HINT
            )
        self._input = inputs[0].name

    def run(self, values: NDArray[Any]) -> tuple[NDArray[np.float32], ...]:
        """Return the answers to one input.

        Raises:
            ModelError: inference failed.
        """
        try:
            answers = self._session.run(self._outputs, {self._input: values})
        except Exception as error:  # ONNX Runtime raises a dozen classes of its own, some of them plain RuntimeError
            # Its message names tensors, never pixels; but an empty road and a broken runtime must not look alike.
            raise ModelError(f"the {self._role} failed with {type(error).__name__}", _HINT) from error
        return tuple(np.asarray(answer, np.float32) for answer in answers)


def _open(model: ReleasedModel, threads: int) -> _Runs:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when the library is loaded, so it is set before the import
    try:
        import onnxruntime as ort  # noqa: PLC0415 - see above; and programs that look at no picture start faster

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.enable_cpu_mem_arena = False
        options.log_severity_level = _FATAL_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        session: _Runs = ort.InferenceSession(model.data, options, providers=["CPUExecutionProvider"])
    except ImportError as error:
        raise ModelError("ONNX Runtime is not installed", "pip install 'onnxruntime>=1.23,<1.29'") from error
    except Exception as error:  # see `run`
        raise ModelError(f"the {model.role} model cannot be loaded: {type(error).__name__}", _HINT) from error
    return session
