"""The few kinds of value that an entry may hold: whole seconds, counts, hashes, names, choices. No free text.

Each kind admits a Python value, writes it as JSON and reads it back. A plate (capital letters and digits, at
most 12 of them) is admitted by none of the kinds that hold text: names are in small letters, versions have a
dot or dash, device paths have slashes, hashes are long. A refusal never repeats the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from platesieve.domain.errors import AuditError

if TYPE_CHECKING:
    from enum import StrEnum

NS_PER_S = 1_000_000_000
_MAX_COUNT = 2**53 - 1  # the largest integer that RFC 8785 writes exactly
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z: RFC 3339 has four digits for the year
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def refuse(what: str) -> AuditError:
    """Return the error for a value that no entry may hold."""
    return AuditError(f"an audit entry cannot hold this: {what}", "give only what FORMAT.md section 2 allows")


class Word(Protocol):
    """One kind of value."""

    def admit(self, value: Any) -> Any:
        """Return the value as the entry holds it.

        Raises:
            AuditError: it is of another kind.
        """

    def write(self, value: Any) -> Any:
        """Return an admitted value as JSON."""

    def read(self, json: Any) -> Any:
        """Return the value of JSON; `admit` checks it afterwards."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Nanoseconds since the Unix epoch, floored to whole seconds; RFC 3339 UTC in JSON (FORMAT 2.3)."""

    def admit(self, value: Any) -> int:
        """Floor to the second: finer time would help to tell who passed."""
        if type(value) is not int or not 0 <= value // NS_PER_S <= _LAST_SECOND:
            raise refuse("a time outside the years 1970 to 9999")
        return value - value % NS_PER_S

    def write(self, value: int) -> str:
        """Write as RFC 3339."""
        return datetime.fromtimestamp(value // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def read(self, json: Any) -> int:
        """Read RFC 3339 with seconds and Z, nothing looser."""
        if not isinstance(json, str) or not _RFC_3339.fullmatch(json):
            raise refuse("a time that is not RFC 3339 in whole seconds, UTC")
        try:
            return int(datetime.strptime(json, "%Y-%m-%dT%H:%M:%S%z").timestamp()) * NS_PER_S
        except ValueError as error:
            raise refuse("a date that does not exist") from error


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number from 0 (FORMAT 2.4)."""

    def admit(self, value: Any) -> int:
        """Refuse fractions, signs and truth values."""
        if type(value) is not int or not 0 <= value <= _MAX_COUNT:
            raise refuse("a count that is not a whole number from 0")
        return value

    def write(self, value: int) -> int:
        """Write as it is."""
        return value

    def read(self, json: Any) -> Any:
        """Read as it is."""
        return json


@dataclass(frozen=True, slots=True)
class Pattern:
    """Text that a regular expression matches whole (FORMAT 2.5)."""

    name: str
    expression: str

    def admit(self, value: Any) -> str:
        """Refuse whatever does not match."""
        if type(value) is not str or not re.fullmatch(self.expression, value, re.ASCII):
            raise refuse(f"text that is not a {self.name}")
        return value

    def write(self, value: str) -> str:
        """Write as it is."""
        return value

    def read(self, json: Any) -> Any:
        """Read as it is."""
        return json


@dataclass(frozen=True, slots=True)
class Choice:
    """One member of a closed list (FORMAT 2.6)."""

    members: type[StrEnum]

    def admit(self, value: Any) -> StrEnum:
        """Refuse text that merely looks like a member."""
        if not isinstance(value, self.members):
            raise refuse(f"something that is no {self.members.__name__}")
        return value

    def write(self, value: StrEnum) -> str:
        """Write the member's value."""
        return value.value

    def read(self, json: Any) -> StrEnum:
        """Read the member with this value."""
        try:
            return self.members(json)
        except ValueError as error:
            raise refuse(f"something that is no {self.members.__name__}") from error


@dataclass(frozen=True, slots=True)
class Several:
    """A list of one kind of value."""

    word: Word

    def admit(self, value: Any) -> tuple[Any, ...]:
        """Admit each."""
        if not isinstance(value, tuple | list):
            raise refuse("something that is no list")
        return tuple(self.word.admit(item) for item in value)

    def write(self, value: tuple[Any, ...]) -> list[Any]:
        """Write each."""
        return [self.word.write(item) for item in value]

    def read(self, json: Any) -> tuple[Any, ...]:
        """Read each."""
        if not isinstance(json, list):
            raise refuse("something that is no list")
        return tuple(self.word.read(item) for item in json)


@dataclass(frozen=True, slots=True)
class Tallies:
    """Counts by key, the keys of one kind (FORMAT 2.7)."""

    key: Word

    def admit(self, value: Any) -> Mapping[str, int]:
        """Admit each key and count, in an order of their own."""
        if not isinstance(value, Mapping):
            raise refuse("counts that are no table")
        admitted = {self.key.write(self.key.admit(self.key.read(key))): COUNT.admit(n) for key, n in value.items()}
        return MappingProxyType(dict(sorted(admitted.items())))

    def write(self, value: Mapping[str, int]) -> dict[str, int]:
        """Write as an object."""
        return dict(value)

    def read(self, json: Any) -> Any:
        """Read an object."""
        if not isinstance(json, dict):
            raise refuse("counts that are no table")
        return {self.key.read(key): count for key, count in json.items()}


@dataclass(frozen=True, slots=True)
class Maybe:
    """A value or nothing; nothing is left out of the JSON (FORMAT 2.2)."""

    word: Word

    def admit(self, value: Any) -> Any:
        """Let None through."""
        return None if value is None else self.word.admit(value)

    def write(self, value: Any) -> Any:
        """Write a value; None is never asked for."""
        return self.word.write(value)

    def read(self, json: Any) -> Any:
        """Read a value; null is no way to say nothing."""
        if json is None:
            raise refuse("null")
        return self.word.read(json)


_SMALL = r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*"
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

MOMENT = Moment()
COUNT = Count()
NAME = Pattern("name in small letters", rf"(?=.{{1,64}}\Z){_SMALL}")
VERSION = Pattern("version", r"(?=.{1,64}\Z)[0-9]+(?:[.+-][0-9a-z]+)+")
SHA256 = Pattern("SHA-256 in hex", r"[0-9a-f]{64}")
TOKEN = Pattern("random or hashed id in hex", r"[0-9a-f]{16,64}")
DEVICE = Pattern("agency/site/device", rf"{_PART}/{_PART}/{_PART}")
LIST_AND_CATEGORY = Pattern("list/category", rf"(?=.{{1,129}}\Z){_SMALL}/{_SMALL}")
