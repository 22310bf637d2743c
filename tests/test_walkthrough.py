"""Read this first: one plate from frame to MQTT, with fakes for the camera's eyes, the log's disk and the broker.

A red car passes a reader on a patrol car in New Hampshire. Its plate is on the hot list. Behind it comes a car that
nobody looks for. What follows is what each of them leaves behind.
"""

from __future__ import annotations

import json
from base64 import b64decode

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from platesieve.adapters.mqtt.wire import Address, encode
from platesieve.domain.disclosure import Kind
from platesieve.domain.match import Disposition
from platesieve.policy.seal import open_sealed, sealing_info
from tests.fakes.station import Station

WANTED, INNOCENT = "RED4711", "B0R1NG9"
HOTLIST = f"{WANTED},stolen,state-police,"


def test_one_plate_from_frame_to_mqtt() -> None:
    """The wanted plate leaves sealed, after its audit entry; the other one leaves nothing at all."""
    # The agency has a key pair. The camera knows the public half and can seal, but never open.
    agency = X25519PrivateKey.generate()
    public = agency.public_key().public_bytes_raw()

    # Three frames show the wanted plate, a little further to the right in each; three more show the other one.
    passing = [[(WANTED, 100.0 + 8 * n)] for n in range(3)] + [[(INNOCENT, 400.0 + 8 * n)] for n in range(3)]
    station = Station("us-nh", passing, hotlist=HOTLIST, recipients={"agency": public})

    # Frame by frame: look, match, decide, log, let go. Reads of one vehicle became one Sighting each.
    hit, miss = sorted(station.play(), key=lambda judgement: judgement.disposition)
    assert (hit.disposition, miss.disposition) == (Disposition.HIT, Disposition.MISS)
    assert hit.sighting.agreeing_frames == 3

    # Exactly one event about a vehicle left the camera process, and its entry was durable first.
    (disclosure,) = station.outlet.of_kind(Kind.HIT)
    assert station.story.index("logged Publish") < station.story.index("sent hit")
    assert not station.outlet.of_kind(Kind.READ)

    # What the broker and every subscriber see: a lock where the plate is, and a warning to the officer.
    address = Address.from_device(station.device)
    message = encode(disclosure, address)
    event = json.loads(message)
    assert address.topic(Kind.HIT) == "platesieve/demo-agency/demo-site/cam-1/hit"
    assert event["type"] == "org.platesieve.hit.v1"
    assert event["data"]["plate"].keys() == {"sealed", "to"}
    assert event["data"]["notice"].startswith("unverified")
    assert WANTED.encode() not in message

    # Only the agency opens it, and only as what it is: this field of this event, from this device, under this policy.
    info = sealing_info(station.device, disclosure.kind, disclosure.id, "plate", station.judge.policy.sha256)
    sealed = b64decode(event["data"]["plate"]["sealed"])
    assert json.loads(open_sealed(agency.private_bytes_raw(), sealed, info)) == WANTED

    # New Hampshire purges the record three minutes after the vehicle was seen: that travels with the event.
    assert disclosure.expires_wall_ns is not None
    assert 0 < disclosure.expires_wall_ns - station.clock.now().wall_ns <= 180 * 1_000_000_000

    # The other car: counted in the log as one miss, and nowhere else. No word, no hash, no picture of it.
    everything = repr(station.log.entries) + repr([dict(sent.body) for sent in station.outlet.sent])
    assert INNOCENT not in everything
    assert WANTED not in everything
