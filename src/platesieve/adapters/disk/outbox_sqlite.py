"""The outbox (ports.Outbox) in one SQLite file, owned by one thread through one connection.

Chosen and measured: WAL with synchronous=FULL loses nothing acknowledged at a power cut, NORMAL does; DELETE
leaves rows behind in the WAL until it is truncated; SQLite before 3.51.3 can corrupt a WAL that two
connections reset at once, which locking_mode=EXCLUSIVE rules out. Erasing from a file does not erase
flash: what may not be read later is sealed before it comes here. What the device says of itself now is not written at
all (standing_words).
"""
# ruff: noqa: S608 - statements are put together from constants of this module alone; every value is bound

from __future__ import annotations

import json
import logging
import os
import sqlite3
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from platesieve.adapters.disk.standing_words import StandingWords
from platesieve.domain.disclosure import Disclosure, Kind
from platesieve.domain.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from platesieve.domain.disclosure import Stretch

_log = logging.getLogger(__name__)
SCHEMA_VERSION = 1
NS_PER_S = 1_000_000_000
RESEND_NS = 600 * NS_PER_S  # a row that waits for a receipt is offered again this often
MIN_LIFE_NS = NS_PER_S  # MQTT counts expiry in whole seconds: less than one is none
_FARTHEST_NS = 24 * 3600 * NS_PER_S  # a row postponed for longer was postponed by a clock that was wrong
_ROW_BYTES = 256  # what a row costs beside its body, for the quota
_TRUNCATE_S = 10.0  # delivered rows leave the WAL at least this often
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_RANK = {Kind.HIT: 0, Kind.HEALTH: 1, Kind.CHECKPOINT: 1, Kind.COUNT: 2, Kind.READ: 3}
_DROP_ORDER = (Kind.READ, Kind.COUNT, Kind.HIT)
_PRAGMAS = (
    "locking_mode=EXCLUSIVE",  # before WAL: then its index stays in memory and no second connection can open
    "secure_delete=ON",
    "temp_store=MEMORY",
    "mmap_size=0",
    "journal_mode=WAL",
    "synchronous={synchronous}",
)
_SCHEMA = f"""
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  rank INTEGER NOT NULL,
  body TEXT NOT NULL,
  expires_wall_ns INTEGER,
  receipt_from TEXT,
  sent INTEGER NOT NULL DEFAULT 0,
  not_before_wall_ns INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX to_send ON outbox (sent, rank, seq);
CREATE INDEX to_resend ON outbox (not_before_wall_ns) WHERE sent = 1 AND receipt_from IS NOT NULL;
CREATE INDEX to_erase ON outbox (expires_wall_ns) WHERE expires_wall_ns IS NOT NULL;
CREATE INDEX to_drop ON outbox (kind, seq);
PRAGMA user_version = {SCHEMA_VERSION};
"""
_COLUMNS = "id, kind, body, expires_wall_ns, receipt_from"
_MAY_GO = """(not_before_wall_ns <= :now OR not_before_wall_ns > :farthest)
  AND (expires_wall_ns IS NULL OR expires_wall_ns > :soon)"""


