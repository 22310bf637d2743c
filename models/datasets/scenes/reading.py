"""Read the labelled scenes, and keep a share of them back that shares nothing with the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from models.datasets.labels import data_folder, is_blank, is_scene_kept_back, labels, masked
from models.datasets.scenes.boxes import box_corners
from models.datasets.scenes.types import Scene, Target

if TYPE_CHECKING:
    from pathlib import Path

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


DUPLICATE_BITS = 6


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
        if not is_blank(p)
    )
    ignore = np.array(masked(folder.name, label), np.float32).reshape(-1, 4)
    held = is_scene_kept_back(folder.name, label)
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
        folder = data_folder() / "train" / source
        found = list(labels(folder))[:limit]
        if not found:
            print(f"skipped: {source} is not in {data_folder().name}/train")
        scenes.extend(read_scene(folder, x) for x in found if not held_out_only or is_scene_kept_back(source, x))
    return drop_leaks(scenes)
