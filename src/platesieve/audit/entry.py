"""What the log can say: a closed union of entries, and their one encoding (FORMAT 2).

No entry has a field that could hold a plate, a keyed plate, a picture or free text; `words` is the list of what
fits. An entry that exists is valid: building one checks every field, floors every time to whole seconds, and
raises AuditError otherwise. Times are given in nanoseconds since the Unix epoch, as `Instant.wall_ns` has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, TypeAlias, get_type_hints

import rfc8785

from platesieve.audit import words
from platesieve.audit.words import Word, refuse
from platesieve.domain.decision import Reason
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import AuditError

MAX_BYTES = 0xFFFF  # tlog-tiles: the length of an entry stands in two bytes


class PolicyFault(StrEnum):
    """Why a policy was refused."""

    MISSING = "missing"
    MALFORMED = "malformed"
    WRONG_MOUNT = "wrong-mount"
    EXPIRED = "expired"
    NOT_YET_EFFECTIVE = "not-yet-effective"
    RECIPIENT_MISSING = "recipient-missing"
    BAD_SIGNATURE = "bad-signature"
    ROLLED_BACK = "rolled-back"


class KeyPurpose(StrEnum):
    """How far pseudonyms under an epoch key can be linked."""

    DEVICE = "device"
    SITE = "site"
    FLEET = "fleet"


class ErasedReason(StrEnum):
    """Why Disclosures were erased before anybody had them."""

    EXPIRED = "expired"
    QUOTA = "quota"
    PIPE_FULL = "pipe-full"


class StopReason(StrEnum):
    """Why plates are not read."""

    NO_POLICY = "no-policy"
    POLICY_EXPIRED = "policy-expired"
    POLICY_NOT_YET_EFFECTIVE = "policy-not-yet-effective"
    CLOCK_NOT_TRUSTED = "clock-not-trusted"
    HOTLIST_STALE = "hotlist-stale"
    AUDIT_UNAVAILABLE = "audit-unavailable"
    CAMERA = "camera"
    MODEL = "model"
    UPLINK = "uplink"
    SUSPENDED = "suspended"
    SOURCE_ENDED = "source-ended"


Time: TypeAlias = Annotated[int, words.MOMENT]
Count: TypeAlias = Annotated[int, words.COUNT]
Name: TypeAlias = Annotated[str, words.NAME]
Version: TypeAlias = Annotated[str, words.VERSION]
Hash: TypeAlias = Annotated[str, words.SHA256]
Token: TypeAlias = Annotated[str, words.TOKEN]
DevicePath: TypeAlias = Annotated[str, words.DEVICE]
MaybeTime: TypeAlias = Annotated[int | None, words.Maybe(words.MOMENT)]
MaybeCount: TypeAlias = Annotated[int | None, words.Maybe(words.COUNT)]
MaybeHash: TypeAlias = Annotated[str | None, words.Maybe(words.SHA256)]
Names: TypeAlias = Annotated[tuple[str, ...], words.Several(words.NAME)]
HitCounts: TypeAlias = Annotated[Mapping[str, int], words.Tallies(words.LIST_AND_CATEGORY)]
ReasonCounts: TypeAlias = Annotated[Mapping[str, int], words.Tallies(words.Choice(Reason))]


class _Checked:
    """Checks its fields when built, so that an entry that exists is valid."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for name, word in _words(type(self)).items():
            object.__setattr__(self, name, word.admit(getattr(self, name)))


@dataclass(frozen=True, slots=True)
class Boot(_Checked):
    """The device started. `device` is agency/site/device; `boot_id` is random for each start, in hex."""

    time_ns: Time
    version: Version
    device: DevicePath
    boot_id: Token


@dataclass(frozen=True, slots=True)
class PolicyLoaded(_Checked):
    """This policy is in force from now on; `sha256` is over its file."""

    time_ns: Time
    id: Name
    version: Version
    sha256: Hash


@dataclass(frozen=True, slots=True)
class PolicyRefused(_Checked):
    """A policy was not taken."""

    time_ns: Time
    reason: Annotated[PolicyFault, words.Choice(PolicyFault)]


@dataclass(frozen=True, slots=True)
class HotListLoaded(_Checked):
    """This hot list is in force: which lists, the hash of the file, how many entries; never what is in it."""

    time_ns: Time
    lists: Names
    sha256: Hash
    count: Count


@dataclass(frozen=True, slots=True)
class ModelsLoaded(_Checked):
    """These models find and read plates."""

    time_ns: Time
    detector_sha256: Hash
    reader_sha256: Hash


@dataclass(frozen=True, slots=True)
class RecipientKey(_Checked):
    """What the policy seals to `name` is sealed to the public key with this hash."""

    time_ns: Time
    name: Name
    sha256: Hash


@dataclass(frozen=True, slots=True)
class EpochKeyCreated(_Checked):
    """Pseudonyms can be linked from now on, within this epoch. `epoch` is a random or hashed id in hex."""

    time_ns: Time
    epoch: Token
    purpose: Annotated[KeyPurpose, words.Choice(KeyPurpose)]


@dataclass(frozen=True, slots=True)
class EpochKeyDestroyed(_Checked):
    """The key of this epoch is gone, and with it every link."""

    time_ns: Time
    epoch: Token


