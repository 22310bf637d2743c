"""The labels of the photographs, and which of them no training sees: one file for both models.

So neither learns what the other is judged on. Scenes are kept back by group, ride or picture, crops by plate or group.
A plate whose text stands on anything that is kept back is left out of training wherever else it appears.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.common.metrics import fold
from models.datasets.by_eye import open_readings

if TYPE_CHECKING:
    from collections.abc import Iterator

CATALOGUE = "crops-us-catalogue"
CROP_SETS = ("crops-openlpr", "crops-openimages", "crops-openimages-hd", "crops-darkplate", "crops-romanian", CATALOGUE)
SCENE_SETS = ("openlpr", "openimages", "openimages-hd", "darkplate", "romanian", "easypr", "india", "kaggle-cars")
CROP_SHARE = 0.06
SCENE_SHARE = 0.10

Label = dict[str, Any]


def crop_sets() -> tuple[str, ...]:
    """Return the sets to teach and to measure on; $CATALOGUE=false leaves out the one with the weakest provenance.

    Raises:
        SystemExit: $CATALOGUE is neither true nor false; a switch that nobody understood must not be taken for on.
    """
    wanted = os.environ.get("CATALOGUE", "true")
    if wanted not in ("true", "false"):
        raise SystemExit(f"CATALOGUE is {wanted!r}: set it to true or false")
    return CROP_SETS if wanted == "true" else tuple(name for name in CROP_SETS if name != CATALOGUE)


def sets_at_hand() -> list[str]:
    """Return the sets of crops and scenes that a training would find now."""
    train = data_folder() / "train"
    return [name for name in (*crop_sets(), *SCENE_SETS) if (train / name / "labels.jsonl").is_file()]


def data_folder() -> Path:
    """Return the folder with the photographs, $PLATESIEVE_DATA or shared/data beside the checkout; it may not exist."""
    return Path(os.environ.get("PLATESIEVE_DATA", Path(__file__).parents[2] / ".." / "shared" / "data")).resolve()


def labels(folder: Path) -> Iterator[Label]:
    """Yield the lines of a set's labels.jsonl, with what was read by eye since; none where the set is absent."""
    file = folder / "labels.jsonl"
    if file.is_file():
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                label = json.loads(line)
                texts, unopened = open_readings(folder, label)
                for number, text in texts.items():
                    label["plates"][number] |= {"text": text, "by_eye": True}
                if unopened:
                    _tell_unopened(f"{folder.name}/{label['image']}", unopened)
                yield label


@functools.cache
def _tell_unopened(name: str, count: int) -> None:
    print(f"{name}: {count} readings by eye are of another picture or box and were left out")


@functools.cache
def _unlabelled() -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = json.loads(Path(__file__).with_name("unlabelled.json").read_text())
    return found


def masked(source: str, label: Label) -> list[list[float]]:
    """Return regions of a scene (x, y, width, height) that may hold a plate without a label.

    They are those of the set itself, those an earlier model found and a person confirmed (unlabelled.json), and what
    is labelled as a plate but is blank or a sign.
    """
    blank = [plate["box"] for plate in label["plates"] if is_blank(plate)]
    return [*label.get("ignore", []), *_unlabelled().get(f"{source}/{label['image']}", []), *blank]


def is_blank(plate: Label) -> bool:
    """Return True where a person saw nothing to read on a scene's plate: a blank plate, or a sign."""
    return plate.get("by_eye") is True and not plate["text"]


def text_of(label: Label) -> str:
    """Return what a person read on a crop or a scene's plate, else what a machine read, else nothing."""
    return str(label.get("text") or label.get("pseudo_text") or "")


def is_scene_kept_back(source: str, label: Label) -> bool:
    """Return True for the share kept back: by group or ride where frames follow each other, else by picture."""
    if source == "openlpr":
        return str(label["split"]) == "val"
    if source == "kaggle-cars":  # near-duplicates of openlpr: never held out
        return False
    if source == "romanian":
        return "dayride_type1_003" in label["source"]
    return _falls(str(label.get("group") or label["image"]), SCENE_SHARE)


def is_crop_kept_back(label: Label) -> bool:
    """Return True for the crops that the reader is judged on: by group (one video), else by the plate itself."""
    return _falls(label.get("group") or text_of(label), CROP_SHARE)


def may_train(label: Label) -> bool:
    """Return True for a crop that is not kept back, of a plate that no kept-back crop or scene shows (O is 0 here)."""
    return not is_crop_kept_back(label) and fold(text_of(label)) not in kept_back_texts(data_folder())


@functools.cache
def kept_back_texts(root: Path) -> frozenset[str]:
    """Return the texts, folded, that stand on any crop or scene that is kept back."""
    crops = (label for name in CROP_SETS for label in labels(root / "train" / name) if is_crop_kept_back(label))
    scenes = ((name, label) for name in SCENE_SETS for label in labels(root / "train" / name))
    plates = (plate for name, label in scenes if is_scene_kept_back(name, label) for plate in label["plates"])
    return frozenset(fold(text) for text in map(text_of, (*crops, *plates)) if text)


def _falls(key: str, share: float) -> bool:
    """Return True for this share of all keys, the same on every machine."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") / 2**32 < share
