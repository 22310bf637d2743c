"""Seal texts that were read by eye: `python -m models.datasets.seal_readings readings.tsv`.

The file has lines of set/picture, the plate's number, and the text (nothing where the plate is blank, or is a sign),
separated by tabs. Delete it afterwards: it holds plates in clear. What an evaluation set shows is refused. by_eye.py
says what sealing keeps, and from whom.
"""

from __future__ import annotations

import argparse
import functools
import json
from pathlib import Path

from models.common.metrics import fold
from models.datasets.by_eye import FILE, seal, sealed_readings
from models.datasets.labels import data_folder, labels


def evaluated(data: Path) -> frozenset[str]:
    """Return the texts that the evaluation sets show, O taken for 0 and I for 1.

    Raises:
        FileNotFoundError: there are none, so nobody can say what they show.
    """
    files = list((data / "eval").glob("*/labels.jsonl"))
    if not files:
        raise FileNotFoundError(f"{data / 'eval'} holds no evaluation set to keep clear of")
    plates = (plate for file in files for label in labels(file.parent) for plate in label["plates"])
    return frozenset(fold(p[key]) for p in plates for key in ("text", "text_corrected") if p.get(key))


def is_near(text: str, others: frozenset[str]) -> bool:
    """Say whether a text is one of the others (folded), or one substitution away from one."""
    ours = fold(text)
    return any(len(o) == len(ours) and sum(a != b for a, b in zip(o, ours, strict=True)) <= 1 for o in others)


def add(lines: list[str], data: Path, file: Path = FILE) -> int:
    """Seal readings and write the file anew; return how many were refused because an evaluation set shows them."""
    sealed = json.loads(file.read_text()) if file.is_file() else {}
    shown, refused = evaluated(data), 0
    for line in lines:
        name, number, text = (line.rstrip("\n") + "\t\t").split("\t")[:3]
        if is_near(text, shown):
            refused += 1
            sealed.get(name, {}).pop(number, None)  # an earlier reading of it was a wrong one
            continue
        box = _boxes(data / "train" / name.partition("/")[0])[name.partition("/")[2]][int(number)]
        sealed.setdefault(name, {})[number] = seal((data / "train" / name).read_bytes(), int(number), box, text)
    ordered = {name: dict(sorted(sealed[name].items())) for name in sorted(sealed) if sealed[name]}
    rows = (f"{json.dumps(name)}: {json.dumps(plates)}" for name, plates in ordered.items())
    file.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    sealed_readings.cache_clear()
    return refused


@functools.cache
def _boxes(folder: Path) -> dict[str, list[list[float]]]:
    return {label["image"]: [plate["box"] for plate in label["plates"]] for label in labels(folder)}


def main() -> None:
    """Parse the command line and seal the readings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readings", type=Path, help="lines of set/picture, plate's number, text; separated by tabs")
    given = parser.parse_args()
    lines = given.readings.read_text().splitlines()
    refused = add(lines, data_folder())
    print(f"{len(lines) - refused} sealed, {refused} refused: an evaluation set shows them")


if __name__ == "__main__":
    main()
