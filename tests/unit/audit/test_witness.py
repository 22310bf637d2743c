"""A witness accepts growth, names every contradiction, and keeps both sides of it."""

from __future__ import annotations

import pytest

from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.growth import Growth, GrowthByLog, NoGrowth, advance_text, parse_advance
from platesieve.audit.proof import TiledTree
from platesieve.audit.witness import Kept, Seen, observe, read_witness_file
from platesieve.domain.errors import AuditError, InputError
from tests.fakes.log_files import OTHER_SIGNER, SIGNER, START_NS, LogInMemory, S, many

VERIFIER = SIGNER.verifier


def logs(*sizes: int) -> list[LogInMemory]:
    """Return one log at several sizes."""
    return [LogInMemory().grow(many(size)) for size in sizes]


def kept(*seen: LogInMemory, at_ns: int = START_NS) -> list[Kept]:
    """Return what a witness has after it was shown these logs."""
    lines: list[Kept] = []
    for log in seen:
        observation = observe(lines, log.checkpoint, at_ns, VERIFIER, GrowthByLog(log))
        assert observation.kept is not None, observation.sentence
        lines.append(observation.kept)
    return lines


def seen(lines: list[Kept], log: LogInMemory, growth: Growth | None = None, at_ns: int = START_NS) -> Seen:
    """Return what the witness says to a log."""
    return observe(lines, log.checkpoint, at_ns, VERIFIER, growth or GrowthByLog(log)).seen


def by_proof(log: LogInMemory, old_size: int) -> Growth:
    """Return growth as it comes over the wire."""
    path = TiledTree(log, len(log.entries)).consistency(old_size)
    growth, note = parse_advance(advance_text(old_size, path, log.checkpoint))
    assert note == log.checkpoint
    return growth


def test_growth_is_accepted_by_log_and_by_proof() -> None:
    """The control of everything below."""
    small, large = logs(5, 300)

    assert seen([], small) is Seen.FIRST
    assert seen(kept(small), small) is Seen.SAME
    assert seen(kept(small), large) is Seen.GREW
    assert seen(kept(small), large, by_proof(large, 5)) is Seen.GREW
    assert seen(kept(LogInMemory()), small, NoGrowth()) is Seen.GREW


def test_growth_without_proof_is_not_believed_and_not_kept() -> None:
    """Nor with the proof from another size."""
    small, large = logs(5, 300)

    for growth in (NoGrowth(), by_proof(large, 6)):
        observation = observe(kept(small), large.checkpoint, START_NS, VERIFIER, growth)
        assert observation.seen is Seen.UNPROVEN
        assert observation.kept is None


def test_a_rollback_is_named() -> None:
    """Whether an earlier state was witnessed or not, with the log or without."""
    small, middle, large = logs(5, 20, 300)

    assert seen(kept(large), middle) is Seen.ROLLED_BACK
    assert seen(kept(small, large), middle) is Seen.ROLLED_BACK
    assert seen(kept(small, large), small, NoGrowth()) is Seen.ROLLED_BACK


def test_a_fork_is_named_at_every_size() -> None:
    """Shorter, as long and longer than what was seen."""
    lines = kept(*logs(5, 300))
    for size in (5, 7, 300, 400):
        assert seen(lines, LogInMemory().grow(many(size, first=1000))) is Seen.FORKED

    longer = LogInMemory().grow(many(400, first=1000))
    assert seen(lines, longer, by_proof(longer, 300)) is Seen.FORKED
    assert seen(lines, LogInMemory().grow(many(300, first=1000)), NoGrowth()) is Seen.FORKED


def test_a_replacement_by_an_empty_log_is_named() -> None:
    """With the right key."""
    assert seen(kept(*logs(5)), LogInMemory(), NoGrowth()) is Seen.EMPTIED


def test_a_log_signed_anew_is_named() -> None:
    """The same entries under a fresh key."""
    lines = kept(*logs(5))
    for size in (5, 9):
        assert seen(lines, LogInMemory(OTHER_SIGNER).grow(many(size))) is Seen.OTHER_KEY


def test_backdating_is_named() -> None:
    """Entries that say they are older than what was seen without them; those of now are the control."""
    day_s = 86_400
    lines = kept(*logs(5), at_ns=START_NS + day_s * S)
    old, now = LogInMemory().grow(many(5)), LogInMemory().grow(many(5))
    old.grow(many(2, first=60))
    now.grow(many(2, first=day_s + 60))

    assert seen(lines, now) is Seen.GREW
    assert seen(lines, old) is Seen.BACKDATED


def test_a_contradiction_is_kept_as_proof_and_believed_by_nobody() -> None:
    """The next honest checkpoint is held to the last one that was accepted."""
    small, large = logs(5, 300)
    lines = kept(small)
    fork = LogInMemory().grow(many(9, first=1000))
    observation = observe(lines, fork.checkpoint, START_NS, VERIFIER, GrowthByLog(fork))
    assert observation.kept is not None
    lines.append(observation.kept)

    assert seen(lines, large) is Seen.GREW
    assert observe(lines, fork.checkpoint, START_NS, VERIFIER, GrowthByLog(fork)).kept is None  # once is enough
    assert read_witness_file("".join(line.line for line in lines)) == tuple(lines)
    assert lines[-1].checkpoint == Checkpoint(SIGNER.name, 9, fork.root)


def test_the_checkpoint_of_another_device_is_no_contradiction() -> None:
    """It is a mistake of whoever shows it."""
    note = SIGNER.sign(Checkpoint("another/log", 0, LogInMemory().root).text)

    with pytest.raises(AuditError, match="another log"):
        observe([], note, START_NS, VERIFIER, NoGrowth())


@pytest.mark.parametrize("text", ["x", "{}", '{"seen":"now","result":"first","checkpoint":"x"}', "[]"])
def test_what_is_no_witness_file_is_refused(text: str) -> None:
    """Nothing is added to it."""
    with pytest.raises(InputError):
        read_witness_file(text)


def test_what_begins_like_a_proof_and_is_none_is_refused() -> None:
    """`old` without what belongs to it."""
    for text in ("old 3\n", "old 3\n?\n\nnote", "old 3\nQUI=="):
        with pytest.raises(InputError):
            parse_advance(text)
