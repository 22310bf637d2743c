"""Cases beside a policy: given a vehicle, what must leave. For whoever writes a policy and is no programmer.

    policy = "us-mn"                       # a pack, or a file beside this one

    [[cases]]
    name  = "a stolen car"
    given = { plate = "ABC123", wanted = ["stolen"] }
    leaves = "hit"                         # hit, read, count or nothing
    fields = { plate = "sealed", time = "sealed", category = "clear" }   # these and no others

The plates in such a file are made up; a case never repeats one in what it says.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from platesieve.domain.crop import Crop, Crops
from platesieve.domain.decision import Disclose, Tally
from platesieve.domain.errors import ConfigError, PlateTextError
from platesieve.domain.geometry import Detection
from platesieve.domain.instant import NS_PER_S, Instant, TimeQuality
from platesieve.domain.match import Disposition, Match, MatchKind
from platesieve.domain.plate import Glyph, PlateText
from platesieve.domain.sighting import Direction, Sighting
from platesieve.policy import actions
from platesieve.policy.decide import Context, decide
from platesieve.policy.faults import describe, place_of
from platesieve.policy.fields import Field as FieldName
from platesieve.policy.force import suited
from platesieve.policy.instruments import Instruments
from platesieve.policy.pseudonym import EpochKeys
from platesieve.settings import Device, Mount

if TYPE_CHECKING:
    from platesieve.domain.decision import Decision
    from platesieve.policy.language import Policy

MAX_BYTES = 256 * 1024
_FORMS = {
    actions.Keep: "clear",
    actions.Seal: "sealed",
    actions.Pseudonym: "pseudonym",
    actions.ToPeriod: "coarse",
    actions.ToCell: "coarse",
    actions.ToStep: "coarse",
    actions.ToCountry: "coarse",
}
Form = Literal["clear", "sealed", "pseudonym", "coarse"]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Given(_Closed):
    plate: str = "ABC123"
    wanted: list[str] = []
    lookalike: bool = False
    confidence: float = Field(default=0.99, ge=0.0, le=1.0)
    frames: int = Field(default=5, ge=0)
    region: str | None = "US-MN"
    lane: str | None = "1"
    direction: Literal["approaching", "receding", "unknown"] = "approaching"
    pictures: bool = True
    clock: Literal["synchronised", "unknown"] = "synchronised"
    mount: Mount | None = None
    at: dt.datetime | None = None


class _Case(_Closed):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    given: _Given = _Given()
    leaves: Literal["hit", "read", "count", "nothing"]
    because: str | None = None
    fields: dict[str, Form] | None = None


class _File(_Closed):
    policy: Annotated[str, Field(min_length=1, max_length=200)]
    cases: Annotated[list[_Case], Field(min_length=1, max_length=1000)]


@dataclass(frozen=True, slots=True)
class Cases:
    """A file of cases: which policy it is about, and what is given and expected."""

    policy: str
    cases: tuple[_Case, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case: `faults` is empty where everything was as expected."""

    name: str
    faults: tuple[str, ...]


def load_cases(text: bytes, name: str) -> Cases:
    """Return the cases of a file.

    Raises:
        ConfigError: `problems` names every fault.
    """
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{name} is larger than {MAX_BYTES} bytes", "split it")
    try:
        tree = tomllib.loads(text.decode())
        file = _File.model_validate(tree)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(
            f"{name} is not TOML ({type(error).__name__})", "correct it", (f"{name}: {error}",)
        ) from error
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        problems = [f"{name}: {describe(fault, place_of(fault, tree), _KEYS)}" for fault in faults]
        raise ConfigError(f"{name} has {len(problems)} faults", "correct each of them", tuple(problems)) from error
    return Cases(file.policy, tuple(file.cases))


def run_case(policy: Policy, case: _Case, number: int) -> Outcome:
    """Return whether what leaves is what the case expects.

    Raises:
        ConfigError: the plate of the case is none.
    """
    decision = _decide(policy, case.given, number)
    kind, because, fields = _seen(policy, decision)
    faults = []
    if kind != case.leaves:
        faults.append(f"{kind} leaves ({because}), expected was {case.leaves}")
    elif case.because is not None and because != case.because:
        faults.append(f"because of {because}, expected was {case.because}")
    if kind == case.leaves and case.fields is not None:
        for field in sorted(fields.keys() | case.fields.keys()):
            found, wanted = fields.get(field, "nothing"), case.fields.get(field, "nothing")
            if found != wanted:
                faults.append(f"{field}: {found}, expected was {wanted}")
    return Outcome(case.name, tuple(faults))


def _seen(policy: Policy, decision: Decision) -> tuple[str, str, dict[str, str]]:
    """Return what left, why, and the form of each field."""
    match decision:
        case Disclose(disclosure):
            section = policy.section(Disposition(str(disclosure.body["disposition"])))
            forms = {
                field.value: _FORMS[type(section.action(field))]
                for field in FieldName
                if field.value in disclosure.body
            }
            return disclosure.kind.value, decision.reason.value, forms
        case Tally():
            section = policy.section(decision.disposition)
            forms = {name: _FORMS[type(section.action(FieldName(name)))] for name, _ in decision.group}
            return "count", decision.reason.value, forms
        case _:
            return "nothing", decision.reason.value, {}


def _decide(policy: Policy, given: _Given, number: int) -> Decision:
    at = given.at or dt.datetime.combine(policy.effective, dt.time(12), dt.UTC)
    wall_ns = int((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp()) * NS_PER_S
    now = Instant(wall_ns, NS_PER_S * 1000)
    device = suited(Device(latitude_deg=44.97775, longitude_deg=-93.26501), policy)
    if given.mount is not None:
        device = replace(device, mount=given.mount)
    sort = MatchKind.LOOKALIKE if given.lookalike else MatchKind.EXACT
    matches = tuple(Match(sort, category, "list") for category in given.wanted)
    keys = EpochKeys(device, (), bytes)  # zeros: nothing that is made here leaves
    instruments = Instruments(keys, lambda _to, _plaintext, _info: b"sealed", lambda: "0")
    context = Context(now, TimeQuality(given.clock), device)
    return decide(_sighting(given, now, number), matches, policy, context, instruments)


def _sighting(given: _Given, now: Instant, number: int) -> Sighting:
    try:
        text = PlateText.from_written(given.plate)
    except PlateTextError as error:
        raise ConfigError(f"case {number} has no plate in it", "write 1 to 12 letters A-Z and digits") from error
    return Sighting(
        text=text,
        glyphs=(Glyph((("?", given.confidence),)),) * len(text),
        confidence=given.confidence,
        agreeing_frames=given.frames,
        frames=max(given.frames, 1),
        region=given.region,
        detection=Detection(((0.0, 0.0), (9.0, 0.0), (9.0, 3.0), (0.0, 3.0)), 1.0),
        frame_size_px=(1280, 720),
        first_seen=now,
        last_seen=now,
        direction=Direction(given.direction),
        lane=given.lane,
        crops=Crops(Crop(b"plate"), Crop(b"scene")) if given.pictures else None,
    )


_KEYS = frozenset({*_File.model_fields, *_Case.model_fields, *_Given.model_fields})
