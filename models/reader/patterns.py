"""Write src/platesieve/vision/patterns.json, which the device's decoder takes serials from, out of formats.toml.

`python -m models.reader.patterns`, after a change of formats.toml; a test compares the two.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from models.reader.regions import REGIONS, class_of_drawing
from platesieve.domain.plate import ALPHABET

FORMATS = Path(__file__).parents[1] / "datasets" / "formats.toml"
PATTERNS = Path(__file__).parents[2] / "src" / "platesieve" / "vision" / "patterns.json"
_ANYTHING = "?"


def generate(formats: str) -> str:
    """Return the text of patterns.json for that of formats.toml.

    Each table of formats.toml becomes one entry: its country (null where the region head is taught `unknown`), its
    weight, the letters its authority leaves out, and its serials without separators with their shares. `@` is a letter,
    `#` a digit, `[BC]` one of these, anything else itself. Random serials are no pattern and are left out.
    """
    entries = []
    for name, table in tomllib.loads(formats).items():
        series = _series(table["formats"])
        if series:
            klass = class_of_drawing(name)
            entries.append(
                {
                    "country": REGIONS[klass] if klass > 0 else None,
                    "weight": float(table["weight"]),
                    "skip": table.get("skip", ""),
                    "series": series,
                }
            )
    lines = ",\n".join(" " + json.dumps(entry, separators=(",", ":")) for entry in entries)
    return f'{{"format":1,"entries":[\n{lines}\n]}}\n'


def _series(formats: list[str]) -> dict[str, float]:
    written = [_without_separators(text) for text in formats if _ANYTHING not in text]
    return {text: round(written.count(text) / len(written), 5) for text in sorted(set(written))}


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
    text = generate(FORMATS.read_text())
    PATTERNS.write_text(text)
    entries: list[Any] = json.loads(text)["entries"]
    print(f"{PATTERNS.name}: {len(entries)} regions, {sum(len(e['series']) for e in entries)} patterns")


if __name__ == "__main__":
    main()
