"""One case as a folder of files that stand for themselves: what came, what it says, who saw it, and the proofs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from platesieve.collector.reveal import RevealRequest
from platesieve.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from platesieve.collector.records import Access, Event
    from platesieve.collector.reveal import RevealDesk
    from platesieve.collector.store import CollectorStore
    from platesieve.domain.access import Purpose

_README = """This folder is as private as the events in it, and has to go when they have to go.

event-N.json      the event as the device sent it, sealed fields sealed
event-N.opened    the same with its fields in clear; opening them is in the collector's transparency log
event-N.evidence  where the device's audit log was at hand: platesieve audit check FILE --vkey DEVICE.vkey
accesses.json     who opened fields of these events, when, why; SHA-256(salt || record) stands in the log
*.witness         what the collector witnessed of the audit log of each device
manifest.json     SHA-256 of each file
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """How much a package holds."""

    events: int
    proven: int


def events_of_case(store: CollectorStore, case: str) -> tuple[Event, ...]:
    """Return the events that holds or reveals named for a case and that are still here, oldest first.

    Raises:
        InputError: there are none.
    """
    named = {hold.event_id for hold in store.holds() if hold.case == case}
    named |= {access.event_id for access in store.accesses(limit=1_000_000) if access.case == case}
    found = [stored for id_ in named if (stored := store.event(id_)) is not None]
    if not found:
        raise InputError(
            "no event that is still here belongs to this case", "give the case number as holds or reveals have it"
        )
    return tuple(stored.event for stored in sorted(found, key=lambda stored: stored.cursor))


def package(
    store: CollectorStore,
    desk: RevealDesk,
    case: str,
    user: str,
    purpose: Purpose,
    evidence: Mapping[str, str],
    beside: Mapping[str, bytes],
) -> dict[str, bytes]:
    """Return the files of a case by name. Every event is opened through the desk, so every opening is logged.

    Args:
        store: where the events are.
        desk: opens them.
        case: case number.
        user: who exports.
        purpose: why.
        evidence: text of an evidence package by event id, for those that a device's log proves.
        beside: other files of the package by name: those of the witness.

    Raises:
        InputError: no event belongs to the case.
        PlatesieveError: an event may not or does not open.
    """
    events = events_of_case(store, case)
    files = {"README.txt": _README.encode(), **beside}
    for number, event in enumerate(events, start=1):
        files[f"event-{number}.json"] = _json(event.document)
        if event.sealed_fields:
            revealed = desk.reveal(RevealRequest(event.id, user, purpose, case))
            files[f"event-{number}.opened"] = _json({**event.document, "data": {**event.data, **revealed.fields}})
        if event.id in evidence:
            files[f"event-{number}.evidence"] = evidence[event.id].encode()
    accesses = [access for event in events for access in store.accesses(limit=10_000, event_id=event.id)]
    files["accesses.json"] = _json(_shown(accesses))
    files["manifest.json"] = _json({name: sha256(content).hexdigest() for name, content in sorted(files.items())})
    return files


def _shown(accesses: Sequence[Access]) -> list[dict[str, object]]:
    return [asdict(access) for access in accesses]


def _json(document: object) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
