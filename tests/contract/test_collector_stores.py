"""What collector.store.CollectorStore promises, on SQLite; tests/integration runs the same on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from platesieve.collector.records import (
    CheckpointStatus,
    Deletion,
    Hold,
    Outcome,
    Quarantined,
    Rejection,
)
from platesieve.collector.witness import Witnessed
from platesieve.domain.access import DeletionReason, OutcomeCode
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import StorageError
from platesieve.domain.instant import NS_PER_S
from tests.fakes.clock import START_WALL_NS
from tests.fakes.collected import DEVICE, an_event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platesieve.adapters.database.store import SqlStore
    from platesieve.domain.disclosure import Json

NOW = START_WALL_NS
LATER = START_WALL_NS + 7200 * NS_PER_S


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Return where the database is."""
    return f"sqlite:///{tmp_path / 'collector.db'}"


@pytest.fixture
def store(address: str) -> Iterator[SqlStore]:
    """Return an empty store."""
    pytest.importorskip("sqlalchemy")
    from platesieve.adapters.database.store import SqlStore  # noqa: PLC0415 - an optional extra

    opened = SqlStore(address)
    yield opened
    opened.close()


def deletion(id_: str) -> Deletion:
    """Return a receipt."""
    return Deletion(id_, Kind.HIT, DEVICE, NOW, LATER, DeletionReason.EXPIRED, 0)


def test_one_collector_watches_at_a_time(store: SqlStore) -> None:
    """It renews its watch; another one gets it when it is over, and each agency has its own."""
    assert store.take_watch("metro-pd", "a", NOW, NOW + 60) is None
    assert store.take_watch("metro-pd", "b", NOW + 1, NOW + 61) == "a"
    assert store.take_watch("harbour", "b", NOW + 1, NOW + 61) is None
    assert store.take_watch("metro-pd", "a", NOW + 50, NOW + 110) is None
    assert store.take_watch("metro-pd", "b", NOW + 100, NOW + 160) == "a"
    assert store.take_watch("metro-pd", "b", NOW + 110, NOW + 170) is None


def test_the_same_event_twice_is_one(store: SqlStore) -> None:
    """QoS 1 delivers twice; the id says that it is the same."""
    assert store.keep([an_event("e1"), an_event("e1")]) == {"e1": None}
    assert store.keep([an_event("e1")]) == {"e1": None}
    assert [stored.event.id for stored in store.events()] == ["e1"]
    assert store.counts() == {"hit": 1, "held": 0}


def test_an_id_that_is_taken_or_was_erased_is_a_replay(store: SqlStore) -> None:
    """Other words under a known id, another device's id, and what was erased here are not believed."""
    store.keep([an_event("e1"), an_event("e2")])
    store.delete([deletion("e2")])

    assert store.keep([an_event("e1", data={"lane": "2"})]) == {"e1": Rejection.REPLAYED}
    assert store.keep([an_event("e1", device="metro-pd/bridge-7/cam-2")]) == {"e1": Rejection.REPLAYED}
    assert store.keep([an_event("e2")]) == {"e2": Rejection.REPLAYED}
    assert store.event("e2") is None


def test_a_reader_goes_on_from_its_cursor(store: SqlStore) -> None:
    """Oldest first, each once, of the kinds that are wanted; a cursor is never given twice."""
    store.keep([an_event("e1"), an_event("c1", kind=Kind.COUNT), an_event("e2")])
    first = store.events(limit=1)
    rest = store.events(since=first[-1].cursor)
    store.delete([deletion("e2")])
    store.keep([an_event("e3")])

    assert [s.event.id for s in (*first, *rest)] == ["e1", "c1", "e2"]
    assert [s.event.id for s in store.events(since=rest[-1].cursor)] == ["e3"]
    assert [s.event.id for s in store.events(kinds={Kind.COUNT})] == ["c1"]
    assert [s.event.id for s in store.newest(limit=2)] == ["e3", "c1"]


def test_what_is_over_is_found_unless_it_is_held(store: SqlStore) -> None:
    """Retention goes on when a hold is lifted or over."""
    store.keep([an_event("short"), an_event("held"), an_event("long", life_s=86_400)])
    store.hold(Hold("held", NOW, "chief", "2026-17", LATER + NS_PER_S))

    assert [s.event.id for s in store.expired(LATER)] == ["short"]
    assert [s.event.id for s in store.events() if s.held] == ["held"]
    assert [s.event.id for s in store.expired(LATER + NS_PER_S)] == ["held", "short"]
    assert store.lift("held", LATER) == 1
    assert [s.event.id for s in store.expired(LATER)] == ["held", "short"]
    assert store.delete([deletion("short"), deletion("held"), deletion("unknown")]) == 2
    assert {d.event_id for d in store.deletions()} == {"short", "held"}


