"""What may happen to a field on its way out: kept, dropped, coarsened, under a pseudonym, or sealed.

`minimise` does it; here it is only said, and which of it has a meaning for which field.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from platesieve.policy.fields import Field

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Keep:
    """The value leaves as it is."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Nothing leaves."""


@dataclass(frozen=True, slots=True)
class ToPeriod:
    """A time becomes the span of `period_s` seconds it lies in, counted from 1970-01-01 UTC."""

    period_s: int


@dataclass(frozen=True, slots=True)
class ToCell:
    """A place becomes the centre of its cell: `size` metres or degrees wide and high."""

    size: float
    unit: Literal["m", "deg"]


@dataclass(frozen=True, slots=True)
class ToStep:
    """A confidence is rounded down to a multiple of `step`."""

    step: float


@dataclass(frozen=True, slots=True)
class ToCountry:
    """A region of a plate becomes its country."""


Coarsen: TypeAlias = ToPeriod | ToCell | ToStep | ToCountry


class Scope(StrEnum):
    """Whose reads of one vehicle have the same pseudonym within an epoch."""

    DEVICE = "device"
    SITE = "site"
    FLEET = "fleet"


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """The value becomes an HMAC under a key that lives for one epoch, on one device or on all of a site or fleet."""

    epoch_s: int
    scope: Scope = Scope.DEVICE


class SealFormat(StrEnum):
    """What a sealed value is: an HPKE ciphertext, or for a picture an age file, which any age tool opens."""

    HPKE = "hpke"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Seal:
    """The value becomes a ciphertext that only the recipient named `to` opens."""

    to: str
    format: SealFormat = SealFormat.HPKE


Action: TypeAlias = Keep | Drop | Coarsen | Pseudonym | Seal

# Which actions have a meaning for which field; a policy that combines others is refused. Always: keep, drop, seal.
# A picture or a number has no text to fold and hash; a time or place under a pseudonym would only be a worse seal.
COARSENED_TO: Mapping[Field, str] = MappingProxyType(
    {
        Field.TIME: 'a period such as "1h"',
        Field.LOCATION: 'a cell such as "500m", "2km" or "0.01deg"',
        Field.CONFIDENCE: "a step such as 0.1",
        Field.PLATE_REGION: '"country"',
    }
)
PSEUDONYMOUS = frozenset(
    {Field.PLATE, Field.PLATE_REGION, Field.DEVICE, Field.DIRECTION, Field.LANE, Field.CATEGORY, Field.LIST}
)


def legal_actions(of: Field) -> tuple[str, ...]:
    """Return the actions that have a meaning for a field, as a policy writes them."""
    return (
        "keep",
        "drop",
        *(("coarsen",) if of in COARSENED_TO else ()),
        *(("pseudonym",) if of in PSEUDONYMOUS else ()),
        "seal",
    )
