"""Opening the collector's database: several may do it at once, and none takes another's lock away."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("sqlalchemy")

from sqlalchemy import create_engine, event, insert

from platesieve.adapters.database import engine, tables
from platesieve.domain.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETTLE_S = 0.5  # by then the second has looked at the empty file and waits for the lock
LOCK = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"


def test_two_that_create_it_at_once_both_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second waits while the first creates the tables; the control: without the write lock it is refused."""
    assert _open_while_another_creates(tmp_path / "both.db") == []
    monkeypatch.setattr(engine, "_begin", lambda _connection: None)
    (refused,) = _open_while_another_creates(tmp_path / "control.db")
    assert "SQLITE_ERROR" in str(refused)


def test_opening_it_again_leaves_the_locks_of_this_process_alone(tmp_path: Path) -> None:
    """POSIX drops all locks that a process has on a file when it closes it once; the control: another file is free."""
    file, other = tmp_path / "kept.db", tmp_path / "other.db"
    for each in (file, other):
        engine.open_engine(f"sqlite:///{each}").dispose()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        engine._make_private(file)
        assert _lock_elsewhere(file) != 0
        assert _lock_elsewhere(other) == 0


def _lock_elsewhere(file: Path) -> int:
    """Return how another process ends that wants to write."""
    return subprocess.run([sys.executable, "-c", LOCK, str(file)], check=False, capture_output=True).returncode


def _open_while_another_creates(file: Path, begin: Callable[..., None] = engine._begin) -> list[StorageError]:
    """Return what the second of two stumbles over; to SQLite two connections are as two processes."""
    first = create_engine(f"sqlite:///{file}")
    event.listen(first, "connect", engine._prepare)
    event.listen(first, "begin", begin)
    refused: list[StorageError] = []

    def second() -> None:
        try:
            engine.open_engine(f"sqlite:///{file}").dispose()
        except StorageError as error:
            refused.append(error)

    waiting = threading.Thread(target=second)
    with closing(first.connect()) as connection, connection.begin():
        waiting.start()
        time.sleep(SETTLE_S)
        assert waiting.is_alive()
        tables.metadata.create_all(connection)
        connection.execute(insert(tables.versions).values(version=tables.SCHEMA_VERSION))
    waiting.join(20)
    first.dispose()
    return refused
