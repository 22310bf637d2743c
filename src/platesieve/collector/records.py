"""What a collector knows: events as they came, sealed fields sealed, and what people did with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.domain.access import DeletionReason, OutcomeCode, Purpose
    from platesieve.domain.disclosure import Json, Kind


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message as it came; nothing about it is believed yet.

    Attributes:
        topic: where it came.
        payload: its bytes. Never logged, never shown.
        content_type: MQTT 5's, or None.
        attributes: MQTT 5's user properties, which hold the CloudEvent's attributes in binary mode.
        retained: whether the broker had it before we came.
    """

    topic: str
    payload: bytes = field(repr=False)
    content_type: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """A message that was believed. Its repr shows nothing of what it says.

    Attributes:
        id: random; the same id twice is the same event.
        kind: what it tells.
        device: `agency/site/device`, from the topic, where the broker's access list vouches for it.
        received_ns: when we had it, nanoseconds since the Unix epoch.
        expires_ns: when it must be gone; None for health and checkpoints.
        document: the whole CloudEvent as it came.
    """

    id: str
    kind: Kind
    device: str
    received_ns: int
    expires_ns: int | None
    document: Mapping[str, Json] = field(repr=False)

    @property
    def data(self) -> Mapping[str, Json]:
        """Return what the event says, sealed fields sealed."""
        data = self.document["data"]
        return data if isinstance(data, dict) else {}

    @property
    def sealed_fields(self) -> tuple[str, ...]:
        """Return the names of the fields that only the agency's key opens."""
        return tuple(sorted(name for name, value in self.data.items() if is_sealed(value)))


@dataclass(frozen=True, slots=True)
class Stored:
    """An event in the store.

    Attributes:
        cursor: grows with each event; `CollectorStore.events` goes on from it.
        event: as it came.
        held: whether a hold keeps it beyond its expiry.
        outcome: the newest that a person recorded, or None.
    """

    cursor: int
    event: Event
    held: bool = False
    outcome: OutcomeCode | None = None


class Rejection(StrEnum):
    """Why a message was not believed."""

    MALFORMED = "malformed"  # not a CloudEvent of a known type that fits its schema
    OVERSIZED = "oversized"
    MISPLACED = "misplaced"  # its source is not the device that its topic names, or its topic is none
    EXPIRED = "expired"
    TOO_LONG = "too-long"  # it asks to be kept for longer than this collector keeps anything
    REPLAYED = "replayed"  # an event that was erased here came again, or an id came again with other words
    WRONGLY_SIGNED = "wrongly-signed"  # a checkpoint that the device's key did not sign
    WRONGLY_SEALED = "wrongly-sealed"  # a sealed value that nothing can open, or that did not open at a reveal


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What is kept of a message that was not believed: its hash and size, never its words.

    Attributes:
        at_ns: when it came.
        reason: why it was not believed.
        sha256: of its bytes, hex: enough to recognise it, too little to read it.
        size_bytes: of the payload.
        device: `agency/site/device` where the topic named one, else empty.
    """

    at_ns: int
    reason: Rejection
    sha256: str
    size_bytes: int
    device: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a person found when looking at an alert; it outlives the event, for the statutory counts."""

    event_id: str
    at_ns: int
    user: str
    code: OutcomeCode
    device: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody opened sealed fields. The transparency log holds `commitment`, purpose and fields; this is the rest.

    Attributes:
        at_ns: when.
        user: account name of whoever asked.
        purpose: why.
        case: case number.
        event_id: of which event.
        device: where the event is from.
        fields: which fields.
        salt: hex; SHA-256(salt || canonical record) is the commitment in the log.
        commitment: hex.
        log_index: which entry of the log.
    """

    at_ns: int
    user: str
    purpose: Purpose
    case: str
    event_id: str
    device: str
    fields: tuple[str, ...]
    salt: str = field(repr=False)
    commitment: str
    log_index: int


@dataclass(frozen=True, slots=True)
class Hold:
    """An event is kept beyond its expiry, for a case, until a day that is named or until it is lifted."""

    event_id: str
    at_ns: int
    user: str
    case: str
    until_ns: int
    lifted_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """An event was erased: the receipt. Its id is random and says nothing; it also unmasks a replay."""

    event_id: str
    kind: Kind
    device: str
    expired_ns: int
    deleted_ns: int
    reason: DeletionReason
    log_index: int


class CheckpointStatus(StrEnum):
    """How far the audit log of a device is witnessed."""

    UNKNOWN = "unknown"  # no checkpoint came, or the device's key is not enrolled here
    WITNESSED = "witnessed"
    BEHIND = "behind"  # a newer checkpoint came that nothing proves yet
    FORKED = "forked"  # rolled back, emptied, another history or another key: an alarm, which stays


@dataclass(frozen=True, slots=True)
class Camera:
    """A device as its newest health event and its checkpoints show it.

    Attributes:
        device: `agency/site/device`.
        seen_ns: when anything last came from it.
        health: the data of its newest health event, empty where none came.
        health_ns: when that came, or None.
        strain: share of frames between its last two health events that came too fast to be looked at, 0..1:
            how much it "cannot keep up"; None until two health events came.
        checkpoint_status: see CheckpointStatus.
        checkpoint_size: entries under the newest witnessed checkpoint.
        checkpoint_ns: when that was seen, or None.
        checkpoint_sentence: what the witness said last.
        silent: nothing came for longer than a device stays silent.
    """

    device: str
    seen_ns: int
    health: Mapping[str, Json]
    health_ns: int | None
    strain: float | None
    checkpoint_status: CheckpointStatus
    checkpoint_size: int
    checkpoint_ns: int | None
    checkpoint_sentence: str
    silent: bool

    @property
    def state(self) -> str:
        """Return what the device is doing; `silent` where it has not said so lately, `unknown` where it never did."""
        if not self.health:
            return "unknown"
        state = str(self.health.get("state", "unknown"))
        return "silent" if self.silent and state not in {"offline", "stopped"} else state

    @property
    def policy(self) -> Mapping[str, Json]:
        """Return id, version and hash of the policy in force, or an empty mapping."""
        policy = self.health.get("policy")
        return policy if isinstance(policy, dict) else {}


@dataclass(frozen=True, slots=True)
class ListFreshness:
    """The hot list that a device has in force: its hash, length and age, never what is in it."""

    device: str
    sha256: str
    count: int
    age_s: float | None  # at `now`, what passed since the health event included


def is_sealed(value: object) -> bool:
    """Return whether a field of an event is sealed."""
    return isinstance(value, dict) and isinstance(value.get("sealed"), str)
