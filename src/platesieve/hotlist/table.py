"""A hot list as a table: CSV (RFC 4180, UTF-8), the first line names the columns, in any order.

    plate,category,list,expires,jurisdiction
    ABC 123,stolen,state-police,2026-12-31,US-MN
    XYZ789,warrant,metro-pd,,

`plate` as people write it; `category` and `list` are short names in small letters; `expires` may be missing or empty,
else an ISO 8601 date (wanted until the end of it, UTC) or RFC 3339 time; `jurisdiction` may be missing or empty, else
an ISO 3166 code, `US` or `US-MN`: a plate that is read as one of another country then meets nothing. There is no other
column: a hot list has no
place for free text about people.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from platesieve.domain.errors import ConfigError, PlateTextError
from platesieve.domain.instant import NS_PER_S
from platesieve.domain.plate import PlateText

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 64 << 20
MAX_ROWS = 1_000_000
MAX_PROBLEMS = 100
_PIECE = 1 << 20
NEEDED = frozenset({"plate", "category", "list"})
COLUMNS = frozenset({*NEEDED, "expires", "jurisdiction"})
# The same small words that the audit log admits. A plate in capital letters is none of them.
_NAME = re.compile(r"(?=.{1,32}\Z)[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """One line of the table. `until_ns` is the first moment at which the plate is no longer wanted, or None."""

    plate: PlateText
    category: str
    list_id: str
    until_ns: int | None
    jurisdiction: str | None = None


class _BadRow(Exception):  # noqa: N818 - never leaves this module
    """What is wrong with a row, without its plate."""


def read_table(raw: bytes, name: str) -> Iterator[Row]:
    """Yield the rows of a table, one at a time: a long list never stands in RAM as objects.

    Raises:
        ConfigError: after the last row, so that all faults are named at once; what was yielded before is not used.
            `problems` names every bad row as "name:line: what is wrong; what to do". No cell is repeated in them: in a
            shifted row any cell can be a plate.
    """
    if len(raw) > MAX_BYTES:
        raise _refuse(name, [f"{name}:1: is larger than {MAX_BYTES} bytes; split it, or leave out what is over"])
    problems: list[str] = []
    rows = 0
    for line, found in _lines(raw):
        if isinstance(found, Row):
            rows += 1
            if rows > MAX_ROWS:
                raise _refuse(name, [f"{name}:{line}: is row {MAX_ROWS + 1}; a device holds {MAX_ROWS} at most"])
            yield found
        elif len(problems) < MAX_PROBLEMS:
            problems.append(f"{name}:{line}: {found}")
    if problems:
        raise _refuse(name, problems)


def _lines(raw: bytes) -> Iterator[tuple[int, Row | str]]:
    """Yield each row with its line, or in words what is wrong with it."""
    bad_text = _not_utf8(raw)
    if bad_text is not None:
        yield bad_text, "is not UTF-8 text; save the table as UTF-8"
        return
    # Decoded piece by piece: as one text a list of 40 MB would take 160 MB more.
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(raw), "utf-8-sig", newline=""), strict=True)
    columns: tuple[str, ...] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            if columns is None:
                yield 1, "has no line that names the columns; begin with plate,category,list,expires"
            return
        except csv.Error:
            yield line, "is not CSV, or a cell has more than 131072 letters; correct its quotes"
            continue
        if not cells or cells == [""]:
            continue
        if columns is None:
            columns = tuple(cell.strip().lower() for cell in cells)
            problem = _header_problem(columns)
            if problem:
                yield line, problem
                return
            continue
        try:
            yield line, _row(columns, cells)
        except _BadRow as bad:
            yield line, str(bad)


def _not_utf8(raw: bytes) -> int | None:
    """Return the line on which text stops being UTF-8, or None."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(raw) + 1, _PIECE):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(raw[start : start + _PIECE], final=start + _PIECE > len(raw))
        except UnicodeDecodeError as error:
            return raw.count(b"\n", 0, start - held + error.start) + 1
    return None


def _header_problem(columns: tuple[str, ...]) -> str | None:
    """Return what is wrong with the columns; their names are not repeated, the line may be a row."""
    if NEEDED - set(columns):
        return "does not name the columns; begin with plate,category,list,expires"
    if len(set(columns)) != len(columns):
        return "names a column twice; name each once"
    unknown = len(set(columns) - COLUMNS)
    if unknown:
        return (
            f"has {unknown} column{'s' if unknown > 1 else ''} that a hot list may not have; leave only "
            "plate, category, list, expires and jurisdiction: free text about people has no place on the device"
        )
    return None


def _row(columns: tuple[str, ...], cells: list[str]) -> Row:
    if len(cells) != len(columns):
        raise _BadRow(f"has {len(cells)} cells for {len(columns)} columns; correct its commas")
    row = dict(zip(columns, cells, strict=True))
    try:
        plate = PlateText.from_written(row["plate"].strip())
    except PlateTextError:
        raise _BadRow("has no plate in it; write 1 to 12 letters A-Z and digits") from None
    category, list_id = row["category"].strip(), row["list"].strip()
    if not _NAME.fullmatch(category):
        raise _BadRow("has no usable category; write 1 to 32 small letters, digits and dashes")
    if not _NAME.fullmatch(list_id):
        raise _BadRow("has no usable list; write 1 to 32 small letters, digits and dashes")
    jurisdiction = row.get("jurisdiction", "").strip()
    if jurisdiction and not _JURISDICTION.fullmatch(jurisdiction):
        raise _BadRow("has a jurisdiction that is no ISO 3166 code; write for example US or US-MN")
    return Row(plate, category, list_id, _until_ns(row.get("expires", "").strip()), jurisdiction or None)


@lru_cache(maxsize=1024)  # a list has few different dates
def _until_ns(written: str) -> int | None:
    if not written:
        return None
    try:
        moment = _end_of_day(written) if _DATE.fullmatch(written) else _moment(written)
        return int(moment.timestamp()) * NS_PER_S
    except (ValueError, OverflowError):
        raise _BadRow("has an expiry that is no date; write for example 2026-12-31") from None


def _end_of_day(written: str) -> datetime:
    return datetime.combine(date.fromisoformat(written) + timedelta(days=1), time(), UTC)


def _moment(written: str) -> datetime:
    if not _TIME.fullmatch(written):
        raise ValueError("neither a date nor a time")
    return datetime.fromisoformat(written.upper())


def _refuse(name: str, problems: list[str]) -> ConfigError:
    return ConfigError(
        f"hot list {name} has {len(problems)}{' or more' if len(problems) == MAX_PROBLEMS else ''} "
        f"bad line{'s' if len(problems) != 1 else ''}, and none of it is used",
        "correct each line that is named; its first line is plate,category,list,expires",
        tuple(problems),
    )