class SqliteOutbox:
    """See ports.Outbox.

    Args:
        path: the database file; made with mode 0600.
        quota_bytes: bound on what it holds. Above it the oldest reads go, then counts, then hits.
        resend_ns: how long a receipt is waited for before its event is offered again.
        now_s: monotonic seconds; for tests.
        testing_only_synchronous: the weaker setting that the fault tests show to be too weak.
    """

    def __init__(
        self,
        path: Path,
        quota_bytes: int,
        *,
        resend_ns: int = RESEND_NS,
        now_s: Callable[[], float] = time.monotonic,
        testing_only_synchronous: str = "FULL",
    ) -> None:
        self._path = path
        self._quota_bytes = quota_bytes
        self._resend_ns, self._now_s = resend_ns, now_s
        self._pragmas = [pragma.format(synchronous=testing_only_synchronous) for pragma in _PRAGMAS]
        self._standing = StandingWords()
        self._open: sqlite3.Connection | None = None
        self._bytes = 0
        self._dirty = False  # whether the WAL may hold rows that were deleted
        self._truncated_s = 0.0
        self._unreported = 0  # erased, but the WAL could not be truncated yet
        self.set_aside: list[Path] = []  # damaged files that were put out of the way, by this instance
        with self._connection():
            pass

    def store(self, disclosures: Sequence[Disclosure]) -> int:
        """Add these under one commit; see ports.Outbox."""
        for disclosure in disclosures:
            if disclosure.kind.lasting:
                self._standing.say(disclosure)
        events = [disclosure for disclosure in disclosures if not disclosure.kind.lasting]
        if not events:
            return 0
        with self._transaction() as connection:
            for disclosure in events:
                self._insert(connection, disclosure)
            return self._keep_quota(connection)

    def due(self, now_wall_ns: int, limit: int, excluding: AbstractSet[str] = frozenset()) -> Sequence[Disclosure]:
        """Return what is to be sent now; see ports.Outbox."""
        most = limit + len(excluding)
        times = {
            "now": now_wall_ns,
            "farthest": now_wall_ns + _FARTHEST_NS,
            "soon": now_wall_ns + MIN_LIFE_NS,
            "most": most,
        }
        with self._connection() as connection:
            fresh = connection.execute(
                f"SELECT {_COLUMNS} FROM outbox WHERE sent = 0 AND {_MAY_GO} ORDER BY rank, seq LIMIT :most", times
            ).fetchall()
            again = connection.execute(
                f"SELECT {_COLUMNS} FROM outbox WHERE sent = 1 AND receipt_from IS NOT NULL AND {_MAY_GO} LIMIT :most",
                times,
            ).fetchall()
            waiting = [_disclosure(row) for row in fresh] + self._standing.due(now_wall_ns, times["farthest"])
            waiting.sort(key=lambda disclosure: _RANK[disclosure.kind])
            rows = [one for one in (*waiting, *map(_disclosure, again)) if one.id not in excluding]
            return rows[:limit]

    def delivered(self, ids: Sequence[str], now_wall_ns: int) -> None:
        """Record that the broker has these; see ports.Outbox."""
        self._standing.sent(ids)
        stays = "receipt_from IS NOT NULL"
        with self._transaction() as connection:
            for id_ in ids:
                connection.execute(
                    f"UPDATE outbox SET sent = 1, not_before_wall_ns = ? WHERE id = ? AND {stays}",
                    (now_wall_ns + self._resend_ns, id_),
                )
                self._delete(connection, f"id = ? AND NOT {stays}", (id_,))

    def receipted(self, ids: Sequence[str], collector: str) -> int:
        """Let go of what awaits the receipt of this collector."""
        with self._transaction() as connection:
            return sum(self._delete(connection, "id = ? AND receipt_from = ?", (id_, collector)) for id_ in ids)

    def postpone(self, ids: Sequence[str], until_wall_ns: int) -> None:
        """Do not offer these before `until_wall_ns`."""
        self._standing.postpone(ids, until_wall_ns)
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE outbox SET not_before_wall_ns = ? WHERE id = ?", [(until_wall_ns, id_) for id_ in ids]
            )

    def stretch(self, asked: Stretch) -> int:
        """Keep rows for longer; see ports.Outbox."""
        with self._transaction() as connection:
            return connection.execute(
                "UPDATE outbox SET expires_wall_ns = :until WHERE kind = :kind"
                " AND expires_wall_ns >= :since AND expires_wall_ns < :to AND expires_wall_ns < :until",
                {
                    "until": asked.until_ns,
                    "kind": asked.kind.value,
                    "since": asked.from_ns,
                    "to": asked.to_ns,
                },
            ).rowcount

    def purge_expired(self, now_wall_ns: int) -> int:
        """Erase what has expired from the database and its WAL; see ports.Outbox."""
        with self._transaction() as connection:
            erased = self._delete(connection, "expires_wall_ns <= ?", (now_wall_ns,))
        self._unreported += erased
        if self._unreported or (self._dirty and self._now_s() - self._truncated_s > _TRUNCATE_S):
            self._truncate()
        reported, self._unreported = self._unreported, 0
        return reported

    def forget(self, kind: Kind) -> None:
        """Erase the Disclosure of a lasting kind."""
        self._standing.forget(kind)

    def renew_lasting(self) -> None:
        """Offer the lasting kinds again."""
        self._standing.renew()

    def unsent(self) -> int:
        """Return how many were never taken by the broker."""
        with self._connection() as connection:
            events = int(connection.execute("SELECT count(*) FROM outbox WHERE sent = 0").fetchone()[0])
        return events + self._standing.unsent()

    def close(self) -> None:
        """Leave no WAL behind and close. Safe to call twice."""
        if self._open is not None:
            self._truncate()
            self._drop_connection()

    def _insert(self, connection: sqlite3.Connection, disclosure: Disclosure) -> None:
        body = json.dumps(disclosure.body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        added = connection.execute(
            f"INSERT OR IGNORE INTO outbox (rank, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
            (
                _RANK[disclosure.kind],
                disclosure.id,
                disclosure.kind.value,
                body,
                disclosure.expires_wall_ns,
                disclosure.receipt_from,
            ),
        ).rowcount
        self._bytes += (len(body.encode()) + _ROW_BYTES) * added

    def _keep_quota(self, connection: sqlite3.Connection) -> int:
        dropped = 0
        for kind in _DROP_ORDER:
            while self._bytes > self._quota_bytes:
                oldest = "seq = (SELECT min(seq) FROM outbox WHERE kind = ?)"
                if not self._delete(connection, oldest, (kind.value,)):
                    break
                dropped += 1
        return dropped

    def _delete(self, connection: sqlite3.Connection, where: str, values: tuple[object, ...]) -> int:
        size = "length(CAST(body AS BLOB))"
        sizes = connection.execute(f"DELETE FROM outbox WHERE {where} RETURNING {size}", values).fetchall()
        self._bytes -= sum(bytes_ + _ROW_BYTES for (bytes_,) in sizes)
        self._dirty = self._dirty or bool(sizes)
        return len(sizes)

    def _truncate(self) -> None:
        with self._connection() as connection:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            if busy:  # cannot happen with one connection; a WAL with erased rows in it must not go unnoticed
                raise StorageError("the write-ahead log of the outbox could not be truncated", "restart the uplink")
        self._dirty = False
        self._truncated_s = self._now_s()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Give the connection, opened if need be; after any error it is closed.

        A failed fsync leaves a state that no retry can trust (Rebello et al., ATC 2020): the file is
        opened, replayed and checked again instead.
        """
        try:
            if self._open is None:
                self._open = self._open_checked()
            yield self._open
        except sqlite3.Error as error:
            self._drop_connection()
            if isinstance(error, _DamageError):
                self._put_aside()  # SQLite itself would find nothing wrong with it at the next opening
            raise StorageError(
                f"the outbox cannot be used: {error}", "free space on the disk, and make the state folder writable"
            ) from error
        except BaseException:
            self._drop_connection()
            raise

    def _drop_connection(self) -> None:
        if self._open is not None:
            self._open.close()  # rolls back what was not committed
            self._open = None

    def _open_checked(self) -> sqlite3.Connection:
        self._make_private()
        try:
            return self._prepare()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
        self._put_aside()
        self._make_private()
        return self._prepare()

    def _prepare(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=0)
        try:
            for pragma in self._pragmas:
                connection.execute(f"PRAGMA {pragma}")
            _check_pages(connection)
            _check_version(connection)
            total = "SELECT coalesce(sum(length(CAST(body AS BLOB)) + ?), 0) FROM outbox"
            self._bytes = int(connection.execute(total, (_ROW_BYTES,)).fetchone()[0])
        except BaseException:
            connection.close()
            raise
        self._dirty = True  # an earlier run may have left deleted rows in the WAL
        return connection

    def _make_private(self) -> None:
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            self._path.chmod(0o600)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)  # the name of a new file is durable only with its folder
            finally:
                os.close(folder)
        except OSError as error:
            raise StorageError(
                f"the outbox cannot be opened: {error.strerror}", "make the state folder writable"
            ) from error

    def _put_aside(self) -> None:
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.damaged-{number}")).exists():
            number += 1
        for suffix in ("-wal", "-journal", ""):  # the database last: until then a crash here is repeated, not lost
            source = self._path.with_name(self._path.name + suffix)
            if source.exists():
                source.rename(aside.with_name(aside.name + suffix))
        self.set_aside.append(aside)
        _log.error("the outbox was damaged; it was set aside as %s and a new one begun", aside.name)


class _DamageError(sqlite3.DatabaseError):
    """The file opens, but its pages contradict each other."""


def _is_damage(error: sqlite3.Error) -> bool:
    # The low byte is the primary code (sqlite.org/rescode.html); our own sqlite3 errors have none.
    return isinstance(error, _DamageError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def _check_pages(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
        raise _DamageError("quick_check found damage")


def _check_version(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
    elif version != SCHEMA_VERSION:
        raise StorageError(
            f"the outbox has format {version}, this platesieve knows {SCHEMA_VERSION}",
            "run the platesieve that wrote it, or move the outbox file away",
        )


def _disclosure(row: tuple[str, str, str, int | None, str | None]) -> Disclosure:
    id_, kind, body, expires_wall_ns, receipt_from = row
    try:
        return Disclosure(id_, Kind(kind), json.loads(body), expires_wall_ns, receipt_from)
    except ValueError:
        # `from None`: the cause carries the text it could not parse.
        raise _DamageError("a row is no longer what was stored") from None
