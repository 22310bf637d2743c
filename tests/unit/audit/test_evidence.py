"""Evidence holds for the very record, is refused by name when anything in it changed, and dies with the salt."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from platesieve.adapters.mqtt.wire import Address
from platesieve.adapters.mqtt.wire import encode as encode_event
from platesieve.audit.commitment import commit
from platesieve.audit.entry import Publish, encode
from platesieve.audit.evidence import (
    Evidence,
    EvidenceFault,
    check_evidence,
    find_commitment,
    record_of_event,
)
from platesieve.audit.proof import prove_logged
from platesieve.audit.verify import verify_log
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import InputError
from tests.fakes.log_files import OTHER_SIGNER, SIGNER, START_NS, LogInMemory, S, many
from tests.fakes.station import Station

if TYPE_CHECKING:
    from collections.abc import Callable

POLICY = 'id = "us-mn"\n'
SALT = bytes(range(32))
BODY: dict[str, float | str] = {"confidence": 0.93, "disposition": "hit", "plate": "ABC123", "lanes": 2.0}
VERIFIER = SIGNER.verifier


def log_with_the_record(size: int = 300, at: int = 270) -> LogInMemory:
    """Return a log whose entry `at` commits to BODY."""
    policy = sha256(POLICY.encode()).hexdigest()
    publish = Publish(START_NS, Kind.HIT, commit(SALT, rfc8785.dumps(BODY)), policy, START_NS + 60 * S)
    return LogInMemory().grow([*many(at), publish, *many(size - at - 1, first=at)])


def event() -> bytes:
    """Return the event as a subscriber has it: other order of keys, other way to write a number."""
    data = {"salt": base64.b64encode(SALT).decode(), **dict(reversed(BODY.items()))}
    return json.dumps({"specversion": "1.0", "id": "x", "data": data}, indent=3).encode()


def evidence(log: LogInMemory | None = None) -> Evidence:
    """Return a package that holds."""
    log = log or log_with_the_record()
    record, salt = record_of_event(event())
    index = find_commitment(log, len(log.entries), commit(salt, record))
    assert index is not None
    entry, proof = prove_logged(log, log.checkpoint, index)
    return Evidence(record, salt, entry, proof.text, POLICY)


@pytest.mark.parametrize("policy", [None, POLICY])
def test_an_unaltered_package_proves_the_record(policy: str | None) -> None:
    """After it was written and read, on a machine that has the key alone."""
    package = Evidence.from_text(replace(evidence(), policy=policy).text)

    verdict = check_evidence(package, VERIFIER)

    assert verdict.ok, verdict.sentence
    assert "entry 270 of 300" in verdict.proves[0]
    assert any("read right" in line for line in verdict.proves_not)
    assert verdict.expires_ns == START_NS + 60 * S


def _altered_checkpoint(package: Evidence) -> Evidence:
    return replace(package, proof=package.proof.replace("\n300\n", "\n301\n"))


def _another_proof(package: Evidence) -> Evidence:
    log = log_with_the_record()
    return replace(package, proof=prove_logged(log, log.checkpoint, 3)[1].text)


ALTERATIONS: dict[str, tuple[Callable[[Evidence], Evidence], EvidenceFault]] = {
    "record": (lambda p: replace(p, record=p.record.replace(b"ABC123", b"ABC124")), EvidenceFault.COMMITMENT),
    "salt": (lambda p: replace(p, salt=bytes(32)), EvidenceFault.COMMITMENT),
    "checkpoint": (_altered_checkpoint, EvidenceFault.CHECKPOINT),
    "index": (lambda p: replace(p, proof=p.proof.replace("index 270", "index 271")), EvidenceFault.PROOF),
    "proof-of-another-entry": (_another_proof, EvidenceFault.PROOF),
    "no-proof": (lambda p: replace(p, proof=""), EvidenceFault.PROOF),
    "entry": (lambda p: replace(p, entry=p.entry.replace(b"hit", b"read")), EvidenceFault.PROOF),
    "no-entry": (lambda p: replace(p, entry=b"{}"), EvidenceFault.ENTRY),
    "another-kind-of-entry": (lambda p: replace(p, entry=encode(many(1)[0])), EvidenceFault.ENTRY),
    "policy": (lambda p: replace(p, policy=POLICY + "\n"), EvidenceFault.POLICY),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_package_is_refused_by_name(name: str) -> None:
    """And proves nothing at all, not a part of it."""
    alter, fault = ALTERATIONS[name]
    verdict = check_evidence(alter(evidence()), VERIFIER)

    assert verdict.fault is fault
    assert not verdict.ok
    assert verdict.proves == ()
    assert "ABC12" not in verdict.sentence


def test_a_package_signed_with_another_key_is_refused() -> None:
    """The key is the one that was noted, not one from the package."""
    assert check_evidence(evidence(), OTHER_SIGNER.verifier).fault is EvidenceFault.CHECKPOINT


def test_what_was_erased_cannot_be_proven_or_guessed_and_the_log_still_verifies() -> None:
    """Whoever knows every word of the record, but not its salt, finds nothing in the log."""
    log = log_with_the_record()
    record, _ = record_of_event(event())
    guesses = [b"", bytes(32), *(secrets.token_bytes(32) for _ in range(50))]

    assert all(find_commitment(log, 300, sha256(salt + record).hexdigest()) is None for salt in guesses)
    assert find_commitment(log, 300, commit(SALT, record)) == 270  # the control: with the salt it is found
    assert verify_log(log, VERIFIER).ok


def test_what_really_left_can_be_proven() -> None:
    """The event as it goes over the wire, out of a whole camera process, against the log of that process."""
    agency = X25519PrivateKey.generate().public_key().public_bytes_raw()
    script = [[("RED4711", 100.0 + 8 * n)] for n in range(3)]
    station = Station("us-nh", script, hotlist="RED4711,stolen,state-police,", recipients={"agency": agency})
    station.play()
    (disclosure,) = station.outlet.of_kind(Kind.HIT)
    log = LogInMemory().grow(station.log.entries)

    record, salt = record_of_event(encode_event(disclosure, Address.from_device(station.device)))
    index = find_commitment(log, len(log.entries), commit(salt, record))

    assert index is not None
    entry, proof = prove_logged(log, log.checkpoint, index)
    assert check_evidence(Evidence(record, salt, entry, proof.text), VERIFIER).ok


def test_a_package_shows_nothing_in_its_repr() -> None:
    """It may be in a traceback."""
    assert "ABC123" not in repr(evidence())


@pytest.mark.parametrize("content", [b"", b"[]", b'{"data":{}}', b'{"data":{"salt":"QUJD"}}', b'{"data":3}', b"\xff"])
def test_what_is_no_event_with_a_salt_is_refused(content: bytes) -> None:
    """In a sentence that repeats nothing of it."""
    with pytest.raises(InputError):
        record_of_event(content)


@pytest.mark.parametrize(
    "change", [{"format": "platesieve evidence 2"}, {"salt": "QUJD"}, {"salt": 3}, {"entry": None}, {"more": "x"}]
)
def test_what_is_no_package_is_refused(change: dict[str, object]) -> None:
    """A later format is not guessed at."""
    document = {**json.loads(evidence().text), **change}

    with pytest.raises(InputError):
        Evidence.from_text(json.dumps(document))
    with pytest.raises(InputError):
        Evidence.from_text("{")
