"""The shape of a policy file, checked value by value; `policy.schema.json` is generated from these models.

Which actions a field may have is part of the shape: a combination without a meaning, such as a coarsened
picture, is no policy at all.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from platesieve.domain.folding import CLASSES
from platesieve.policy import duration

ID = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
VERSION = r"^[0-9]+([.+-][0-9a-z]+)+$"
JURISDICTION = r"^([A-Z]{2}(-[A-Z0-9]{1,3})?|any)$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
CELL = r"^[0-9]{1,6}(\.[0-9]{1,6})?(m|km|deg)$"
MAX_CELL = {"m": 1_000_000.0, "deg": 90.0}
MAX_CELL_DEG_TEXT = "1 m to 1000 km, or up to 90 deg"


def _refuse(what: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError("policy", "{what}; {remedy}", {"what": what, "remedy": remedy})


def _duration(written: str) -> str:
    try:
        duration.parse_duration(written)
    except ValueError as error:
        raise _refuse(str(error), 'write a number and s, m, h or d, for example "24h"') from error
    return written


def _lasting(written: str) -> str:
    if duration.parse_duration(_duration(written)) == 0:
        raise _refuse("is no time at all", 'write more than zero, for example "3s"')
    return written


def parse_cell(written: str) -> tuple[float, Literal["m", "deg"]]:
    """Return size and unit of a cell.

    Raises:
        ValueError: it is not a number and m, km or deg, or is out of bounds.
    """
    if not re.fullmatch(CELL, written, re.ASCII):
        raise ValueError(f"{written[:20]!r} is no cell")
    number = float(written.rstrip("kmdeg"))
    size, unit = (number, "deg") if written.endswith("deg") else (number * (1000 if "k" in written else 1), "m")
    if not 0 < size <= MAX_CELL[unit] or (unit == "m" and size < 1):
        raise ValueError(f"{written} is not {MAX_CELL_DEG_TEXT}")
    return size, "deg" if unit == "deg" else "m"


def _cell(written: str) -> str:
    try:
        parse_cell(written)
    except ValueError as error:
        raise _refuse(str(error), 'write for example "500m", "2km" or "0.01deg"') from error
    return written


def _plain_date(value: dt.date) -> dt.date:
    if isinstance(value, dt.datetime):
        raise _refuse("is a time of day", "write a date alone, for example 2026-11-22")
    return value


def _real_date(written: str) -> str:
    try:
        dt.date.fromisoformat(written)
    except ValueError as error:
        raise _refuse("is no date that exists", 'write for example "2026-11-22"') from error
    return written


Duration: TypeAlias = Annotated[
    str, AfterValidator(_duration), WithJsonSchema({"type": "string", "pattern": duration.PATTERN})
]
Lasting: TypeAlias = Annotated[
    str, AfterValidator(_lasting), WithJsonSchema({"type": "string", "pattern": duration.PATTERN})
]
Cell: TypeAlias = Annotated[str, AfterValidator(_cell), WithJsonSchema({"type": "string", "pattern": CELL})]
Id: TypeAlias = Annotated[str, Field(pattern=ID, max_length=64)]
Name: TypeAlias = Annotated[str, Field(pattern=ID, max_length=32)]
Sentence: TypeAlias = Annotated[str, Field(min_length=1, max_length=300)]
Day: TypeAlias = Annotated[dt.date, AfterValidator(_plain_date)]


Alike: TypeAlias = Annotated[str, Field(pattern=r"^[0-9A-Z]{2,36}$")]


class _Closed(BaseModel):
    """Refuses keys it does not know and never converts one type into another."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Action(_Closed):
    why: Sentence | None = None


class KeepShape(_Action):
    """The value leaves as it is."""

    action: Literal["keep"]


class DropShape(_Action):
    """Nothing leaves."""

    action: Literal["drop"]


class SealShape(_Action):
    """Only the recipient can open the value (HPKE, RFC 9180)."""

    action: Literal["seal"]
    to: Name


class SealPictureShape(SealShape):
    """Only the recipient can open the picture: HPKE, or an age file that any age tool opens."""

    format: Literal["hpke", "age"] = "hpke"


class PseudonymShape(_Action):
    """An HMAC under a key that lives for one epoch: on this device, or on all of its site or fleet."""

    action: Literal["pseudonym"]
    epoch: Lasting
    scope: Literal["device", "site", "fleet"] = "device"


class CoarsenTimeShape(_Action):
    """The span that the time lies in."""

    action: Literal["coarsen"]
    to: Lasting


class CoarsenPlaceShape(_Action):
    """The centre of the cell that the place lies in."""

    action: Literal["coarsen"]
    to: Cell


class CoarsenNumberShape(_Action):
    """The number rounded down to a multiple of a step."""

    action: Literal["coarsen"]
    to: float = Field(gt=0.0, le=1.0, allow_inf_nan=False)


class CoarsenRegionShape(_Action):
    """The country of a region."""

    action: Literal["coarsen"]
    to: Literal["country"]


