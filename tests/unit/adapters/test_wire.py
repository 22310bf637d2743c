"""What subscribers get: CloudEvents that fit their schema, and topics that reach no other device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from platesieve.adapters.mqtt import wire
from platesieve.adapters.mqtt.wire_schemas import fits, schema, schema_text
from platesieve.domain.disclosure import Disclosure, Kind
from platesieve.domain.errors import ConfigError
from platesieve.domain.instant import NS_PER_S
from platesieve.settings import Device
from tests.fakes.clock import START_WALL_NS as NOW
from tests.fakes.disclosures import POLICY, a_hit

if TYPE_CHECKING:
    from platesieve.domain.disclosure import Json

ADDRESS = wire.Address.from_device(Device())
SCHEMAS = Path(wire.__file__).parents[2] / "schemas" / "v1"
HOUR: dict[str, Json] = {"start": "2026-11-22T12:00:00Z", "end": "2026-11-22T13:00:00Z"}
BODIES: dict[Kind, dict[str, Json]] = {
    Kind.HIT: {
        "policy": POLICY,
        "disposition": "hit",
        "match": "lookalike",
        "salt": "c2FsdA",
        "plate": {"sealed": "AAAA", "to": "agency"},
        "alternatives": {"sealed": "CCCC", "to": "agency"},
        "plate_crop": {"sealed": "BBBB", "to": "agency"},
        "time": "2026-11-22T12:00:00Z",
        "location": {"latitude": 44.97, "longitude": -93.26},
        "category": "stolen",
        "time_quality": "synchronised",
    },
    Kind.READ: {"policy": POLICY, "disposition": "miss", "plate": {"pseudonym": "abc", "epoch": "e1"}, "time": HOUR},
    Kind.COUNT: {
        "window": HOUR,
        "policy": POLICY,
        "counts": [{"disposition": "miss", "direction": "approaching", "count": 12}],
        "partial": True,
    },
    Kind.HEALTH: {
        "state": "reading",
        "fps": 12.5,
        "dropped": 3,
        "policy": POLICY,
        "hotlist": {"sha256": "0" * 64, "count": 17, "age_s": 60},
        "clock": "synchronised",
        "audit_size": 9,
        "version": "0.1.0",
    },
    Kind.CHECKPOINT: {"checkpoint": "demo/log\n1\nAAAA\n\n— demo sig\n"},
}


def event(kind: Kind, body: dict[str, Json]) -> dict[str, Any]:
    """Return the parsed CloudEvent of a body."""
    expires = None if kind.lasting else NOW + 60 * NS_PER_S
    parsed: dict[str, Any] = json.loads(wire.encode(Disclosure("id-1", kind, body, expires), ADDRESS))
    return parsed


@pytest.mark.parametrize("kind", Kind)
def test_the_schema_in_the_package_is_the_generated_one(kind: Kind) -> None:
    """The files follow the models; after a change write `schema_text(kind)` into the file."""
    assert (SCHEMAS / f"{kind.value}.schema.json").read_text() == schema_text(kind)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_fits_its_schema_also_with_fields_of_tomorrow(kind: Kind) -> None:
    """A consumer that validates today keeps working when a field is added."""
    validator = Draft202012Validator(schema(kind))
    validator.check_schema(schema(kind))
    validator.validate(event(kind, BODIES[kind]))
    validator.validate({**event(kind, {**BODIES[kind], "tomorrow": [1]}), "traceparent": "x"})


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Kind.HIT, {"disposition": "maybe"}),
        (Kind.HIT, {"plate": 7}),
        (Kind.HIT, {"alternatives": [[["8", "0.91"]]]}),
        (Kind.HIT, {"alternatives": "8 or B"}),
        (Kind.HIT, {"plate": {"hash": "x"}}),
        (Kind.COUNT, {"counts": [{"disposition": "miss", "count": -1}]}),
        (Kind.HEALTH, {"state": "fine"}),
        (Kind.CHECKPOINT, {"checkpoint": None}),
    ],
)
def test_a_body_of_another_shape_does_not_fit(kind: Kind, change: dict[str, Json]) -> None:
    """The schemas can say no."""
    assert not Draft202012Validator(schema(kind)).is_valid(event(kind, {**BODIES[kind], **change}))


def test_alternatives_in_clear_fit_too() -> None:
    """Where a policy keeps the plate: for each character what it may be; schema and collector agree."""
    got = event(
        Kind.HIT, {**BODIES[Kind.HIT], "plate": "C8", "alternatives": [[["C", 1.0]], [["8", 0.91], ["B", 0.08]]]}
    )

    Draft202012Validator(schema(Kind.HIT)).validate(got)
    assert fits(Kind.HIT, got)


def test_the_will_is_a_health_event() -> None:
    """Subscribers need no second parser for it."""
    Draft202012Validator(schema(Kind.HEALTH)).validate(json.loads(wire.encode_offline(ADDRESS)))


def test_an_event_has_the_attributes_of_cloudevents() -> None:
    """Type, source, id and expiry; data is the body and nothing else."""
    got = event(Kind.HIT, BODIES[Kind.HIT])
    assert got.pop("data") == BODIES[Kind.HIT]
    assert got == {
        "specversion": "1.0",
        "id": "id-1",
        "type": "org.platesieve.hit.v1",
        "source": "/demo-agency/demo-site/cam-1",
        "datacontenttype": "application/json",
        "time": "2026-11-22T12:00:00Z",
        "expires": "2026-11-22T12:01:00Z",
    }


@pytest.mark.parametrize("time", [None, HOUR, "2026-11-22", {"sealed": "x", "to": "agency"}])
def test_there_is_no_time_beyond_what_the_policy_let_through(time: Json) -> None:
    """A dropped, coarsened or sealed time does not come back as an attribute."""
    body = {key: value for key, value in BODIES[Kind.HIT].items() if key != "time"}
    assert "time" not in event(Kind.HIT, body if time is None else {**body, "time": time})


def test_what_is_left_is_rounded_down() -> None:
    """Nothing lives longer than allowed, by no fraction of a second."""
    assert wire.remaining_s(NOW + 1_999_999_999, NOW) == 1
    assert wire.remaining_s(NOW + 999_999_999, NOW) == 0
    assert wire.remaining_s(NOW - 1, NOW) == -1
    assert wire.remaining_s(None, NOW) is None
    assert wire.remaining_s(NOW + 10**12 * NS_PER_S, NOW) == 2**32 - 1
    expires = json.loads(wire.encode(a_hit("h", expires_in_s=1.9), ADDRESS))["expires"]
    assert expires == "2026-11-22T12:00:01Z"


def test_every_bad_part_is_named_at_once() -> None:
    """One run, all errors."""
    with pytest.raises(ConfigError) as refused:
        wire.Address.from_device(Device(agency="a/b", site="#", device=""))
    assert len(refused.value.problems) == 3


def test_topics_are_the_designs() -> None:
    """One tree per device, and one filter for its commands."""
    assert ADDRESS.topic(Kind.COUNT) == "platesieve/demo-agency/demo-site/cam-1/count"
    assert ADDRESS.commands == "platesieve/demo-agency/demo-site/cam-1/do/+"


@given(st.text(max_size=70), st.sampled_from(["agency", "site", "device"]))
def test_no_name_reaches_another_devices_topic(name: str, part: str) -> None:
    """Either it is refused, or the topic has exactly five parts without wildcards."""
    try:
        address = wire.Address.from_device(Device(**{part: name}))  # type: ignore[arg-type]  # one part of three
    except ConfigError:
        return
    topic = address.topic(Kind.HIT)
    assert topic.count("/") == 4
    assert not set("+#$\0\n ") & set(topic)
