"""What an operator says to have settled, as the audit log has it: choices and hashes, no number and no place."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import rfc8785

from platesieve.audit import entry as log

if TYPE_CHECKING:
    from platesieve.domain.instant import Instant
    from platesieve.settings import Device


def operator_facts(device: Device, now: Instant) -> log.OperatorFacts:
    """Return the entry for what stands in the section `device` of the settings."""
    places = device.excluded_places
    drawn = [[list(corner) for corner in polygon] for polygon in places or ()]
    document = device.policy_document_sha256
    return log.OperatorFacts(
        now.wall_ns,
        log.MountKind(device.mount),
        log.OperatorKind(device.operator) if device.operator else None,
        document if document and len(document) == sha256().digest_size * 2 else None,
        _hash(device.registration),
        _hash(device.occasion),
        None if places is None else sha256(rfc8785.dumps(drawn)).hexdigest(),
        None if places is None else len(places),
    )


def _hash(written: str | None) -> str | None:
    return sha256(written.encode()).hexdigest() if written else None
