"""The shape of entries as patterns over bytes: a quick yes for what a device writes all day (FORMAT 6.3).

Verifying a year means reading half a million entries, nearly all alike. `seen_at` says yes to bytes only where
`entry.decode` would: each pattern is put together from the same words, in the one order of canonical JSON, and
leaves out what it cannot decide (29 February, alerts of several lists). What it says nothing to goes to
`decode`, which alone refuses.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from platesieve.audit import words
from platesieve.audit.entries.short import COUNTS, TABLES
from platesieve.audit.entry import KINDS, Batch, words_by_key

if TYPE_CHECKING:
    from platesieve.audit.entry import Entry

# Every day of these exists in every year that RFC 3339 can write; 29 February is left to `decode`.
_DAY = r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_OF_DAY = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
_MOMENT = rf"(?:19[7-9][0-9]|[2-9][0-9]{{3}})-{_DAY}{_OF_DAY}"
_LATE_MOMENT = rf"[2-9][0-9]{{3}}-{_DAY}{_OF_DAY}"  # a period that ends here did not begin before 1970
_COUNT = r"(?:0|[1-9][0-9]{0,14})"  # 15 digits are below 2^53; 16 are left to `decode`
_SOME = r"[1-9][0-9]{0,13}"
_SECONDS = r"(?:0|[1-9][0-9]{0,4})"


def seen_at(encoded: bytes) -> tuple[type[Entry], bytes] | None:
    """Return kind and time (RFC 3339) of an entry that is certainly allowed, or None where nothing is certain."""
    at = encoded.rfind(b'"type":"')
    known = _patterns().get(encoded[at + 8 : encoded.find(b'"', at + 8)]) if at >= 0 else None
    if known is None:
        return None
    kind, patterns = known
    for pattern in patterns:
        if (matched := pattern.fullmatch(encoded)) is not None:
            return kind, matched["time"]
    return None


@cache
def _patterns() -> dict[bytes, tuple[type[Entry], list[re.Pattern[bytes]]]]:
    """Return for each type its kind and patterns, the likeliest first; one without is left to `decode`."""
    found: dict[bytes, tuple[type[Entry], list[re.Pattern[bytes]]]] = {}
    for name, kind in KINDS.items():
        texts = [_short_batch()] * (kind is Batch) + [_object(name, kind)]
        found[name.encode()] = (kind, [re.compile(text.encode()) for text in texts if text])
    return found


def _short_batch() -> str:
    """Return the pattern of a batch in its short form (FORMAT 2.10), without `sightings`: that needs a sum."""
    known = words_by_key(Batch)
    tables = {key: rf"(?!\{{\}}){_value(known[key])}" for key in TABLES}
    others = {key: str(_value(known[key])) for key in ("commitments", "holds", "manual")}
    values = {**dict.fromkeys(COUNTS, _SOME), **tables, **others}
    optional = set(values)
    values |= {"seconds": _SECONDS, "time": f'"(?P<time>{_LATE_MOMENT})"', "type": '"batch"'}
    return _members(values, optional)


def _object(name: str, kind: type[Entry]) -> str:
    """Return the pattern of one type: its keys sorted, each with its value."""
    values = {key: _value(word) for key, word in words_by_key(kind).items()}
    if any(value is None for value in values.values()):
        return ""
    optional = {key for key, word in words_by_key(kind).items() if isinstance(word, words.Maybe)}
    written = {key: str(value) for key, value in values.items()}
    written |= {"type": f'"{re.escape(name)}"', "time": f'"(?P<time>{_MOMENT})"'}
    return _members(written, optional)


def _members(values: dict[str, str], optional: set[str]) -> str:
    """Return the pattern of an object: members in the order of their keys."""
    members = [f'"{key}":{values[key]}' for key in sorted(values)]
    return rf"\{{{_sequence(members, [key in optional for key in sorted(values)])}\}}"


def _sequence(members: list[str], optional: list[bool]) -> str:
    """Return members with a comma before each but the first that is there."""
    return "".join(
        rf"(?:(?:(?<=\{{)|(?<!\{{),){member})?" if left_out else rf"(?:(?<=\{{)|(?<!\{{),){member}"
        for member, left_out in zip(members, optional, strict=True)
    )


def _value(word: words.Word) -> str | None:  # noqa: PLR0911 - one line for each kind of word
    """Return the pattern of one word, or None where a pattern cannot say it."""
    match word:
        case words.Moment():
            return f'"{_MOMENT}"'
        case words.Count():
            return _COUNT
        case words.Pattern(expression=expression):
            return f'"{_within_quotes(expression)}"'
        case words.Choice(members):
            return '"(?:' + "|".join(re.escape(member.value) for member in members) + ')"'
        case words.Tallies(words.Choice(members)):
            names = sorted(member.value for member in members)
            counts = [f'"{re.escape(name)}":{_COUNT}' for name in names]
            return rf"\{{{_sequence(counts, [True] * len(names))}\}}"
        case words.Tallies(words.Pattern(expression=expression)):
            return rf'\{{(?:"{_within_quotes(expression)}":{_COUNT})?\}}'  # of several the order would matter
        case words.Maybe(inner):
            return _value(inner)
    return None


def _within_quotes(expression: str) -> str:
    """Return an expression whose look-ahead for the length ends at the closing quote instead of the text's end."""
    return expression.replace(r"\Z)", '")')
