"""How much memory a hot list takes and how long a match lasts, for lists of 100, 10 000 and 1 000 000 entries.

`PYTHONPATH=src python -m tests.bench.hotlist [--json]`, from the checkout. Each list is loaded in a process of its own,
so that its peak is its own. Plates are made up. Exit code 1 where a million entries need 200 MB or a match 50 us.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.domain.plate import PlateText
from platesieve.hotlist.hotlist import HotList

SIZES = (100, 10_000, 1_000_000)
NOW = Instant(1_795_350_896 * NS_PER_S, 5_000 * NS_PER_S)
MATCHES = 20_000
MAX_MB, MAX_US = 200.0, 50.0


def plate(number: int) -> str:
    """Return the plate of a number in the series AAA0000."""
    head, tail = divmod(number * 7919 % (26**3 * 10_000), 10_000)
    return "".join(chr(65 + head // 26**place % 26) for place in range(3)) + f"{tail:04d}"


def table(size: int) -> bytes:
    """Return a table of so many made-up plates."""
    rows = "".join(f"{plate(number)},stolen,state-police,2026-12-31\n" for number in range(size))
    return f"plate,category,list,expires\n{rows}".encode()


def peak_mb() -> float:
    """Return the most memory that this process ever held, megabytes; getrusage would count the parent's too."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1000


def measure(size: int) -> dict[str, float]:
    """Load a list of this size from standard input and match plates that are on it and plates that are not."""
    before = peak_mb()
    raw = sys.stdin.buffer.read()
    start = time.perf_counter()
    hotlist = HotList.from_csv(raw, "bench.csv", NOW)
    loaded_s = time.perf_counter() - start
    chance = random.Random(1)  # noqa: S311 - which plates are asked for
    asked = [PlateText(plate(chance.randrange(size * 2))) for _ in range(MATCHES)]
    spent_us, hits = [], 0
    for text in asked:
        begun = time.perf_counter_ns()
        hits += bool(hotlist.match(text, NOW))
        spent_us.append((time.perf_counter_ns() - begun) / 1000)
    return {
        "entries": hotlist.count,
        "table_mb": round(len(raw) / 1e6, 1),
        "list_mb": round(len(hotlist._records) / 1e6, 1),
        "peak_mb_with_table": round(peak_mb() - before, 1),
        "load_s": round(loaded_s, 2),
        "match_us_median": round(statistics.median(spent_us), 1),
        "match_us_p99": round(statistics.quantiles(spent_us, n=100)[98], 1),
        "hit_share": round(hits / MATCHES, 3),
    }


def main() -> int:
    """Measure every size in a fresh process and print one table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hotlist", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document for machines")
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.size:
        sys.stdout.write(json.dumps(measure(asked.size)) + "\n")
        return 0
    command = [sys.executable, "-m", "tests.bench.hotlist", "--size"]
    found = [json.loads(subprocess.check_output([*command, str(size)], input=table(size))) for size in SIZES]
    if asked.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        for one in found:
            sys.stdout.write("  ".join(f"{name} {value}" for name, value in one.items()) + "\n")
    largest = found[-1]
    return 0 if largest["peak_mb_with_table"] < MAX_MB and largest["match_us_median"] < MAX_US else 1


if __name__ == "__main__":
    sys.exit(main())
