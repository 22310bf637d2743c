"""One field at a time: the value of a Sighting in the form that the policy gives it, or nothing.

The only place of this package that sees plates and pictures in clear.
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platesieve.domain.disclosure import Kind
from platesieve.domain.instant import NS_PER_S
from platesieve.domain.match import Disposition
from platesieve.policy import coarsen
from platesieve.policy.actions import (
    Drop,
    Keep,
    Pseudonym,
    Scope,
    Seal,
    SealFormat,
    ToCell,
    ToCountry,
    ToPeriod,
    ToStep,
)
from platesieve.policy.fields import Field
from platesieve.policy.seal import sealing_info
from platesieve.policy.stricter import at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from platesieve.domain.disclosure import Json
    from platesieve.domain.instant import Instant, TimeQuality
    from platesieve.domain.match import Match
    from platesieve.domain.plate import Glyph
    from platesieve.domain.sighting import Sighting
    from platesieve.policy.actions import Action
    from platesieve.policy.instruments import Instruments
    from platesieve.policy.language import Policy
    from platesieve.settings import Device

_LEAST = 0.005  # a hundredth, rounded
PADDED_TO = 64  # bytes: the length of a ciphertext must not tell how long a plate or a category is
ALTERNATIVES_PADDED_TO = 448  # ... nor how doubtful: three alternatives for each of 12 characters fit


@dataclass(frozen=True, slots=True)
class Context:
    """What is known beside the Sighting: the present, whether its clock is believed, and who the camera is."""

    now: Instant
    quality: TimeQuality
    device: Device


@dataclass(frozen=True, slots=True)
class Case:
    """One Sighting on its way out, with everything that its fields are made from."""

    sighting: Sighting
    matches: tuple[Match, ...]
    disposition: Disposition
    policy: Policy
    context: Context
    event_id: str

    @property
    def kind(self) -> Kind:
        """Return what its Disclosure tells, which is the last part of the topic."""
        return Kind.HIT if self.disposition is Disposition.HIT else Kind.READ

    @property
    def seen_ns(self) -> int:
        """Return when the vehicle was last seen, by the wall clock as it is now.

        Told from the monotonic clock: when the wall clock was set between seeing and deciding, what `quality` says
        of it holds for the new time only.
        """
        now, seen = self.context.now, self.sighting.last_seen
        return now.wall_ns - (now.monotonic_ns - seen.monotonic_ns)


def minimise(case: Case, instruments: Instruments) -> dict[str, Json]:
    """Return the fields that leave; one that the policy does not name is not looked at.

    Alternatives say the plate, so they go to nobody whom the plate does not go to (`checks` refuses such a policy; one
    that was not loaded meets it here).
    """
    section = case.policy.section(case.disposition)
    plate = section.action(Field.PLATE)
    body: dict[str, Json] = {}
    for field in Field:
        action = section.action(field)
        if isinstance(action, Drop) or (field is Field.ALTERNATIVES and not at_most(action, plate)):
            continue
        formed = _form(field, action, case, instruments)
        if formed is not None:
            body[field.value] = formed
    return body


def countable(field: Field, action: Action, case: Case) -> str | None:
    """Return the value by which a count is split, or None."""
    value = plain(field, case)
    if not isinstance(value, str):
        return None
    return coarsen.country_of(value) if isinstance(action, ToCountry) else value


def plain(field: Field, case: Case) -> Json:
    """Return the value of a field in clear, as JSON has it; None where there is none."""
    return _PLAIN[field](case)


def _location(case: Case) -> Json:
    device = case.context.device
    if device.latitude_deg is None or device.longitude_deg is None:
        return None
    return {"latitude": device.latitude_deg, "longitude": device.longitude_deg}


def _confidence(case: Case) -> Json:
    confidence = case.sighting.confidence
    return round(confidence, 4) if math.isfinite(confidence) else None


def _alternatives(glyphs: Sequence[Glyph]) -> Json:
    """Return for each character its alternatives with their probabilities in hundredths, best first; rarer go."""
    rounded: list[Json] = []
    for glyph in glyphs:
        told = [(c, p) for n, (c, p) in enumerate(glyph.alternatives) if n == 0 or p >= _LEAST]
        rounded.append([[character, round(probability, 2)] for character, probability in told])
    return rounded or None


def _plate_crop(case: Case) -> Json:
    crops = case.sighting.crops
    return None if crops is None else _text_of(crops.plate.reveal())


def _scene_crop(case: Case) -> Json:
    crops = case.sighting.crops
    return None if crops is None else _text_of(crops.scene.reveal())


_PLAIN: Mapping[Field, Callable[[Case], Json]] = {
    Field.PLATE: lambda case: case.sighting.text.reveal(),
    Field.ALTERNATIVES: lambda case: _alternatives(case.sighting.glyphs),
    Field.PLATE_REGION: lambda case: case.sighting.region,
    Field.TIME: lambda case: coarsen.timestamp(case.seen_ns),
    Field.LOCATION: _location,
    Field.DEVICE: lambda case: case.context.device.device,
    Field.DIRECTION: lambda case: case.sighting.direction.value,
    Field.LANE: lambda case: case.sighting.lane,
    Field.CONFIDENCE: _confidence,
    Field.CATEGORY: lambda case: _joined(match.category for match in case.matches),
    Field.LIST: lambda case: _joined(match.list_id for match in case.matches),
    Field.PLATE_CROP: _plate_crop,
    Field.SCENE_CROP: _scene_crop,
    Field.TIME_QUALITY: lambda case: case.context.quality.value,
}


def _form(field: Field, action: Action, case: Case, instruments: Instruments) -> Json:
    """Return a field in the form that an action gives it."""
    match action:
        case Keep():
            return plain(field, case)
        case ToPeriod() | ToCell() | ToStep() | ToCountry():
            return _coarse(action, case)
        case Pseudonym():
            return _alias(field, action, case, instruments)
        case Seal(to, SealFormat.HPKE):
            return _sealed(field, to, case, instruments)
        case Seal(to, SealFormat.AGE):
            return _age_file(field, to, case, instruments)
        case _:
            return None


def _coarse(action: ToPeriod | ToCell | ToStep | ToCountry, case: Case) -> Json:
    """Return the coarse form; which field it is of follows from the action, because each has its own."""
    sighting, device = case.sighting, case.context.device
    match action:
        case ToPeriod(period_s):
            start_ns = coarsen.floor_to(case.seen_ns, period_s)
            end_ns = start_ns + period_s * NS_PER_S
            return {"start": coarsen.whole_second(start_ns), "end": coarsen.whole_second(end_ns)}
        case ToCell():
            if device.latitude_deg is None or device.longitude_deg is None:
                return None
            latitude, longitude = coarsen.cell_centre(device.latitude_deg, device.longitude_deg, action)
            return {"latitude": latitude, "longitude": longitude}
        case ToStep(step):
            return coarsen.round_down(sighting.confidence, step) if math.isfinite(sighting.confidence) else None
        case ToCountry():
            return None if sighting.region is None else coarsen.country_of(sighting.region)


def _alias(field: Field, action: Pseudonym, case: Case, instruments: Instruments) -> Json:
    value = case.policy.folding.fold(case.sighting.text) if field is Field.PLATE else plain(field, case)
    if not isinstance(value, str):
        return None
    # A hit and a miss under one key would let a later hit name the earlier misses: each has its own purpose.
    purpose = f"{case.disposition.value}/{field.value}"
    keys, now = instruments.pseudonyms, case.context.now
    alias = (
        keys.pseudonym(value, purpose, action.epoch_s, now)
        if action.scope is Scope.DEVICE
        else keys.shared_pseudonym(value, purpose, action, now)
    )
    return None if alias is None else {"pseudonym": alias.pseudonym, "epoch": alias.epoch}


def _sealed(field: Field, to: str, case: Case, instruments: Instruments) -> Json:
    value = plain(field, case)
    if value is None:
        return None
    plaintext = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    padded_to = ALTERNATIVES_PADDED_TO if field is Field.ALTERNATIVES else PADDED_TO
    plaintext += b" " * (-len(plaintext) % padded_to)  # JSON lets spaces follow, so that nothing need take them off
    info = sealing_info(case.context.device, case.kind, case.event_id, field.value, case.policy.sha256)
    ciphertext = instruments.seal(to, plaintext, info)
    return None if ciphertext is None else {"sealed": _text_of(ciphertext), "to": to}


def _age_file(field: Field, to: str, case: Case, instruments: Instruments) -> Json:
    """Return a picture as an age file. It is not padded: its length says nothing of the plate's."""
    crops = case.sighting.crops
    if crops is None:
        return None
    jpeg = (crops.plate if field is Field.PLATE_CROP else crops.scene).reveal()
    info = sealing_info(case.context.device, case.kind, case.event_id, field.value, case.policy.sha256)
    sealed = instruments.seal_picture(to, jpeg, info)
    return None if sealed is None else {"sealed": _text_of(sealed), "to": to}


def _joined(names: Iterable[str]) -> str | None:
    """Return names in order, with commas; a name of a list or category never holds one."""
    return ",".join(sorted(set(names))) or None


def _text_of(binary: bytes) -> str:
    return base64.b64encode(binary).decode("ascii")
