"""Texts that were read by eye: sealed under their pictures, and held back like all others."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.datasets import by_eye, labels, seal_readings
from models.datasets.crops import BLANK, BY_EYE, blanks, count_crops, load_crops

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.training

TEXTS = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", max_size=by_eye.LONGEST)
BOX = [30.0, 10.0, 50.0, 15.0]


@given(TEXTS, st.binary(min_size=1), st.integers(0, 9))
def test_who_has_the_picture_reads_the_text(text: str, picture: bytes, number: int) -> None:
    """And who has another picture, or takes it for another plate's, reads nothing."""
    sealed = by_eye.seal(picture, number, BOX, text)
    assert by_eye.unseal(picture, number, BOX, sealed) == text
    assert by_eye.unseal(picture + b"\0", number, BOX, sealed) is None
    assert by_eye.unseal(picture, number + 1, BOX, sealed) is None
    assert by_eye.unseal(picture, number, [31, *BOX[1:]], sealed) is None


def test_a_sealed_text_tells_neither_its_length_nor_its_equals() -> None:
    """The same plate on two pictures looks like two plates; a blank one looks like any other."""
    sealed = [by_eye.seal(picture, 0, BOX, text) for picture in (b"a", b"b") for text in ("", "AB1", "ABCDEFGHI123")]
    assert len(set(sealed)) == len(sealed)
    assert len({len(s) for s in sealed}) == 1


@pytest.mark.parametrize("text", ["ab1", "A-1", "ABCDEFGHI1234", "Å1"])
def test_what_is_no_text_is_not_sealed(text: str) -> None:
    """A reading typed wrongly is noticed before it is out of sight."""
    with pytest.raises(ValueError, match="up to 12 characters"):
        by_eye.seal(b"picture", 0, BOX, text)


