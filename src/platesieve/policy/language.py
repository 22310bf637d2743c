"""The words of a policy: what happens to each field for each disposition, how long, who receives it.

A value of these types is valid on its own; `load` is the way to one from text, and says what is wrong with the
rest. What a policy does not name is dropped. The fields are in `fields`, what may happen to them in `actions`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from platesieve.domain.folding import STANDARD, Folding
from platesieve.domain.match import Disposition
from platesieve.policy.actions import Action, Drop, Pseudonym, Scope, Seal, SealFormat, ToPeriod
from platesieve.policy.fields import PICTURES, Field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from platesieve.settings import Mount, Operator

FORMAT = 1


class Requirement(StrEnum):
    """What an operator must have settled before a device may read; the setting `device.*` that says so."""

    POLICY_DOCUMENT = "policy-document"
    REGISTRATION = "registration"
    OCCASION = "occasion"
    EXCLUDED_PLACES = "excluded-places"


class Publish(StrEnum):
    """In which shape reads of a section leave."""

    EVENT = "event"
    AGGREGATE = "aggregate"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to one field, and the words of the law or the reason why."""

    action: Action
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Counts instead of reads.

    Attributes:
        window_s: length of a window in seconds; windows are counted from 1970-01-01 UTC.
        suppress_below: counts smaller than this do not leave; 0 where a statute demands exact counts.
        retention_s: how long a count may be stored after its window; a count is about no single vehicle.
    """

    window_s: int
    suppress_below: int
    retention_s: int


@dataclass(frozen=True, slots=True)
class Section:
    """What happens to the reads of one disposition. The default lets nothing leave.

    Attributes:
        retention_s: from the moment the vehicle was last seen to the moment its read is erased everywhere.
        publish: in which shape reads leave.
        rules: fields by name; those that are missing are dropped.
        aggregate: how to count, where `publish` is aggregate.
        collector: whose signed receipt ends the stay in the outbox, or None.
    """

    retention_s: int = 0
    publish: Publish = Publish.NONE
    rules: Mapping[Field, Rule] = field(default_factory=lambda: MappingProxyType({}))
    aggregate: Aggregate | None = None
    collector: str | None = None

    def action(self, of: Field) -> Action:
        """Return what happens to a field: Drop unless the policy names it."""
        rule = self.rules.get(of)
        return Drop() if rule is None else rule.action

    @property
    def time_period_s(self) -> int | None:
        """Return the period to which time is coarsened, or None where it is not."""
        action = self.action(Field.TIME)
        return action.period_s if isinstance(action, ToPeriod) else None


@dataclass(frozen=True, slots=True)
class Source:
    """A text that the policy was written from, when it was read, and what of it was verified.

    `verified` says V (primary text read), C (secondary source) or M (from memory) for each part.
    """

    url: str
    read: str
    verified: str


@dataclass(frozen=True, slots=True)
class Clause:
    """One row of the table that leads from the law to a test: what the device does, and which test shows it.

    `verified` is V, C or M, as in `Source`.
    """

    clause: str
    rule: str
    test: str
    verified: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How sure a read must be, and how long it may stay in RAM after the vehicle was last seen."""

    min_agreeing_frames: int
    min_confidence: float
    raw_lifetime_s: int


@dataclass(frozen=True, slots=True)
class ListRules:
    """How old a hot list may be, and how long an entry made by hand may live; 0 where none may be made."""

    max_age_s: int = 86_400
    manual_expires_s: int = 0


@dataclass(frozen=True, slots=True)
class HoldRules:
    """How long reads may be kept on somebody's signature, and whether a hold may be about one plate."""

    longest_s: int
    plates: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """One law, as data.

    Attributes:
        sha256: of the exact bytes of its file, hex.
        effective: first day on which it is in force, UTC.
        expires: first day on which it is no longer in force, UTC; None for a policy without an end.
        on_expiry: id of the stricter pack that takes over then; without one the device stops reading.
        mounts: kinds of device that may use it.
        operators: kinds of operator that may use it; empty where the law names none.
        requires: what an operator must have settled first.
        clauses: from the law to a rule and the test that shows it.
        holds: whether and how long reads may be held beyond their retention; None where they may not.
        folding: glyphs that count as one, for pseudonyms and lookalikes.
        outside: what the law wants and no camera can do; said so that nobody takes a policy for the whole law.
        log_of_use: period of the log of use, or None.
    """

    id: str
    title: str
    version: str
    jurisdiction: str
    sources: tuple[Source, ...]
    effective: date
    expires: date | None
    on_expiry: str | None
    mounts: tuple[Mount, ...]
    reading: Reading
    hit: Section
    miss: Section
    unsure: Section
    hotlists: ListRules
    log_of_use: str | None
    sha256: str
    operators: tuple[Operator, ...] = ()
    requires: frozenset[Requirement] = frozenset()
    clauses: tuple[Clause, ...] = ()
    holds: HoldRules | None = None
    folding: Folding = STANDARD
    outside: tuple[str, ...] = ()

    def section(self, disposition: Disposition) -> Section:
        """Return the section for a disposition."""
        return {Disposition.HIT: self.hit, Disposition.MISS: self.miss, Disposition.UNSURE: self.unsure}[disposition]

    @property
    def stamp(self) -> dict[str, str]:
        """Return what every Disclosure says of its policy: id, version and hash."""
        return {"id": self.id, "version": self.version, "sha256": self.sha256}

    @property
    def recipients(self) -> frozenset[str]:
        """Return the names whose public keys the policy needs."""
        return frozenset(action.to for action in self._actions() if isinstance(action, Seal))

    @property
    def age_recipients(self) -> frozenset[str]:
        """Return those of them to whom pictures are sealed as age files: their keys are age recipients."""
        seals = (action for action in self._actions() if isinstance(action, Seal))
        return frozenset(seal.to for seal in seals if seal.format is SealFormat.AGE)

    @property
    def hpke_recipients(self) -> frozenset[str]:
        """Return those of them to whom values are sealed with HPKE."""
        seals = (action for action in self._actions() if isinstance(action, Seal))
        return frozenset(seal.to for seal in seals if seal.format is SealFormat.HPKE)

    @property
    def epochs_s(self) -> frozenset[int]:
        """Return the lengths of the epochs that pseudonyms of this device alone need, in seconds."""
        return frozenset(length_s for scope, length_s in self._epochs() if scope is Scope.DEVICE)

    @property
    def shared_epochs_s(self) -> Mapping[Scope, int]:
        """Return the length of the epochs, in seconds, for each scope that several devices share."""
        return {scope: length_s for scope, length_s in self._epochs() if scope is not Scope.DEVICE}

    @property
    def wants_pictures(self) -> bool:
        """Return whether any picture may leave; where none may, none needs to be taken."""
        return any(
            not isinstance(section.action(picture), Drop)
            for section in (self.hit, self.miss, self.unsure)
            if section.publish is Publish.EVENT
            for picture in PICTURES
        )

    def _epochs(self) -> Iterator[tuple[Scope, int]]:
        """Yield scope and length of every epoch that its pseudonyms need."""
        yield from sorted({(act.scope, act.epoch_s) for act in self._actions() if isinstance(act, Pseudonym)})

    def _actions(self) -> Iterator[Action]:
        for section in (self.hit, self.miss, self.unsure):
            yield from (rule.action for rule in section.rules.values())
