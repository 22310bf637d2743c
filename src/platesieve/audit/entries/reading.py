"""Entries about reading: counts of a period, what left, what is gone, what people found out about alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from platesieve.audit import words
from platesieve.audit.entries.choices import ErasedReason, StopReason
from platesieve.audit.entries.field import (
    Checked,
    Count,
    Hash,
    HitCounts,
    ListAndCategory,
    MaybeCount,
    MaybeHash,
    MaybeTime,
    Name,
    ReasonCounts,
    Time,
)
from platesieve.domain.access import DeletionReason
from platesieve.domain.disclosure import Kind


@dataclass(frozen=True, slots=True)
class ReadingStarted(Checked):
    """Plates are read from now on."""

    time_ns: Time


@dataclass(frozen=True, slots=True)
class ReadingStopped(Checked):
    """No plate is read from now on."""

    time_ns: Time
    reason: Annotated[StopReason, words.Choice(StopReason)]


@dataclass(frozen=True, slots=True)
class Batch(Checked):
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
        manual: hot list entries made by hand that were in force at the end.
        holds: holds that were in force at the end.
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
    manual: MaybeCount = None
    holds: MaybeCount = None
    commitments: MaybeHash = None

    @property
    def time_ns(self) -> int:
        """Return the end."""
        return self.end_ns


@dataclass(frozen=True, slots=True)
class Publish(Checked):
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
class Delivered(Checked):
    """A collector said, signed, that it has these records; they are erased here. One entry for each receipt."""

    time_ns: Time
    to: Name
    count: Count
    receipt_sha256: MaybeHash = None


@dataclass(frozen=True, slots=True)
class Erased(Checked):
    """This many Disclosures were erased without being delivered."""

    time_ns: Time
    count: Count
    reason: Annotated[ErasedReason, words.Choice(ErasedReason)]


@dataclass(frozen=True, slots=True)
class Deletion(Checked):
    """A deletion receipt: records that were kept go, copies and indexes included.

    Attributes:
        time_ns: when.
        reason: why.
        count: how many records.
        root: RFC 6962 root over the random ids of these records, sorted (FORMAT 5.3), hex.
        due_ns: every record whose deadline was at or before this moment is gone, unless a hold keeps it.
        policy_sha256: the policy whose retention was carried out.
    """

    time_ns: Time
    reason: Annotated[DeletionReason, words.Choice(DeletionReason)]
    count: Count
    root: Hash
    due_ns: MaybeTime = None
    policy_sha256: MaybeHash = None


@dataclass(frozen=True, slots=True)
class AlertsChecked(Checked):
    """What people found when they looked: so many alerts of a list and category were right, so many were not."""

    time_ns: Time
    list: ListAndCategory
    confirmed: Count
    refuted: Count
