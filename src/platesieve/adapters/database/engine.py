"""A database by its address: SQLite in a file of its own, or PostgreSQL; third-party errors end here.

SQLite runs with a rollback journal, because two processes use it and releases before 3.51.3 can corrupt a WAL that two
connections reset at once; `secure_delete` overwrites what is erased, and no WAL keeps a copy of it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from platesieve.adapters.database import tables
from platesieve.domain.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import URL

READ_ONLY = "platesieve_read_only"  # execution option of connections that only read
_BUSY_MS = 10_000
_PRAGMAS = ("journal_mode=TRUNCATE", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON", "temp_store=MEMORY")
_ORDER_LOCK = 7_312_023_911  # pg_advisory_xact_lock: any number that nobody else uses in this database


def open_engine(address: str) -> Engine:
    """Return an engine whose database has our tables, of the version that this program knows.

    Args:
        address: `sqlite:///FILE` or `postgresql+psycopg://USER@HOST/NAME`.

    Raises:
        ConfigError: it is no such address.
        StorageError: the database cannot be reached, or belongs to another version.
    """
    url = _url(address)
    if url.drivername == "sqlite":
        _make_private(Path(url.database or ""))
    try:
        engine = create_engine(url, pool_pre_ping=url.drivername != "sqlite", **_options(url))
    except (NoSuchModuleError, ImportError) as error:
        raise ConfigError(
            "the driver of this database is not installed", 'install it with: pip install "platesieve[collector]"'
        ) from error
    if url.drivername == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    try:
        with as_storage_error(), engine.begin() as connection:
            one_writer(connection)
            tables.metadata.create_all(connection)
            _check_version(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


def is_sqlite(connection: Connection) -> bool:
    """Return whether this is SQLite, which needs no lock of ours: it has one writer at a time."""
    return connection.dialect.name == "sqlite"


def one_writer(connection: Connection) -> None:
    """Let writers of events pass one by one until the commit, so that cursors become visible in their order."""
    if not is_sqlite(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ORDER_LOCK})


@contextmanager
def as_storage_error() -> Iterator[None]:
    """Turn what the database refuses into StorageError; its own words may hold values and are not repeated."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StorageError(
            f"the collector's database refuses: {_cause(error)}",
            "start the database, free space on its disk, and check `collector.database`",
        ) from None


def _cause(error: SQLAlchemyError) -> str:
    origin = getattr(error, "orig", None)
    name = getattr(origin, "sqlite_errorname", None) or getattr(origin, "sqlstate", None)
    return str(name or type(origin or error).__name__)


def _url(address: str) -> URL:
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise _unknown_address() from error
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"sqlite", "postgresql+psycopg"} or not url.database:
        raise _unknown_address()
    return url


def _unknown_address() -> ConfigError:
    return ConfigError(
        "this is no address of a database for a collector",
        "write sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
    )


def _options(url: URL) -> dict[str, Any]:
    if url.drivername == "sqlite":
        return {"connect_args": {"timeout": _BUSY_MS / 1000}}
    return {"pool_size": 5, "connect_args": {"connect_timeout": 5}}


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # Python's own idea of when a transaction begins leaves DDL outside of it
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Take the write lock at once: of two that read first and write then, one would have to fail."""
    reads = connection.get_execution_options().get(READ_ONLY)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _make_private(file: Path) -> None:
    """Create the file for its owner alone; one that exists is not opened, as closing it would drop SQLite's locks."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        file.chmod(0o600)
    except OSError as error:
        raise StorageError(
            f"the collector's database cannot be opened: {error.strerror}", "make its folder writable"
        ) from error


def _check_version(connection: Connection) -> None:
    version = connection.execute(select(tables.versions.c.version)).scalar()
    if version is None:
        connection.execute(insert(tables.versions).values(version=tables.SCHEMA_VERSION))
    elif version != tables.SCHEMA_VERSION:
        raise StorageError(
            f"the collector's database has format {version}, this platesieve knows {tables.SCHEMA_VERSION}",
            "run the platesieve that wrote it, or give another database",
        )
