"""One case as a folder of files that stand for themselves: what came, what it says, who saw it, and the proofs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from platesieve.audit.entry import Action
from platesieve.collector.reveal import RevealRequest
from platesieve.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from platesieve.audit.entries.choices import Role
    from platesieve.collector.records import Access, Event, Hold, Stored
    from platesieve.collector.reveal import RevealDesk
    from platesieve.collector.store import CollectorStore
    from platesieve.domain.access import Purpose

_ALL = 1_000_000  # accesses: more than people make
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


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of one case: who held or opened events for it, newest first, and which of them are here.

    Attributes:
        number: case number.
        here: events that are still kept, oldest first.
        gone: ids of those that are not.
        holds: standing and lifted ones.
        accesses: openings and exports.
    """

    number: str
    here: tuple[Stored, ...]
    gone: tuple[str, ...]
    holds: tuple[Hold, ...]
    accesses: tuple[Access, ...]

    @property
    def latest_ns(self) -> int:
        """Return when somebody last did something for it."""
        return max((act.at_ns for act in self.acts), default=0)

    @property
    def acts(self) -> tuple[Hold | Access, ...]:
        """Return what was done for it, newest first."""
        found: list[Hold | Access] = [*self.holds, *self.accesses]
        return tuple(sorted(found, key=lambda act: -act.at_ns))

    def standing(self, now_ns: int) -> dict[str, Hold]:
        """Return by event the hold that keeps it longest now."""
        kept = sorted((hold for hold in self.holds if _stands(hold, now_ns)), key=lambda hold: hold.until_ns)
        return {hold.event_id: hold for hold in kept}


def cases(store: CollectorStore) -> tuple[Case, ...]:
    """Return every case that a hold or an opening names, the one that was last worked on first."""
    holds, accesses = store.holds(), store.accesses(limit=_ALL)
    numbers = {hold.case for hold in holds} | {access.case for access in accesses}
    found = (_case(store, number, holds, accesses) for number in numbers)
    return tuple(sorted(found, key=lambda case: (-case.latest_ns, case.number)))


def find_case(store: CollectorStore, number: str) -> Case | None:
    """Return one case, or None where nothing was held or opened for it."""
    case = _case(store, number, store.holds(), store.accesses(limit=_ALL))
    return case if case.latest_ns else None


def _case(store: CollectorStore, number: str, holds: Sequence[Hold], accesses: Sequence[Access]) -> Case:
    ours = tuple(hold for hold in holds if hold.case == number)
    opened = tuple(access for access in accesses if access.case == number)
    ids = {hold.event_id for hold in ours} | {access.event_id for access in opened}
    here = sorted((stored for id_ in ids if (stored := store.event(id_))), key=lambda stored: stored.cursor)
    gone = sorted(ids - {stored.event.id for stored in here})
    return Case(number, tuple(here), tuple(gone), ours, opened)


def _stands(hold: Hold, now_ns: int) -> bool:
    return hold.lifted_ns is None and now_ns < hold.until_ns


def events_of_case(store: CollectorStore, case: str) -> tuple[Event, ...]:
    """Return the events that holds or reveals named for a case and that are still here, oldest first.

    Raises:
        InputError: there are none.
    """
    found = find_case(store, case)
    if found is None or not found.here:
        raise InputError(
            "no event that is still here belongs to this case", "give the case number as holds or reveals have it"
        )
    return tuple(stored.event for stored in found.here)


def package(
    store: CollectorStore,
    desk: RevealDesk,
    case: str,
    user: str,
    purpose: Purpose,
    evidence: Mapping[str, str],
    beside: Mapping[str, bytes],
    role: Role | None = None,
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
        role: as what they export, for the log; None where nobody knows.

    Raises:
        InputError: no event belongs to the case.
        PlatesieveError: an event may not or does not open.
    """
    events = events_of_case(store, case)
    files = {"README.txt": _README.encode(), **beside}
    for number, event in enumerate(events, start=1):
        files[f"event-{number}.json"] = _json(event.document)
        if event.sealed_fields:
            revealed = desk.reveal(RevealRequest(event.id, user, purpose, case, role=role, action=Action.EXPORT))
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
