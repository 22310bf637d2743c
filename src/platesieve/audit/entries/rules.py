"""Entries about what is in force: policies, lists, models, keys, configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from platesieve.audit import words
from platesieve.audit.entries.choices import (
    KeyPurpose,
    KeyRole,
    ManualEnd,
    ManualReason,
    MountKind,
    OperatorKind,
    PolicyFault,
)
from platesieve.audit.entries.field import (
    Checked,
    Count,
    Hash,
    MaybeCount,
    MaybeHash,
    MaybeToken,
    Name,
    Names,
    Time,
    Token,
    Version,
)


@dataclass(frozen=True, slots=True)
class ConfigLoaded(Checked):
    """These settings are in force from now on; the hash is over the settings without passwords and addresses."""

    time_ns: Time
    sha256: Hash


@dataclass(frozen=True, slots=True)
class OperatorFacts(Checked):
    """What the operator says to have settled before the first plate is read; the operator answers for it.

    Attributes:
        time_ns: when.
        mount: how the reader is mounted.
        operator: who runs it.
        policy_document_sha256: of the written policy that was adopted (N.C. Gen. Stat. 20-183.31).
        registration_sha256: of the number under which the device is registered, as UTF-8 (ch. 10.130 RCW).
        occasion_sha256: of the reference of the order that says why plates are compared, as UTF-8.
        places_sha256: of the excluded places as canonical JSON, a list of lists of [latitude, longitude].
        places: how many there are.
    """

    time_ns: Time
    mount: Annotated[MountKind, words.Choice(MountKind)]
    operator: Annotated[OperatorKind | None, words.Maybe(words.Choice(OperatorKind))] = None
    policy_document_sha256: MaybeHash = None
    registration_sha256: MaybeHash = None
    occasion_sha256: MaybeHash = None
    places_sha256: MaybeHash = None
    places: MaybeCount = None


@dataclass(frozen=True, slots=True)
class PolicyLoaded(Checked):
    """This policy is in force from now on; `sha256` is over its file."""

    time_ns: Time
    id: Name
    version: Version
    sha256: Hash


@dataclass(frozen=True, slots=True)
class PolicyRefused(Checked):
    """A policy was not taken."""

    time_ns: Time
    reason: Annotated[PolicyFault, words.Choice(PolicyFault)]


@dataclass(frozen=True, slots=True)
class HotListLoaded(Checked):
    """This hot list is in force: which lists, the hash of the file, how many entries; never what is in it.

    `age_s` says how old the list was when it was loaded, by what its maker wrote on it.
    """

    time_ns: Time
    lists: Names
    sha256: Hash
    count: Count
    age_s: MaybeCount = None


@dataclass(frozen=True, slots=True)
class ManualEntryAdded(Checked):
    """Somebody entered a wanted plate by hand. The plate is not here, nor anything made from it.

    Attributes:
        time_ns: when.
        id: drawn by chance for this entry, in hex; never derived from the plate.
        reason: why, of a closed list.
        expires_ns: when it leaves the list by itself.
        actor: who, as the agency's books have them (`Access.actor`).
    """

    time_ns: Time
    id: Token
    reason: Annotated[ManualReason, words.Choice(ManualReason)]
    expires_ns: Time
    actor: MaybeToken = None


@dataclass(frozen=True, slots=True)
class ManualEntryRemoved(Checked):
    """An entry made by hand is off the list."""

    time_ns: Time
    id: Token
    reason: Annotated[ManualEnd, words.Choice(ManualEnd)]


@dataclass(frozen=True, slots=True)
class ModelsLoaded(Checked):
    """These models find and read plates."""

    time_ns: Time
    detector_sha256: Hash
    reader_sha256: Hash


@dataclass(frozen=True, slots=True)
class RecipientKey(Checked):
    """What the policy seals to `name` is sealed to the public key with this hash."""

    time_ns: Time
    name: Name
    sha256: Hash


@dataclass(frozen=True, slots=True)
class KeyTrusted(Checked):
    """From now on the public key with this hash may do what its role allows."""

    time_ns: Time
    role: Annotated[KeyRole, words.Choice(KeyRole)]
    sha256: Hash


@dataclass(frozen=True, slots=True)
class KeyDistrusted(Checked):
    """From now on it may not any more."""

    time_ns: Time
    role: Annotated[KeyRole, words.Choice(KeyRole)]
    sha256: Hash


@dataclass(frozen=True, slots=True)
class EpochKeyCreated(Checked):
    """Pseudonyms can be linked from now on, within this epoch. `epoch` is a random or hashed id in hex."""

    time_ns: Time
    epoch: Token
    purpose: Annotated[KeyPurpose, words.Choice(KeyPurpose)]


@dataclass(frozen=True, slots=True)
class EpochKeyDestroyed(Checked):
    """The key of this epoch is gone, and with it every link."""

    time_ns: Time
    epoch: Token
