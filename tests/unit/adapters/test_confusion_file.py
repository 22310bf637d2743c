"""The confusion matrix on disk: only the released one, and only a whole one."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from platesieve.adapters.networks.confusion_file import load_confusion, parse_confusion
from platesieve.adapters.networks.released_models import find_manifest, load_released, released_table
from platesieve.domain.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def file(**changes: Any) -> bytes:
    """Return a small file."""
    measured = {
        "plates": 10, "missed": 0.01, "invented": 0.0, "seen": {"0": 7, "O": 3},
        "taken_for": {"0": {"0": 0.9, "O": 0.1}, "O": {"O": 1.0}},
    }  # fmt: skip
    whole = {
        "format": 1, "reader_sha256": "ab" * 32, "groups": {"EU": ["SK"]}, "regions": {"any": measured, "EU": measured}
    }  # fmt: skip
    return json.dumps(whole | changes).encode()


def release(folder: Path, data: bytes, digest: str | None = None) -> Path:
    """Write it beside a manifest."""
    (folder / "confusion.json").write_bytes(data)
    manifest = folder / "released.toml"
    digest = digest or hashlib.sha256(data).hexdigest()
    manifest.write_text(f'[confusion]\nfile = "confusion.json"\nsha256 = "{digest}"\n')
    return manifest


def test_a_released_matrix_is_loaded(tmp_path: Path) -> None:
    """With its groups of regions and the reader that was measured."""
    matrix = load_confusion(release(tmp_path, file()))
    assert matrix.of(None).share("0", "O") == 0.1
    assert matrix.of("SK").region == "EU"
    assert matrix.reader_sha256 == "ab" * 32


def test_the_matrix_in_the_checkout_is_whole() -> None:
    """It loads, knows every glyph, and reads most of them right."""
    everywhere = load_confusion().of(None)
    assert everywhere.plates > 1000
    assert len(everywhere.seen) == 36
    assert min(everywhere.share(glyph, glyph) for glyph in everywhere.seen) > 0.5


def test_the_matrix_in_the_checkout_is_of_the_released_reader() -> None:
    """What another reader takes for what says nothing about this one: whoever releases a reader measures it anew."""
    reader = load_released("reader").sha256
    assert load_confusion().reader_sha256 == reader
    assert released_table(find_manifest(), "confusion", ("reader",))["reader"] == reader


def test_another_file_than_the_released_one_is_refused(tmp_path: Path) -> None:
    """Its hash tells; and a manifest without the table says so."""
    with pytest.raises(ModelError, match="another SHA-256"):
        load_confusion(release(tmp_path, file(), "0" * 64))
    (tmp_path / "released.toml").write_text("")
    with pytest.raises(ModelError, match=r"no table \[confusion\]"):
        load_confusion(tmp_path / "released.toml")


@pytest.mark.parametrize(
    "data",
    [
        b"{", b"[]", file(format=2), file(regions={}), file(extra=1), file(reader_sha256="x"),
        file().replace(b'"O": 0.1', b'"O": 0.5'), file().replace(b'{"O": 1.0}', b'{"o": 1.0}'), b"\xff",
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_refused(data: bytes) -> None:
    """Half a matrix is none."""
    with pytest.raises(ModelError):
        parse_confusion(data)
