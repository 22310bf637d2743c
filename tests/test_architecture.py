"""Where clear text is used and where a Disclosure is made: two short lists that only grow on purpose."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "platesieve"

# Every place that sees the characters of a plate or the bytes of a picture of one, and why.
REVEALS = {
    "collector/case.py": "asks the reveal desk, which logs first, for the events of a case that is exported",
    "cli/collect.py": "asks the reveal desk, which logs first, and prints what it opened for whoever asked",
    "domain/folding.py": "folds confusable glyphs",
    "policy/minimise.py": "gives each field the form that the policy names",
    "tracking/vote.py": "aligns the reads of one pass, in RAM",
    "evaluation/pictures.py": "compares reads with labels; only counts leave",
    "evaluation/single_frames.py": "pairs single reads with Sightings by likeness; clip.py counts them",
    "evaluation/clip.py": "compares Sightings with the plates a clip is known to show",
    "aiming/field_check.py": "shows the installer what is read, for a minute; RAM only",
    "bootstrap/sight.py": "keys the digests by which the tracker knows a plate again, in RAM",
    "cli/demo_view.py": "shows what the drawn street was read as; the demo alone",
    "cli/read.py": "--reveal, on the screen of whoever asked",
    "dashboard/rooms/alerts.py": "asks the collector's desk, which logs first; shown on one page for a minute",
    "cli/evaluate.py": "--reveal lists what was not read right, for whoever holds the labels",
}

# Every place that makes something that can be stored or sent.
DISCLOSES = {
    "adapters/local/pipe_frames.py": "what came through the pipe, as it was sent",
    "adapters/disk/outbox_sqlite.py": "what was stored, as it was stored",
    "flow/accountability.py": "health and checkpoints: about the device, never about a vehicle",
    "policy/aggregate.py": "counts of windows that are over",
    "policy/decide.py": "reads, as far as the policy lets them out",
}


def _calls(tree: ast.AST) -> list[str]:
    """Return the name of everything that is called in a module."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                names.append(f".{node.func.attr}")
            elif isinstance(node.func, ast.Name):
                names.append(node.func.id)
    return names


def _modules_calling(name: str) -> set[str]:
    return {
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if name in _calls(ast.parse(path.read_text()))
    }


def test_clear_text_is_used_only_where_the_list_says() -> None:
    """A new reveal() is a decision: it is added to the list with its reason, or it is not made."""
    assert set(REVEALS) == _modules_calling(".reveal")


def test_disclosures_are_made_only_where_the_list_says() -> None:
    """Nothing but policy and the device's own accounts has a value that can be stored or sent."""
    assert set(DISCLOSES) == _modules_calling("Disclosure")


def test_the_scan_finds_a_call_that_is_there() -> None:
    """The control: a module that reveals and discloses would be seen."""
    tree = ast.parse("def leak(plate):\n    return Disclosure(body={'plate': plate.reveal()})\n")

    assert {".reveal", "Disclosure"} <= set(_calls(tree))


def test_the_private_text_of_a_plate_is_touched_by_its_own_class_only() -> None:
    """`_text` and `_jpeg` would be a way around reveal()."""
    touching = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"_text", "_jpeg"}
    }

    assert {"domain/plate.py", "domain/crop.py"} == touching


def test_no_two_files_of_tests_have_one_name() -> None:
    """Folders of tests are not packages: run together, the second file of a name would not be collected."""
    names = Counter(path.name for path in Path(__file__).parent.rglob("test_*.py"))

    assert [name for name, count in names.items() if count > 1] == []
