"""A simulated vehicle goes through the real policy, and nobody can take it for a real one."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.wire import Address, encode
from platesieve.adapters.mqtt.wire_schemas import fits
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import ConfigError
from platesieve.policy.instruments import instruments_for
from platesieve.policy.load import load_policy
from platesieve.policy.packs import pack_text
from platesieve.policy.seal import new_private_key, open_sealed, public_bytes, sealing_info
from platesieve.simulation.picture import made_up_crops
from platesieve.simulation.traffic import Street, arrivals, cameras, is_simulated, publishes_hits

if TYPE_CHECKING:
    from platesieve.domain.disclosure import Disclosure
    from platesieve.settings import Device

CLOCK = SystemClock(assume=True)
(CAMERA,) = cameras("metro-pd", 1)


def vehicle(pack: str, device: Device = CAMERA, key: bytes | None = None) -> Disclosure:
    """Return what leaves of one vehicle under a pack, sealed to `key`."""
    policy = load_policy(pack_text(pack), pack)
    public = public_bytes(key or new_private_key(os.urandom, hybrid=False))
    instruments = instruments_for(device, dict.fromkeys(policy.recipients, public), policy.epochs_s)
    instruments.pseudonyms.rotate(CLOCK.now())
    return Street(device, policy, instruments, made_up_crops()).passes(7, CLOCK.now())


def test_every_camera_stands_on_a_site_that_says_it() -> None:
    """A hundred to a site; names that topics and certificates may have, each once."""
    fleet = cameras("metro-pd", 250)
    paths = [Address.from_device(device).path for device in fleet]
    assert len(set(paths)) == 250
    assert (paths[0], paths[-1]) == ("metro-pd/simulated-1/cam-00001", "metro-pd/simulated-3/cam-00250")
    assert all(map(is_simulated, paths))
    assert not is_simulated("metro-pd/bridge-7/cam-1")
    assert not is_simulated("simulated-1/bridge-7/cam-1")


def test_whoever_opens_one_reads_that_it_is_simulated() -> None:
    """Plate, category, list, and the picture, as the agency's key opens them."""
    key = new_private_key(os.urandom, hybrid=False)
    disclosure = vehicle("hits-only", key=key)
    body: dict[str, Any] = dict(disclosure.body)

    def opened(field: str) -> Any:
        sealed = b64decode(body[field]["sealed"])
        info = sealing_info(CAMERA, Kind.HIT, disclosure.id, field, body["policy"]["sha256"])
        return json.loads(open_sealed(key, sealed, info))

    assert opened("plate") == "SIMULATED007"
    assert (opened("category"), opened("list")) == ("simulated", "simulated")
    assert 2000 < len(b64decode(opened("plate_crop"))) < 20_000


@pytest.mark.parametrize("pack", ["hits-only", "travel-time", "us-mn", "eu-gdpr"])
def test_what_leaves_is_what_the_policy_lets_out(pack: str) -> None:
    """It fits the published schema, and holds no plate in clear."""
    disclosure = vehicle(pack)
    payload = encode(disclosure, Address.from_device(CAMERA))
    assert fits(disclosure.kind, json.loads(payload))
    assert disclosure.kind is (Kind.HIT if publishes_hits(load_policy(pack_text(pack), pack)) else Kind.READ)
    assert b"SIMULATED0" not in payload


def test_a_policy_that_lets_no_event_out_is_refused() -> None:
    """Counting alone has nothing to simulate."""
    with pytest.raises(ConfigError, match="nothing to simulate"):
        publishes_hits(load_policy(pack_text("count-only"), "count-only"))


def test_vehicles_pass_at_the_rate_that_is_asked_and_not_in_step() -> None:
    """Ten thousand gaps have the mean that was asked for, and an exponential's spread; a seed draws them again."""
    moments, again = (list(islice(arrivals(50, Random(1)), 10_000)) for _ in range(2))  # noqa: S311 - draws traffic
    gaps = [later - earlier for earlier, later in zip([0.0, *moments], moments, strict=False)]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert mean == pytest.approx(1 / 50, rel=0.05)
    assert spread == pytest.approx(mean, rel=0.05)
    assert moments == again
