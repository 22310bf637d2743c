"""Start the cluster of deploy/fleet, kill its nodes under load, and try every right; print what came of it.

`PYTHONPATH=src python -m tests.fleet [--events N] [--json]`, from the checkout; about two minutes. Exit code 1 where
something was lost or leaked, or where a control shows that the test would not have noticed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fleet.cluster import Cluster, why_not
from tests.fleet.failover import survive
from tests.fleet.rights import examine, leak, reloaded, takes_over

if TYPE_CHECKING:
    from collections.abc import Iterator


def rights(cluster: Cluster) -> Iterator[tuple[bool, str]]:
    """Yield whether each check of the rights holds, and a line on it."""
    found = examine(cluster)
    extra, missing = found.heard - found.expected, found.expected - found.heard
    said = (
        f"{found.tried} ways tried, {len(found.expected)} open as promised, {len(missing)} missing, {len(extra)} others"
    )
    yield not extra and not missing, said
    yield not found.filters_granted, f"{len(found.filters_granted)} filters granted beyond a member's own"
    yield not leak(cluster, opened=False), "another agency's dashboard asks for # and sees nothing"
    yield leak(cluster, opened=True), "control: with wider topic permissions it sees a hit"
    reloaded(cluster)
    yield not takes_over(cluster, opened=False), "a device under another's client id gets no session"
    yield takes_over(cluster, opened=True), "control: with wider permissions it does"
    reloaded(cluster)


def failover(cluster: Cluster, folder: Path, count: int) -> Iterator[tuple[bool, str]]:
    """Yield the same for the nodes that are killed."""
    for whose, expected in (("publisher", (2, 1)), ("subscriber", (1, 2))):
        outcome = survive(cluster, folder / whose, count, "publisher" if whose == "publisher" else "subscriber")
        moved = all(had >= least for had, least in zip(outcome.connections, expected, strict=True))
        yield outcome.lost == outcome.unexpected == 0 and moved, f"kill -9 of the {whose}'s node: {outcome}"
        yield cluster.bring_back(), "the node came back"
    outcome = survive(cluster, folder / "alone", count, "publisher", alone=True)
    yield outcome.lost > 0, f"control: a device that knows of one node only: {outcome}"


def main() -> int:
    """Run everything; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fleet", description=__doc__)
    parser.add_argument("--events", type=int, default=300, help="how many events each kill is survived with")
    parser.add_argument("--json", action="store_true", help="print one JSON document for machines at the end")
    asked = parser.parse_args()
    if reason := why_not():
        sys.stderr.write(f"error: {reason}\nhint: apt-get install rabbitmq-server\n")
        return 69
    logging.disable(logging.WARNING)  # lost connections are what this is about
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(prefix="fleet") as scratch, Cluster(Path(scratch) / "fleet") as cluster:
        for passed, line in itertools.chain(rights(cluster), failover(cluster, Path(scratch), asked.events)):
            found.append({"ok": passed, "said": line})
            out = sys.stderr if asked.json else sys.stdout
            out.write(f"{'ok' if passed else 'FAILED'}: {line}\n")
            out.flush()
    if asked.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0 if all(each["ok"] for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
