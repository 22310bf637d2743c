"""What was delivered takes over as a whole, between two frames, and only once the audit log says so."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from platesieve.audit import entry as log
from platesieve.domain.decision import Disclose, Reason
from platesieve.domain.disclosure import Kind
from platesieve.domain.errors import DeliveryError
from platesieve.domain.instant import NS_PER_S, TimeQuality
from platesieve.domain.match import Disposition
from platesieve.domain.notice import Arrived, TurnedAway
from platesieve.flow.generation import Generation
from platesieve.flow.judge import Judge
from platesieve.hotlist.hotlist import HotList
from platesieve.pipeline import RETRY_S
from platesieve.policy.load import load_policy
from tests.fakes.passages import DEVICE, SEEN, a_set_of_instruments, a_sighting
from tests.fakes.station import Station

if TYPE_CHECKING:
    from collections.abc import Iterator

PLATE = "CANARY7"
PASS = [[(PLATE, 100.0 + 6 * n)] for n in range(5)]
QUIET: list[list[tuple[str, float]]] = [[] for _ in range(60)]
POLICY = """
format = 1
id = "{name}"
title = "Hits in clear"
version = "1.0"
jurisdiction = "XX"
sources = [{{ url = "https://example.org/", read = "2026-11-22", verified = "M: made up" }}]
effective = 2020-01-01
mounts = ["fixed", "mobile"]
[reading]
min_agreeing_frames = 2
min_confidence = 0.0
raw_lifetime = "3s"
[hit]
publish = "event"
retention = "1h"
[hit.fields]
category = {{ action = "keep" }}
[miss]
publish = "none"
[unsure]
publish = "none"
"""


def rules(name: str) -> bytes:
    """Return a policy of this name."""
    return POLICY.format(name=name).encode()


class FakeDeliveries:
    """Gives what a test puts into `coming`, one at a time; counts the looks that it is asked for."""

    def __init__(self) -> None:
        self.coming: list[Generation | DeliveryError] = []
        self.looks = 0

    def look(self) -> None:
        """See flow.generation.Deliveries."""
        self.looks += 1

    def take(self) -> Generation | DeliveryError | None:
        """See flow.generation.Deliveries."""
        return self.coming.pop(0) if self.coming else None


@dataclass
class World:
    """A station to which things are delivered."""

    station: Station
    deliveries: FakeDeliveries

    def play(self, frames: int) -> None:
        """Let some frames pass."""
        for _ in range(frames):
            self.station.step()

    def generation(self, name: str, plates: str = "", *, until_s: float | None = None) -> Generation:
        """Return rules of this name with a hot list whose category is the name too."""
        now = self.station.clock.now()
        rows = f"plate,category,list\n{plates},{name},state\n" if plates else ""
        wanted = HotList.from_csv(rows, "wanted.csv", now) if plates else HotList.empty()
        until_ns = None if until_s is None else now.wall_ns + int(until_s * NS_PER_S)
        return Generation(load_policy(rules(name), "p.toml"), wanted, {}, hotlist_until_ns=until_ns)

    def told(self) -> list[tuple[str, str]]:
        """Return policy and category of every hit that left."""
        hits = self.station.outlet.of_kind(Kind.HIT)
        return [(str(hit.body["policy"]["id"]), str(hit.body["category"])) for hit in hits]  # type: ignore[index, call-overload]


@pytest.fixture
def world() -> World:
    """Return a station under a first policy, with vehicles to pass now and then."""
    station = Station(rules("first"), [*QUIET[:5], *PASS, *QUIET, *PASS, *QUIET, *PASS])
    deliveries = FakeDeliveries()
    station.pipeline._parts = replace(station.pipeline._parts, deliveries=deliveries)
    return World(station, deliveries)


def test_a_list_that_comes_gives_alerts_from_the_next_frame_on(world: World) -> None:
    """The same policy, a list with the plate: no restart, and the log says what was loaded before the first hit."""
    first = world.station.judge.policy
    world.deliveries.coming.append(replace(world.generation("second", PLATE), policy=first))
    world.play(40)

    assert [category for _, category in world.told()] == ["second"]
    kinds = world.station.log.kinds()
    assert kinds.index("HotListLoaded") < kinds.index("Publish")
    assert "PolicyLoaded" not in kinds, "the policy is the same"


def test_the_control_without_the_delivery_there_is_no_alert(world: World) -> None:
    """The plate is on no list."""
    world.play(40)

    assert world.told() == []


def test_policy_list_and_keys_are_logged_before_they_take_effect(world: World) -> None:
    """Recipients, list and policy stand in the log, in this order, and then health names them."""
    key = bytes(range(32))
    world.deliveries.coming.append(replace(world.generation("second", PLATE), recipients={"agency": key}))
    world.play(40)
    kinds = world.station.log.kinds()

    at = kinds.index("RecipientKey")
    assert kinds[at : at + 3] == ["RecipientKey", "HotListLoaded", "PolicyLoaded"]
    assert world.told() == [("second", "second")]


def test_while_the_log_cannot_be_written_the_old_rules_stay(world: World) -> None:
    """The delivery waits; once the log can be written it is loaded once, and nothing is said twice."""
    world.station.log.fail = True
    world.deliveries.coming.append(world.generation("second", PLATE))
    world.play(3)
    assert world.station.pipeline._parts.judge.policy.id == "first"

    world.station.log.fail = False
    world.station.clock.advance(RETRY_S)
    world.play(5)
    assert world.station.pipeline._parts.judge.policy.id == "second"
    assert world.station.log.kinds().count("PolicyLoaded") == 1
    assert world.station.log.kinds().count("HotListLoaded") == 1


def test_when_a_list_is_over_alerts_stop_and_the_device_says_so(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """An entry that no list is in force, a stale mark on health, one sentence; a newer list starts alerts again."""
    caplog.set_level(logging.WARNING)
    world.deliveries.coming.append(world.generation("second", PLATE, until_s=4.0))
    world.play(100)
    assert len(world.told()) == 1, "the second pass came after its end"
    loaded = [entry.count for entry in world.station.log.entries if isinstance(entry, log.HotListLoaded)]
    assert loaded == [1, 0]
    health = world.station.outlet.of_kind(Kind.HEALTH)[-1].body["hotlist"]
    assert isinstance(health, dict)
    assert health["stale"] is True
    assert caplog.text.count("the hot list is too old") == 1
    assert PLATE not in caplog.text

    world.station.clock.advance(60)  # the tracker reports a plate again only when it was gone for long
    world.deliveries.coming.append(world.generation("third", PLATE, until_s=3600))
    world.play(60)
    assert [policy for policy, _ in world.told()] == ["second", "third"]


def test_a_clock_that_is_set_back_does_not_make_a_list_last_longer(world: World) -> None:
    """A wall clock that says less than when the list came is wrong: no alerts before it is right again."""
    now_ns = world.station.clock.now().wall_ns
    coming = world.generation("second", PLATE, until_s=3600)
    world.deliveries.coming.append(replace(coming, hotlist_from_ns=now_ns - 3600 * NS_PER_S))
    world.play(3)
    world.station.clock.step_wall(-86_400)
    world.play(60)
    assert world.told() == []
    world.station.clock.step_wall(86_400)
    world.station.clock.advance(60)  # the tracker reports a plate again only when it was gone for long
    world.play(60)
    assert len(world.told()) == 1


def test_when_nobody_vouches_for_the_policy_any_more_nothing_is_read(world: World) -> None:
    """The policy's role is over: reading stops, and the log says why."""
    end_ns = world.station.clock.now().wall_ns + 2 * NS_PER_S
    world.deliveries.coming.append(replace(world.generation("second"), policy_until_ns=end_ns))
    world.play(40)

    stops = [entry.reason for entry in world.station.log.entries if isinstance(entry, log.ReadingStopped)]
    assert stops == [log.StopReason.POLICY_EXPIRED]


