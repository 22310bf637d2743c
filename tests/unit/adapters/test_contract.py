"""The contract of the wire: generated, complete, and kept towards consumers that were written before today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, Undefined
from jsonschema import Draft202012Validator

from platesieve.adapters.mqtt import wire
from platesieve.adapters.mqtt.asyncapi import contract, contract_text
from platesieve.adapters.mqtt.home_assistant import discovery
from platesieve.adapters.mqtt.wire_schemas import fits, schema
from platesieve.collector.admission import Rules, admit
from platesieve.collector.records import Event, Message
from platesieve.domain.disclosure import Disclosure, Kind
from platesieve.domain.instant import NS_PER_S
from platesieve.settings import Device
from tests.fakes.clock import START_WALL_NS as NOW
from tests.fakes.disclosures import POLICY, a_health, a_hit

ROOT = Path(__file__).parents[3]
FROZEN = ROOT / "tests" / "vectors" / "wire" / "v1"
ADDRESS = wire.Address.from_device(Device())
NEW = {"weather": "rain", "nested": {"more": [1, {"deep": True}]}}


def frozen(kind: Kind) -> dict[str, Any]:
    """Return the schema that consumers of version 1 were written against."""
    return dict(json.loads((FROZEN / f"{kind.value}.schema.json").read_text()))


def events() -> list[dict[str, Any]]:
    """Return one event of each kind, as a device sends it."""
    bodies: dict[Kind, Any] = {
        Kind.HIT: {
            "policy": POLICY,
            "disposition": "hit",
            "plate": {"sealed": "A" * 64, "to": "agency"},
            "alternatives": [[["8", 0.91], ["B", 0.08]]],
        },
        Kind.READ: {"policy": POLICY, "disposition": "miss", "plate": {"pseudonym": "ab", "epoch": 7}},
        Kind.COUNT: {
            "window": {"start": "2026-11-22T12:00:00Z", "end": "2026-11-22T13:00:00Z"},
            "policy": POLICY,
            "counts": [{"disposition": "miss", "count": 3}],
        },
        Kind.HEALTH: {"state": "reading", "policy": POLICY, "hotlist": {"sha256": "ab", "count": 3}},
        Kind.CHECKPOINT: {"checkpoint": "a\n1\nAAAA\n\n- a sig\n"},
    }
    made = (
        Disclosure(f"{kind.value}-1", kind, body, None if kind.lasting else NOW + 60 * NS_PER_S)
        for kind, body in bodies.items()
    )
    return [json.loads(wire.encode(disclosure, ADDRESS)) for disclosure in made]


def kind_of(event: dict[str, Any]) -> Kind:
    """Return the kind that an event's type names."""
    return Kind(event["type"].split(".")[2])


def with_new_fields(value: Any) -> Any:
    """Return an event as a later device might send it: something new in every object."""
    if isinstance(value, dict):
        return {**{key: with_new_fields(inner) for key, inner in value.items()}, **NEW}
    return [with_new_fields(inner) for inner in value] if isinstance(value, list) else value


def test_the_contract_that_ships_is_the_one_that_the_types_give() -> None:
    """`platesieve schema > src/platesieve/schemas/v1/asyncapi.json` after a change."""
    assert (ROOT / "src/platesieve/schemas/v1/asyncapi.json").read_text() == contract_text()


def test_every_topic_of_the_access_list_is_a_channel_and_no_other() -> None:
    """Contract and broker speak of the same topics."""
    rules = (ROOT / "deploy/mosquitto/acl").read_text().splitlines()
    allowed = {line.split()[2].removeprefix("platesieve/%u/") for line in rules if line.startswith("pattern")}
    channels = {
        channel["address"].removeprefix("platesieve/{agency}/{site}/{device}/").replace("{verb}", "+")
        for channel in contract()["channels"].values()
    }

    assert channels == allowed