@dataclass(frozen=True, slots=True)
class Batch(_Checked):
    """The counts of one period; nothing in it is about one vehicle. Its time is its end.

    Attributes:
        start_ns: beginning of the period.
        end_ns: its end, not part of it.
        frames: frames that were looked at.
        plates_found: plates that the detector found in them.
        hits: passes that met the hot list, by `list/category`; one that met two lists counts twice.
        misses: passes that met no list.
        unsure: passes read with too little certainty.
        suppressed: passes (or frames) of which nothing left, by `Reason`.
        tallied: passes that were only counted.
        disclosed: passes of which a Disclosure left.
        dropped_frames: frames that the camera delivered but nobody looked at.
        reads: plates that the reader read.
        sightings: passes.
        commitments: Merkle root over the salted commitments of the period, hex (FORMAT 5.2).
    """

    start_ns: Time
    end_ns: Time
    frames: Count
    plates_found: Count
    hits: HitCounts
    misses: Count
    unsure: Count
    suppressed: ReasonCounts
    tallied: Count
    disclosed: Count
    dropped_frames: MaybeCount = None
    reads: MaybeCount = None
    sightings: MaybeCount = None
    commitments: MaybeHash = None

    @property
    def time_ns(self) -> int:
        """Return the end."""
        return self.end_ns


@dataclass(frozen=True, slots=True)
class Publish(_Checked):
    """A Disclosure leaves after this. `time_ns` and `expires_ns` are as coarse as the policy made the time.

    Attributes:
        time_ns: when, rounded by the caller to the period of the policy (FORMAT 2.3).
        kind: what it tells.
        commitment: `commitment.commit` of the bytes that leave.
        policy_sha256: the policy that let it.
        expires_ns: when it is erased everywhere, rounded in the same way; None for the lasting kinds.
    """

    time_ns: Time
    kind: Annotated[Kind, words.Choice(Kind)]
    commitment: Hash
    policy_sha256: Hash
    expires_ns: MaybeTime = None


@dataclass(frozen=True, slots=True)
class Erased(_Checked):
    """This many Disclosures were erased without being delivered."""

    time_ns: Time
    count: Count
    reason: Annotated[ErasedReason, words.Choice(ErasedReason)]


@dataclass(frozen=True, slots=True)
class Suspended(_Checked):
    """An agency told the device to stop reading; the hash is over its signed command."""

    time_ns: Time
    command_sha256: MaybeHash = None


@dataclass(frozen=True, slots=True)
class Resumed(_Checked):
    """An agency told the device to go on; the hash is over its signed command."""

    time_ns: Time
    command_sha256: MaybeHash = None


@dataclass(frozen=True, slots=True)
class ClockStep(_Checked):
    """The wall clock was set from `before_ns` to `after_ns`. Its time is the new one."""

    before_ns: Time
    after_ns: Time

    @property
    def time_ns(self) -> int:
        """Return the time after the step."""
        return self.after_ns


@dataclass(frozen=True, slots=True)
class ReadingStopped(_Checked):
    """No plate is read from now on."""

    time_ns: Time
    reason: Annotated[StopReason, words.Choice(StopReason)]


@dataclass(frozen=True, slots=True)
class ReadingStarted(_Checked):
    """Plates are read from now on."""

    time_ns: Time


@dataclass(frozen=True, slots=True)
class Shutdown(_Checked):
    """The device ended on purpose."""

    time_ns: Time


Entry: TypeAlias = (
    Boot
    | PolicyLoaded
    | PolicyRefused
    | HotListLoaded
    | ModelsLoaded
    | RecipientKey
    | EpochKeyCreated
    | EpochKeyDestroyed
    | Batch
    | Publish
    | Erased
    | Suspended
    | Resumed
    | ClockStep
    | ReadingStopped
    | ReadingStarted
    | Shutdown
)

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
    return {_key(name): word for name, word in _words(kind).items()}


def encode(entry: Entry) -> bytes:
    """Return the entry as canonical JSON, RFC 8785, without a line end (FORMAT 2.1).

    Raises:
        AuditError: it takes more than 65,535 bytes.
    """
    document: dict[str, Any] = {"type": type_of(entry)}
    for name, word in _words(type(entry)).items():
        value = getattr(entry, name)
        if value is not None:
            document[_key(name)] = word.write(value)
    encoded = rfc8785.dumps(document)
    if len(encoded) > MAX_BYTES:
        raise refuse(f"{len(encoded)} bytes, more than {MAX_BYTES}")
    return encoded


def decode(encoded: bytes) -> Entry:
    """Return the entry that `encode` gave these very bytes for (FORMAT 2.1, 2.8).

    Raises:
        AuditError: an unknown type, key or value, or JSON that is not canonical.
    """
    try:
        document = json.loads(encoded)
    except (ValueError, RecursionError) as error:
        raise refuse("bytes that are not JSON") from error
    kind = KINDS.get(document.get("type", "")) if isinstance(document, dict) and _has_text_type(document) else None
    if kind is None:
        raise refuse("JSON without a known type")
    known = {_key(name): (name, word) for name, word in _words(kind).items()}
    given = {key: value for key, value in document.items() if key != "type"}
    if not given.keys() <= known.keys():
        raise refuse("a key that its type does not have")
    values = {known[key][0]: known[key][1].read(value) for key, value in given.items()}
    try:
        entry = kind(**values)
    except TypeError as error:
        raise refuse("an entry with a key too few") from error
    if encode(entry) != encoded:
        raise AuditError("an audit entry is not canonical JSON", "write entries with audit.entry.encode")
    return entry


def _has_text_type(document: dict[str, Any]) -> bool:
    return isinstance(document.get("type"), str)


def _words(kind: type[Any]) -> dict[str, Word]:
    """Return the Word of each field, from its annotation."""
    return _words_of_name(kind.__name__)


@cache
def _words_of_name(name: str) -> dict[str, Word]:
    kind = globals()[name]
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name].__metadata__[0] for field in fields(kind)}


def _key(name: str) -> str:
    """Return a field's key in JSON: `time_ns` is `time`, because JSON has text where we have nanoseconds.

    The end of a batch and the new time of a clock step are the `time` of these entries.
    """
    stem = name.removesuffix("_ns")
    return "time" if stem in {"end", "after"} else stem
