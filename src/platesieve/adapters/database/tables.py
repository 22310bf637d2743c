"""The tables of a collector. Times are nanoseconds since the Unix epoch; documents are JSON text as they came."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, Table, Text

SCHEMA_VERSION = 1
metadata = MetaData()
_KEY = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up INTEGER keys only

versions = Table("platesieve_schema", metadata, Column("version", Integer, primary_key=True))

events = Table(
    "events",
    metadata,
    Column("cursor", _KEY, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    Index("events_to_erase", "expires_ns"),
    Index("events_by_kind", "kind", "cursor"),
    sqlite_autoincrement=True,  # a cursor is never given twice, or a live view would miss an event
)
watch = Table(
    "watch",
    metadata,
    Column("agency", Text, primary_key=True),
    Column("member", Text, nullable=False),
    Column("until_ns", BigInteger, nullable=False),
)
outcomes = Table(
    "outcomes",
    metadata,
    Column("number", _KEY, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False, index=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("user", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("device", Text, nullable=False),
)
accesses = Table(
    "accesses",
    metadata,
    Column("number", _KEY, primary_key=True, autoincrement=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("user", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("case", Text, nullable=False),
    Column("event_id", Text, nullable=False, index=True),
    Column("device", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Column("salt", Text, nullable=False),
    Column("commitment", Text, nullable=False),
    Column("log_index", BigInteger, nullable=False),
)
holds = Table(
    "holds",
    metadata,
    Column("number", _KEY, primary_key=True, autoincrement=True),
    Column("event_id", Text, nullable=False, index=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("user", Text, nullable=False),
    Column("case", Text, nullable=False),
    Column("until_ns", BigInteger, nullable=False),
    Column("lifted_ns", BigInteger),
)
deletions = Table(
    "deletions",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("expired_ns", BigInteger, nullable=False),
    Column("deleted_ns", BigInteger, nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("log_index", BigInteger, nullable=False),
)
quarantine = Table(
    "quarantine",
    metadata,
    Column("number", _KEY, primary_key=True, autoincrement=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("device", Text, nullable=False),
)
rejections = Table(
    "rejections",
    metadata,
    Column("reason", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)
cameras = Table(
    "cameras",
    metadata,
    Column("device", Text, primary_key=True),
    Column("seen_ns", BigInteger, nullable=False),
    Column("health", Text, nullable=False, default="{}"),
    Column("health_ns", BigInteger),
    Column("strain", Float),
    Column("checkpoint_status", Text, nullable=False, default="unknown"),
    Column("checkpoint_size", BigInteger, nullable=False, default=0),
    Column("checkpoint_ns", BigInteger),
    Column("checkpoint_sentence", Text, nullable=False, default=""),
    Column("forked", Boolean, nullable=False, default=False),
)
