"""Read the labelled photographs: crops for the reader, and pieces of scenes that hold no plate.

The folder is `$PLATESIEVE_DATA`, or `../shared/data` beside the checkout. Its README states where each set is from.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.common.metrics import fold
from models.datasets.labels import (
    SCENE_SETS,
    Label,
    crop_sets,
    data_folder,
    is_crop_kept_back,
    is_scene_kept_back,
    kept_back_texts,
    labels,
    masked,
    may_train,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

PIECES_FROM = tuple(name for name in SCENE_SETS if name != "easypr")
"""Sets whose pictures the reader learns `nothing` from; Chinese plates are read by nobody here."""
BY_EYE = "read-by-eye"
"""Plates of the scenes that no set's crops hold, because another reader was not sure of them; read by eye."""
BLANK = "blank plates and signs"
"""What was found among them, and teaches an empty text."""
_AROUND = 0.18  # of a plate's width and height is left around it, as in the sets of crops


@dataclass(frozen=True, slots=True)
class Crop:
    """One photographed plate: luma, box, text, whether it was read by eye and not by a machine, set, and name."""

    luma: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    text: str
    human: bool
    source: str
    name: str


def load_crops(
    *,
    validation: bool,
    min_char_prob: float = 0.8,
    dropped: frozenset[str] = frozenset(),
    most: int | None = None,
) -> dict[str, list[Crop]]:
    """Load training or validation crops, by set. A plate is in one of the two only (see labels.py).

    Args:
        validation: the held-out share instead of the rest.
        min_char_prob: least probability of a machine-read text's weakest character.
        dropped: names (`set/image`) of crops whose machine-read text is doubted.
        most: read so many of each set only, spread over the whole of it.
    """
    found: dict[str, list[Crop]] = {}
    for name in crop_sets():
        folder = data_folder() / "train" / name
        if not (folder / "labels.jsonl").exists():
            print(f"skipped {name}: not in {folder.parent}")
            continue
        lines = list(labels(folder))
        # A tenth more than asked for: some of them belong to the other share.
        step = max(1, len(lines) // (most + most // 10 + 1)) if most else 1
        crops = (_crop(folder, r, min_char_prob, dropped, validation=validation) for r in lines[::step])
        found[name] = [c for c in crops if c][:most]
    read = [each for each in _read_by_eye(validation=validation) if each[2]["text"]]
    step = max(1, len(read) // most) if most else 1
    found[BY_EYE] = [_cut_out(*each) for each in read[::step]][:most]
    return {k: v for k, v in found.items() if v}


def blanks() -> list[Crop]:
    """Load what is shaped like a plate in the training scenes and is none: blank plates, signs, names of dealers."""
    return [_cut_out(*each) for each in _read_by_eye(validation=False) if not each[2]["text"]]


def _read_by_eye(*, validation: bool) -> Iterator[tuple[Path, Label, Label]]:
    """Yield set, scene and plate of what was read by eye, for training without any that is kept back."""
    kept_back = kept_back_texts(data_folder())
    for folder in (data_folder() / "train" / name for name in SCENE_SETS):
        for row in labels(folder):
            if is_scene_kept_back(folder.name, row) is validation:
                read = (plate for plate in row["plates"] if plate.get("by_eye"))
                yield from ((folder, row, p) for p in read if validation or fold(p["text"]) not in kept_back)


def _cut_out(folder: Path, row: Label, plate: Label) -> Crop:
    luma = np.asarray(cv2.imread(str(folder / row["image"]), cv2.IMREAD_GRAYSCALE), np.uint8)
    x, y, w, h = (float(v) for v in plate["box"])
    left, top = max(0, round(x - _AROUND * w)), max(0, round(y - _AROUND * h))
    cut = luma[top : round(y + h * (1 + _AROUND)), left : round(x + w * (1 + _AROUND))].copy()
    box, name = (x - left, y - top, w, h), f"{folder.name}/{Path(row['image']).name}"
    return Crop(cut, box, plate["text"], human=True, source=folder.name, name=name)


def count_crops(
    *, validation: bool, min_char_prob: float = 0.8, dropped: frozenset[str] = frozenset()
) -> dict[str, int]:
    """Count training or validation crops by set, without reading a picture; those read by eye by set of scenes.

    Blank plates and signs are counted among the training crops as BLANK. The arguments are those of load_crops.
    """
    found = {}
    for folder in (data_folder() / "train" / name for name in crop_sets()):
        lines = list(labels(folder))
        if lines:
            wanted = (_is_wanted(folder, x, min_char_prob, dropped, validation=validation) for x in lines)
            found[folder.name] = sum(wanted)
    read = [(folder.name, bool(plate["text"])) for folder, _, plate in _read_by_eye(validation=validation)]
    by_set = Counter(f"{BY_EYE}: {source}" for source, is_plate in read if is_plate)
    none = sum(not is_plate for _, is_plate in read)
    return found | dict(by_set) | ({BLANK: none} if none and not validation else {})


def _name(folder: Path, row: dict[str, Any]) -> str:
    return f"{folder.name}/{Path(row['image']).name}"


def _is_wanted(
    folder: Path, row: dict[str, Any], min_char_prob: float, dropped: frozenset[str], *, validation: bool
) -> bool:
    text = text_of(row)
    if not (is_crop_kept_back(row) if validation else may_train(row)) or _name(folder, row) in dropped:
        return False
    return len(text) >= 2 and (bool(row.get("text")) or row["min_char_prob"] >= min_char_prob)


def _crop(
    folder: Path, row: dict[str, Any], min_char_prob: float, dropped: frozenset[str], *, validation: bool
) -> Crop | None:
    if not _is_wanted(folder, row, min_char_prob, dropped, validation=validation):
        return None
    luma = cv2.imread(str(folder / row["image"]), cv2.IMREAD_GRAYSCALE)
    if luma is None:
        return None
    x, y, w, h = row.get("box_in_crop") or (0.0, 0.0, luma.shape[1], luma.shape[0])
    box = (float(x), float(y), float(w), float(h))
    human = bool(row.get("text"))
    return Crop(np.asarray(luma, np.uint8), box, text_of(row).upper(), human, folder.name, _name(folder, row))


def plate_free_pieces(rng: np.random.Generator, scenes: int = 1200, pieces: int = 6) -> list[NDArray[np.uint8]]:
    """Cut pieces of plate-like shape from training scenes, clear of every plate and every region that may hold one."""
    found: list[NDArray[np.uint8]] = []
    folders = [data_folder() / "train" / s for s in PIECES_FROM]
    todo = [(f, row) for f in folders for row in labels(f) if not is_scene_kept_back(f.name, row)]
    for k in rng.permutation(len(todo))[:scenes]:
        folder, row = todo[int(k)]
        luma = cv2.imread(str(folder / row["image"]), cv2.IMREAD_GRAYSCALE)
        if luma is None:
            continue
        taken = [p["box"] for p in row["plates"]] + masked(folder.name, row)
        for _ in range(pieces):
            width = float(np.exp(rng.uniform(np.log(30), np.log(luma.shape[1] / 2.5))))
            height = width / float(rng.uniform(1.5, 5))
            x, y = (float(rng.uniform(0, max(1, s))) for s in (luma.shape[1] - width, luma.shape[0] - height))
            if any(
                x < b[0] + b[2] + 4 and b[0] < x + width + 4 and y < b[1] + b[3] + 4 and b[1] < y + height + 4
                for b in taken
            ):
                continue
            piece = luma[round(y) : round(y + height), round(x) : round(x + width)]
            if min(piece.shape) >= 8:
                scale = min(1.0, 220 / piece.shape[1])
                found.append(
                    cv2.resize(piece, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
                    if scale < 1
                    else piece.copy()
                )
    return found
