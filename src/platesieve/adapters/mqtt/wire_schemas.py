"""JSON Schema for every type of event, generated from the models below.

Every model lets unknown fields pass: a consumer written today keeps working when a field is added.
A field of a read comes in one of three forms, which policy chooses: plain, as a pseudonym, or sealed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from platesieve.domain.disclosure import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class Pseudonym(_Open):
    """A keyed pseudonym: equal within its epoch, meaningless after it."""

    pseudonym: str
    epoch: str | int


class Sealed(_Open):
    """An HPKE ciphertext (RFC 9180), base64, that only the named recipient opens."""

    sealed: str
    to: str


Alternative: TypeAlias = Annotated[tuple[str, float], Strict(strict=False)]  # JSON has no tuples
Alternatives: TypeAlias = list[list[Alternative]]
Hidden: TypeAlias = Pseudonym | Sealed
Text: TypeAlias = str | Hidden


class PolicyName(_Open):
    """The policy that decided."""

    id: str
    version: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Span(_Open):
    """A stretch of time, RFC 3339; the end is not part of it."""

    start: str
    end: str


class Place(_Open):
    """WGS 84 degrees; or the centre of a cell, where the policy coarsened the place."""

    latitude: float
    longitude: float


class Sighted(_Open):
    """A minimised read: every field but `policy` and `disposition` is there only if the policy let it through."""

    policy: PolicyName
    disposition: Literal["hit", "miss", "unsure"]
    match: Literal["exact", "partial-jurisdiction", "lookalike"] | None = None
    notice: str | None = None
    salt: str | None = Field(default=None, description="of the commitment in the audit log")
    classification: dict[str, Literal["private", "public"]] | None = Field(
        default=None, description="of each field that is here, sealed or not: whom the law lets see it"
    )
    plate: Text | None = None
    alternatives: Alternatives | Sealed | None = Field(
        default=None,
        description="for each character of the plate what it may be and how probable that is, 0..1, best first; "
        "sealed wherever the plate is",
    )
    plate_region: Text | None = Field(
        default=None, description="a country (ISO 3166-1 alpha-2) or a part of one (ISO 3166-2)"
    )
    time: str | Span | Hidden | None = None
    location: str | Place | Hidden | None = None
    device: Text | None = None
    direction: Text | None = None
    lane: Text | None = None
    confidence: float | Hidden | None = None
    category: Text | None = None
    list: Text | None = None
    plate_crop: Text | None = Field(default=None, description="a JPEG, base64")
    scene_crop: Text | None = Field(default=None, description="a JPEG of the vehicle, base64")
    time_quality: Text | None = None


class Hit(Sighted):
    """A plate met a hot list."""


class Read(Sighted):
    """A plate met no hot list, or was read with too little certainty."""


class Tally(_Open):
    """How often, for one disposition and one combination of the group fields beside it."""

    disposition: Literal["hit", "miss", "unsure"]
    count: int = Field(ge=0)


class Count(_Open):
    """Counts of a closed window."""

    window: Span
    policy: PolicyName
    counts: list[Tally]
    partial: bool = Field(default=False, description="the device did not see the whole window")


class Hotlist(_Open):
    """The hot list in force: what it is, never what is in it."""

    sha256: str
    count: int
    age_s: float | None = None


class Health(_Open):
    """How the device is; retained, and the last will with `state` offline."""

    state: Literal["reading", "not-reading", "suspended", "stopped", "offline"]
    reason: str | None = None
    fps: float | None = None
    dropped: int | None = None
    policy: PolicyName | None = None
    hotlist: Hotlist | None = None
    clock: str | None = None
    audit_size: int | None = None
    version: str | None = None


class Consistency(_Open):
    """A consistency proof (RFC 6962, 2.1.2) from an earlier size, up to which a witness has cosigned, to this one."""

    size: int
    hashes: list[str]


class Checkpoint(_Open):
    """The signed size and root of the audit log (C2SP tlog-checkpoint in a signed note); retained."""

    checkpoint: str
    consistency: list[Consistency] | None = None


DATA: dict[Kind, type[_Open]] = {
    Kind.HIT: Hit,
    Kind.READ: Read,
    Kind.COUNT: Count,
    Kind.HEALTH: Health,
    Kind.CHECKPOINT: Checkpoint,
}


def schema(kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the whole event of one kind."""
    data = DATA[kind].model_json_schema(ref_template="#/$defs/{model}")
    definitions = data.pop("$defs", {})
    properties: dict[str, Any] = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "description": "random; the same id twice is the same event"},
        "type": {"const": f"org.platesieve.{kind.value}.v1"},
        "source": {"type": "string", "description": "/agency/site/device"},
        "datacontenttype": {"const": "application/json"},
        "time": {"type": "string", "format": "date-time", "description": "only where the policy let the time through"},
        "expires": {
            "type": "string",
            "format": "date-time",
            "description": "erase it everywhere by then; what is left of it is also the MQTT message expiry",
        },
        "data": data,
    }
    required = ["specversion", "id", "type", "source", "data", *([] if kind.lasting else ["expires"])]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:platesieve:schema:v1:{kind.value}",
        "title": f"org.platesieve.{kind.value}.v1",
        "type": "object",
        "properties": properties,
        "required": required,
        "$defs": definitions,
    }


def fits(kind: Kind, event: Mapping[str, Any]) -> bool:
    """Return whether a CloudEvent of this kind fits its schema; fields that are not known here are no fault."""
    texts = ("id", "source", *(() if kind.lasting else ("expires",)))
    envelope = event.get("specversion") == "1.0" and event.get("type") == f"org.platesieve.{kind.value}.v1"
    json_inside = event.get("datacontenttype", "application/json") == "application/json"
    if not envelope or not json_inside or not all(isinstance(event.get(t), str) and event[t] for t in texts):
        return False
    try:
        DATA[kind].model_validate(event.get("data"))
    except ValidationError:
        return False
    return True


def schema_text(kind: Kind) -> str:
    """Return the text of `schemas/v1/<kind>.schema.json`."""
    return json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n"
