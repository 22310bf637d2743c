"""Two copies of a log: the same, an earlier state, or a fork, with the first entry that differs."""

from __future__ import annotations

import pytest

from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.compare import Comparison, Relation, compare_logs
from platesieve.audit.sample import draw
from platesieve.audit.tiles import bundle_name
from platesieve.domain.errors import AuditError
from tests.fakes.log_files import SIGNER, LogInMemory, many


def compared(first: LogInMemory, second: LogInMemory) -> Comparison:
    """Return what is found between two logs."""
    points = [Checkpoint(SIGNER.name, len(log.entries), log.root) for log in (first, second)]
    return compare_logs(first, points[0], second, points[1])


@pytest.mark.parametrize(("size", "other"), [(0, 0), (5, 5), (300, 300), (0, 3), (5, 300), (256, 257), (256, 600)])
def test_one_history_is_no_fork(size: int, other: int) -> None:
    """In either order."""
    first, second = LogInMemory().grow(many(size)), LogInMemory().grow(many(other))

    there, back = compared(first, second), compared(second, first)

    assert there.ok
    assert there.relation is (Relation.SAME if size == other else Relation.FIRST_IS_EARLIER)
    assert back.relation is (Relation.SAME if size == other else Relation.SECOND_IS_EARLIER)
    assert there.differs_at == (None if size == other else size)


@pytest.mark.parametrize("at", [0, 3, 255, 256, 299])
@pytest.mark.parametrize("other", [300, 513])
def test_a_fork_is_found_at_its_first_entry(at: int, other: int) -> None:
    """Wherever it is."""
    first = LogInMemory().grow(many(300))
    second = LogInMemory().grow(many(at)).grow(many(other - at, first=5000))

    comparison = compared(first, second)

    assert (comparison.relation, comparison.differs_at) == (Relation.FORK, at)


def test_entries_that_do_not_fit_their_root_are_not_called_the_same() -> None:
    """A copied bundle under another checkpoint is a fault, not an agreement."""
    first, second = LogInMemory().grow(many(4)), LogInMemory().grow(many(4, first=9))
    second.content[bundle_name(0, 4)] = first.content[bundle_name(0, 4)]

    with pytest.raises(AuditError, match="roots are not"):
        compared(first, second)


def test_a_log_with_a_hole_cannot_be_compared() -> None:
    """It is said what is missing."""
    first, second = LogInMemory().grow(many(4)), LogInMemory().grow(many(4))
    del second.content[bundle_name(0, 4)]

    with pytest.raises(AuditError, match="missing"):
        compared(first, second)


def test_a_draw_is_repeatable_and_hangs_on_log_and_seed() -> None:
    """Nobody chooses: another root or seed gives other entries."""
    drawn = draw(1000, 20, bytes(32), 7)

    assert drawn == draw(1000, 20, bytes(32), 7)
    assert len(set(drawn)) == 20
    assert drawn == tuple(sorted(drawn))
    assert drawn != draw(1000, 20, bytes(32), 8)
    assert drawn != draw(1000, 20, b"x" * 32, 7)


def test_a_draw_takes_at_most_everything() -> None:
    """And nothing from an empty log."""
    assert draw(5, 20, bytes(32), 1) == (0, 1, 2, 3, 4)
    assert draw(0, 20, bytes(32), 1) == ()


def test_a_draw_is_fair() -> None:
    """Each of ten entries is drawn about as often (chi-squared with 9 degrees of freedom, p = 0.001)."""
    counts = [0] * 10
    for seed in range(2000):
        counts[draw(10, 1, bytes(32), seed)[0]] += 1

    assert sum((count - 200) ** 2 / 200 for count in counts) < 27.88
