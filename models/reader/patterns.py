"""Write src/platesieve/vision/patterns.json, which the device's decoder takes serials from.

`python -m models.reader.patterns`, after a change of formats.toml or states.toml, of which it is made; a test compares.
"""

from __future__ import annotations

import json
import re
from itertools import product
from math import prod
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from models.datasets.formats import Table, series, states, tables
from models.reader.regions import REGIONS, class_of_drawing
from platesieve.domain.plate import ALPHABET

if TYPE_CHECKING:
    from collections.abc import Iterable

PATTERNS = Path(__file__).parents[2] / "src" / "platesieve" / "vision" / "patterns.json"
_ANYTHING = "?"
_LETTER = "&"  # those in `skip` too


def generate(formats: dict[str, Table], parts: dict[str, dict[str, Table]]) -> str:
    """Return the text of patterns.json for the tables of formats.toml and states.toml.

    Each table of formats.toml becomes one entry: its country (null where the region head is taught `unknown`), its
    weight, the letters its authority leaves out, and its serials and those of its states without separators, with
    their shares. `@` is a letter, `#` a digit, `[BC]` one of these, anything else itself. Random serials are no pattern
    and are left out.
    """
    entries = []
    for name, table in formats.items():
        written = _patterns_of(series(table, parts.get(name)))
        if written:
            klass = class_of_drawing(name)
            entries.append(
                {
                    "country": REGIONS[klass] if klass > 0 else None,
                    "weight": float(table["weight"]),
                    "skip": table.get("skip", ""),
                    "series": written,
                }
            )
    lines = ",\n".join(" " + json.dumps(entry, separators=(",", ":")) for entry in entries)
    return f'{{"format":1,"entries":[\n{lines}\n]}}\n'


def _patterns_of(shares: dict[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for text, share in shares.items():
        if _ANYTHING not in text:
            for written, part in _spellings(text):
                found[written] = found.get(written, 0.0) + share * part
    whole = sum(found.values())
    return {text: round(share / whole, 5) for text, share in sorted(found.items())}


def _spellings(text: str) -> list[tuple[str, float]]:
    """Return the patterns of a format with their shares: a list of districts becomes one for each first letter."""
    pieces = [
        _any_of(part) if part.startswith("{") else [("".join(c for c in part if c in f"{ALPHABET}@#[]"), 1.0)]
        for part in re.split(r"(\{[^}]*\})", text.replace(_LETTER, f"[{ascii_uppercase}]"))
    ]
    return [("".join(way for way, _ in ways), prod(share for _, share in ways)) for ways in product(*pieces)]


def _any_of(part: str) -> list[tuple[str, float]]:
    """Return `{BA,BL,CA}` as `B[AL]` and `CA`, twice as often the first; of three letters the last two are mixed."""
    choices = part.strip("{}").split(",")
    if all(len(choice) == 1 for choice in choices):
        return [(_place(choices), 1.0)]
    of_first: dict[str, list[str]] = {}
    for choice in choices:
        of_first.setdefault(choice[0], []).append(choice)
    return [
        ("".join(_place(letters) for letters in zip(*group, strict=True)), len(group) / len(choices))
        for group in of_first.values()
    ]


def _place(letters: Iterable[str]) -> str:
    told = "".join(sorted(set(letters)))
    return told if len(told) == 1 else f"[{told}]"


def main() -> None:
    """Write the file."""
    text = generate(tables(), states())
    PATTERNS.write_text(text)
    entries: list[Any] = json.loads(text)["entries"]
    print(f"{PATTERNS.name}: {len(entries)} regions, {sum(len(e['series']) for e in entries)} patterns")


if __name__ == "__main__":
    main()
