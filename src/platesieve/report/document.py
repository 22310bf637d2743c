"""A report as data: figures, tables and notes. Text, JSON, CSV and HTML are made from this and say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from platesieve.audit import words

if TYPE_CHECKING:
    from collections.abc import Iterator

Cell: TypeAlias = "str | int | None"

NS_PER_S = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that matters; `key` is for machines."""

    key: str
    label: str
    value: int | str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns.

    Attributes:
        key: for machines.
        title: for people.
        columns: key and title of each.
        rows: as many cells as columns; None where nothing is known.
        charted: key of a numeric column to draw, or empty; `labelled` is the column with its labels.
        labelled: see `charted`.
        empty: what to say where there is no row.
        note: what the reader must know about it, or empty.
    """

    key: str
    title: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Cell, ...], ...]
    charted: str = ""
    labelled: str = ""
    empty: str = "None."
    note: str = ""

    def column(self, key: str) -> list[Cell]:
        """Return the cells of a column."""
        index = [name for name, _ in self.columns].index(key)
        return [row[index] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Source:
    """From which log a report was made.

    Attributes:
        origin: name of the log.
        size: its entries.
        root: signed root, hex.
        since_ns: beginning of the period, or None for the beginning of the log.
        until_ns: its end, not part of it, or None for the end of the log.
        first_ns: time of the log's first entry, where it has one.
        last_ns: time of its last.
    """

    origin: str
    size: int
    root: str
    since_ns: int | None = None
    until_ns: int | None = None
    first_ns: int | None = None
    last_ns: int | None = None

    def covers(self, time_ns: int) -> bool:
        """Return whether a moment is in the period."""
        return (self.since_ns is None or time_ns >= self.since_ns) and (
            self.until_ns is None or time_ns < self.until_ns
        )

    @property
    def period(self) -> str:
        """Return the period in words."""
        since = _or_edge(self.since_ns, self.first_ns, "the beginning of the log")
        until = _or_edge(self.until_ns, self.last_ns, "its end")
        return f"{since} to {until}"


@dataclass(frozen=True, slots=True)
class Report:
    """What is handed over."""

    key: str
    title: str
    purpose: str
    source: Source
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        source = self.source
        return {
            "report": self.key,
            "log": {"origin": source.origin, "size": source.size, "root": source.root},
            "since": None if source.since_ns is None else written(source.since_ns),
            "until": None if source.until_ns is None else written(source.until_ns),
            "figures": {figure.key: figure.value for figure in self.figures},
            "tables": {
                table.key: [dict(zip((key for key, _ in table.columns), row, strict=True)) for row in table.rows]
                for table in self.tables
            },
            "notes": list(self.notes),
        }

    @property
    def cells(self) -> Iterator[tuple[str, int, str, Cell]]:
        """Yield table, row, column and value of everything, for CSV."""
        for figure in self.figures:
            yield "figures", 0, figure.key, figure.value
        for table in self.tables:
            for number, row in enumerate(table.rows):
                for (key, _), value in zip(table.columns, row, strict=True):
                    yield table.key, number, key, value


def written(time_ns: int) -> str:
    """Return a moment as RFC 3339 in UTC."""
    return words.MOMENT.write(time_ns)


def day_of(time_ns: int) -> str:
    """Return the date of a moment, UTC."""
    return written(time_ns)[:10]


def _or_edge(asked_ns: int | None, edge_ns: int | None, edge: str) -> str:
    """Return a moment that was asked for, or where the log begins or ends."""
    if asked_ns is not None:
        return written(asked_ns)
    return edge if edge_ns is None else f"{written(edge_ns)} ({edge})"
