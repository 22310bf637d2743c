"""What a collector keeps (collector.store.CollectorStore), through SQLAlchemy Core."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from platesieve.adapters.database import rows, tables
from platesieve.adapters.database.engine import READ_ONLY, as_storage_error, is_sqlite, one_writer, open_engine
from platesieve.collector.records import CheckpointStatus, Rejection
from platesieve.domain.access import OutcomeCode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Select, Table

    from platesieve.collector.records import (
        Access,
        Camera,
        Deletion,
        Event,
        Hold,
        ListFreshness,
        Outcome,
        Quarantined,
        Stored,
    )
    from platesieve.collector.witness import Witnessed
    from platesieve.domain.disclosure import Kind

MAX_QUARANTINED = 10_000  # hashes are small; a flood of bad messages is counted on and not stored on


class SqlStore:
    """See collector.store.CollectorStore.

    Args:
        address: `sqlite:///FILE` or `postgresql+psycopg://USER@HOST/NAME`.

    Raises:
        ConfigError, StorageError: see engine.open_engine.
    """

    def __init__(self, address: str) -> None:
        self._engine = open_engine(address)

    def keep(self, events: Sequence[Event]) -> Mapping[str, Rejection | None]:
        """Keep events under one commit; see the port."""
        fates: dict[str, Rejection | None] = {}
        with self._writing() as connection:
            one_writer(connection)
            for event in events:
                fates[event.id] = _keep(connection, event)
        return fates

    def take_watch(self, agency: str, member: str, now_ns: int, until_ns: int) -> str | None:
        """Take or renew the watch; see the port."""
        mine = {"agency": agency, "member": member, "until_ns": until_ns}
        with self._writing() as connection:
            one_writer(connection)
            held = connection.execute(select(tables.watch).where(tables.watch.c.agency == agency)).first()
            if held is not None and held.member != member and held.until_ns > now_ns:
                return str(held.member)
            connection.execute(delete(tables.watch).where(tables.watch.c.agency == agency))
            connection.execute(tables.watch.insert().values(mine))
        return None

    def report_health(self, event: Event) -> None:
        """Take in the newest health of a device."""
        with self._writing() as connection:
            before = connection.execute(
                select(tables.cameras.c.health, tables.cameras.c.health_ns).where(
                    tables.cameras.c.device == event.device
                )
            ).first()
            old = json.loads(before.health) if before is not None else {}
            values = {
                "seen_ns": event.received_ns,
                "health": json.dumps(dict(event.data), ensure_ascii=False),
                "health_ns": event.received_ns,
                "strain": rows.strain(old, before.health_ns if before else None, event.data, event.received_ns),
            }
            if event.data.get("state") == "offline":  # the last will knows nothing new: keep what was known
                values["health"] = json.dumps({**old, **event.data}, ensure_ascii=False)
                values["strain"] = None
            _put_camera(connection, event.device, values)

    def report_checkpoint(self, device: str, witnessed: Witnessed, at_ns: int) -> None:
        """Take in what the witness said; an alarm stays."""
        forked = witnessed.status is CheckpointStatus.FORKED
        values: dict[str, Any] = {"seen_ns": at_ns}
        with self._writing() as connection:
            alarmed = connection.execute(
                select(tables.cameras.c.forked).where(tables.cameras.c.device == device)
            ).scalar()
            if forked or not alarmed:
                values |= {
                    "checkpoint_status": witnessed.status.value,
                    "checkpoint_size": witnessed.size,
                    "checkpoint_sentence": witnessed.sentence,
                    "forked": forked,
                }
                if witnessed.status is CheckpointStatus.WITNESSED:
                    values["checkpoint_ns"] = at_ns
            _put_camera(connection, device, values)

    def quarantine(self, *messages: Quarantined) -> None:
        """Keep hash, size and reason of messages under one commit, and count them."""
        if not messages:
            return
        table = tables.quarantine
        with self._writing() as connection:
            connection.execute(table.insert(), [rows.columns(message) for message in messages])
            newest = connection.execute(select(func.max(table.c.number))).scalar_one()
            connection.execute(delete(table).where(table.c.number <= newest - MAX_QUARANTINED))
            for reason, times in sorted(Counter(message.reason.value for message in messages).items()):
                counted = _insert(connection, tables.rejections).values(reason=reason, count=times)
                more = {"count": tables.rejections.c.count + times}
                connection.execute(counted.on_conflict_do_update(index_elements=["reason"], set_=more))

    def events(self, since: int = 0, limit: int = 100, kinds: Collection[Kind] = ()) -> Sequence[Stored]:
        """Return events above a cursor, oldest first."""
        wanted = _of(kinds).where(tables.events.c.cursor > since).order_by(tables.events.c.cursor).limit(limit)
        return self._stored(wanted)

    def newest(self, limit: int = 100, kinds: Collection[Kind] = ()) -> Sequence[Stored]:
        """Return the newest events, newest first."""
        return self._stored(_of(kinds).order_by(tables.events.c.cursor.desc()).limit(limit))

    def event(self, event_id: str) -> Stored | None:
        """Return one event, or None."""
        found = self._stored(_of(()).where(tables.events.c.id == event_id))
        return found[0] if found else None

    def expired(self, now_ns: int, limit: int = 1000) -> Sequence[Stored]:
        """Return events whose time is over and that nothing holds."""
        held = exists().where(
            tables.holds.c.event_id == tables.events.c.id,
            tables.holds.c.lifted_ns.is_(None),
            tables.holds.c.until_ns > now_ns,
        )
        over = tables.events.c.expires_ns <= now_ns
        return self._stored(
            _of(()).where(over, ~held).order_by(tables.events.c.expires_ns, tables.events.c.id).limit(limit)
        )

    def delete(self, deletions: Sequence[Deletion]) -> int:
        """Erase events and keep their receipts."""
        gone = 0
        with self._writing() as connection:
            for deletion in deletions:
                erased = connection.execute(delete(tables.events).where(tables.events.c.id == deletion.event_id))
                if erased.rowcount:
                    added = _insert(connection, tables.deletions).values(**rows.columns(deletion))
                    connection.execute(added.on_conflict_do_nothing())
                gone += erased.rowcount
        return gone

    def deletions(self, limit: int = 100) -> Sequence[Deletion]:
        """Return the newest deletion receipts."""
        table = tables.deletions
        found = self._rows(select(table).order_by(table.c.deleted_ns.desc(), table.c.event_id).limit(limit))
        return [rows.deletion(row) for row in found]

    def hold(self, hold: Hold) -> None:
        """Keep an event beyond its expiry."""
        self._insert(tables.holds, rows.columns(hold))

    def lift(self, event_id: str, now_ns: int) -> int:
        """End every hold on an event."""
        table = tables.holds
        with self._writing() as connection:
            standing = table.c.event_id == event_id, table.c.lifted_ns.is_(None)
            return int(connection.execute(update(table).where(*standing).values(lifted_ns=now_ns)).rowcount)

    def holds(self, event_id: str | None = None) -> Sequence[Hold]:
        """Return holds, newest first."""
        wanted = select(tables.holds).order_by(tables.holds.c.number.desc())
        if event_id is not None:
            wanted = wanted.where(tables.holds.c.event_id == event_id)
        return [rows.hold(row) for row in self._rows(wanted)]

    def record_outcome(self, outcome: Outcome) -> None:
        """Add what a person found."""
        self._insert(tables.outcomes, rows.columns(outcome))

    def outcomes(self, event_id: str) -> Sequence[Outcome]:
        """Return what was found about an event, newest first."""
        table = tables.outcomes
        found = self._rows(select(table).where(table.c.event_id == event_id).order_by(table.c.number.desc()))
        return [rows.outcome(row) for row in found]

    def outcome_counts(self, since_ns: int = 0) -> Mapping[OutcomeCode, int]:
        """Return how often each outcome was the newest of its event."""
        table = tables.outcomes
        last = select(func.max(table.c.number)).where(table.c.at_ns >= since_ns).group_by(table.c.event_id)
        wanted = (
            select(table.c.code, func.count().label("times")).where(table.c.number.in_(last)).group_by(table.c.code)
        )
        return {OutcomeCode(row.code): row.times for row in self._rows(wanted)}

    def record_access(self, access: Access) -> None:
        """Keep who opened what."""
        self._insert(tables.accesses, rows.columns(access))

    def accesses(self, limit: int = 100, event_id: str | None = None) -> Sequence[Access]:
        """Return the newest accesses."""
        wanted = select(tables.accesses).order_by(tables.accesses.c.number.desc()).limit(limit)
        if event_id is not None:
            wanted = wanted.where(tables.accesses.c.event_id == event_id)
        return [rows.access(row) for row in self._rows(wanted)]

    def cameras(self, now_ns: int) -> Sequence[Camera]:
        """Return every device that ever spoke."""
        found = self._rows(select(tables.cameras).order_by(tables.cameras.c.device))
        return [rows.camera(row, now_ns) for row in found]

    def hotlists(self, now_ns: int) -> Sequence[ListFreshness]:
        """Return the hot list of each device that named one."""
        found = (rows.freshness(camera, now_ns) for camera in self.cameras(now_ns))
        return [freshness for freshness in found if freshness is not None]

    def quarantined(self, limit: int = 100) -> Sequence[Quarantined]:
        """Return what was not believed, newest first."""
        table = tables.quarantine
        found = self._rows(select(table).order_by(table.c.number.desc()).limit(limit))
        return [rows.quarantined(row) for row in found]

    def quarantine_counts(self) -> Mapping[Rejection, int]:
        """Return how much was not believed, by reason."""
        return {Rejection(row.reason): row.count for row in self._rows(select(tables.rejections))}

    def counts(self) -> Mapping[str, int]:
        """Return how many events are kept, by kind, and how many are held."""
        kinds = self._rows(select(tables.events.c.kind, func.count().label("times")).group_by(tables.events.c.kind))
        standing = tables.holds.c.lifted_ns.is_(None)
        held = self._rows(select(func.count(tables.holds.c.event_id.distinct()).label("times")).where(standing))
        return {**{row.kind: row.times for row in kinds}, "held": held[0].times}

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def _insert(self, table: Table, values: Mapping[str, Any]) -> None:
        with self._writing() as connection:
            connection.execute(table.insert().values(**values))

    def _stored(self, wanted: Select[Any]) -> list[Stored]:
        return [rows.stored(row) for row in self._rows(wanted)]

    def _rows(self, wanted: Select[Any]) -> list[Any]:
        with as_storage_error(), self._engine.connect() as connection:
            return list(connection.execution_options(**{READ_ONLY: True}).execute(wanted))

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with as_storage_error(), self._engine.begin() as connection:
            yield connection


def _insert(connection: Connection, table: Table) -> Any:
    """Return an INSERT that knows ON CONFLICT, which both databases have and the standard has not."""
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)


def _keep(connection: Connection, event: Event) -> Rejection | None:
    document = json.dumps(event.document, separators=(",", ":"), ensure_ascii=False)
    gone = select(tables.deletions.c.event_id).where(tables.deletions.c.event_id == event.id)
    if connection.execute(gone).first() is not None:
        return Rejection.REPLAYED
    values = {
        "id": event.id,
        "kind": event.kind.value,
        "device": event.device,
        "received_ns": event.received_ns,
        "expires_ns": event.expires_ns,
        "document": document,
    }
    insert = _insert(connection, tables.events).values(**values).on_conflict_do_nothing()
    added = connection.execute(insert.returning(tables.events.c.cursor)).first()  # a count of rows is not given by all
    _put_camera(connection, event.device, {"seen_ns": event.received_ns})
    if added is not None:
        return None
    known = select(tables.events.c.document, tables.events.c.device).where(tables.events.c.id == event.id)
    row = connection.execute(known).one()
    return None if (row.document, row.device) == (document, event.device) else Rejection.REPLAYED


def _put_camera(connection: Connection, device: str, values: dict[str, Any]) -> None:
    added = _insert(connection, tables.cameras).values(device=device, **values)
    connection.execute(added.on_conflict_do_update(index_elements=["device"], set_=values))


def _of(kinds: Collection[Kind]) -> Select[Any]:
    """Return the query of events with their newest outcome and whether something holds them."""
    newest = (
        select(tables.outcomes.c.code)
        .where(tables.outcomes.c.event_id == tables.events.c.id)
        .order_by(tables.outcomes.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    held = exists().where(tables.holds.c.event_id == tables.events.c.id, tables.holds.c.lifted_ns.is_(None))
    wanted = select(tables.events, newest.label("outcome"), held.label("held"))
    return wanted.where(tables.events.c.kind.in_([kind.value for kind in kinds])) if kinds else wanted