@pytest.fixture
def scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty scenes with a plate each, and every plate twice (once with O for 0); read by eye, but for a blank one."""
    folder, names = tmp_path / "train" / "india", [f"{i}.png" for i in range(60)]
    folder.mkdir(parents=True)
    rng = np.random.default_rng(4)
    for name in names:
        cv2.imwrite(str(folder / name), rng.integers(0, 255, (40, 120), np.uint8))
    write(folder, [{"image": n, "plates": [{"text": None, "box": BOX}]} for n in names])
    (tmp_path / "eval" / "eu").mkdir(parents=True)
    write(tmp_path / "eval" / "eu", [{"image": "a.png", "plates": [{"text": "XO123"}]}])
    monkeypatch.setenv("PLATESIEVE_DATA", str(tmp_path))
    (tmp_path / "by_eye.json").write_text("{}")
    monkeypatch.setattr(by_eye, "FILE", tmp_path / "by_eye.json")
    readings = [f"india/{n}\t0\tA{'0O'[i % 2]}{i // 2:03d}" for i, n in enumerate(names[:-1])]
    assert seal_readings.add([*readings, f"india/{names[-1]}\t0\t"], tmp_path, by_eye.FILE) == 0
    return tmp_path


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write a set's labels."""
    (folder / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_plates_that_were_read_teach_and_are_held_back_like_others(scenes: Path) -> None:
    """None is in both, O taken for 0; each is cut out with its box; and the blank one teaches `nothing`."""
    trained, held = (load_crops(validation=v)[BY_EYE] for v in (False, True))
    held_texts = {c.text.replace("O", "0") for c in held}
    assert held
    assert len(trained) > 40
    assert not {c.text.replace("O", "0") for c in trained} & held_texts
    assert any(text.replace("O", "0") in held_texts for text in _texts_of_training(scenes)), "the sets share no plate"
    assert all(c.luma.shape == (21, 68) and c.box == (9, 3, 50, 15) and c.human for c in trained)
    assert [c.text for c in blanks()] == [""]
    assert count_crops(validation=True) == {f"{BY_EYE}: india": len(held)}
    assert count_crops(validation=False) == {f"{BY_EYE}: india": len(trained), BLANK: 1}


def _texts_of_training(scenes: Path) -> list[str]:
    rows = labels.labels(scenes / "train" / "india")
    return [labels.text_of(p) for row in rows if not labels.is_scene_kept_back("india", row) for p in row["plates"]]


def test_a_few_crops_are_spread_over_the_whole(scenes: Path) -> None:
    """Not the first ones."""
    few, every = (load_crops(validation=False, most=n)[BY_EYE] for n in (10, None))
    assert len(few) == 10
    assert [c.text for c in few] != [c.text for c in every[:10]]


@pytest.mark.parametrize("change", ["picture", "box", "fewer plates"])
def test_what_was_changed_since_has_no_reading(scenes: Path, capsys: pytest.CaptureFixture[str], change: str) -> None:
    """Its text would belong to a plate that nobody looked at. The others keep theirs, and it is said."""
    folder = scenes / "train" / "india"
    rows = [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines()]
    if change == "picture":
        picture = folder / "7.png"
        picture.write_bytes(picture.read_bytes() + b"\0")
    rows[7]["plates"] = {"box": [{"text": None, "box": [31, 10, 50, 15]}], "fewer plates": []}.get(
        change, rows[7]["plates"]
    )
    write(folder, rows)
    labels._tell_unopened.cache_clear()
    texts = [[labels.text_of(plate) for plate in row["plates"]] for row in labels.labels(folder)]
    assert texts[7] == ([] if change == "fewer plates" else [""])
    assert texts[6] == ["A0003"]
    assert capsys.readouterr().out.count("left out") == 1


def test_what_an_evaluation_set_shows_is_refused(scenes: Path) -> None:
    """Equal to a text of one, O taken for 0, or one substitution away; two are another plate. An old reading goes."""
    file = scenes / "new.json"
    assert seal_readings.add(["india/0.png\t0\tQQ777", "india/9.png\t0\tQQ777"], scenes, file) == 0
    lines = [f"india/{i}.png\t0\t{text}" for i, text in enumerate(("X0123", "XO128", "XV128"))]
    assert seal_readings.add(lines, scenes, file) == 2
    assert list(json.loads(file.read_text())) == ["india/2.png", "india/9.png"]


def test_without_evaluation_sets_nothing_is_sealed(scenes: Path) -> None:
    """Nobody could say what they show."""
    (scenes / "eval" / "eu" / "labels.jsonl").unlink()
    with pytest.raises(FileNotFoundError, match="no evaluation set to keep clear of"):
        seal_readings.add(["india/0.png\t0\tQQ777"], scenes, scenes / "new.json")


def test_no_text_lies_open_in_the_repository() -> None:
    """What is released decodes to ciphertexts of one length: bytes that no text is made of."""
    plates = json.loads((labels.Path(by_eye.__file__).with_name("by_eye.json")).read_text()).values()
    sealed = [base64.b64decode(each) for of_picture in plates for each in of_picture.values()]
    assert len(sealed) > 700
    assert {len(s) for s in sealed} == {16 + by_eye.LONGEST}
    assert not any(s.isascii() for s in sealed)
    assert base64.b64decode(base64.b64encode(b"AB12CD34EF56".rjust(28))).isascii(), "an open text would be seen"


def test_every_reading_opens_where_the_photographs_are() -> None:
    """Sealed for other files than those that the data folder holds, they would teach nothing."""
    rows = [(f, row) for name in labels.SCENE_SETS for f in [labels.data_folder() / "train" / name]
            for row in labels.labels(f)]  # fmt: skip
    if not rows:
        pytest.skip("no photographs here")
    opened = sum(bool(plate.get("by_eye")) for _, row in rows for plate in row["plates"])
    released = json.loads(by_eye.FILE.read_text())
    assert opened == sum(map(len, released.values()))
