"""Entries about what people did with records: access and holds. Nobody is named, no case is named (FORMAT 2.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from platesieve.audit import words
from platesieve.audit.entries.choices import Action, HoldEnd, HoldScope, Role
from platesieve.audit.entries.field import Checked, Hash, MaybeCount, MaybeHash, MaybeName, MaybeToken, Names, Time
from platesieve.domain.access import Purpose


@dataclass(frozen=True, slots=True)
class Access(Checked):
    """Somebody searched, saw or took records (Cal. Civ. Code 1798.90.52, Minn. Stat. 13.824 subd. 7).

    Attributes:
        time_ns: when.
        purpose: for what, of a closed list.
        fields: names of the fields that were asked for or opened.
        commitment: `commitment.commit` of the full access record: who, case number, the query as it was asked with
            its plate sealed, what was shown. The agency keeps record and salt; FORMAT 2.9 says why it is not here.
        action: what was done.
        actor: an id that the agency drew by chance for this person, in hex; its own books say who that is.
        role: as what.
        organisation: of which agency.
        results: how many records were found, seen or taken.
    """

    time_ns: Time
    purpose: Annotated[Purpose, words.Choice(Purpose)]
    fields: Names
    commitment: Hash
    action: Annotated[Action | None, words.Maybe(words.Choice(Action))] = None
    actor: MaybeToken = None
    role: Annotated[Role | None, words.Maybe(words.Choice(Role))] = None
    organisation: MaybeName = None
    results: MaybeCount = None


@dataclass(frozen=True, slots=True)
class Hold(Checked):
    """Records are preserved beyond their deadline (Mont. Code 46-5-118, N.C. Gen. Stat. 20-183.32, 23 V.S.A. 1607).

    Attributes:
        time_ns: when it takes effect.
        until_ns: when it ends by itself.
        id: drawn by chance for this hold, in hex.
        scope: a record, or a period.
        purpose: for what.
        count: how many records it keeps now.
        commitment: of the order with its case number, as in `Access`.
    """

    time_ns: Time
    until_ns: Time
    id: MaybeToken = None
    scope: Annotated[HoldScope | None, words.Maybe(words.Choice(HoldScope))] = None
    purpose: Annotated[Purpose | None, words.Maybe(words.Choice(Purpose))] = None
    count: MaybeCount = None
    commitment: MaybeHash = None


@dataclass(frozen=True, slots=True)
class HoldLifted(Checked):
    """A hold is over; what it kept is erased when its own time is over, and a `deletion` says so."""

    time_ns: Time
    id: MaybeToken = None
    reason: Annotated[HoldEnd | None, words.Maybe(words.Choice(HoldEnd))] = None
    count: MaybeCount = None
