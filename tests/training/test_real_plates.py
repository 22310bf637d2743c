"""Real plates are personal data: no text of a photograph or a clip stands in a file of the repository."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from models.datasets.labels import data_folder

pytestmark = pytest.mark.training

ROOT = Path(__file__).parents[2]
ROOMS = ("src", "models", "tests", "deploy", "firmware")
NOT_OURS = {"__pycache__", "work", "node_modules"}
PLATE = re.compile(r"(?<![A-Z0-9])(?=[0-9]*[A-Z])(?=[A-Z]*[0-9])[A-Z0-9]{6,12}(?![A-Z0-9])")
"""Letters and digits, long enough to be no accident; words and numbers alone are too common to mean a plate."""


def texts_of(folder: Path) -> set[str]:
    """Return what is written on the photographs, and on the clips as the folder's README tells it."""
    found = set(PLATE.findall((folder / "README.md").read_text(encoding="utf-8")))
    for file in folder.glob("*/*/labels.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            label = json.loads(line)
            for plate in (label, *label.get("plates", ())):
                said = (plate.get(key) or "" for key in ("text", "text_corrected", "pseudo_text"))
                found.update(text for text in said if PLATE.fullmatch(text))
    return found


def named_in(text: str, known: set[str]) -> set[str]:
    """Return the known plates that a text names, in capitals or not."""
    return known.intersection(PLATE.findall(text.upper()))


def test_a_plate_is_found_wherever_it_hides() -> None:
    """In a list, in a file name, in small letters; not as a piece of something longer."""
    known = {"DEMO123"}
    for text in ('["DEMO123", 1]', "demo123.jpg", "a_DEMO123"):
        assert named_in(text, known) == known
    assert not named_in("XDEMO123 DEMO1234 DEMO 123", known)


def test_no_file_names_a_real_plate() -> None:
    """Where the photographs are at hand; which text it is, is not told here either."""
    folder = data_folder()
    if not (folder / "README.md").is_file():
        pytest.skip("no photographs here")
    known = texts_of(folder)
    assert len(known) > 100
    guilty = []
    for file in (*ROOT.glob("*.*"), *(f for room in ROOMS for f in (ROOT / room).rglob("*"))):
        if not file.is_file() or NOT_OURS.intersection(file.relative_to(ROOT).parts):
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if found := named_in(f"{file.name}\n{text}", known):
            guilty.append(f"{file.relative_to(ROOT)} names {len(found)} real plates")
    assert not guilty
