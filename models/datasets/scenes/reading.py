"""Read the labelled scenes, and keep a share of them back that shares nothing with the rest."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.datasets.scenes.boxes import box_corners
from models.datasets.scenes.types import Scene, Target

if TYPE_CHECKING:
    from numpy.typing import NDArray


SOURCE_SHARES = {
    "openlpr": 0.35,
    "openimages": 0.28,
    "openimages-hd": 0.03,
    "darkplate": 0.11,
    "romanian": 0.08,
    "easypr": 0.07,
    "india": 0.03,
    "kaggle-cars": 0.05,
}


HELD_OUT_SHARE = 0.10


DUPLICATE_BITS = 6


def data_root() -> Path:
    """Return the folder of the image sets: $PLATESIEVE_DATA, else ../shared/data beside the checkout."""
    return Path(os.environ.get("PLATESIEVE_DATA", "../shared/data"))


def is_held_out(source: str, label: dict[str, Any]) -> bool:
    """Return True for the share kept back: by group or ride where frames follow each other, else by picture."""
    if source == "openlpr":
        return str(label["split"]) == "val"
    if source == "kaggle-cars":  # near-duplicates of openlpr: never held out
        return False
    if source == "romanian":
        return "dayride_type1_003" in label["source"]
    key = str(label.get("group") or label["image"])
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) / 2**32 < HELD_OUT_SHARE


@functools.cache
def unlabelled() -> dict[str, list[list[float]]]:
    """Return plates that the labels miss, found by an earlier model and checked by eye: to be masked."""
    found: dict[str, list[list[float]]] = json.loads((Path(__file__).parents[1] / "unlabelled.json").read_text())
    return found


def read_scene(folder: Path, label: dict[str, Any]) -> Scene:
    """Read one picture with its labels."""
    luma = cv2.imread(str(folder / label["image"]), cv2.IMREAD_GRAYSCALE)
    if luma is None:
        raise FileNotFoundError(folder / label["image"])
    levels = [np.asarray(luma, np.uint8)]
    for _ in range(2):
        high, wide = levels[-1].shape
        half = cv2.resize(levels[-1], (max(wide // 2, 8), max(high // 2, 8)), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, np.uint8))
    plates = tuple(
        Target(np.array(p["corners"], np.float32), exact=True)
        if p["corners"]
        else Target(box_corners(p["box"]), exact=False)
        for p in label["plates"]
    )
    masked = [*label.get("ignore", []), *unlabelled().get(f"{folder.name}/{label['image']}", [])]
    ignore = np.array(masked, np.float32).reshape(-1, 4)
    held = is_held_out(folder.name, label)
    return Scene(tuple(levels), plates, ignore, folder.name, label["image"], held)


def difference_hash(luma: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return 256 bits that near-duplicates share (dHash)."""
    small = cv2.resize(luma, (17, 16), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.asarray((small[:, 1:] > small[:, :-1]).ravel(), np.bool_)


def drop_leaks(scenes: list[Scene]) -> list[Scene]:
    """Leave out training scenes that are near-duplicates of a held-out one."""
    kept_back = np.array([difference_hash(s.levels[0]) for s in scenes if s.held_out])
    kept = []
    for scene in scenes:
        if not scene.held_out and len(kept_back):
            distance = (kept_back ^ difference_hash(scene.levels[0])).sum(axis=1).min()
            if distance <= DUPLICATE_BITS:
                continue
        kept.append(scene)
    return kept


def load_scenes(limit: int | None = None, *, held_out_only: bool = False) -> list[Scene]:
    """Read the scene sets that are there; say which are skipped. `limit` takes the first of each, for tests."""
    scenes: list[Scene] = []
    for source in SOURCE_SHARES:
        folder = data_root() / "train" / source
        if not (folder / "labels.jsonl").is_file():
            print(f"skipped: {source} is not in {data_root().name}/train")
            continue
        lines = (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()[:limit]
        labels = [json.loads(line) for line in lines]
        scenes.extend(read_scene(folder, x) for x in labels if not held_out_only or is_held_out(source, x))
    return drop_leaks(scenes)