def test_the_newest_outcome_counts(store: SqlStore) -> None:
    """A person may change their mind, and the count outlives the event."""
    store.keep([an_event("e1")])
    store.record_outcome(Outcome("e1", NOW, "officer", OutcomeCode.CONFIRMED, DEVICE))
    store.record_outcome(Outcome("e1", LATER, "officer", OutcomeCode.DOES_NOT_CORRELATE, DEVICE))

    assert store.events()[0].outcome is OutcomeCode.DOES_NOT_CORRELATE
    store.delete([deletion("e1")])
    assert store.outcome_counts() == {OutcomeCode.DOES_NOT_CORRELATE: 1}
    assert [o.code for o in store.outcomes("e1")] == [OutcomeCode.DOES_NOT_CORRELATE, OutcomeCode.CONFIRMED]


def test_a_camera_shows_its_health_and_how_much_it_cannot_keep_up(store: SqlStore) -> None:
    """Ten frames a second looked at and ten overtaken: it keeps up with half."""
    for at_s, dropped in ((0, 100), (30, 400)):
        health = an_event("h", kind=Kind.HEALTH, data={"state": "reading", "fps": 10.0, "dropped": dropped})
        store.report_health(type(health)("h", Kind.HEALTH, DEVICE, NOW + at_s * NS_PER_S, None, health.document))
    (camera,) = store.cameras(NOW + 31 * NS_PER_S)

    assert (camera.state, camera.strain, camera.device) == ("reading", 0.5, DEVICE)
    assert store.cameras(LATER)[0].state == "silent"


def test_a_last_will_keeps_what_was_known(store: SqlStore) -> None:
    """Offline says nothing about policy and list; they stay as last told."""
    told: dict[str, Json] = {"state": "reading", "hotlist": {"sha256": "ab", "count": 7, "age_s": 60}}
    store.report_health(an_event("h1", kind=Kind.HEALTH, data=told))
    store.report_health(an_event("h2", kind=Kind.HEALTH, data={"state": "offline"}))
    (freshness,) = store.hotlists(NOW + 10 * NS_PER_S)

    assert store.cameras(NOW)[0].state == "offline"
    assert (freshness.count, freshness.age_s) == (7, 70.0)


def test_a_fork_stays_on_the_wall(store: SqlStore) -> None:
    """A later good checkpoint does not take an alarm away."""
    store.report_checkpoint(DEVICE, Witnessed(CheckpointStatus.WITNESSED, None, 5, "first"), NOW)
    store.report_checkpoint(DEVICE, Witnessed(CheckpointStatus.FORKED, None, 5, "a fork"), NOW)
    store.report_checkpoint(DEVICE, Witnessed(CheckpointStatus.WITNESSED, None, 9, "grew"), LATER)
    (camera,) = store.cameras(LATER)

    assert (camera.checkpoint_status, camera.checkpoint_sentence) == (CheckpointStatus.FORKED, "a fork")


def test_what_is_not_believed_is_counted_and_kept_by_hash(store: SqlStore) -> None:
    """Newest first, with a count that goes on."""
    for number in range(3):
        store.quarantine(Quarantined(NOW + number, Rejection.MALFORMED, f"{number:064x}", 17, DEVICE))

    assert [q.at_ns - NOW for q in store.quarantined(2)] == [2, 1]
    assert store.quarantine_counts() == {Rejection.MALFORMED: 3}


def test_several_may_open_a_new_database_at_once(tmp_path: Path, store: SqlStore) -> None:
    """Collector and dashboard are started together: both find the tables, made once."""
    new = f"sqlite:///{tmp_path / 'new.db'}"
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: type(store)(new), range(8)))
        fates = list(pool.map(lambda pair: pair[1].keep([an_event(f"e{pair[0]}")]), enumerate(opened)))
    assert len(fates) == len(opened[0].events()) == 8
    for each in opened:
        each.close()


def test_a_database_of_another_version_is_refused(store: SqlStore, address: str) -> None:
    """Nothing is guessed about tables that somebody else made."""
    from sqlalchemy import create_engine, text  # noqa: PLC0415 - an optional extra

    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text("UPDATE platesieve_schema SET version = 99"))
    engine.dispose()
    with pytest.raises(StorageError, match="format 99"):
        type(store)(address)
