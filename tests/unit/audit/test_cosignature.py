"""Cosignatures: what a witness says, in the two kinds of C2SP, and what must not be believed."""

from __future__ import annotations

import pytest

from platesieve.audit.anchor import cosigned_anchors
from platesieve.audit.cosignature import Algorithm, CosignerKey, CosignerVerifier, add_line, cosignatures, lines_of
from platesieve.audit.entry import ClockStep
from platesieve.audit.growth import GrowthByLog, NoGrowth
from platesieve.audit.note import parse_note
from platesieve.audit.verdict import Fault, Outcome
from platesieve.audit.verify import verify_log
from platesieve.audit.witness import Kept, Seen, cosign
from platesieve.domain.errors import AuditError, KeyFileError
from tests.fakes.log_files import OTHER_SIGNER, SIGNER, START_NS, LogInMemory, S, many

WITNESS = CosignerKey("collector.example/metro-pd", Algorithm.ED25519, bytes(range(7, 39)))
LATER_NS = START_NS + 7200 * S


def text_of(note: bytes) -> str:
    """Return what is signed."""
    return parse_note(note)[0]


def cosigned(log: LogInMemory, key: CosignerKey = WITNESS, at_ns: int = LATER_NS) -> bytes:
    """Return a log's checkpoint with a cosignature."""
    return add_line(log.checkpoint, key.line(text_of(log.checkpoint), at_ns // S))


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_cosignature_says_who_and_when(algorithm: Algorithm) -> None:
    """The device's own signature stays valid beside it, and the key survives its text forms."""
    key = CosignerKey("witness.example/w1", algorithm, bytes(32))
    note = cosigned(LogInMemory().grow(many(3)), key)

    (seen,) = cosignatures(note, [CosignerVerifier.from_vkey(key.verifier.vkey)])

    assert (seen.name, seen.time_s) == ("witness.example/w1", LATER_NS // S)
    assert SIGNER.verifier.open(note)
    assert CosignerKey.from_skey(key.skey) == key
    assert key.skey not in repr(key)
    assert str(list(key.seed)) not in repr(key)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_every_changed_byte_of_a_cosignature_is_seen(algorithm: Algorithm) -> None:
    """Time included: each byte behind the key id."""
    key = CosignerKey("w", algorithm, bytes(32))
    note = LogInMemory().grow(many(3)).checkpoint
    (line,) = parse_note(cosigned(LogInMemory().grow(many(3)), key))[1][1:]
    verifier, step = key.verifier, 1 if algorithm is Algorithm.ED25519 else 37

    assert verifier.verify(text_of(note), line).time_s == LATER_NS // S
    for at in range(0, len(line.signature), step):
        changed = line.signature[:at] + bytes([line.signature[at] ^ 1]) + line.signature[at + 1 :]
        with pytest.raises(AuditError):
            verifier.verify(text_of(note), type(line)(line.name, line.key_id, changed))
    with pytest.raises(AuditError):
        verifier.verify(text_of(LogInMemory().grow(many(4)).checkpoint), line)


def test_lines_of_unknown_keys_and_kinds_are_kept_and_ignored() -> None:
    """A witness of tomorrow may sign in a way that nobody knows today."""
    log = LogInMemory().grow(many(3))
    unknown = "\u2014 tomorrow.example/w " + "AAECAwQFBgcICQ==" + "\n"
    note = add_line(add_line(cosigned(log), unknown), CosignerKey.generate("stranger").line(text_of(log.checkpoint), 1))

    assert [seen.name for seen in cosignatures(note, [WITNESS.verifier])] == [WITNESS.name]
    assert unknown.encode() in note
    assert lines_of(note, [WITNESS.verifier]) == (WITNESS.line(text_of(log.checkpoint), LATER_NS // S),)
    log.content["checkpoint"] = note
    assert verify_log(log, SIGNER.verifier).ok


@pytest.mark.parametrize(
    "vkey",
    [
        "name+00000000+BQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",  # type 0x05
        WITNESS.verifier.vkey.replace("+", "+0", 1),
        WITNESS.verifier.vkey[:-4],
        SIGNER.verifier.vkey,  # the key of a log is no key of a witness
        "",
    ],
)
def test_what_is_no_key_of_a_witness_is_refused(vkey: str) -> None:
    """With a sentence that says which types are known."""
    with pytest.raises(KeyFileError):
        CosignerVerifier.from_vkey(vkey)


def test_a_witness_cosigns_what_only_grew() -> None:
    """And keeps it first: the line to keep comes with the answer."""
    small, large = LogInMemory().grow(many(5)), LogInMemory().grow(many(300))
    first, answer = cosign([], small.checkpoint, START_NS, SIGNER.verifier, NoGrowth(), WITNESS)
    assert first.kept is not None
    assert answer is not None

    grown, again = cosign([first.kept], large.checkpoint, LATER_NS, SIGNER.verifier, GrowthByLog(large), WITNESS)

    assert (first.seen, grown.seen) == (Seen.FIRST, Seen.GREW)
    assert again is not None
    assert cosigned_anchors(again, SIGNER.verifier, [WITNESS.verifier])[0].size == 300


def test_a_witness_without_a_proof_says_how_far_it_is() -> None:
    """So that the device knows from where to prove."""
    small, large = LogInMemory().grow(many(5)), LogInMemory().grow(many(300))
    kept = [Kept(START_NS, Seen.FIRST, small.checkpoint)]

    observation, answer = cosign(kept, large.checkpoint, LATER_NS, SIGNER.verifier, NoGrowth(), WITNESS)

    assert observation.seen is Seen.UNPROVEN
    assert answer == cosigned(small)


@pytest.mark.parametrize(
    ("log", "named"),
    [
        (LogInMemory().grow(many(4)), Seen.ROLLED_BACK),
        (LogInMemory(), Seen.EMPTIED),
        (LogInMemory().grow(many(5, first=9)), Seen.FORKED),
        (LogInMemory().grow(many(300, first=9)), Seen.FORKED),
        (LogInMemory(OTHER_SIGNER).grow(many(5)), Seen.OTHER_KEY),
        (LogInMemory().grow(many(6)), Seen.BACKDATED),
    ],
    ids=lambda value: getattr(value, "value", ""),
)
def test_a_witness_never_cosigns_a_contradiction(log: LogInMemory, named: Seen) -> None:
    """Whatever it is, it has its name, and no signature."""
    kept = [Kept(LATER_NS, Seen.FIRST, LogInMemory().grow(many(5)).checkpoint)]

    observation, answer = cosign(kept, log.checkpoint, LATER_NS + S, SIGNER.verifier, GrowthByLog(log), WITNESS)

    assert (observation.seen, answer) == (named, None)


@pytest.mark.parametrize(
    ("log", "fault"),
    [
        (LogInMemory().grow(many(4)), Fault.ROLLED_BACK),
        (LogInMemory(), Fault.ROLLED_BACK),
        (LogInMemory().grow(many(9, first=1)), Fault.FORKED),
        (LogInMemory().grow(many(6)), Fault.BACKDATED),
    ],
    ids=lambda value: getattr(value, "value", ""),
)
def test_a_cosigned_checkpoint_shows_what_was_done(log: LogInMemory, fault: Fault) -> None:
    """`many` counts seconds from a moment two hours before the witness saw five of them."""
    anchors = cosigned_anchors(cosigned(LogInMemory().grow(many(5))), SIGNER.verifier, [WITNESS.verifier])

    verdict = verify_log(log, SIGNER.verifier, anchors=anchors)

    assert verdict.outcome is Outcome.CONTRADICTS_WITNESS
    assert [finding.fault for finding in verdict.findings if not finding.warning] == [fault]
    assert verify_log(log, SIGNER.verifier).ok, "the control: without a witness nobody can tell"


def test_a_device_without_a_clock_is_excused_by_its_clock_step() -> None:
    """It starts in the past after a power cut, and says so once it knows the time."""
    log = LogInMemory().grow(many(5))
    anchors = cosigned_anchors(cosigned(log), SIGNER.verifier, [WITNESS.verifier])
    log.grow(many(2, first=6))
    assert not verify_log(log, SIGNER.verifier, anchors=anchors).ok

    log.grow([ClockStep(START_NS + 9 * S, LATER_NS + S)])
    verdict = verify_log(log, SIGNER.verifier, anchors=anchors)

    assert verdict.ok
    assert [finding.fault for finding in verdict.findings] == [Fault.BACKDATED]


def test_growth_after_the_moment_of_the_witness_is_no_fault() -> None:
    """The control of backdating: the same entries, with the times that they have."""
    log = LogInMemory().grow(many(5))
    anchors = cosigned_anchors(cosigned(log), SIGNER.verifier, [WITNESS.verifier])
    log.grow(many(2, first=7300))

    assert verify_log(log, SIGNER.verifier, anchors=anchors).findings == ()
