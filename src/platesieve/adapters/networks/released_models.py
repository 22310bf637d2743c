"""Find the released models and refuse whatever is not, byte for byte, what was released.

`released.toml` names each model's file and SHA-256. It lies beside the files in an installed package
(`platesieve/released/`), and one folder above them in a checkout (`models/`).
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from platesieve.domain.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFEST: Final = "released.toml"
MAX_MODEL_BYTES: Final = 64 * 1024 * 1024  # models for a Raspberry Pi have a few; a larger file is a mistake
MAX_MANIFEST_BYTES: Final = 1024 * 1024

Role = Literal["detector", "reader"]


@dataclass(frozen=True, slots=True)
class ReleasedModel:
    """A model whose bytes are those that were released.

    Attributes:
        role: detector or reader.
        name: of the model.
        version: of the model.
        sha256: of its bytes, lower-case hex.
        data: the ONNX file. It is handed to the runtime as bytes, never as a path, so that no second file is read.
        table: its whole table in released.toml, with thresholds and measured scores.
    """

    role: Role
    name: str
    version: str
    sha256: str
    data: bytes = field(repr=False)
    table: dict[str, Any] = field(repr=False)


def load_released(role: Role, manifest: Path | None = None) -> ReleasedModel:
    """Return a released model, checked.

    Args:
        role: which one.
        manifest: released.toml; None looks in the package and in the checkout.

    Raises:
        ModelError: it is missing, too large, or not the file that was released.
    """
    manifest = manifest or find_manifest()
    table = released_table(manifest, role, ("name", "version", "file", "sha256"))
    data = read_bytes(released_path(manifest, table["file"], role), MAX_MODEL_BYTES, f"the {role} model")
    return _checked(role, table, data)


def model_of(role: Role, manifest: bytes, files: Mapping[str, bytes]) -> ReleasedModel:
    """Return a model that came with its own released.toml, checked as `load_released` does.

    Args:
        role: which one.
        manifest: the bytes of released.toml.
        files: what came beside it, by name.

    Raises:
        ModelError: it is missing, too large, or not the file that was released.
    """
    table = _table_of(manifest, role, ("name", "version", "file", "sha256"))
    data = files.get(table["file"])
    if data is None or len(data) > MAX_MODEL_BYTES:
        raise ModelError(f"the {role} model did not come with its {MANIFEST}", "add both with `agency add-models`")
    return _checked(role, table, data)


def _checked(role: Role, table: dict[str, Any], data: bytes) -> ReleasedModel:
    found = hashlib.sha256(data).hexdigest()
    if found != table["sha256"].lower():
        raise ModelError(
            f"the {role} model is not the released one: its SHA-256 begins with {found[:12]}, "
            f"released was {table['sha256'][:12]}",
            "install platesieve again; a model that was changed is never run",
        )
    return ReleasedModel(role, table["name"], str(table["version"]), found, data, table)


def find_manifest() -> Path:
    """Return where released.toml is: in the installed package, else in the checkout around it.

    Raises:
        ModelError: nowhere.
    """
    package = Path(__file__).resolve().parents[2]
    for manifest in (package / "released" / MANIFEST, package.parents[1] / "models" / MANIFEST):
        if manifest.is_file():
            return manifest
    raise ModelError(
        f"the released models are missing: no {MANIFEST} in the package or the checkout",
        "install platesieve again, or train them with the scripts in models/runs",
    )


def released_table(manifest: Path, name: str, needed: tuple[str, ...]) -> dict[str, Any]:
    """Return one table of released.toml, which says at least what is needed, as text.

    Raises:
        ModelError: it does not.
    """
    return _table_of(read_bytes(manifest, MAX_MANIFEST_BYTES, MANIFEST), name, needed)


def _table_of(data: bytes, name: str, needed: tuple[str, ...]) -> dict[str, Any]:
    try:
        whole = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{MANIFEST} cannot be read: {error}", "install platesieve again") from error
    table = whole.get(name)
    if not isinstance(table, dict):
        raise ModelError(
            f"{MANIFEST} has no table [{name}]: it was not released",
            "install platesieve again, or train the models with models/runs/*.sh",
        )
    missing = [key for key in needed if not isinstance(table.get(key), str)]
    if missing:
        raise ModelError(f"[{name}] in {MANIFEST} does not say {', '.join(missing)}", "install platesieve again")
    return table


def released_path(manifest: Path, name: str, table: str) -> Path:
    """Return where a released file is: beside the manifest, or in the folder `released` beside it.

    Raises:
        ModelError: its name leads elsewhere.
    """
    if Path(name).name != name or name in {"", ".", ".."}:
        raise ModelError(f"the file of [{table}] in {MANIFEST} is not a plain file name", "install platesieve again")
    beside = manifest.parent / name
    return beside if beside.is_file() else manifest.parent / "released" / name


def read_bytes(path: Path, limit: int, what: str) -> bytes:
    """Return a whole file of at most `limit` bytes.

    Raises:
        ModelError: it is missing, unreadable or larger; `what` names it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ModelError(f"{what} cannot be read: {error.strerror}", "install platesieve again") from error
    if len(data) > limit:
        raise ModelError(f"{what} is larger than {limit // 1024**2} MiB", "install platesieve again")
    return data
