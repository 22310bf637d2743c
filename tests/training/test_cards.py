"""The cards say what was measured, of the file that is released, and nothing else."""

from __future__ import annotations

import json
import tomllib

import pytest

from models.common.card import BLOCKS, MODELS, filled, rate, table
from models.common.release import MANIFEST

pytestmark = pytest.mark.training

ENTRY = {
    "version": "9", "samples": 1234567, "file": "reader-int8.onnx", "form": "int8", "sha256": "ab" * 32,
    "form_reason": "int8 is released: twice as fast", "input": "a", "output": "b", "run": "models/runs/reader.sh",
}  # fmt: skip
TEMPLATE = "before\n<!-- measured: identity -->\nold\n<!-- end -->\nafter\n"


def test_measured_parts_are_written_anew_and_the_rest_stays() -> None:
    """Twice gives the same, so that a card can be checked against its figures."""
    card = filled(TEMPLATE, "reader", ENTRY, {"sha256": ENTRY["sha256"]})
    assert card.startswith("before\n<!-- measured: identity -->\n|")
    assert card.endswith("<!-- end -->\nafter\n")
    assert "1,234,567" in card
    assert "old" not in card
    assert filled(card, "reader", ENTRY, {"sha256": ENTRY["sha256"]}) == card


def test_figures_of_another_file_are_refused() -> None:
    """A card must not praise a model with the scores of another."""
    with pytest.raises(SystemExit, match="of another file"):
        filled(TEMPLATE, "reader", ENTRY, {"sha256": "cd" * 32})


def test_shares_come_with_their_intervals() -> None:
    """In the text as in the tables."""
    assert rate({"share": 0.5, "interval95": [0.25, 0.75], "n": 8}) == "0.500 [0.250, 0.750]"
    assert table(("a", "b"), [(1, 2)]) == "| a | b |\n|---|---|\n| 1 | 2 |\n"


@pytest.mark.parametrize("role", sorted(BLOCKS))
def test_every_measured_part_of_a_card_has_its_writer(role: str) -> None:
    """And every writer its place."""
    card = (MODELS / role / "CARD.md").read_text()
    assert sorted(BLOCKS[role]) == sorted(p.split(" -->")[0] for p in card.split("<!-- measured: ")[1:])


@pytest.mark.parametrize("role", sorted(BLOCKS))
def test_the_card_is_of_the_released_file(role: str) -> None:
    """Whoever releases a model writes its card."""
    figures = MODELS / role / "measured.json"
    if not figures.is_file():
        pytest.skip(f"{role}: released before cards were measured")
    entry = tomllib.loads(MANIFEST.read_text())[role]
    card = (MODELS / role / "CARD.md").read_text()
    assert filled(card, role, entry, json.loads(figures.read_text())) == card
