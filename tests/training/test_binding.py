"""A digest of code changes with what the code does, and with nothing else."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from models.common.binding import AROUND, bars, code_digest, measured_with, refuse_others

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.training

MODULE = '''"""What it is."""

MARGIN = 0.02
"""Why so much."""


def grown(size: float) -> float:
    """Return the size with its margin."""
    return size * (1 + 2 * MARGIN)
'''


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tree with every file that counts; the module under vision has a constant and a function."""
    for pattern in AROUND:
        file = tmp_path / pattern.replace("*", "rectify")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}" if file.suffix == ".json" else MODULE)
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Why so much."""', '"""Another reason."""'),
        ('"""What it is."""\n', ""),
        ("return size * (1 + 2 * MARGIN)", "# outwards\n    return (\n        size * (1 + 2 * MARGIN)\n    )"),
    ],
)
def test_words_and_layout_do_not_count(source: Path, old: str, new: str) -> None:
    """A reason that is told better changes no figure."""
    before = code_digest(source)
    (source / "vision" / "rectify.py").write_text(MODULE.replace(old, new))
    assert code_digest(source) == before


@pytest.mark.parametrize(("old", "new"), [("0.02", "0.03"), ("1 + 2", "1 + 3"), ("size *", "size /")])
@pytest.mark.parametrize(
    "file", ["vision/rectify.py", "flow/search.py", "flow/several_looks.py", "adapters/networks/onnx_models.py"]
)
def test_what_decides_counts(source: Path, file: str, old: str, new: str) -> None:
    """In each of the files."""
    before = code_digest(source)
    (source / file).write_text(MODULE.replace(old, new))
    assert code_digest(source) != before


def test_formats_and_new_modules_count(source: Path) -> None:
    """The table of formats reads an O or a 0; a module of another name is another module."""
    before = code_digest(source)
    (source / "vision" / "patterns.json").write_text("[]")
    formats = code_digest(source)
    (source / "vision" / "rectify.py").rename(source / "vision" / "another.py")
    assert len({before, formats, code_digest(source)}) == 3


def test_a_file_that_moved_is_missed(source: Path) -> None:
    """Else a digest of nothing would never change."""
    (source / "flow" / "several_looks.py").unlink()
    with pytest.raises(FileNotFoundError, match=r"several_looks\.py"):
        code_digest(source)


def test_both_models_are_kept_by_their_bytes(tmp_path: Path) -> None:
    """With the digest of the code that is here."""
    (tmp_path / "a.onnx").write_bytes(b"finds")
    (tmp_path / "b.onnx").write_bytes(b"reads")
    reader = {"file": "b.onnx", "temperature": 1.2, "least_plateness": 0.0}
    kept = measured_with({"detector": {"file": "a.onnx"}, "reader": reader}, tmp_path)
    expected = {"detector": hashlib.sha256(b"finds").hexdigest(), "reader": hashlib.sha256(b"reads").hexdigest()}
    assert kept == expected | {"code": code_digest(), "bars": "temperature 1.2, least_plateness 0.0"}


def test_figures_of_another_bar_are_refused() -> None:
    """What the device takes for a plate decides them; figures from before bars were recorded pass."""
    reader = {"sha256": "r", "temperature": 1.2, "least_plateness": 3.0}
    manifest: dict[str, Any] = {"detector": {"sha256": "d"}, "reader": reader}
    measured = {"sha256": "r", "measured_with": {"detector": "d", "reader": "r", "bars": bars(manifest)}}
    refuse_others("reader", manifest, measured)
    refuse_others("reader", manifest, measured | {"measured_with": {"detector": "d", "reader": "r"}})
    with pytest.raises(SystemExit, match=r"measured with temperature 1\.2, least_plateness 3\.0 of the reader"):
        refuse_others("reader", manifest | {"reader": reader | {"least_plateness": 2.5}}, measured)
