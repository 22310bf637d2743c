"""Read the labelled photographs: crops for the reader, and pieces of scenes that hold no plate.

The folder is `$PLATESIEVE_DATA`, or `../shared/data` beside the checkout. Its README states where each set is from.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CATALOGUE = "crops-us-catalogue"
CROP_SETS = ("crops-openlpr", "crops-openimages", "crops-openimages-hd", "crops-darkplate", "crops-romanian", CATALOGUE)
SCENE_SETS = ("openlpr", "openimages", "openimages-hd", "darkplate", "romanian", "india", "kaggle-cars")
VALIDATION_SHARE = 0.06


@dataclass(frozen=True, slots=True)
class Crop:
    """One photographed plate: luma, the plate's box in it, its text, and whether a person read it."""

    luma: NDArray[np.uint8]
    box: tuple[float, float, float, float]
    text: str
    human: bool
    source: str
    name: str


def data_folder() -> Path:
    """Return the folder with the photographs; it may not exist."""
    return Path(os.environ.get("PLATESIEVE_DATA", Path(__file__).parents[2] / ".." / "shared" / "data")).resolve()


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a set's labels.jsonl."""
    with (folder / "labels.jsonl").open() as lines:
        for line in lines:
            yield json.loads(line)


def held_out(key: str) -> bool:
    """Say whether a group of pictures (same video, or same plate) is kept out of training."""
    digest = hashlib.sha256(key.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < VALIDATION_SHARE


def load_crops(
    *,
    validation: bool,
    catalogue: bool = True,
    min_char_prob: float = 0.8,
    dropped: frozenset[str] = frozenset(),
    most: int | None = None,
) -> dict[str, list[Crop]]:
    """Load training or validation crops, by set. A plate is in one of the two only.

    Args:
        validation: the held-out share instead of the rest.
        catalogue: include the US catalogue, the set with the weakest provenance.
        min_char_prob: least probability of a machine-read text's weakest character.
        dropped: names (`set/image`) of crops whose machine-read text is doubted.
        most: read so many of each set only, spread over the whole of it.
    """
    found: dict[str, list[Crop]] = {}
    for name in CROP_SETS if catalogue else CROP_SETS[:-1]:
        folder = data_folder() / "train" / name
        if not (folder / "labels.jsonl").exists():
            print(f"skipped {name}: not in {folder.parent}")
            continue
        lines = list(rows(folder))
        # A tenth more than asked for: some of them belong to the other share.
        step = max(1, len(lines) // (most + most // 10 + 1)) if most else 1
        crops = (_crop(folder, r, min_char_prob, dropped, validation=validation) for r in lines[::step])
        found[name] = [c for c in crops if c][:most]
    return {k: v for k, v in found.items() if v}


def count_crops(*, validation: bool, min_char_prob: float = 0.8) -> dict[str, int]:
    """Count training or validation crops by set, without reading a picture."""
    folders = [data_folder() / "train" / name for name in CROP_SETS]
    return {
        folder.name: sum(_is_wanted(folder, r, min_char_prob, frozenset(), validation=validation) for r in rows(folder))
        for folder in folders
        if (folder / "labels.jsonl").exists()
    }


def _text(row: dict[str, Any]) -> str:
    return row.get("text") or row.get("pseudo_text") or ""


def _name(folder: Path, row: dict[str, Any]) -> str:
    return f"{folder.name}/{Path(row['image']).name}"


def _is_wanted(
    folder: Path, row: dict[str, Any], min_char_prob: float, dropped: frozenset[str], *, validation: bool
) -> bool:
    text = _text(row)
    if held_out(row.get("group") or text) != validation or _name(folder, row) in dropped:
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
    return Crop(np.asarray(luma, np.uint8), box, _text(row).upper(), human, folder.name, _name(folder, row))


def plate_free_pieces(rng: np.random.Generator, scenes: int = 1200, pieces: int = 6) -> list[NDArray[np.uint8]]:
    """Cut pieces of plate-like shape from scenes, clear of every plate and every region that may hold one."""
    found: list[NDArray[np.uint8]] = []
    folders = [data_folder() / "train" / s for s in SCENE_SETS]
    todo = [(f, r) for f in folders if (f / "labels.jsonl").exists() for r in rows(f)]
    for k in rng.permutation(len(todo))[:scenes]:
        folder, row = todo[int(k)]
        luma = cv2.imread(str(folder / row["image"]), cv2.IMREAD_GRAYSCALE)
        if luma is None or row.get("split") != "train":
            continue
        taken = [p["box"] for p in row["plates"]] + list(row.get("ignore", []))
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