def test_what_is_turned_away_is_logged_in_one_word_and_changes_nothing(world: World) -> None:
    """By the camera process itself, or by the uplink process, which says so through the pipe."""
    before = world.station.pipeline._parts.judge
    world.deliveries.coming.append(DeliveryError("older", "hint", "rolled-back"))
    world.station.outlet.coming_back.append(TurnedAway("expired"))
    world.play(3)

    refused = [entry.reason for entry in world.station.log.entries if isinstance(entry, log.PolicyRefused)]
    assert sorted(refused) == [log.PolicyFault.EXPIRED, log.PolicyFault.ROLLED_BACK]
    assert world.station.pipeline._parts.judge is before


def test_a_notice_that_something_came_makes_the_courier_look(world: World) -> None:
    """Once for each, and not without one."""
    world.play(3)
    assert world.deliveries.looks == 0
    world.station.outlet.coming_back.append(Arrived())
    world.play(3)
    assert world.deliveries.looks == 1


# ---- no decision sees half of a generation -----------------------------------------------------------------------


def a_judge(name: str) -> Judge:
    """Return a judge whose policy and hot list have the same name."""
    wanted = HotList.from_csv(f"plate,category,list\n{PLATE},{name},state\n", "w.csv", SEEN)
    return Judge(load_policy(rules(name), "p.toml"), wanted, DEVICE, a_set_of_instruments())


class Holder:
    """The one reference that is swapped; `torn` swaps policy and list one after the other, as nobody should."""

    def __init__(self, judges: list[Judge], *, torn: bool) -> None:
        self._judges, self._torn = judges, torn
        self.now = judges[0]
        self.over = False

    def run(self) -> None:
        """Swap until told to stop."""
        while not self.over:
            for judge in self._judges:
                if self._torn:
                    self.now = replace(self.now, policy=judge.policy)
                    self.now = replace(self.now, hotlist=judge.hotlist)
                else:
                    self.now = judge


@pytest.fixture
def often() -> Iterator[None]:
    """Let threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def mixed(holder: Holder, decisions: int) -> int:
    """Return how many decisions were made under a policy of one name and a list of another."""
    thread = threading.Thread(target=holder.run)
    thread.start()
    count = 0
    try:
        for _ in range(decisions):
            judgement = holder.now.judge(a_sighting(PLATE), SEEN, TimeQuality.SYNCHRONISED)
            assert judgement.disposition is Disposition.HIT
            assert isinstance(judgement.decision, Disclose)
            assert judgement.decision.reason is Reason.POLICY_EVENT
            body = judgement.decision.disclosure.body
            count += body["policy"]["id"] != body["category"]  # type: ignore[index, call-overload]
    finally:
        holder.over = True
        thread.join()
    return count


@pytest.mark.usefixtures("often")
def test_no_decision_is_made_under_half_of_a_generation() -> None:
    """A thread swaps generations as fast as it can while decisions are made; the control swaps in two steps."""
    judges = [a_judge("one"), a_judge("two"), a_judge("three")]

    assert mixed(Holder(judges, torn=False), 2000) == 0
    assert mixed(Holder(judges, torn=True), 2000) > 0
