"""Write one model's table into models/released.toml; the other tables stay as they are.

The file is written by programs only, so a small writer for flat tables (with one level of inline tables) is enough.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, Literal

from platesieve.adapters.networks.released_models import ReleasedModel

RELEASED = Path(__file__).parents[1] / "released"
MANIFEST = Path(__file__).parents[1] / "released.toml"
_HEADER = "# What the device runs. Written by models/*/export.py; scores are measured by models/*/evaluate.py.\n"


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


def write_table(name: str, table: dict[str, Any], manifest: Path = MANIFEST) -> None:
    """Replace the table `[name]` of the manifest, under a lock: two trainings may end at the same time."""
    manifest.touch()
    with manifest.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        whole = tomllib.loads(file.read())
        whole[name] = table
        text = _HEADER + "".join(f"\n[{k}]\n" + _lines(k, v) for k, v in sorted(whole.items()))
        tomllib.loads(text)
        file.seek(0)
        file.truncate()
        file.write(text)


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
