"""Put a model in the place of the released one: its files, and its table of models/released.toml.

Whatever is written is written beside its target first and renamed when all of it is there. The manifest is written by
programs only, so a small writer for flat tables (with one level of inline tables) is enough.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from platesieve.adapters.networks.released_models import ReleasedModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RELEASED = Path(__file__).parents[1] / "released"
MANIFEST = Path(__file__).parents[1] / "released.toml"
_HEADER = "# What the device runs. Written by models/*/export.py; scores are measured by models/*/evaluate.py.\n"
_REBUILT = "+rebuilt"


def sha256(path: Path) -> str:
    """Return the hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def draft(role: Literal["detector", "reader"], file: Path, table: dict[str, Any]) -> ReleasedModel:
    """Return a file that is not released yet as the device takes it, with a table of its own."""
    data = file.read_bytes()
    return ReleasedModel(role, f"platesieve-{role}", "draft", hashlib.sha256(data).hexdigest(), data, table)


def released_table(role: str, manifest: Path = MANIFEST) -> dict[str, Any]:
    """Return the table of a released model."""
    table: dict[str, Any] = tomllib.loads(manifest.read_text())[role]
    return table


def version_of(role: str, given: str | None, manifest: Path = MANIFEST) -> str:
    """Return the version asked for, else the released one marked as rebuilt: two files never share a version."""
    if given:
        return given
    tables = tomllib.loads(manifest.read_text()) if manifest.is_file() else {}
    if role not in tables:
        return "1"
    return str(tables[role]["version"]).removesuffix(_REBUILT) + _REBUILT


def publish(role: str, table: dict[str, Any], files: Mapping[str, Path], scratch: Path | None = None) -> Path:
    """Put checked files and their table in the place of what is released; return the manifest.

    The float file is always shipped, the int8 form where the table chose it; else an earlier int8 file goes. Killed
    while anything is written, what was released stands as it was: the files and, last, the manifest are renamed.

    Args:
        role: `detector` or `reader`.
        table: of the manifest; `form` is `float` or `int8`.
        files: by form, outside the folder they shall go to.
        scratch: another folder than models/released, with a manifest of its own.
    """
    folder, manifest = (scratch, scratch / MANIFEST.name) if scratch else (RELEASED, MANIFEST)
    folder.mkdir(parents=True, exist_ok=True)
    shipped = [files[form] for form in sorted({"float", table["form"]})]
    with _alone(manifest):
        data = {folder / path.name: path.read_bytes() for path in shipped}
        _replace(data | {manifest: _with_table(manifest, role, table)})
    for path in files.values():
        if path not in shipped:
            (folder / path.name).unlink(missing_ok=True)
    return manifest


def publish_beside(name: str, file: Path, data: bytes, table: dict[str, Any], manifest: Path = MANIFEST) -> None:
    """Put a file that goes with a released model in its place, and its table `[name]`, as `publish` does."""
    with _alone(manifest):
        entry = {"file": file.name, "sha256": hashlib.sha256(data).hexdigest()} | table
        _replace({file: data, manifest: _with_table(manifest, name, entry)})


def write_table(name: str, table: dict[str, Any], manifest: Path = MANIFEST) -> None:
    """Replace the table `[name]` of the manifest, under a lock: two trainings may end at the same time."""
    with _alone(manifest):
        _replace({manifest: _with_table(manifest, name, table)})


def update_table(name: str, changes: dict[str, Any], manifest: Path = MANIFEST) -> None:
    """Change a few entries of the table `[name]`, read under the same lock."""
    with _alone(manifest):
        _replace({manifest: _with_table(manifest, name, released_table(name, manifest) | changes)})


@contextmanager
def _alone(manifest: Path) -> Iterator[None]:
    """Hold the lock of the manifest's folder: the manifest is renamed over, and a lock on it would go with it."""
    folder = os.open(manifest.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _with_table(manifest: Path, name: str, table: dict[str, Any]) -> bytes:
    whole = tomllib.loads(manifest.read_text()) if manifest.is_file() else {}
    whole[name] = table
    text = _HEADER + "".join(f"\n[{k}]\n" + _lines(k, v) for k, v in sorted(whole.items()))
    tomllib.loads(text)
    return text.encode()


def _replace(data: Mapping[Path, bytes]) -> None:
    """Write every file beside its target, then rename them in this order."""
    parts = {target: target.with_name(f".{target.name}.part") for target in data}
    try:
        for target, part in parts.items():
            with part.open("wb") as file:
                file.write(data[target])
                file.flush()
                os.fsync(file.fileno())
        for target, part in parts.items():
            part.replace(target)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)


def _lines(name: str, table: dict[str, Any]) -> str:
    plain = {k: v for k, v in table.items() if not isinstance(v, dict)}
    nested = {k: v for k, v in table.items() if isinstance(v, dict)}
    text = "".join(f"{k} = {_value(v)}\n" for k, v in plain.items())
    for k, v in nested.items():
        text += f"\n[{name}.{k}]\n" + "".join(f"{_key(a)} = {_value(b)}\n" for a, b in v.items())
    return text


def _key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)
