"""Compare product and oracle over many random scenes, and print how many, what that proves, and what was found broken.

`PYTHONPATH=src python -m tests.oracle [--examples 20000] [--json]`, from the checkout. Exit code 1 where they differ.
The bound is the rule of three: N scenes without a difference leave at most 3/N at 95 % confidence for a scene drawn
the same way. It says nothing about scenes that are never drawn.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample

from tests.oracle.compare import Scene, crowds, mutants, oracle, product, product_counts, scenes
from tests.oracle.language import counts


def quietly(examples: int) -> settings:
    """Return settings of a search that only draws."""
    return settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )


def compare(examples: int) -> tuple[Counter[str], int]:
    """Return what kinds of answer there were, and how many differed."""
    kinds: Counter[str] = Counter()
    differing = 0

    @quietly(examples)
    @given(scenes())
    def scene_by_scene(scene: Scene) -> None:
        nonlocal differing
        answer = oracle(scene)
        kinds[answer.get("kind") or ("tally" if "tally" in answer else answer["suppress"])] += 1
        differing += product(scene) != answer

    @quietly(max(examples // 10, 1))
    @given(crowds())
    def crowd_by_crowd(crowd: tuple[bytes, str, list[tuple[int, dict[str, str]]]]) -> None:
        nonlocal differing
        if crowd[1]:
            kinds["counts of windows"] += 1
            differing += product_counts(*crowd) != counts(*crowd)

    scene_by_scene()
    crowd_by_crowd()
    return kinds, differing


def broken_and_found(examples: int) -> dict[str, bool]:
    """Return for each way to break the product whether the same search finds it."""
    return {name: _is_found(target, broken, examples) for name, (target, broken) in mutants().items()}


def _is_found(target: str, broken: Any, examples: int) -> bool:
    owner_name, attribute = target.rsplit(".", 1)
    module, _, of_class = owner_name.rpartition(".")
    owner: Any = sys.modules.get(owner_name) or getattr(sys.modules[module], of_class)
    whole = getattr(owner, attribute)
    setattr(owner, attribute, broken(whole))
    try:
        find(scenes(), lambda scene: product(scene) != oracle(scene), settings=quietly(examples))
    except NoSuchExample:
        return False
    finally:
        setattr(owner, attribute, whole)
    return True


def main() -> int:
    """Run both and print one table."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="print one JSON document for machines")
    asked = parser.parse_args()
    start = time.perf_counter()
    kinds, differing = compare(asked.examples)
    mutated = broken_and_found(3000)
    total = kinds.total()
    result = {
        "scenes": total,
        "answers": dict(kinds.most_common()),
        "differing": differing,
        "bound_95": 3 / total if not differing else None,
        "broken_products_found": mutated,
        "seconds": round(time.perf_counter() - start, 1),
    }
    if asked.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        sys.stdout.write(f"{total} scenes, {differing} differ\n")
        for kind, count in kinds.most_common():
            sys.stdout.write(f"  {count:7}  {kind}\n")
        if not differing:
            sys.stdout.write(f"at most {3 / total:.1e} of such scenes differ (3/N, 95 %)\n")
        sys.stdout.write(f"{sum(mutated.values())} of {len(mutated)} broken products found\n")
        for name in (name for name, found in mutated.items() if not found):
            sys.stdout.write(f"  not found: {name}\n")
    return 0 if not differing and all(mutated.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
