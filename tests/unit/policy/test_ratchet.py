"""Pseudonyms of a site or fleet: the same on all devices, gone with their epoch, never computed backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platesieve.domain.errors import KeyFileError
from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.policy.actions import Pseudonym, Scope
from platesieve.policy.pseudonym import EpochKeys, Ring
from platesieve.policy.ratchet import MAX_STEPS, Ratchet, new_ratchet
from platesieve.settings import Device
from tests.fakes.passages import SEEN, predictable

if TYPE_CHECKING:
    from platesieve.policy.pseudonym import Alias

FLEET = Pseudonym(3600, Scope.FLEET)
SITE = Pseudonym(3600, Scope.SITE)
BRIDGE, TUNNEL = Device("metro-pd", "bridge-7", "cam-1"), Device("metro-pd", "tunnel-2", "cam-9")


def later(seconds: float) -> Instant:
    """Return a moment after SEEN."""
    return Instant(SEEN.wall_ns + int(seconds * NS_PER_S), SEEN.monotonic_ns + int(seconds * NS_PER_S))


class Member:
    """One device of a ring; `disk` is what its ratchet file holds."""

    def __init__(self, device: Device, ratchet: Ratchet) -> None:
        self.device, self.disk = device, ratchet
        self.start()

    def start(self) -> None:
        """Start with what is on the disk, as after a power cut."""
        rings = {scope: Ring(self.disk, self.save) for scope in (Scope.FLEET, Scope.SITE)}
        self.keys = EpochKeys(self.device, (), predictable(), rings)

    def save(self, ratchet: Ratchet) -> None:
        """Take the place of the disk."""
        self.disk = ratchet

    def name(self, text: str, now: Instant, action: Pseudonym = FLEET) -> Alias | None:
        """Return what the device calls a vehicle now."""
        self.keys.rotate(now)
        return self.keys.shared_pseudonym(text, "miss/plate", action, now)


def a_ring() -> Ratchet:
    """Return the ratchet of a new ring."""
    return new_ratchet(3600, SEEN, predictable())


def test_all_devices_of_a_fleet_give_one_vehicle_one_name() -> None:
    """Within an epoch, whenever each of them was started; another vehicle has another name."""
    bridge, tunnel = Member(BRIDGE, a_ring()), Member(TUNNEL, a_ring())
    first = bridge.name("A", SEEN)

    assert first is not None
    assert bridge.name("A", later(10)) == first
    assert tunnel.name("A", later(30)) == first
    assert tunnel.name("B", later(30)) != first
    assert bridge.name("A", later(5 * 3600)) == tunnel.name("A", later(5 * 3600))
    assert bridge.name("A", later(5 * 3600)) != first


def test_the_names_of_two_sites_cannot_be_linked() -> None:
    """Scope site: the same secret, but the site stands in the derivation; nor can site and fleet be linked."""
    bridge, beside = Member(BRIDGE, a_ring()), Member(Device("metro-pd", "bridge-7", "cam-2"), a_ring())
    tunnel = Member(TUNNEL, a_ring())
    of_site = bridge.name("A", SEEN, SITE)

    assert beside.name("A", SEEN, SITE) == of_site
    assert tunnel.name("A", SEEN, SITE) != of_site
    assert bridge.name("A", SEEN) != of_site


def test_the_disk_never_holds_a_secret_of_an_epoch_that_has_begun() -> None:
    """What is saved is the next epoch's; before anything is named."""
    member = Member(BRIDGE, a_ring())
    member.name("A", SEEN)
    assert member.disk.epoch == SEEN.wall_ns // (3600 * NS_PER_S) + 1

    member.name("A", later(7200))
    assert member.disk.epoch == later(7200).wall_ns // (3600 * NS_PER_S) + 1


def test_from_what_is_on_the_disk_no_earlier_key_is_computed() -> None:
    """Going forward meets what others compute, going back is refused; the secrets have nothing in common."""
    ratchet = a_ring()
    third = ratchet.following().following()

    assert ratchet.forward(ratchet.epoch + 2) == third
    assert third.forward(ratchet.epoch) is None
    assert ratchet.forward(ratchet.epoch + MAX_STEPS + 1) is None
    keys = {bytes(one.key()) for one in (ratchet, ratchet.following(), third)}
    assert len(keys | {ratchet.secret, ratchet.following().secret, third.secret}) == 6


@pytest.mark.parametrize("ended_by", ["power cut", "suspension"])
def test_after_a_power_cut_or_suspension_there_are_no_names_until_the_next_epoch(ended_by: str) -> None:
    """The key was in RAM and is gone; the disk cannot make it again."""
    member, other = Member(BRIDGE, a_ring()), Member(TUNNEL, a_ring())
    assert member.name("A", SEEN)
    member.start() if ended_by == "power cut" else member.keys.destroy()

    assert member.name("A", later(60)) is None
    back = member.name("A", later(3600))
    assert back is not None
    assert back == other.name("A", later(3600))


def test_a_clock_that_is_not_believed_moves_nothing() -> None:
    """A wrong time would use up the epochs to come; set back, the device waits for its epoch."""
    member = Member(BRIDGE, a_ring())
    before = member.disk
    member.keys.rotate(later(400 * 86_400), clock_is_believed=False)
    assert member.disk == before

    member.name("A", later(7200))
    member.start()
    assert member.name("A", SEEN) is None


def test_nothing_is_named_while_the_old_secret_could_not_be_erased() -> None:
    """A disk that cannot be written costs the names, never the promise."""

    def refuse(_ratchet: Ratchet) -> None:
        raise KeyFileError("read-only", "mend it")

    keys = EpochKeys(BRIDGE, (), predictable(), {Scope.FLEET: Ring(a_ring(), refuse)})
    keys.rotate(SEEN)

    assert keys.shared_pseudonym("A", "miss/plate", FLEET, SEEN) is None
    assert keys.take_events() == ()


def test_a_key_is_not_stretched_to_another_length() -> None:
    """A policy that wants epochs of a day gets no names from a ring of hours."""
    member = Member(BRIDGE, a_ring())

    assert member.name("A", SEEN, Pseudonym(86_400, Scope.FLEET)) is None
    assert member.name("A", SEEN, Pseudonym(3600, Scope.FLEET)) is not None


def test_a_shared_key_is_overwritten_and_its_end_is_told() -> None:
    """As those of one device; the events say which scope, and never the key."""
    member = Member(BRIDGE, a_ring())
    member.name("A", SEEN)
    shared = member.keys._shared[Scope.FLEET]
    assert shared._epoch is not None
    secret, derived = shared._epoch.secret, shared._epoch.keys["miss/plate"]
    assert any(secret)
    assert any(derived)

    member.keys.destroy()

    assert not any(secret)
    assert not any(derived)
    told = [(event.created, event.scope) for event in member.keys.take_events()]
    assert sorted(told) == [(False, Scope.FLEET), (False, Scope.SITE), (True, Scope.FLEET), (True, Scope.SITE)]
