"""Tables of formats.toml and states.toml: what plates are drawn from, and what the device's patterns are made of."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HERE = Path(__file__).parent
STATE_SHARE = 0.6
"""Of a country's plates are drawn as one of its states issues them; the others from the country's own list."""

Table = dict[str, Any]


@functools.cache
def tables() -> dict[str, Table]:
    """Return the tables of formats.toml by name."""
    return tomllib.loads((HERE / "formats.toml").read_text(encoding="utf-8"))


@functools.cache
def states() -> dict[str, dict[str, Table]]:
    """Return the tables of states.toml by country and state."""
    return tomllib.loads((HERE / "states.toml").read_text(encoding="utf-8"))


@functools.cache
def region_weights() -> dict[str, float]:
    """Return how often each table of formats.toml is drawn; the shares sum to 1."""
    return _shares(tables())


def chosen(rng: np.random.Generator, name: str) -> Table:
    """Return a table of formats.toml, or what one of its states has beside it."""
    table, parts = tables()[name], states().get(name)
    if not parts or rng.random() >= STATE_SHARE:
        return table
    return table | list(parts.values())[int(rng.choice(len(parts), p=_odds(name)))]


def series(table: Table, parts: dict[str, Table] | None) -> dict[str, float]:
    """Return how often each format of a table is drawn, those of its states included; the shares sum to 1."""
    lists = [(1.0, table["formats"])]
    if parts:
        shares = _shares(parts)
        lists = [(1 - STATE_SHARE, table["formats"])]
        lists += [(STATE_SHARE * shares[name], part["formats"]) for name, part in parts.items()]
    found: dict[str, float] = {}
    for share, formats in lists:
        for text in formats:
            found[text] = found.get(text, 0.0) + share / len(formats)
    return found


def _shares(weighted: dict[str, Table]) -> dict[str, float]:
    whole = sum(float(each["weight"]) for each in weighted.values())
    return {name: float(each["weight"]) / whole for name, each in weighted.items()}


@functools.cache
def _odds(name: str) -> NDArray[np.float64]:
    return np.asarray(list(_shares(states()[name]).values()))
