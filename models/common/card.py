"""Fill the measured parts of the model cards: `python -m models.common.card`.

What stands between `<!-- measured: NAME -->` and `<!-- end -->` in a CARD.md is written from released.toml, the model's
measured.json and the tables of what it was made from, so that a card never says what was not measured. How a
file was made that did not come from one run of its script stands in the model's MADE.md, under the file's hash.
`--check` changes nothing and fails where a card is old.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.common import binding
from models.common.markdown import table
from models.common.release import MANIFEST
from models.detector import card as detector
from models.reader import card as reader

if TYPE_CHECKING:
    from collections.abc import Mapping

MODELS = Path(__file__).parents[1]
BLOCKS = {"reader": reader.BLOCKS, "detector": detector.BLOCKS}
COMMON = ("identity", "made", "measured-with")
"""Parts of both cards that this module writes."""
_BLOCK = re.compile(r"(<!-- measured: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def identity(entry: Mapping[str, Any]) -> str:
    """Return what the file is."""
    sizes = entry.get("bytes", {})
    size = f", {sizes[entry['form']] / 1e6:.2f} MB" if sizes else ""
    rows = [
        ("version", f"{entry['version']}, after {entry['samples']:,} samples"),
        ("released", f"`models/released/{entry['file']}` ({entry.get('form', 'float')}{size})"),
        ("SHA-256", f"`{entry['sha256']}`"),
        ("why this form", entry.get("form_reason", "only float was made")),
        ("input", entry["input"]),
        ("output", entry["output"]),
        ("licence", "Apache-2.0; terms of the training pictures below"),
        ("rebuild", f"`{entry['run']}`: the same recipe from nothing, not the same chain of runs"),
    ]
    return table(("", ""), rows)


def made(role: str, entry: Mapping[str, Any]) -> str:
    """Return how the released file was made: its own story where MADE.md tells it, else what the run script does."""
    head, _, story = (MODELS / role / "MADE.md").read_text(encoding="utf-8").partition("\n")
    script = f"`{entry['run']}` makes the same net with the final code and recipe from the first sample on"
    if str(entry["float_sha256"]) in head:
        return f"{story}{script}; its weights will differ, and its scores have not been measured.\n"
    if not entry.get("samples_before"):
        return f"{script}. So was this one made, on {entry['samples']:,} samples.\n"
    return (
        f"{script}. This one goes on from weights that had seen {entry['samples_before']:,} of its "
        f"{entry['samples']:,} samples; how those were made is not told here.\n"
    )


def filled(text: str, role: str, manifest: Mapping[str, Any], measured: Mapping[str, Any], code: str) -> str:
    """Return a card with its measured parts written anew.

    Args:
        text: of the card.
        role: whose it is.
        manifest: tables of released.toml.
        measured: the model's measured.json.
        code: digest of the code around the models as it is now (see binding).

    Raises:
        SystemExit: the figures are of other files than the released ones.
    """
    binding.refuse_others(role, manifest, measured)
    entry = manifest[role]

    def written(block: re.Match[str]) -> str:
        if block[2] == "identity":
            return block[1] + identity(entry) + block[3]
        if block[2] == "made":
            return block[1] + made(role, entry) + block[3]
        if block[2] == "measured-with":
            return block[1] + binding.told(role, measured, code) + block[3]
        return block[1] + BLOCKS[role][block[2]](entry, measured) + block[3]

    return _BLOCK.sub(written, text)


def main() -> None:
    """Fill or check both cards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail where a card is old, and change nothing")
    parser.add_argument("--only", choices=tuple(BLOCKS), help="one of the two")
    given = parser.parse_args()
    manifest, code = tomllib.loads(MANIFEST.read_text()), binding.code_digest()
    for role in [given.only] if given.only else BLOCKS:
        card = MODELS / role / "CARD.md"
        old = card.read_text()
        new = filled(old, role, manifest, json.loads((MODELS / role / "measured.json").read_text()), code)
        if given.check and new != old:
            raise SystemExit(f"{card} is not what was measured: run `python -m models.common.card`")
        card.write_text(new)
        print(f"{card}: {'up to date' if new == old else 'written'}")


if __name__ == "__main__":
    main()
