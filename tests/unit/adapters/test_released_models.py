"""Only the released bytes become a model; everything else is refused with a remedy."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.networks import released_models
from platesieve.adapters.networks.released_models import find_manifest, load_released
from platesieve.domain.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

DATA = b"the bytes of a network"


def release(folder: Path, *, data: bytes = DATA, sha256: str | None = None, file: str = "reader.onnx") -> Path:
    """Write a manifest with a reader in `released` beside it."""
    (folder / "released").mkdir()
    (folder / "released" / "reader.onnx").write_bytes(data)
    manifest = folder / "released.toml"
    digest = sha256 or hashlib.sha256(data).hexdigest()
    manifest.write_text(
        f'[reader]\nname = "r"\nversion = "1"\nfile = "{file}"\nsha256 = "{digest}"\ntemperature = 1.5\n'
    )
    return manifest


def test_a_released_model_is_loaded(tmp_path: Path) -> None:
    """Bytes, name and the whole table come back."""
    model = load_released("reader", release(tmp_path))

    assert (model.data, model.name, model.version, model.table["temperature"]) == (DATA, "r", "1", 1.5)
    assert "bytes of" not in repr(model)


def test_a_model_beside_its_manifest_is_found(tmp_path: Path) -> None:
    """That is how an installed package has it."""
    manifest = release(tmp_path)
    (tmp_path / "released" / "reader.onnx").rename(tmp_path / "reader.onnx")

    assert load_released("reader", manifest).data == DATA


def test_one_changed_bit_is_refused(tmp_path: Path) -> None:
    """A model that was changed never runs."""
    manifest = release(tmp_path)
    (tmp_path / "released" / "reader.onnx").write_bytes(bytes([DATA[0] ^ 1]) + DATA[1:])

    with pytest.raises(ModelError, match="not the released one"):
        load_released("reader", manifest)


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    """Both for a file that is gone and for a role that was never released."""
    manifest = release(tmp_path)
    with pytest.raises(ModelError, match=r"no table \[detector\]"):
        load_released("detector", manifest)
    (tmp_path / "released" / "reader.onnx").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        load_released("reader", manifest)


@pytest.mark.parametrize("file", ["../reader.onnx", "/etc/hostname", "released/reader.onnx", "..", ""])
def test_a_manifest_does_not_lead_elsewhere(tmp_path: Path, file: str) -> None:
    """The file is a plain name beside the manifest."""
    with pytest.raises(ModelError, match="plain file name"):
        load_released("reader", release(tmp_path, file=file))


def test_a_huge_file_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is capped before the hash is taken."""
    manifest = release(tmp_path)
    monkeypatch.setattr(released_models, "MAX_MODEL_BYTES", len(DATA) - 1)

    with pytest.raises(ModelError, match="larger than"):
        load_released("reader", manifest)


@pytest.mark.parametrize("text", ["[reader", "[reader]\nname = 1\n", "reader = 3\n", "\x00"])
def test_a_damaged_manifest_is_refused(tmp_path: Path, text: str) -> None:
    """In our own words, with a remedy."""
    manifest = tmp_path / "released.toml"
    manifest.write_text(text)

    with pytest.raises(ModelError):
        load_released("reader", manifest)


def test_the_checkout_has_a_manifest() -> None:
    """What this checkout releases is found from the package alone, and passes its own check."""
    manifest = find_manifest()

    assert load_released("detector", manifest).data
    assert load_released("reader", manifest).data