_BY_ACTION = Discriminator("action")
Plain: TypeAlias = Annotated[KeepShape | DropShape | SealShape, _BY_ACTION]
Crop: TypeAlias = Annotated[KeepShape | DropShape | SealPictureShape, _BY_ACTION]
Text: TypeAlias = Annotated[KeepShape | DropShape | SealShape | PseudonymShape, _BY_ACTION]
Region: TypeAlias = Annotated[KeepShape | DropShape | SealShape | PseudonymShape | CoarsenRegionShape, _BY_ACTION]
Time: TypeAlias = Annotated[KeepShape | DropShape | SealShape | CoarsenTimeShape, _BY_ACTION]
Place: TypeAlias = Annotated[KeepShape | DropShape | SealShape | CoarsenPlaceShape, _BY_ACTION]
Number: TypeAlias = Annotated[KeepShape | DropShape | SealShape | CoarsenNumberShape, _BY_ACTION]


class FieldsShape(_Closed):
    """What happens to each field; what is not named is dropped."""

    plate: Text | None = None
    alternatives: Plain | None = None
    plate_region: Region | None = None
    time: Time | None = None
    location: Place | None = None
    device: Text | None = None
    direction: Text | None = None
    lane: Text | None = None
    confidence: Number | None = None
    category: Text | None = None
    list: Text | None = None
    plate_crop: Crop | None = None
    scene_crop: Crop | None = None
    time_quality: Plain | None = None


class AggregateShape(_Closed):
    """How reads are counted."""

    window: Lasting
    suppress_below: int = Field(default=0, ge=0, le=1_000_000)
    retention: Lasting = "365d"


class SectionShape(_Closed):
    """What happens to the reads of one disposition."""

    publish: Literal["event", "aggregate", "none"]
    retention: Duration = "0s"
    collector: Name | None = None
    fields: FieldsShape = FieldsShape()
    aggregate: AggregateShape | None = None


class SourceShape(_Closed):
    """A text that the policy was written from."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=500)]
    read: Annotated[str, Field(pattern=DATE), AfterValidator(_real_date)]
    verified: Sentence


class ClauseShape(_Closed):
    """A rule of the law that this device follows, and the test that shows it."""

    clause: Annotated[str, Field(min_length=1, max_length=80)]
    rule: Sentence
    test: Annotated[str, Field(pattern=r"^test_[a-z0-9_]+$", max_length=100)]
    verified: Literal["V", "C", "M"]


class ReadingShape(_Closed):
    """How sure a read must be, and how long it stays in RAM."""

    min_agreeing_frames: int = Field(ge=1, le=1000)
    min_confidence: float = Field(ge=0.0, le=1.0, allow_inf_nan=False)
    raw_lifetime: Lasting


class ManualShape(_Closed):
    """An entry of a hot list made by hand: its reason is always required, and so are case number and end of shift."""

    reason_required: Literal[True] = True
    case_required: Literal[True] = True
    expires: Lasting = "8h"


class HotlistsShape(_Closed):
    """How old a hot list may be, and whether a person may add to it; without `manual_entries` nobody may."""

    max_age: Lasting = "24h"
    manual_entries: ManualShape | None = None


class HoldsShape(_Closed):
    """How long reads may be kept beyond their retention on somebody's signature; without it they may not be."""

    longest: Lasting
    of: Annotated[list[Literal["camera", "plate"]], Field(min_length=1, max_length=2)] = ["camera"]
    why: Sentence | None = None


class LogOfUseShape(_Closed):
    """The period of the log of use."""

    period: Literal["shift", "day", "week", "month"]


class PolicyShape(_Closed):
    """One law, as data: what happens to each field of a read, how long, who receives it."""

    format: Literal[1]
    id: Id
    title: Annotated[str, Field(min_length=1, max_length=120)]
    version: Annotated[str, Field(pattern=VERSION, max_length=64)]
    jurisdiction: Annotated[str, Field(pattern=JURISDICTION)]
    sources: Annotated[list[SourceShape], Field(max_length=50)]
    effective: Day
    expires: Day | None = None
    on_expiry: Id | None = None
    mounts: Annotated[list[Literal["fixed", "mobile"]], Field(min_length=1, max_length=2)]
    operators: Annotated[list[Literal["police", "public", "private"]], Field(max_length=3)] = []
    requires: Annotated[
        list[Literal["policy-document", "registration", "occasion", "excluded-places"]], Field(max_length=4)
    ] = []
    clauses: Annotated[list[ClauseShape], Field(max_length=50)] = []
    outside: Annotated[list[Sentence], Field(max_length=50)] = []
    reading: ReadingShape
    hit: SectionShape = SectionShape(publish="none")
    miss: SectionShape = SectionShape(publish="none")
    unsure: SectionShape = SectionShape(publish="none")
    hotlists: HotlistsShape = HotlistsShape()
    holds: HoldsShape | None = None
    folding: Annotated[list[Alike], Field(max_length=18)] = list(CLASSES)
    log_of_use: LogOfUseShape | None = None


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a policy file; dates stand in it as RFC 3339 text."""
    schema = PolicyShape.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:platesieve:schema:v1:policy",
        **schema,
    }


def schema_text() -> str:
    """Return the text of `schemas/v1/policy.schema.json`."""
    return json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"
