"""A witness file is read from its end: a year of checkpoints must not make the next one slower."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.witness_files import FolderOfWitness
from platesieve.audit.entry import ClockStep
from platesieve.audit.witness import Kept, Seen, newest_accepted
from platesieve.domain.errors import StorageError
from tests.fakes.log_files import START_NS, LogInMemory

if TYPE_CHECKING:
    from pathlib import Path

DEVICE = "metro-pd/bridge-7/cam-1"


def lines(count: int) -> list[Kept]:
    """Return what a witness kept of a log that grew by one entry each time."""
    log, kept = LogInMemory(), []
    for number in range(count):
        log.grow([ClockStep(START_NS + number, START_NS + number + 1)])
        kept.append(Kept(START_NS, Seen.GREW, log.checkpoint))
    return kept


@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 60])
def test_from_the_end_are_the_same_lines_as_from_the_beginning(tmp_path: Path, count: int) -> None:
    """Blocks of the file end in the middle of lines; none is lost, cut or told twice."""
    folder, wanted = FolderOfWitness(tmp_path, None), lines(count)
    for line in wanted:
        folder.add(DEVICE, line)
    kept = folder.kept(DEVICE)
    assert list(reversed(kept)) == wanted[::-1]
    assert list(kept) == wanted
    assert len(kept) == count
    assert newest_accepted(kept) == (wanted[-1] if wanted else None)


def test_only_the_end_is_looked_at_and_a_damaged_line_is_told_when_it_is(tmp_path: Path) -> None:
    """The newest checkpoint is found behind a broken beginning; whoever reads on is told to restore the file."""
    folder, wanted = FolderOfWitness(tmp_path, None), lines(60)
    for line in wanted:
        folder.add(DEVICE, line)
    (file,) = tmp_path.glob("*.witness")
    content = file.read_bytes()
    file.write_bytes(b"?" + content[1:])
    assert newest_accepted(folder.kept(DEVICE)) == wanted[-1]
    with pytest.raises(StorageError, match="cannot be read"):
        list(folder.kept(DEVICE))
    file.write_bytes(content[:-5])  # a crash in the middle of the last line
    with pytest.raises(StorageError, match="cannot be read"):
        newest_accepted(folder.kept(DEVICE))


def test_a_refusal_is_passed_over_for_the_newest_that_was_accepted(tmp_path: Path) -> None:
    """A fork is kept as proof and is nothing to go on from."""
    folder, (first, second) = FolderOfWitness(tmp_path, None), lines(2)
    folder.add(DEVICE, first)
    folder.add(DEVICE, Kept(second.seen_ns, Seen.FORKED, second.note))
    assert newest_accepted(folder.kept(DEVICE)) == first
