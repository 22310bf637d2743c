"""Tampering is seen: every flipped byte, every cut, and whatever a witness remembers otherwise."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from naive_log import is_intact  # type: ignore[import-not-found]  # beside this file, which is no package

from platesieve.audit import entry as e
from platesieve.audit.checkpoint import Checkpoint
from platesieve.audit.log_files import read_entries
from platesieve.audit.tiles import bundle_name, pack_bundle, unpack_bundle
from platesieve.audit.tree import leaf_hash, root_of
from platesieve.audit.verdict import Fault, Outcome, Verdict
from platesieve.audit.verify import verify_log
from platesieve.domain.errors import AuditError
from tests.fakes.log_files import OTHER_SIGNER, SIGNER, START_NS, LogInMemory, S, many, one_of_each

if TYPE_CHECKING:
    from collections.abc import Callable

VERIFIER = SIGNER.verifier


def faults(verdict: Verdict) -> set[Fault]:
    """Return what the findings of a verdict are about."""
    return {finding.fault for finding in verdict.findings}


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 513])
def test_an_untouched_log_is_intact(size: int) -> None:
    """The control of everything below, with a second verifier of the same opinion."""
    log = LogInMemory().grow(many(size))

    verdict = verify_log(log, VERIFIER)

    assert verdict.ok, verdict.sentence
    assert verdict.findings == ()
    assert is_intact(log.content, VERIFIER.vkey)


def test_a_log_of_every_type_is_intact() -> None:
    """Nothing that a device writes is a fault; time runs back only at the clock-step."""
    assert verify_log(LogInMemory().grow(one_of_each()), VERIFIER).findings == ()


def test_every_flipped_byte_is_seen() -> None:
    """In every file, at every place."""
    log = LogInMemory().grow(one_of_each()[:5])
    for name, content in list(log.content.items()):
        for at in range(len(content)):
            flipped = bytearray(content)
            flipped[at] ^= 0x01
            log.content[name] = bytes(flipped)
            assert not verify_log(log, VERIFIER).ok, (name, at)
        log.content[name] = content
    assert verify_log(log, VERIFIER).ok


def test_a_changed_byte_in_each_file_of_a_deep_log_is_seen() -> None:
    """Also in tiles that no entry is looked up through."""
    log = LogInMemory().grow(many(600))
    assert "tile/1/000.p/2" in log.content
    for name, content in list(log.content.items()):
        log.content[name] = content[:-1] + bytes([content[-1] ^ 0x80])
        assert not verify_log(log, VERIFIER).ok, name
        log.content[name] = content


@pytest.mark.parametrize("kept", range(5))
def test_a_log_cut_off_at_any_entry_is_seen(kept: int) -> None:
    """The files of an earlier size do not fit the checkpoint of the later one."""
    log, cut = LogInMemory().grow(many(5)), LogInMemory().grow(many(kept))
    cut.content["checkpoint"] = log.checkpoint

    verdict = verify_log(cut, VERIFIER)

    assert verdict.outcome is Outcome.ALTERED
    assert Fault.MISSING in faults(verdict)
    assert "truncated" in verdict.sentence


@pytest.mark.parametrize("length", range(0, 200, 7))
def test_files_cut_off_at_any_byte_are_seen(length: int) -> None:
    """Wherever the cut is, also between two entries."""
    for name in LogInMemory().grow(many(5)).content:
        log = LogInMemory().grow(many(5))
        if length < len(log.content[name]):
            log.content[name] = log.content[name][:length]
            assert not verify_log(log, VERIFIER).ok, name


EDITS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "swap": lambda lines: [lines[1], lines[0], *lines[2:]],
    "delete": lambda lines: [lines[0], *lines[2:]],
    "insert": lambda lines: [lines[0], e.encode(e.Shutdown(START_NS)), *lines[1:]],
    "reorder": lambda lines: lines[::-1],
    "duplicate": lambda lines: [lines[0], *lines],
    "edit": lambda lines: [e.encode(e.Shutdown(START_NS)), *lines[1:]],
    "empty": lambda _: [],
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("rehash", [False, True], ids=["entries-alone", "tiles-too"])
def test_rewritten_entries_are_seen(edit: Callable[[list[bytes]], list[bytes]], rehash: bool) -> None:  # noqa: FBT001
    """Even where whoever did it has made all tiles anew: only the signature is out of reach."""
    log = LogInMemory().grow(many(4))
    signed = log.checkpoint
    lines = edit(log.entries)
    if rehash:
        log = LogInMemory(OTHER_SIGNER).grow_raw(lines)
        log.content["checkpoint"] = signed
    else:
        log.content[bundle_name(0, 4)] = pack_bundle(lines)

    assert verify_log(log, VERIFIER).outcome is Outcome.ALTERED


def test_a_re_signed_history_is_seen() -> None:
    """A fresh key, or a log emptied and begun anew with one, is not the key noted at enrolment."""
    for forged in (LogInMemory(OTHER_SIGNER).grow(many(4)), LogInMemory(OTHER_SIGNER)):
        verdict = verify_log(forged, VERIFIER)
        assert verdict.outcome is Outcome.ALTERED
        assert faults(verdict) == {Fault.SIGNATURE}


def test_a_witness_agrees_with_a_log_that_grew() -> None:
    """The control: every checkpoint that a device ever published is a prefix of what it has now."""
    log = LogInMemory()
    seen = [log.checkpoint, *(log.grow(many(number)).checkpoint for number in (1, 3, 252, 1, 10))]

    assert all(verify_log(log, VERIFIER, witnessed).ok for witnessed in seen)
    assert "witness saw" in verify_log(log, VERIFIER, seen[-1]).sentence


def test_a_rolled_back_log_is_seen_by_a_witness_alone() -> None:
    """An old image of the card is intact in itself; the witness saw more."""
    witnessed = LogInMemory().grow(many(9)).checkpoint
    old = LogInMemory().grow(many(4))

    verdict = verify_log(old, VERIFIER, witnessed)

    assert verify_log(old, VERIFIER).ok
    assert verdict.outcome is Outcome.CONTRADICTS_WITNESS
    assert faults(verdict) == {Fault.ROLLED_BACK}
    assert "the last 5 are gone" in verdict.sentence


def test_a_log_emptied_by_its_own_device_is_seen_by_a_witness() -> None:
    """Size 0, signed with the right key."""
    verdict = verify_log(LogInMemory(), VERIFIER, LogInMemory().grow(many(1)).checkpoint)

    assert faults(verdict) == {Fault.ROLLED_BACK}


@pytest.mark.parametrize("extra", [0, 5])
def test_a_fork_is_seen_by_a_witness(extra: int) -> None:
    """The same key, as many or more entries, another history."""
    witnessed = LogInMemory().grow(many(4)).checkpoint
    fork = LogInMemory().grow(many(4, first=100)).grow(many(extra, first=200))

    verdict = verify_log(fork, VERIFIER, witnessed)

    assert verify_log(fork, VERIFIER).ok
    assert verdict.outcome is Outcome.CONTRADICTS_WITNESS
    assert faults(verdict) == {Fault.FORKED}


def test_a_history_re_signed_with_a_fresh_key_contradicts_a_witness() -> None:
    """Even for somebody who took the new public key from the log itself."""
    witnessed = LogInMemory().grow(many(4)).checkpoint
    forged = LogInMemory(OTHER_SIGNER).grow(many(4))

    verdict = verify_log(forged, OTHER_SIGNER.verifier, witnessed)

    assert verdict.outcome is Outcome.CONTRADICTS_WITNESS
    assert faults(verdict) == {Fault.OTHER_KEY}


def test_what_is_no_checkpoint_cannot_witness() -> None:
    """That is the mistake of whoever asks, not of the log."""
    with pytest.raises(AuditError):
        verify_log(LogInMemory(), VERIFIER, b"not a checkpoint")


@pytest.mark.parametrize(
    "line", [b"{}", b'{"type":"diary","text":"ABC123"}', b"\xff", b'{"time":"x","type":"shutdown"}']
)
def test_an_entry_that_the_format_does_not_know_is_a_fault(line: bytes) -> None:
    """Although a device signed it: nothing may hide in an entry."""
    verdict = verify_log(LogInMemory().grow_raw([line]), VERIFIER)

    assert faults(verdict) == {Fault.ENTRY}
    assert "ABC123" not in verdict.sentence


def test_a_wrong_root_or_size_that_the_device_signed_is_seen() -> None:
    """A signature makes nothing true."""
    for size, root in ((2, root_of([leaf_hash(b"x")])), (3, bytes(32)), (0, bytes(32))):
        log = LogInMemory().grow(many(2))
        log.content["checkpoint"] = SIGNER.sign(Checkpoint(SIGNER.name, size, root).text)
        assert verify_log(log, VERIFIER).outcome is Outcome.ALTERED


def test_the_checkpoint_of_another_log_is_seen() -> None:
    """The same key must not serve two logs."""
    log = LogInMemory()
    log.content["checkpoint"] = SIGNER.sign(f"another/log\n0\n{base64.b64encode(root_of([])).decode()}\n")

    assert faults(verify_log(log, VERIFIER)) == {Fault.ORIGIN}
    assert verify_log(log, VERIFIER, origin="another/log").ok


def test_time_that_runs_backwards_is_a_warning() -> None:
    """A device without a clock may start in the past; an auditor should know."""
    verdict = verify_log(LogInMemory().grow([e.Shutdown(START_NS + 60 * S), e.Shutdown(START_NS)]), VERIFIER)

    assert verdict.ok
    assert faults(verdict) == {Fault.TIME}


def test_files_beyond_the_checkpoint_are_a_warning() -> None:
    """A crash before the commit leaves them."""
    log = LogInMemory().grow(many(3))
    log.content["tile/0/000.p/9"] = bytes(9 * 32)

    verdict = verify_log(log, VERIFIER)

    assert verdict.ok
    assert faults(verdict) == {Fault.STRAY}


def test_findings_are_bounded() -> None:
    """A log that is wrong everywhere does not fill the screen or the memory."""
    assert len(verify_log(LogInMemory().grow_raw([b"?"] * 500), VERIFIER).findings) == 100


def test_the_newest_entries_are_read_without_the_others() -> None:
    """`show` looks at the end of a long log only."""
    log = LogInMemory().grow(many(600))
    del log.content[bundle_name(0)]

    assert [number for number, _ in read_entries(log, 600, 100)] == list(range(500, 600))
    assert [entry for _, entry in read_entries(log, 600, 1)] == many(1, first=599)
    with pytest.raises(AuditError, match="missing"):
        list(read_entries(log, 600))


def test_the_second_verifier_sees_an_edit_too() -> None:
    """The control of the control: it can say no."""
    log = LogInMemory().grow(many(4))
    log.content[bundle_name(0, 4)] = pack_bundle(unpack_bundle(log.content[bundle_name(0, 4)])[::-1])

    assert not is_intact(log.content, VERIFIER.vkey)
