"""The SQLite outbox: durable, private, erased where it says erased, and never in the way of a restart."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.domain.disclosure import Disclosure, Kind
from platesieve.domain.errors import StorageError
from platesieve.domain.instant import NS_PER_S
from tests.fakes.clock import START_WALL_NS as NOW
from tests.fakes.disclosures import a_hit

if TYPE_CHECKING:
    from collections.abc import Iterator


QUOTA = 1 << 20
CANARY = "ZZ99CANARY"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the database is."""
    return tmp_path / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[SqliteOutbox]:
    """Return an open outbox."""
    opened = SqliteOutbox(path, QUOTA)
    yield opened
    opened.close()


def every_byte(folder: Path) -> bytes:
    """Return the bytes of all files of a folder."""
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))


def marked(id_: str, mark: str, expires_in_s: float = 60) -> Disclosure:
    """Return a hit with a recognisable body."""
    body = {"plate": {"sealed": mark, "to": "agency"}}
    return Disclosure(id_, Kind.HIT, body, NOW + round(expires_in_s * NS_PER_S))


def test_rows_survive_a_process_that_ends_without_closing(path: Path) -> None:
    """What `store` returned for is there for the next process."""
    child = os.fork()
    if child == 0:
        SqliteOutbox(path, QUOTA).store([a_hit("h1")])
        os._exit(0)
    os.waitpid(child, 0)
    outbox = SqliteOutbox(path, QUOTA)
    assert [d.id for d in outbox.due(NOW, 9)] == ["h1"]
    outbox.close()


def test_every_file_is_readable_by_its_owner_alone(path: Path, outbox: SqliteOutbox) -> None:
    """Also the write-ahead log, and also where the mask of the process is wide."""
    before = os.umask(0)
    try:
        wide = SqliteOutbox(path.with_name("wide.db"), QUOTA)
        wide.store([a_hit("h1")])
    finally:
        os.umask(before)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    wide.close()
    assert modes.keys() == {"outbox.db", "outbox.db-wal", "wide.db", "wide.db-wal"}
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("end", ["expire", "deliver"])
def test_what_is_erased_is_in_no_file_any_more(path: Path, outbox: SqliteOutbox, end: str) -> None:
    """Neither in freed pages (secure_delete) nor in the write-ahead log (TRUNCATE)."""
    outbox.store([marked(f"h{i}", f"MARK{i:04}") for i in range(200)])
    assert every_byte(path.parent).count(b"MARK") >= 200  # control: before, it is there to be found
    if end == "expire":
        assert outbox.purge_expired(NOW + 61 * NS_PER_S) == 200
    else:
        outbox.delivered([f"h{i}" for i in range(200)], NOW)
        outbox.purge_expired(NOW)
    assert b"MARK" not in every_byte(path.parent)


def test_without_the_truncation_erased_rows_would_stay_in_the_log(path: Path) -> None:
    """The control of the test above: a plain DELETE leaves the bytes in the write-ahead log."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("CREATE TABLE t (body TEXT)")
    connection.execute("INSERT INTO t VALUES ('MARK')")
    connection.execute("DELETE FROM t")
    assert b"MARK" in every_byte(path.parent)
    connection.close()


def test_a_sealed_plate_is_nowhere_in_the_files(path: Path, outbox: SqliteOutbox) -> None:
    """Only the sealed form reaches the disk; the plain one would be found."""
    outbox.store([marked("h1", "sealed-bytes")])
    assert CANARY.encode() not in every_byte(path.parent)
    outbox.store([marked("h2", CANARY)])  # control: an unsealed plate is found by the same search
    assert CANARY.encode() in every_byte(path.parent)


@pytest.mark.parametrize("damage", ["not a database", "zeroed page", "spoilt body"])
def test_a_damaged_file_is_set_aside_and_work_goes_on(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is renamed and said, never deleted; no manual step is needed."""
    outbox = SqliteOutbox(path, QUOTA)
    outbox.store([marked(f"h{i}", "MARK" * 500) for i in range(50)])
    outbox.close()
    if damage == "spoilt body":
        data = path.read_bytes()
        path.write_bytes(data.replace(b'{"plate":', b'["plate":', 1))
    else:
        with path.open("r+b") as file:
            file.seek(0 if damage == "not a database" else 4096)
            file.write(b"\xff" * 4096)
    again = SqliteOutbox(path, QUOTA)
    if damage == "spoilt body":  # SQLite has no checksums: only reading the row shows it
        with pytest.raises(StorageError):
            again.due(NOW, 99)
    again.store([a_hit("new")])
    assert [d.id for d in again.due(NOW, 9)] == ["new"]
    assert [aside.name for aside in again.set_aside] == ["outbox.db.damaged-1"]
    assert (path.parent / "outbox.db.damaged-1").stat().st_size > 4096
    assert "set aside" in caplog.text
    assert "MARK" not in caplog.text
    again.close()


def test_a_file_of_another_format_is_left_alone(path: Path, outbox: SqliteOutbox) -> None:
    """An older program does not throw away what a newer one stored."""
    outbox.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StorageError, match="format 99"):
        SqliteOutbox(path, QUOTA)
    assert path.exists()


def test_a_second_owner_is_refused(path: Path, outbox: SqliteOutbox) -> None:
    """Two connections could corrupt the log of SQLite before 3.51.3; one holds the file."""
    outbox.store([a_hit("h1")])
    with pytest.raises(StorageError, match="locked"):
        SqliteOutbox(path, QUOTA)


def test_a_disk_that_fills_up_and_empties_again_needs_no_restart(path: Path) -> None:
    """A refused store says so, loses nothing that was stored, and works again when there is room."""
    outbox = SqliteOutbox(path, QUOTA)
    outbox.store([a_hit("h1")])
    assert outbox._open is not None
    outbox._open.execute("PRAGMA max_page_count = 12")  # SQLite's own way to a full disk
    with pytest.raises(StorageError, match="full"):
        outbox.store([a_hit("big", size=100_000)])
    outbox.store([a_hit("h2")])
    assert [d.id for d in outbox.due(NOW, 9)] == ["h1", "h2"]
    outbox.close()


def test_a_folder_that_is_missing_is_said() -> None:
    """Not a traceback of sqlite3."""
    with pytest.raises(StorageError, match="cannot be opened"):
        SqliteOutbox(Path("/nonexistent/outbox.db"), QUOTA)


def test_one_instance_per_folder(tmp_path: Path) -> None:
    """The lock is the process's: free again when its holder is gone."""
    with instance_lock(tmp_path / "uplink.lock"), pytest.raises(StorageError), instance_lock(tmp_path / "uplink.lock"):
        pass
    with instance_lock(tmp_path / "uplink.lock"):
        pass
