"""Labels of pictures, one JSON object a line; every bad line is named at once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from platesieve.domain.errors import InputError, PlateTextError
from platesieve.domain.geometry import Box
from platesieve.domain.plate import PlateText

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platesieve.domain.geometry import Corners

MAX_FAULTS_SHOWN = 20
MAX_PLATES = 1000


@dataclass(frozen=True, slots=True)
class LabelledPlate:
    """One plate that a person marked; `text` is None where it could not be read."""

    box: Box
    corners: Corners
    text: PlateText | None
    corrected: PlateText | None = None

    @property
    def truth(self) -> PlateText | None:
        """Return the corrected text where there is one."""
        return self.corrected or self.text


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """One picture: its file relative to the labels, its plates, and regions that may hold unlabelled ones.

    Corners and boxes are pixels of a picture of `width` x `height`.
    """

    image: str = field(repr=False)  # people name photographs of cars after the plate
    width: int
    height: int
    plates: tuple[LabelledPlate, ...]
    ignored: tuple[Box, ...]


def parse_labels(lines: Iterable[str], name: str) -> tuple[LabelledPicture, ...]:
    """Return the pictures of a labels file.

    Args:
        lines: of the file.
        name: how the file is called in messages.

    Raises:
        InputError: at least one line is wrong; all of them are named, by number and without their content.
    """
    pictures: list[LabelledPicture] = []
    faults: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            pictures.append(_picture(json.loads(line)))
        except json.JSONDecodeError as error:
            faults.append(f"line {number} is not JSON (column {error.colno})")
        except RecursionError:
            faults.append(f"line {number} is nested too deeply")
        except (_Fault, PlateTextError) as fault:
            faults.append(f"line {number}: {fault.args[0]}")
    if faults:
        shown = "; ".join(faults[:MAX_FAULTS_SHOWN])
        more = f"; and {len(faults) - MAX_FAULTS_SHOWN} more" if len(faults) > MAX_FAULTS_SHOWN else ""
        raise InputError(
            f"{len(faults)} line{'s' if len(faults) > 1 else ''} of {name} cannot be used: {shown}{more}",
            'each line is {"image": FILE, "width": W, "height": H, "plates": [{"text": T, "box": [x, y, w, h]}]}',
        )
    if not pictures:
        raise InputError(f"{name} has no labelled picture", "give a labels.jsonl with one picture a line")
    return tuple(pictures)


class _Fault(ValueError):  # noqa: N818 - an internal outcome that becomes part of an InputError
    """What is wrong with one line."""


def _picture(raw: Any) -> LabelledPicture:
    if not isinstance(raw, dict):
        raise _Fault("not an object")
    image = raw.get("image")
    if not isinstance(image, str) or not image or "\0" in image:
        raise _Fault("`image` is not a file name")
    path = PurePosixPath(image)
    if path.is_absolute() or ".." in path.parts:
        raise _Fault("`image` leads out of the folder of the labels")
    width, height = raw.get("width"), raw.get("height")
    if not (isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0):
        raise _Fault("`width` and `height` are not two positive whole numbers")
    plates, ignored = _list(raw, "plates"), _list(raw, "ignore")
    boxes = tuple(_box(box, "ignore") for box in ignored)
    return LabelledPicture(image, width, height, tuple(_plate(plate) for plate in plates), boxes)


def _list(raw: dict[str, Any], key: str) -> list[Any]:
    value = raw.get(key, [])
    if not isinstance(value, list) or len(value) > MAX_PLATES:
        raise _Fault(f"`{key}` is not a list of at most {MAX_PLATES}")
    return value


def _plate(raw: Any) -> LabelledPlate:
    if not isinstance(raw, dict):
        raise _Fault("a plate is not an object")
    box = _box(raw.get("box"), "box")
    return LabelledPlate(box, _corners(raw.get("corners"), box), _text(raw, "text"), _text(raw, "text_corrected"))


def _text(raw: dict[str, Any], key: str) -> PlateText | None:
    value = raw.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _Fault(f"`{key}` is not text")
    return PlateText.from_written(value)


def _box(raw: Any, key: str) -> Box:
    if not _numbers(raw, 4):
        raise _Fault(f"`{key}` is not [x, y, width, height]")
    box = Box(*(float(value) for value in raw))
    if box.width <= 0 or box.height <= 0:
        raise _Fault(f"`{key}` has no area")
    return box


def _corners(raw: Any, box: Box) -> Corners:
    if raw is None:
        right, bottom = box.x + box.width, box.y + box.height
        return (box.x, box.y), (right, box.y), (right, bottom), (box.x, bottom)
    if not isinstance(raw, list) or len(raw) != 4 or not all(_numbers(point, 2) for point in raw):  # noqa: PLR2004
        raise _Fault("`corners` are not four points")
    first, second, third, fourth = ((float(x), float(y)) for x, y in raw)
    return first, second, third, fourth


def _numbers(raw: Any, count: int) -> bool:
    """Return whether a value is a list of so many finite numbers of a size that pixels have."""
    return (
        isinstance(raw, list)
        and len(raw) == count
        and all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e6 for v in raw)  # noqa: PLR2004
    )
