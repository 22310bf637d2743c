"""What the log can say: a closed union of entries, and their one encoding (FORMAT 2).

No entry has a field that could hold a plate, a keyed plate, a picture or free text; `words` is the list of what
fits. An entry that exists is valid: building one checks every field, floors every time to whole seconds, and
raises AuditError otherwise. Times are given in nanoseconds since the Unix epoch, as `Instant.wall_ns` has them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import rfc8785

from platesieve.audit.entries.choices import (
    Action,
    AimingEnd,
    ClockSource,
    Component,
    ErasedReason,
    HoldEnd,
    HoldScope,
    KeyPurpose,
    KeyRole,
    ManualEnd,
    ManualReason,
    MountKind,
    OperatorKind,
    Part,
    PolicyFault,
    Result,
    RetireReason,
    Role,
    StopReason,
    UpdateStage,
)
from platesieve.audit.entries.device import (
    AimingClosed,
    AimingOpened,
    Boot,
    Calibrated,
    ClockStep,
    LogRepaired,
    Resumed,
    Retired,
    SelfTest,
    Shutdown,
    Suspended,
    Updated,
)
from platesieve.audit.entries.field import words_of
from platesieve.audit.entries.people import Access, Hold, HoldLifted
from platesieve.audit.entries.reading import (
    AlertsChecked,
    Batch,
    Deletion,
    Delivered,
    Erased,
    Publish,
    ReadingStarted,
    ReadingStopped,
)
from platesieve.audit.entries.rules import (
    ConfigLoaded,
    EpochKeyCreated,
    EpochKeyDestroyed,
    HotListLoaded,
    KeyDistrusted,
    KeyTrusted,
    ManualEntryAdded,
    ManualEntryRemoved,
    ModelsLoaded,
    OperatorFacts,
    PolicyLoaded,
    PolicyRefused,
    RecipientKey,
)
from platesieve.audit.entries.short import lengthened, shortened
from platesieve.audit.words import refuse
from platesieve.domain.access import DeletionReason, Purpose
from platesieve.domain.errors import AuditError

if TYPE_CHECKING:
    from platesieve.audit.words import Word

MAX_BYTES = 0xFFFF  # tlog-tiles: the length of an entry stands in two bytes

Entry: TypeAlias = (
    Boot
    | ConfigLoaded
    | OperatorFacts
    | PolicyLoaded
    | PolicyRefused
    | HotListLoaded
    | ManualEntryAdded
    | ManualEntryRemoved
    | ModelsLoaded
    | RecipientKey
    | KeyTrusted
    | KeyDistrusted
    | EpochKeyCreated
    | EpochKeyDestroyed
    | ReadingStarted
    | ReadingStopped
    | Batch
    | Publish
    | Delivered
    | Erased
    | Deletion
    | AlertsChecked
    | Access
    | Hold
    | HoldLifted
    | Suspended
    | Resumed
    | ClockStep
    | SelfTest
    | Calibrated
    | AimingOpened
    | AimingClosed
    | Updated
    | LogRepaired
    | Retired
    | Shutdown
)

__all__ = (
    "KINDS", "MAX_BYTES", "Access", "Action", "AimingClosed", "AimingEnd", "AimingOpened",
    "AlertsChecked", "Batch", "Boot", "Calibrated", "ClockSource",
    "ClockStep", "Component", "ConfigLoaded", "Deletion", "DeletionReason", "Delivered", "Entry", "EpochKeyCreated",
    "EpochKeyDestroyed", "Erased", "ErasedReason", "Hold", "HoldEnd", "HoldLifted", "HoldScope", "HotListLoaded",
    "KeyDistrusted", "KeyPurpose", "KeyRole", "KeyTrusted", "LogRepaired", "ManualEnd", "ManualEntryAdded",
    "ManualEntryRemoved", "ManualReason", "ModelsLoaded", "MountKind",
    "OperatorFacts", "OperatorKind", "Part", "PolicyFault", "PolicyLoaded", "PolicyRefused",
    "Publish", "Purpose", "ReadingStarted", "ReadingStopped", "RecipientKey", "Result", "Resumed", "RetireReason",
    "Retired", "Role", "SelfTest", "Shutdown", "StopReason", "Suspended", "UpdateStage", "Updated", "decode",
    "document_of", "encode", "keys_of", "type_of", "words_by_key",
)  # fmt: skip

KINDS: dict[str, type[Entry]] = {
    re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower(): kind for kind in Entry.__args__
}
_TYPES: dict[type[Entry], str] = {kind: name for name, kind in KINDS.items()}


def type_of(entry: Entry) -> str:
    """Return the `type` that an entry has in JSON, for example `policy-loaded`."""
    return _TYPES[type(entry)]


def keys_of(kind: type[Entry]) -> tuple[str, ...]:
    """Return the keys that entries of a kind can have in JSON, beside `type`."""
    return tuple(words_by_key(kind))


def words_by_key(kind: type[Entry]) -> dict[str, Word]:
    """Return what each of these keys may hold."""
    return {_key(name): word for name, word in words_of(kind).items()}


def encode(entry: Entry) -> bytes:
    """Return the entry as canonical JSON, RFC 8785, without a line end (FORMAT 2.1).

    Raises:
        AuditError: it takes more than 65,535 bytes.
    """
    return _dumped(shortened(document_of(entry)))


def document_of(entry: Entry) -> dict[str, Any]:
    """Return the entry as a JSON object with all its keys: the long form."""
    document: dict[str, Any] = {"type": type_of(entry)}
    for name, word in words_of(type(entry)).items():
        value = getattr(entry, name)
        if value is not None:
            document[_key(name)] = word.write(value)
    return document


def decode(encoded: bytes) -> Entry:
    """Return the entry that these very bytes stand for (FORMAT 2.1, 2.8, 2.10).

    Raises:
        AuditError: an unknown type, key or value, or JSON that is not canonical.
    """
    try:
        document = json.loads(encoded)
    except (ValueError, RecursionError) as error:
        raise refuse("bytes that are not JSON") from error
    kind = KINDS.get(document.get("type", "")) if isinstance(document, dict) and _has_text_type(document) else None
    if kind is None:
        raise refuse("JSON without a known type, which perhaps a newer program knows")
    known = {_key(name): (name, word) for name, word in words_of(kind).items()}
    given = {key: value for key, value in lengthened(document).items() if key != "type"}
    if not given.keys() <= known.keys():
        raise refuse("a key that its type does not have")
    values = {known[key][0]: known[key][1].read(value) for key, value in given.items()}
    try:
        entry = kind(**values)
    except TypeError as error:
        raise refuse("an entry with a key too few") from error
    if encoded not in (encode(entry), _dumped(document_of(entry))):
        raise AuditError("an audit entry is not canonical JSON", "write entries with audit.entry.encode")
    return entry


def _dumped(document: dict[str, Any]) -> bytes:
    encoded = rfc8785.dumps(document)
    if len(encoded) > MAX_BYTES:
        raise refuse(f"{len(encoded)} bytes, more than {MAX_BYTES}")
    return encoded


def _has_text_type(document: dict[str, Any]) -> bool:
    return isinstance(document.get("type"), str)


def _key(name: str) -> str:
    """Return a field's key in JSON: `time_ns` is `time`, because JSON has text where we have nanoseconds.

    The end of a batch and the new time of a clock step are the `time` of these entries.
    """
    stem = name.removesuffix("_ns")
    return "time" if stem in {"end", "after"} else stem
