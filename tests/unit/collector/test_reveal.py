"""Sealed fields open after the log has said so, for a case, and not otherwise."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from platesieve.audit import entry as log
from platesieve.audit.commitment import commit
from platesieve.collector.retention import RetentionDesk
from platesieve.collector.reveal import RevealDesk, RevealRefusedError, RevealRequest, access_record
from platesieve.domain.access import DeletionReason, Purpose
from platesieve.domain.errors import AuditError
from platesieve.policy.seal import SealError
from tests.fakes.audit_log import FakeAuditLog
from tests.fakes.clock import FakeClock
from tests.fakes.collected import AgencyKey, an_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platesieve.adapters.database.store import SqlStore
    from platesieve.domain.disclosure import Json

ASKED = RevealRequest("e1", "officer", Purpose.STOLEN_VEHICLE, "2026-1742")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    """Return an empty store."""
    pytest.importorskip("sqlalchemy")
    from platesieve.adapters.database.store import SqlStore  # noqa: PLC0415 - an optional extra

    opened = SqlStore(f"sqlite:///{tmp_path / 'collector.db'}")
    yield opened
    opened.close()


@pytest.fixture
def key() -> AgencyKey:
    """Return the agency's key."""
    return AgencyKey.drawn()


def desk(store: SqlStore, key: AgencyKey, entries: FakeAuditLog) -> RevealDesk:
    """Return a desk on a log in RAM."""
    return RevealDesk(store, entries, key, FakeClock(), os.urandom)


def test_a_reveal_is_logged_and_then_opened(store: SqlStore, key: AgencyKey) -> None:
    """The log has purpose, fields and a commitment; the store has the rest and the salt that shows that they belong."""
    entries = FakeAuditLog()
    store.keep([key.sealed_event("e1", plate="TEST123", category="stolen")])

    revealed = desk(store, key, entries).reveal(ASKED)

    assert revealed.fields == {"plate": "TEST123", "category": "stolen"}
    (entry,) = entries.entries
    (access,) = store.accesses()
    record = access_record(ASKED, access.device, access.fields, access.at_ns)
    assert isinstance(entry, log.Access)
    assert entry.commitment == commit(bytes.fromhex(access.salt), record) == access.commitment
    assert (entry.purpose, entry.fields) == (Purpose.STOLEN_VEHICLE, ("category", "plate"))
    assert "TEST123" not in repr(revealed) + repr(access) + log.encode(entry).decode()


def test_one_field_alone_can_be_opened(store: SqlStore, key: AgencyKey) -> None:
    """Whoever needs the category does not see the plate."""
    store.keep([key.sealed_event("e1", plate="TEST123", category="stolen")])
    asked = RevealRequest("e1", "officer", Purpose.AUDIT, "2026-1742", ("category",))

    assert desk(store, key, FakeAuditLog()).reveal(asked).fields == {"category": "stolen"}


def test_without_a_log_nothing_opens(store: SqlStore, key: AgencyKey) -> None:
    """No entry, no reveal, and no access record either."""
    entries = FakeAuditLog()
    entries.fail = True
    store.keep([key.sealed_event("e1", plate="TEST123")])
    opened: list[str] = []

    class Watched(AgencyKey):
        def open(self, to: str, ciphertext: bytes, info: bytes) -> bytes:
            opened.append(to)
            return super().open(to, ciphertext, info)

    with pytest.raises(AuditError):
        desk(store, Watched(key.secret, key.public), entries).reveal(ASKED)
    assert (opened, list(store.accesses())) == ([], [])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (RevealRequest("gone", "officer", Purpose.AUDIT, "2026-1742"), "not here"),
        (RevealRequest("e1", "officer", Purpose.AUDIT, " "), "case number"),
        (RevealRequest("e1", "officer", Purpose.AUDIT, "x" * 65), "case number"),
        (RevealRequest("e1", "", Purpose.AUDIT, "2026-1742"), "nobody"),
        (RevealRequest("e1", "officer", Purpose.AUDIT, "2026-1742", ("policy",)), "not sealed"),
        (RevealRequest("plain", "officer", Purpose.AUDIT, "2026-1742"), "not sealed"),
    ],
)
def test_what_is_asked_wrongly_is_refused_unlogged(
    store: SqlStore, key: AgencyKey, asked: RevealRequest, said: str
) -> None:
    """Each refusal has its sentence."""
    entries = FakeAuditLog()
    store.keep([key.sealed_event("e1", plate="TEST123"), an_event("plain")])

    with pytest.raises(RevealRefusedError, match=said):
        desk(store, key, entries).reveal(asked)
    assert entries.entries == []


