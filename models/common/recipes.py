"""Read a recipe, config.toml of a model, with changes from the command line."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def load_config(path: Path, changes: Sequence[str] = ()) -> dict[str, Any]:
    """Read the recipe and apply changes written as `table.key=value` (a TOML value)."""
    config = tomllib.loads(path.read_text(encoding="utf-8"))
    for change in changes:
        key, value = change.split("=", 1)
        table, leaf = key.rsplit(".", 1)
        target = config
        for part in table.split("."):
            target = target[part]
        target[leaf] = tomllib.loads(f"v = {value}")["v"]
    return config
