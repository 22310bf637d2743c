"""Texts that were read by eye: sealed under their pictures, and held back like all others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.datasets import by_eye, labels
from models.datasets.crops import BY_EYE, blanks, count_crops, load_crops

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.training

TEXTS = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", max_size=by_eye.LONGEST)


@given(TEXTS, st.binary(min_size=1), st.integers(0, 9))
def test_who_has_the_picture_reads_the_text(text: str, picture: bytes, number: int) -> None:
    """And who has another picture, or takes it for another plate's, reads nothing."""
    sealed = by_eye.seal(picture, number, text)
    assert by_eye.unseal(picture, number, sealed) == text
    assert by_eye.unseal(picture + b"\0", number, sealed) is None
    assert by_eye.unseal(picture, number + 1, sealed) is None


def test_a_sealed_text_tells_neither_its_length_nor_its_equals() -> None:
    """The same plate on two pictures looks like two plates; a blank one looks like any other."""
    sealed = [by_eye.seal(picture, 0, text) for picture in (b"a", b"b") for text in ("", "AB1", "ABCDEFGHI123")]
    assert len(set(sealed)) == len(sealed)
    assert len({len(s) for s in sealed}) == 1


@pytest.mark.parametrize("text", ["ab1", "A-1", "ABCDEFGHI1234", "Å1"])
def test_what_is_no_text_is_not_sealed(text: str) -> None:
    """A reading typed wrongly is noticed before it is out of sight."""
    with pytest.raises(ValueError, match="up to 12 characters"):
        by_eye.seal(b"picture", 0, text)


@pytest.fixture
def scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty scenes with a plate each, and every plate twice; read by eye, but for a blank one."""
    folder, names = tmp_path / "train" / "india", [f"{i}.png" for i in range(60)]
    folder.mkdir(parents=True)
    rng = np.random.default_rng(4)
    for name in names:
        cv2.imwrite(str(folder / name), rng.integers(0, 255, (40, 120), np.uint8))
    rows = [{"image": n, "plates": [{"text": None, "box": [30, 10, 50, 15]}]} for n in names]
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setenv("PLATESIEVE_DATA", str(tmp_path))
    monkeypatch.setattr(by_eye, "FILE", tmp_path / "by_eye.json")
    monkeypatch.setattr(labels, "readings", lambda of: by_eye.readings(of, tmp_path / "by_eye.json"))
    readings = [f"india/{n}\t0\tAB{i // 2:03d}" for i, n in enumerate(names[:-1])] + [f"india/{names[-1]}\t0\t"]
    assert by_eye.add(readings, tmp_path, tmp_path / "by_eye.json") == 0
    return tmp_path


def test_plates_that_were_read_teach_and_are_held_back_like_others(scenes: Path) -> None:
    """None is in both, each is cut out with its box, and the blank one teaches `nothing`."""
    trained, held = (load_crops(validation=v)[BY_EYE] for v in (False, True))
    held_texts = {c.text for c in held}
    assert held
    assert len(trained) > 40
    assert not {c.text for c in trained} & held_texts
    assert any(labels.text_of(plate) in held_texts for plate in _plates_of_training(scenes)), "the sets share no plate"
    assert all(c.luma.shape == (21, 68) and c.box == (9, 3, 50, 15) and c.human for c in trained)
    assert [c.text for c in blanks()] == [""]
    assert count_crops(validation=True) == {BY_EYE: len(held)}


def _plates_of_training(scenes: Path) -> list[dict[str, Any]]:
    rows = labels.labels(scenes / "train" / "india")
    return [plate for row in rows if not labels.is_scene_kept_back("india", row) for plate in row["plates"]]


def test_a_changed_picture_has_no_reading(scenes: Path) -> None:
    """Its text would belong to a picture that nobody looked at."""
    picture = scenes / "train" / "india" / "7.png"
    picture.write_bytes(picture.read_bytes() + b"\0")
    by_eye.readings.cache_clear()
    texts = [labels.text_of(row["plates"][0]) for row in labels.labels(scenes / "train" / "india")]
    assert texts[7] == ""
    assert texts[6] == "AB003"


def test_what_an_evaluation_set_shows_is_refused(scenes: Path) -> None:
    """Equal to a text of one, or one substitution away; two are another plate."""
    (scenes / "eval" / "eu").mkdir(parents=True)
    (scenes / "eval" / "eu" / "labels.jsonl").write_text(json.dumps({"plates": [{"text": "XY123"}]}) + "\n")
    file = scenes / "new.json"
    lines = [f"india/{i}.png\t0\t{text}" for i, text in enumerate(("XY123", "XY128", "XV128"))]
    assert by_eye.add(lines, scenes, file) == 2
    assert list(json.loads(file.read_text())) == ["india/2.png"]


def test_no_text_lies_open_in_the_repository() -> None:
    """The released file holds ciphertexts of one length and nothing else."""
    sealed = [s for plates in json.loads(by_eye.FILE.read_text()).values() for s in plates.values()]
    assert len(sealed) > 700
    assert {len(s) for s in sealed} == {len(by_eye.seal(b"", 0, ""))}
