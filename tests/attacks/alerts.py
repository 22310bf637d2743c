"""How often a hot list cries wolf, and how often it keeps silent: simulated on the reader's measured confusions.

`PYTHONPATH=src python -m tests.attacks.alerts [--small] [--json]`, from the checkout. A vehicle passes; each frame
misreads glyphs as the confusion matrix says; two frames must agree, as policies demand; what they agree on meets the
hot list of the product. Misreads of one plate are not independent from frame to frame (the same dirt, the same font),
so that both frames share a misread with a given probability: 1 is the worst case and what is printed unless asked
otherwise.

False alerts are counted per million passes of vehicles that are on no list; missed alerts as the share of passes of
vehicles that are. Both are what leaves the device: an operator who confirms by eye sorts out the false ones.
"""

from __future__ import annotations

import argparse
import json
import random
import string
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platesieve.adapters.networks.confusion_file import load_confusion
from platesieve.domain.confusion import folding_groups
from platesieve.domain.folding import CLASSES, Folding
from platesieve.domain.instant import Instant
from platesieve.domain.match import MatchKind
from platesieve.domain.plate import PlateText
from platesieve.hotlist.hotlist import HotList

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.domain.confusion import Confusions

NOW = Instant(1_795_350_896 * 10**9, 10**12)
SIZES = (100, 10_000, 1_000_000)
FOLDINGS = {"nothing": (), "the packs' groups": CLASSES, "all that is alike by 2 %": None}


@dataclass(frozen=True, slots=True)
class Rates:
    """What a simulation gave, by kind of match: false alerts per million passes, and the share that was missed."""

    passes: int
    false_per_million: dict[str, float]
    missed: float


def plates(count: int, chance: random.Random) -> list[str]:
    """Return different plates of three letters and three digits, and of three letters and four digits."""
    found: dict[str, None] = {}
    while len(found) < count:
        letters = "".join(chance.choices(string.ascii_uppercase, k=3))
        found["".join((letters, *chance.choices(string.digits, k=chance.choice((3, 4)))))] = None
    return list(found)


def misreader(confusions: Confusions, chance: random.Random) -> Callable[[str], str]:
    """Return a function that reads a plate as measured: glyphs taken for others, left out and added."""
    tables = {
        true: (list(shares), list(shares.values()), max(1.0 - sum(shares.values()), 0.0))
        for true, shares in confusions.taken_for.items()
    }

    def glyph(true: str) -> str:
        read, weights, rest = tables.get(true, ([true], [1.0], 0.0))
        drawn = chance.choices([*read, true], [*weights, rest])[0] if rest > 0 else chance.choices(read, weights)[0]
        return "" if chance.random() < confusions.missed else drawn

    def read(plate: str) -> str:
        seen = "".join(glyph(true) for true in plate)
        if chance.random() < confusions.invented * len(plate):
            at = chance.randrange(len(seen) + 1)
            seen = seen[:at] + chance.choice(string.ascii_uppercase + string.digits) + seen[at:]
        return seen[:12]

    return read


def agreed(plate: str, read: Callable[[str], str], shared: float, chance: random.Random) -> str | None:
    """Return what two frames agree on, or None where they do not: then the read is unsure, and no alert."""
    first = read(plate)
    second = first if chance.random() < shared else read(plate)
    return first if first == second and first else None


def simulate(wanted: Sequence[str], strangers: Sequence[str], hotlist: HotList, read: Callable[[str], str],
             shared: float, chance: random.Random) -> Rates:  # fmt: skip
    """Let strangers and wanted vehicles pass."""
    false: Counter[str] = Counter()
    for plate in strangers:
        seen = agreed(plate, read, shared, chance)
        found = hotlist.match(PlateText(seen), NOW) if seen else ()
        if found:
            false[found[0].kind.value] += 1
    caught = 0
    for plate in wanted:
        seen = agreed(plate, read, shared, chance)
        caught += bool(seen and hotlist.match(PlateText(seen), NOW))
    per_million = {kind.value: 1e6 * false[kind.value] / len(strangers) for kind in MatchKind}
    return Rates(len(strangers), per_million, 1 - caught / len(wanted))


def table(*, small: bool, shared: float = 1.0, seed: int = 1) -> list[dict[str, Any]]:
    """Return a row for each size of the list and each folding."""
    confusions = load_confusion().of(None)
    rows = []
    for size in SIZES[:2] if small else SIZES:
        chance = random.Random(seed)  # noqa: S311 - traffic, not keys
        passes = 3000 if small else 50_000
        everybody = plates(size + passes, chance)
        listed, strangers = everybody[:size], everybody[size:]
        rows_of_list = "plate,category,list\n" + "".join(f"{plate},stolen,state\n" for plate in listed)
        for name, written in FOLDINGS.items():
            groups = folding_groups(confusions) if written is None else written
            hotlist = HotList.from_csv(rows_of_list, "simulated.csv", NOW, folding=Folding(groups))
            frames = random.Random(seed + 1)  # noqa: S311 - misreads, not keys; the same for each folding
            wanted = listed * (1000 // size + 1) if small else (listed * (20_000 // size + 1))[:20_000]
            rates = simulate(wanted, strangers, hotlist, misreader(confusions, frames), shared, frames)
            rows.append(
                {
                    "entries": size,
                    "folded": name,
                    "groups": " ".join(groups),
                    "passes": rates.passes,
                    "false_per_million": {kind: round(rate, 1) for kind, rate in rates.false_per_million.items()},
                    "false_per_million_at_most": round(1e6 * 3 / rates.passes, 1),
                    "missed": round(rates.missed, 4),
                }
            )
    return rows


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.alerts", description=__doc__)
    parser.add_argument("--small", action="store_true", help="short lists and few passes")
    parser.add_argument("--shared", type=float, default=1.0, help="how often both frames share a misread, 0 to 1")
    parser.add_argument("--json", action="store_true", help="print one JSON document for machines")
    asked = parser.parse_args()
    rows = table(small=asked.small, shared=asked.shared)
    if asked.json:
        sys.stdout.write(json.dumps(rows) + "\n")
        return 0
    sys.stdout.write(f"{'entries':>9}  {'folded':<26} {'missed':>7}  {'false exact/M':>14} {'false lookalike/M':>18}\n")
    for row in rows:
        false = row["false_per_million"]
        told = f"{row['missed']:>7.2%}  {false['exact']:>14} {false['lookalike']:>18}"
        sys.stdout.write(f"{row['entries']:>9}  {row['folded']:<26} {told}\n")
    sys.stdout.write(
        f"{rows[0]['passes']} passes of strangers; 0 found means at most {rows[0]['false_per_million_at_most']}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