@pytest.mark.parametrize("event", events(), ids=lambda event: event["type"])
def test_an_old_consumer_survives_new_fields(event: dict[str, Any]) -> None:
    """By the frozen schemas, by ours, and in the collector: what is not known is passed over."""
    kind = kind_of(event)
    newer = with_new_fields(event)
    Draft202012Validator(frozen(kind)).validate(event)
    Draft202012Validator(frozen(kind)).validate(newer)
    assert fits(kind, newer)
    message = Message(ADDRESS.topic(kind), json.dumps(newer).encode())
    rules = Rules(ADDRESS.agency, 1 << 20, 86_400 * NS_PER_S, fits)
    admitted = admit(message, NOW, rules)
    assert isinstance(admitted, Event)
    assert admitted.document["weather"] == "rain"


@pytest.mark.parametrize("kind", Kind)
def test_nothing_that_old_consumers_rely_on_goes_away(kind: Kind) -> None:
    """Version 1 may gain optional fields; what was required stays, and every field keeps its meaning."""
    old, new = frozen(kind), schema(kind)

    assert set(old["required"]) <= set(new["required"])
    for name in old["$defs"] | {"data": None}:
        before = old["$defs"][name] if name in old["$defs"] else old["properties"]["data"]
        now = new["$defs"].get(name) if name in old["$defs"] else new["properties"]["data"]
        assert now is not None, name
        assert set(before.get("required", ())) <= set(now.get("required", ())), name
        kept = {field: now["properties"].get(field) for field in before.get("properties", {})}
        assert kept == before.get("properties", {}), name
        assert now.get("additionalProperties", True) is True, name


def test_a_field_that_went_away_would_be_noticed() -> None:
    """The control: an event without what was required does not pass the frozen schema."""
    event = events()[0]
    del event["data"]["policy"]

    assert not Draft202012Validator(frozen(Kind.HIT)).is_valid(event)
    assert not fits(Kind.HIT, event)


def test_binary_mode_says_the_same_as_structured() -> None:
    """Attributes beside the data, nothing twice, nothing left out."""
    attributes, payload = wire.encode_binary(a_hit("h1"), ADDRESS)
    structured = json.loads(wire.encode(a_hit("h1"), ADDRESS))

    assert {**attributes, "datacontenttype": "application/json", "data": json.loads(payload)} == structured
    assert all(isinstance(value, str) for value in attributes.values())


def test_home_assistant_is_told_of_health_alone() -> None:
    """Every entity reads the health topic, is diagnostic, and names a field that health has."""
    documents = [json.loads(document) for document in discovery(ADDRESS).values()]
    known = schema(Kind.HEALTH)["properties"]["data"]["properties"]

    assert {document["state_topic"] for document in documents} == {ADDRESS.topic(Kind.HEALTH)}
    assert {document["entity_category"] for document in documents} == {"diagnostic"}
    assert all(document["value_template"].split("'")[1] in known for document in documents)
    assert "plate" not in json.dumps([document["value_template"] for document in documents])
    assert Kind.HEALTH is a_health("reading").kind


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (
            {"state": "reading", "policy": POLICY, "hotlist": {"age_s": 60}},
            {"state": "reading", "policy_id": "hits-only"},
        ),
        ({"state": "offline"}, {"state": "offline", "policy_id": "None", "hotlist_age_s": "None"}),
        ({"state": "not-reading", "policy": None, "hotlist": None}, {"policy_id": "None", "hotlist_age_s": "None"}),
    ],
)
def test_home_assistant_can_read_every_health_event(data: dict[str, Any], shown: dict[str, str]) -> None:
    """Its templates are Jinja: they render for a will and for nulls too; a strict environment would complain."""
    environment = Environment(undefined=Undefined, autoescape=True)
    rendered = {
        topic.split("/")[3]: environment.from_string(json.loads(document)["value_template"]).render(
            value_json={"data": data}
        )
        for topic, document in discovery(ADDRESS).items()
    }
    assert shown.items() <= rendered.items()
    available = {
        environment.from_string(json.loads(document)["availability_template"]).render(value_json={"data": data})
        for document in discovery(ADDRESS).values()
    }
    assert available == {"offline" if data["state"] == "offline" else "online"}