def test_what_was_sealed_for_another_event_does_not_open(store: SqlStore, key: AgencyKey) -> None:
    """A value moved from another event is refused; that somebody tried is in the log."""
    entries = FakeAuditLog()
    moved = key.sealed_event("other", plate="TEST123").data["plate"]
    store.keep([an_event("e1", data={"plate": moved})])

    with pytest.raises(SealError):
        desk(store, key, entries).reveal(ASKED)
    assert entries.kinds() == ["Access"]


def test_a_key_that_is_not_here_is_named(store: SqlStore, key: AgencyKey) -> None:
    """Nothing is logged for what cannot be opened here anyway."""
    store.keep([an_event("e1", data={"plate": {"sealed": "x" * 64, "to": "prosecutor"}})])

    with pytest.raises(RevealRefusedError, match="prosecutor"):
        desk(store, key, FakeAuditLog()).reveal(ASKED)


def test_what_there_is_a_key_for_opens_though_other_fields_are_for_others(store: SqlStore, key: AgencyKey) -> None:
    """The log names what was opened and nothing more; a field that is asked for by name must have its key."""
    entries = FakeAuditLog()
    event = key.sealed_event("e1", plate="TEST123")
    theirs: Json = {"sealed": "x" * 64, "to": "prosecutor"}
    store.keep([an_event("e1", data={**event.data, "plate_crop": theirs})])

    revealed = desk(store, key, entries).reveal(ASKED)

    assert dict(revealed.fields) == {"plate": "TEST123"}
    (entry,) = entries.entries
    assert isinstance(entry, log.Access)
    assert entry.fields == ("plate",)
    with pytest.raises(RevealRefusedError, match="prosecutor"):
        desk(store, key, entries).reveal(replace(ASKED, fields=("plate_crop",)))


def test_expiry_is_logged_and_leaves_a_receipt(store: SqlStore, key: AgencyKey) -> None:
    """What is over goes, with an entry before and a receipt after; what is held stays."""
    entries, clock = FakeAuditLog(), FakeClock()
    retention = RetentionDesk(store, entries, clock)
    store.keep([an_event("e1"), an_event("e2"), an_event("kept", life_s=90_000), an_event("held")])
    retention.hold("held", "chief", "2026-17", days=3)
    clock.advance(3601)

    assert retention.expire() == 2
    assert entries.kinds() == ["Hold", "Deletion"]
    deletion = entries.entries[-1]
    assert isinstance(deletion, log.Deletion)
    assert (deletion.count, deletion.reason) == (2, DeletionReason.EXPIRED)
    assert {d.event_id for d in store.deletions()} == {"e1", "e2"}
    assert retention.lift("held") == 1
    assert retention.expire() == 1
    assert retention.expire() == 0
    assert entries.kinds() == ["Hold", "Deletion", "HoldLifted", "Deletion"]


def test_nothing_is_erased_that_the_log_does_not_know_of(store: SqlStore) -> None:
    """A full disk keeps events a little longer, and says so, rather than erase in silence."""
    entries, clock = FakeAuditLog(), FakeClock()
    entries.fail = True
    store.keep([an_event("e1")])
    clock.advance(3601)

    with pytest.raises(AuditError):
        RetentionDesk(store, entries, clock).expire()
    assert store.event("e1") is not None


def test_what_is_held_is_not_erased_by_order(store: SqlStore) -> None:
    """Lift the hold first."""
    retention = RetentionDesk(store, FakeAuditLog(), FakeClock())
    store.keep([an_event("e1"), an_event("e2")])
    retention.hold("e1", "chief", "2026-17", days=1)

    assert (retention.erase("e1"), retention.erase("e2"), retention.erase("e3")) == (False, True, False)
    assert [d.reason for d in store.deletions()] == [DeletionReason.ORDERED]
    with pytest.raises(RevealRefusedError, match="days"):
        retention.hold("e1", "chief", "2026-17", days=900)
    with pytest.raises(RevealRefusedError, match="not here"):
        retention.hold("e3", "chief", "2026-17", days=9)
