"""Write src/platesieve/vision/patterns.json, which the device's decoder takes serials from.

`python -m models.reader.patterns`, after a change of formats.toml or states.toml, of which it is made; a test compares.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from models.datasets.formats import Table, series, states, tables
from models.reader.regions import REGIONS, class_of_drawing
from platesieve.domain.plate import ALPHABET

PATTERNS = Path(__file__).parents[2] / "src" / "platesieve" / "vision" / "patterns.json"
_ANYTHING = "?"


def generate(formats: dict[str, Table], parts: dict[str, dict[str, Table]]) -> str:
    """Return the text of patterns.json for the tables of formats.toml and states.toml.

    Each table of formats.toml becomes one entry: its country (null where the region head is taught `unknown`), its
    weight, the letters its authority leaves out, and its serials and those of its states without separators, with
    their shares. `@` is a letter, `#` a digit, `[BC]` one of these, anything else itself. Random serials are no pattern
    and are left out.
    """
    entries = []
    for name, table in formats.items():
        written = _without_spaces(series(table, parts.get(name)))
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


def _without_spaces(shares: dict[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for text, share in shares.items():
        if _ANYTHING not in text:
            written = _without_separators(text)
            found[written] = found.get(written, 0.0) + share
    whole = sum(found.values())
    return {text: round(share / whole, 5) for text, share in sorted(found.items())}


def _without_separators(text: str) -> str:
    return "".join(
        _any_of(part) if part.startswith("{") else "".join(c for c in part if c in f"{ALPHABET}@#")
        for part in re.split(r"(\{[^}]*\})", text)
    )


def _any_of(part: str) -> str:
    """Return the places of `{BA,BL}` one by one: `B[AL]`. Which belongs to which is lost; the rest is close enough."""
    choices = part.strip("{}").split(",")
    places = ["".join(sorted(set(letters))) for letters in zip(*choices, strict=True)]
    return "".join(letters if len(letters) == 1 else f"[{letters}]" for letters in places)


def main() -> None:
    """Write the file."""
    text = generate(tables(), states())
    PATTERNS.write_text(text)
    entries: list[Any] = json.loads(text)["entries"]
    print(f"{PATTERNS.name}: {len(entries)} regions, {sum(len(e['series']) for e in entries)} patterns")


if __name__ == "__main__":
    main()
