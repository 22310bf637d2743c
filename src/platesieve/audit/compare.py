"""Two copies of a log: the same, one an earlier state of the other, or a fork with its first differing entry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING

from platesieve.audit.proof import TiledTree
from platesieve.audit.tiles import WIDTH, bundle_name, unpack_bundle
from platesieve.domain.errors import AuditError

if TYPE_CHECKING:
    from platesieve.audit.checkpoint import Checkpoint
    from platesieve.audit.log_files import LogFiles


class Relation(StrEnum):
    """How two logs stand to each other."""

    SAME = "same"
    FIRST_IS_EARLIER = "first-is-earlier"
    SECOND_IS_EARLIER = "second-is-earlier"
    FORK = "fork"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found; `differs_at` is the number of the first entry that only one of them has, or None."""

    relation: Relation
    differs_at: int | None
    sentence: str

    @property
    def ok(self) -> bool:
        """Return whether one history explains both."""
        return self.relation is not Relation.FORK


def compare_logs(first: LogFiles, one: Checkpoint, second: LogFiles, other: Checkpoint) -> Comparison:
    """Return how two logs stand to each other; the signatures of both checkpoints were verified.

    Args:
        first: files of the log of `one`.
        one: its checkpoint.
        second: files of the log of `other`.
        other: its checkpoint.

    Raises:
        AuditError: entries, tiles and root of one of them do not belong together.
    """
    shared = min(one.size, other.size)
    at = _first_difference(first, one.size, second, other.size, shared)
    if at is None:
        _hold_to_roots(first, one, second, other, shared)
        return _without_fork(one, other, shared)
    sentence = f"a fork: {at} entries are the same, entry {at} differs; the device signed two histories"
    return Comparison(Relation.FORK, at, sentence)


def _first_difference(first: LogFiles, size: int, second: LogFiles, other_size: int, shared: int) -> int | None:
    """Return the number of the first entry below `shared` that differs: by the entries, which no tile can hide."""
    for index in range(-(-shared // WIDTH)):
        bundles = [_bundle(first, index, size), _bundle(second, index, other_size)]
        if bundles[0] == bundles[1]:
            continue
        pairs = zip_longest(*map(unpack_bundle, bundles))
        for number, (mine, theirs) in enumerate(pairs, index * WIDTH):
            if number < shared and mine != theirs:
                return number
    return None


def _hold_to_roots(first: LogFiles, one: Checkpoint, second: LogFiles, other: Checkpoint, shared: int) -> None:
    """Refuse to call logs consistent whose signed roots say otherwise."""
    longer, size = (first, one.size) if one.size >= other.size else (second, other.size)
    shorter = other if one.size >= other.size else one
    if TiledTree(longer, size).root(shared) != shorter.root:
        raise AuditError("the entries are the same but the signed roots are not", "run platesieve audit verify on both")


def _without_fork(one: Checkpoint, other: Checkpoint, shared: int) -> Comparison:
    if one.size == other.size:
        return Comparison(Relation.SAME, None, f"both are the same log of {one.size} entries")
    newer = max(one.size, other.size)
    relation, which = (
        (Relation.FIRST_IS_EARLIER, "the first is an earlier state of the second")
        if one.size < other.size
        else (Relation.SECOND_IS_EARLIER, "the second is an earlier state of the first")
    )
    return Comparison(relation, shared, f"{which}: {shared} entries, of {newer}")


def _bundle(files: LogFiles, index: int, size: int) -> bytes:
    name = bundle_name(index, min(WIDTH, size - index * WIDTH))
    bundle = files.read(name)
    if bundle is None:
        raise AuditError(f"{name} is missing", "run platesieve audit verify: the log is cut off or altered")
    return bundle
