"""No model is trained on a plate that one of them is judged on, in whatever set the plate appears."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from models.datasets import labels
from models.datasets.crops import count_crops, load_crops

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.training

PLATES = [f"AB{i:03d}" for i in range(200)]


def write(folder: Path, lines: list[dict[str, Any]]) -> None:
    """Write a set of labels, each with a small picture."""
    folder.mkdir(parents=True)
    (folder / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for line in lines:
        cv2.imwrite(str(folder / line["image"]), np.zeros((12, 40), np.uint8))


def crop(text: str, group: str | None = None) -> dict[str, Any]:
    """Return the label of a crop that a machine read."""
    return {"image": f"{text}.png", "pseudo_text": text, "min_char_prob": 0.99, "group": group}


def scene(number: int, text: str) -> dict[str, Any]:
    """Return the label of a scene with one plate; twenty in a row are of one video."""
    return {"image": f"{number}.png", "group": f"video-{number // 20}", "plates": [{"text": text}]}


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three sets that share plates: crops by plate, crops by video, and scenes by video.

    What is kept back is remembered for each folder, so the sets are written before anything is asked.
    """
    write(tmp_path / "train" / "crops-openlpr", [crop(text) for text in PLATES[:150]])
    write(tmp_path / "train" / "crops-darkplate", [crop(t, f"ride-{i // 4}") for i, t in enumerate(PLATES[50:])])
    write(tmp_path / "train" / "darkplate", [scene(i, text) for i, text in enumerate(PLATES[::-1])])
    monkeypatch.setenv("PLATESIEVE_DATA", str(tmp_path))
    return tmp_path / "train"


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the labels of a set."""
    return list(labels.labels(folder))


def kept_back_in_scenes(photographs: Path) -> set[str]:
    """Return the plates of the scenes that no training sees."""
    kept = (s for s in read(photographs / "darkplate") if labels.is_scene_kept_back("darkplate", s))
    return {plate["text"] for s in kept for plate in s["plates"]}


def test_a_plate_is_in_training_or_held_out_never_in_both(photographs: Path) -> None:
    """Across sets: held out in one of them or in a scene, it is trained on in none; and most are trained on."""
    trained = {c.text for group in load_crops(validation=False).values() for c in group}
    held = {c.text for group in load_crops(validation=True).values() for c in group}
    scenes = kept_back_in_scenes(photographs)
    assert held
    assert scenes - held
    assert not trained & (held | scenes)
    assert trained | held | scenes == set(PLATES)
    assert len(trained) > len(PLATES) / 2


def test_without_the_catalogue_none_of_it_is_opened(
    photographs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither to teach nor to measure; only its texts are looked at, so that held-out plates stay the same."""
    write(photographs / labels.CATALOGUE, [crop(f"ZZ{i:03d}") for i in range(60)])
    opened: list[str] = []
    read_picture = cv2.imread

    def noted(path: str, *flags: int) -> Any:
        opened.append(path)
        return read_picture(path, *flags)

    monkeypatch.setattr(cv2, "imread", noted)

    def of_catalogue() -> int:
        opened.clear()
        found = {**load_crops(validation=False), **load_crops(validation=True)}
        counted = count_crops(validation=False) | count_crops(validation=True)
        assert (labels.CATALOGUE in found) == (labels.CATALOGUE in counted)
        return sum(labels.CATALOGUE in path for path in opened)

    assert of_catalogue() == 60
    monkeypatch.setenv("CATALOGUE", "false")
    assert of_catalogue() == 0
    assert opened
    monkeypatch.setenv("CATALOGUE", "no")
    with pytest.raises(SystemExit, match="set it to true or false"):
        load_crops(validation=True)
    assert labels.CATALOGUE not in capsys.readouterr().out


def test_without_the_rule_plates_would_be_in_both(photographs: Path) -> None:
    """Each set's own split alone would train on plates that another set holds out: the sets above do share them."""
    crops = [c for name in ("crops-openlpr", "crops-darkplate") for c in read(photographs / name)]
    own = {labels.text_of(c) for c in crops if not labels.is_crop_kept_back(c)}
    held = {labels.text_of(c) for c in crops if labels.is_crop_kept_back(c)}
    assert own & held
    assert own & (kept_back_in_scenes(photographs) - held)


def test_a_video_is_held_out_as_a_whole(photographs: Path) -> None:
    """Frames that follow each other are one plate many times."""
    for rule, name, size in (
        (labels.is_crop_kept_back, "crops-darkplate", 4),
        (lambda s: labels.is_scene_kept_back("darkplate", s), "darkplate", 20),
    ):
        rows = read(photographs / name)
        held = [row["group"] for row in rows if rule(row)]
        assert 0 < len(held) < len(rows) / 2
        whole = [sum(row["group"] == group for row in rows) for group in set(held)]
        assert all(held.count(group) == n for group, n in zip(set(held), whole, strict=True))
        assert max(whole) == size
