"""From the clause of a law to a test: what the table of each policy says, the policy does.

Each test runs for every pack whose `clauses` name it; the limits stand here once more, so that a figure that is changed
in a pack alone is found.
"""

from __future__ import annotations

import ast
import base64
import json
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platesieve.domain.decision import Decision, Disclose, Reason, Suppress, Tally
from platesieve.domain.instant import NS_PER_S, Instant, TimeQuality
from platesieve.domain.match import Disposition
from platesieve.flow.judge import Judge
from platesieve.hotlist.hotlist import HotList
from platesieve.policy.actions import Drop, Keep, Seal
from platesieve.policy.aggregate import Windows, add, flush
from platesieve.policy.decide import NOTICE, Context, decide
from platesieve.policy.fields import Field
from platesieve.policy.force import device_refusals, suited
from platesieve.policy.language import Policy, Publish
from platesieve.policy.load import load_pack
from platesieve.policy.packs import pack_ids
from platesieve.policy.pseudonym import EpochKeys
from platesieve.policy.seal import open_sealed, sealing_info
from tests.fakes.passages import (
    AGENCY_PRIVATE,
    AN_ALERT,
    CANARY,
    DEVICE,
    SEEN,
    a_context,
    a_policy,
    a_section,
    a_set_of_instruments,
    a_sighting,
    predictable,
    uncertain,
)
from tests.unit.flow.test_orders import HOUR_S, PLATE, a_station, add_plate, hits, hold

if TYPE_CHECKING:
    from platesieve.domain.sighting import Sighting
    from platesieve.policy.instruments import Instruments
    from platesieve.settings import Device

TESTS = Path(__file__).parents[2]
DAY_S = 86_400
# The longest that each law lets a read of a vehicle live on a device, in seconds.
LIMIT_S = {
    "eu-gdpr": 72 * 3600,
    "nl": 28 * DAY_S,
    "uk": 365 * DAY_S,
    "us-ca": 60 * DAY_S,
    "us-me": 21 * DAY_S,
    "us-mn": 60 * DAY_S,
    "us-ne": 180 * DAY_S,
    "us-nh": 180,
    "us-va": 21 * DAY_S,
    "us-wa": 21 * DAY_S,
}
LIST_AGE_S = {"us-nh": DAY_S, "us-ne": 8 * 3600}
OPERATORS = {
    "de": {"police"},
    "eu-gdpr": {"public", "private"},
    "nl": {"police"},
    "uk": {"police"},
    "us-me": {"police", "public"},
    "us-ne": {"police", "public"},
    "us-va": {"police"},
    "us-wa": {"police", "public"},
}
LISTED = {  # Minnesota Statutes 13.824, subd. 2(a): what tells of a vehicle
    Field.PLATE,
    Field.ALTERNATIVES,
    Field.PLATE_REGION,
    Field.TIME,
    Field.LOCATION,
    Field.PLATE_CROP,
    Field.SCENE_CROP,
}
ABOUT_THE_SYSTEM = {Field.CATEGORY, Field.LIST, Field.CONFIDENCE, Field.DEVICE, Field.TIME_QUALITY}


def claiming(test: str) -> pytest.MarkDecorator:
    """Return the parametrisation over all packs whose table names a test."""
    packs = [pack_id for pack_id in pack_ids() if any(row.test == test for row in load_pack(pack_id).clauses)]
    return pytest.mark.parametrize("pack_id", packs)


def judged(policy: Policy, sighting: Sighting | None = None, *, wanted: bool, device: Device = DEVICE) -> Decision:
    """Return what may leave for a vehicle at a device that fits the policy."""
    context = replace(a_context(), device=suited(device, policy))
    return decide(sighting or a_sighting(), (AN_ALERT,) if wanted else (), policy, context, a_set_of_instruments())


def alert_of(policy: Policy) -> Disclose:
    """Return the alert of a wanted vehicle."""
    decision = judged(policy, wanted=True)
    assert isinstance(decision, Disclose)
    return decision


def refusals(policy: Policy, device: Device) -> str:
    """Return why a device may not read, as one text."""
    return "\n".join(device_refusals(policy, device, SEEN, policy.recipients))


# ---- the tables themselves -------------------------------------------------------------------------------------


@cache
def all_tests() -> Counter[str]:
    """Return every test function of this repository, and how often its name occurs."""
    return Counter(
        node.name
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


@pytest.mark.parametrize("pack_id", pack_ids())
def test_every_clause_names_a_test_that_exists(pack_id: str) -> None:
    """Every pack has a table, and each of its rows leads to exactly one test of this repository."""
    clauses = load_pack(pack_id).clauses

    assert clauses
    assert {row.clause: all_tests()[row.test] for row in clauses} == {row.clause: 1 for row in clauses}


def test_a_clause_without_its_test_would_be_noticed() -> None:
    """The control: a name that no test has is counted zero times."""
    assert all_tests()["test_that_" + "nobody_wrote"] == 0
    assert all_tests()["test_a_clause_without_its_test_would_be_noticed"] == 1


@pytest.mark.parametrize("pack_id", pack_ids())
def test_what_rests_on_memory_states_no_figure(pack_id: str) -> None:
    """A rule that was not verified names no number of days, months or plates."""
    assert not [row.rule for row in load_pack(pack_id).clauses if row.verified == "M" and re.search(r"\d", row.rule)]


@pytest.mark.parametrize("pack_id", sorted(LIMIT_S))
def test_a_pack_with_a_limit_claims_it(pack_id: str) -> None:
    """No limit of the table above is left unshown."""
    assert "test_no_read_outlives_the_limit_of_the_law" in {row.test for row in load_pack(pack_id).clauses}


# ---- misses ----------------------------------------------------------------------------------------------------


@claiming("test_of_a_miss_nothing_leaves")
def test_of_a_miss_nothing_leaves(pack_id: str) -> None:
    """Neither for a plate that is on no list nor for one that was not read for certain; the alert is the control."""
    policy = load_pack(pack_id)

    assert judged(policy, wanted=False) == Suppress(Reason.POLICY_NONE)
    assert judged(policy, uncertain(a_sighting()), wanted=True) == Suppress(Reason.POLICY_NONE)
    assert isinstance(judged(policy, wanted=True), Disclose)


@claiming("test_of_a_miss_only_a_count_leaves")
def test_of_a_miss_only_a_count_leaves(pack_id: str) -> None:
    """One more in a window, in a group that holds nothing of the vehicle."""
    decision = judged(load_pack(pack_id), wanted=False)

    assert isinstance(decision, Tally)
    assert set(dict(decision.group)) <= {"device"}
    assert CANARY not in repr(decision)


@claiming("test_counts_are_exact")
def test_counts_are_exact(pack_id: str) -> None:
    """A single vehicle is counted, where the statute wants numbers per period."""
    policy = load_pack(pack_id)
    decision = judged(policy, wanted=False)
    assert isinstance(decision, Tally)
    windows = Windows()
    for _ in range(7):
        windows = add(windows, decision, policy, SEEN)

    (_windows, (told,)) = flush(windows, policy, SEEN, a_set_of_instruments())

    assert [row["count"] for row in told.body["counts"]] == [7]  # type: ignore[union-attr, index, call-overload]


@claiming("test_nothing_leaves_but_counts")
def test_nothing_leaves_but_counts(pack_id: str) -> None:
    """Hit, miss and unsure look the same."""
    policy = load_pack(pack_id)
    decisions = [judged(policy, wanted=True), judged(policy, wanted=False)]

    assert all(isinstance(decision, Tally) for decision in decisions)
    assert len({decision.group for decision in decisions if isinstance(decision, Tally)}) == 1
    assert {policy.section(disposition).publish for disposition in Disposition} == {Publish.AGGREGATE}


@claiming("test_a_small_count_is_not_told")
def test_a_small_count_is_not_told(pack_id: str) -> None:
    """Four vehicles are not told, five are."""
    policy = load_pack(pack_id)
    decision = judged(policy, wanted=False)
    assert isinstance(decision, Tally)
    windows = Windows()
    told = []
    for _ in range(5):
        windows = add(windows, decision, policy, SEEN)
        told.append(len(flush(windows, policy, SEEN, a_set_of_instruments())[1]))

    assert told == [0, 0, 0, 0, 1]


# ---- alerts ----------------------------------------------------------------------------------------------------


@claiming("test_an_alert_is_unreadable_without_the_agencys_key")
def test_an_alert_is_unreadable_without_the_agencys_key(pack_id: str) -> None:
    """Plate, time, place and pictures are sealed; the control: the agency's key opens the plate."""
    policy = load_pack(pack_id)
    disclosure = alert_of(policy).disclosure
    told = json.dumps(disclosure.body)
    sealed = disclosure.body["plate"]
    assert isinstance(sealed, dict)

    for clear in (CANARY, "44.97", "12:34:5", base64.b64encode(b"\xff\xd8 plate ").decode()[:12]):
        assert clear not in told
    info = sealing_info(DEVICE, disclosure.kind, disclosure.id, "plate", policy.sha256)
    assert json.loads(open_sealed(AGENCY_PRIVATE, base64.b64decode(sealed["sealed"]), info)) == CANARY


@claiming("test_only_the_agency_can_open_anything")
def test_only_the_agency_can_open_anything(pack_id: str) -> None:
    """No second recipient is named in any section."""
    assert load_pack(pack_id).recipients == {"agency"}


@claiming("test_an_alert_says_that_it_is_no_ground_for_a_stop")
def test_an_alert_says_that_it_is_no_ground_for_a_stop(pack_id: str) -> None:
    """The words stand in the message itself, in clear, whatever the policy seals."""
    notice = alert_of(load_pack(pack_id)).disclosure.body["notice"]

    assert notice == NOTICE
    assert "not grounds for a stop" in NOTICE


@claiming("test_a_doubtful_plate_is_no_alert")
def test_a_doubtful_plate_is_no_alert(pack_id: str) -> None:
    """One frame, or a weak character, is not enough, even where the list knows the plate."""
    policy = load_pack(pack_id)

    for doubtful in (uncertain(a_sighting()), a_sighting(confidence=0.89)):
        assert not isinstance(judged(policy, doubtful, wanted=True), Disclose)
    assert isinstance(judged(policy, wanted=True), Disclose)


@claiming("test_no_read_outlives_the_limit_of_the_law")
def test_no_read_outlives_the_limit_of_the_law(pack_id: str) -> None:
    """Whatever leaves for a vehicle expires within the limit after it was last seen."""
    policy = load_pack(pack_id)

    for wanted in (True, False):
        decision = judged(policy, wanted=wanted)
        if isinstance(decision, Disclose):
            expires_ns = decision.disclosure.expires_wall_ns
            assert expires_ns is not None
            assert 0 < expires_ns - SEEN.wall_ns <= LIMIT_S[pack_id] * NS_PER_S


def test_a_read_that_outlives_a_limit_would_be_noticed() -> None:
    """The control: of a policy of 61 days the same measure says that it is over 60."""
    expires_ns = alert_of(a_policy(hit=a_section({}, 61 * DAY_S))).disclosure.expires_wall_ns

    assert expires_ns is not None
    assert expires_ns - SEEN.wall_ns > LIMIT_S["us-mn"] * NS_PER_S


@claiming("test_no_picture_of_a_vehicle_leaves")
def test_no_picture_of_a_vehicle_leaves(pack_id: str) -> None:
    """No section lets `scene_crop` out in any form."""
    policy = load_pack(pack_id)

    assert "scene_crop" not in alert_of(policy).disclosure.body
    assert {type(policy.section(d).action(Field.SCENE_CROP)) for d in Disposition} == {Drop}


@claiming("test_nothing_leaves_that_the_law_does_not_list")
def test_nothing_leaves_that_the_law_does_not_list(pack_id: str) -> None:
    """What tells of the vehicle is on the list of the statute; the rest is about the reader and the hot list."""
    policy = load_pack(pack_id)

    for disposition in Disposition:
        named = {f for f in Field if not isinstance(policy.section(disposition).action(f), Drop)}
        assert named <= LISTED | ABOUT_THE_SYSTEM


@claiming("test_an_old_hot_list_gives_no_alert")
def test_an_old_hot_list_gives_no_alert(pack_id: str) -> None:
    """At the limit the list still counts; a second later its vehicle is one that nobody looks for."""
    policy = load_pack(pack_id)
    loaded = Instant(SEEN.wall_ns - LIST_AGE_S[pack_id] * NS_PER_S, SEEN.monotonic_ns)
    wanted = HotList.from_csv(f"plate,category,list\n{CANARY},stolen,state\n", "w.csv", loaded)
    judge = Judge(policy, wanted, suited(DEVICE, policy), a_set_of_instruments())

    found = []
    for late_s in (0, 1):
        now = Instant(SEEN.wall_ns, SEEN.monotonic_ns + (LIST_AGE_S[pack_id] + late_s) * NS_PER_S)
        found.append(judge.judge(a_sighting(at=now), now, TimeQuality.SYNCHRONISED).disposition)

    assert found == [Disposition.HIT, Disposition.MISS]


# ---- who may read, and where -----------------------------------------------------------------------------------


@claiming("test_a_fixed_reader_is_refused")
def test_a_fixed_reader_is_refused(pack_id: str) -> None:
    """And decides nothing even if it were asked; the control is a reader on a vehicle."""
    policy = load_pack(pack_id)
    mobile = suited(DEVICE, policy)
    fixed = replace(mobile, mount="fixed")

    assert "this one is fixed" in refusals(policy, fixed)
    assert not refusals(policy, mobile)
    assert _decided_at(policy, fixed) == Suppress(Reason.NO_POLICY)


@claiming("test_another_kind_of_operator_is_refused")
def test_another_kind_of_operator_is_refused(pack_id: str) -> None:
    """And an operator that has not said what it is; those that the law names may."""
    policy = load_pack(pack_id)
    device = suited(DEVICE, policy)

    may = {
        kind for kind in ("police", "public", "private", None) if not refusals(policy, replace(device, operator=kind))
    }
    assert may == OPERATORS[pack_id]
    assert _decided_at(policy, replace(device, operator=None)) == Suppress(Reason.NO_POLICY)


@claiming("test_a_device_without_a_written_policy_is_refused")
def test_a_device_without_a_written_policy_is_refused(pack_id: str) -> None:
    """Missing, or not the hash of a file."""
    policy = load_pack(pack_id)
    device = suited(DEVICE, policy)

    for digest in (None, "", "adopted", "A" * 64, "0" * 63):
        assert "policy_document_sha256" in refusals(policy, replace(device, policy_document_sha256=digest))
    assert not refusals(policy, replace(device, policy_document_sha256="a" * 64))
    assert _decided_at(policy, replace(device, policy_document_sha256=None)) == Suppress(Reason.NO_POLICY)


@claiming("test_an_unregistered_device_is_refused")
def test_an_unregistered_device_is_refused(pack_id: str) -> None:
    """A number must stand there; a space is none."""
    policy = load_pack(pack_id)
    device = suited(DEVICE, policy)

    for number in (None, "", "  "):
        assert "not registered" in refusals(policy, replace(device, registration=number))
    assert not refusals(policy, replace(device, registration="WA-0076"))


@claiming("test_a_device_without_an_occasion_is_refused")
def test_a_device_without_an_occasion_is_refused(pack_id: str) -> None:
    """The order must be named."""
    policy = load_pack(pack_id)
    device = suited(DEVICE, policy)

    for order in (None, "", " "):
        assert "no occasion is named" in refusals(policy, replace(device, occasion=order))
    assert not refusals(policy, replace(device, occasion="Az. 12/2026"))
    assert _decided_at(policy, replace(device, occasion=None)) == Suppress(Reason.NO_POLICY)


@claiming("test_a_device_in_an_excluded_place_is_refused")
def test_a_device_in_an_excluded_place_is_refused(pack_id: str) -> None:
    """Inside, on the edge, without a place, without a drawing: refused. Beside it, or where none are near: not."""
    policy = load_pack(pack_id)
    at = replace(suited(DEVICE, policy), latitude_deg=47.61, longitude_deg=-122.33)
    school = ((47.60, -122.34), (47.60, -122.32), (47.62, -122.32), (47.62, -122.34))
    notch = ((47.60, -122.34), (47.60, -122.32), (47.62, -122.32), (47.605, -122.33), (47.62, -122.34))

    assert "stands in an excluded place" in refusals(policy, replace(at, excluded_places=(school,)))
    assert "stands in an excluded place" in refusals(policy, replace(at, excluded_places=((), school)[1:]))
    on_edge = replace(at, latitude_deg=47.60, excluded_places=(school,))
    assert "stands in an excluded place" in refusals(policy, on_edge)
    assert "no excluded places are given" in refusals(policy, replace(at, excluded_places=None))
    assert "where it stands" in refusals(policy, replace(at, latitude_deg=None, excluded_places=(school,)))
    assert "fewer than three corners" in refusals(policy, replace(at, excluded_places=(school[:2],)))
    assert _decided_at(policy, replace(at, excluded_places=(school,))) == Suppress(Reason.NO_POLICY)

    assert not refusals(policy, replace(at, excluded_places=(notch,)))
    assert not refusals(policy, replace(at, excluded_places=()))
    assert not refusals(policy, replace(at, latitude_deg=47.63, excluded_places=(school,)))


# ---- pseudonyms ------------------------------------------------------------------------------------------------


@claiming("test_no_plate_leaves_in_any_form_that_can_be_opened")
def test_no_plate_leaves_in_any_form_that_can_be_opened(pack_id: str) -> None:
    """Neither in clear nor sealed, and no picture."""
    policy = load_pack(pack_id)
    decision = judged(policy, wanted=False)

    assert isinstance(decision, Disclose)
    assert CANARY not in json.dumps(decision.disclosure.body)
    assert not policy.recipients
    assert not policy.wants_pictures
    assert not any(isinstance(policy.section(d).action(Field.PLATE), (Keep, Seal)) for d in Disposition)


@claiming("test_a_pseudonym_ends_with_its_epoch")
def test_a_pseudonym_ends_with_its_epoch(pack_id: str) -> None:
    """Within the hour a vehicle has one name, and in the next another; the first is the control."""
    instruments = a_set_of_instruments()
    first, later, next_hour = (_name(pack_id, instruments, offset_s) for offset_s in (0, 60, 3600))

    assert first == later != next_hour


@claiming("test_two_devices_give_two_pseudonyms")
def test_two_devices_give_two_pseudonyms(pack_id: str) -> None:
    """Each has a secret of its own."""
    names = {_name(pack_id, a_set_of_instruments(seed), 0) for seed in ("one", "two")}

    assert len(names) == 2


def test_devices_with_one_secret_still_differ() -> None:
    """Who the device is goes into the key: even a cloned secret gives other names."""
    clones = [EpochKeys(replace(DEVICE, device=name), (), predictable()) for name in ("cam-1", "cam-2")]

    assert len({keys.pseudonym("A", "miss/plate", 3600, SEEN).pseudonym for keys in clones}) == 2


def _decided_at(policy: Policy, device: Device) -> Decision:
    context = replace(a_context(), device=device)
    return decide(a_sighting(), (AN_ALERT,), policy, context, a_set_of_instruments())


def _name(pack_id: str, instruments: Instruments, offset_s: int) -> str:
    """Return the pseudonym of the vehicle when it passes some time later."""
    policy = load_pack(pack_id)
    at = Instant(SEEN.wall_ns + offset_s * NS_PER_S, SEEN.monotonic_ns + offset_s * NS_PER_S)
    context = Context(at, TimeQuality.SYNCHRONISED, suited(DEVICE, policy))
    decision = decide(a_sighting(at=at), (), policy, context, instruments)
    assert isinstance(decision, Disclose)
    plate = decision.disclosure.body["plate"]
    assert isinstance(plate, dict)
    return str(plate["pseudonym"])


@claiming("test_a_plate_added_by_hand_ends_with_the_shift")
def test_a_plate_added_by_hand_ends_with_the_shift(pack_id: str) -> None:
    """Within the shift it is wanted, after it nobody is; without a case number it never was."""
    station = a_station(pack_id, passes=2)
    add_plate(station)
    add_plate(station, "OTHER99", case="")
    for _ in range(20):
        station.step()
    alerts = len(hits(station))
    station.clock.advance(2 * HOUR_S)
    station.play()

    assert alerts == 1
    assert len(hits(station)) == 1
    assert not station.pipeline._parts.judge.orders.by_hand.entries


@claiming("test_a_hold_keeps_longer_and_only_on_a_signed_order")
def test_a_hold_keeps_longer_and_only_on_a_signed_order(pack_id: str) -> None:
    """Beyond the retention with an order, not a second beyond it without one, or with one that nobody signed."""
    lives_s = {}
    for ordered in ("not", "without a signer", "signed"):
        station = a_station(pack_id, hotlist=f"{PLATE},stolen,state,")
        if ordered != "not":
            hold(station, signer="Sgt. Miller" if ordered == "signed" else "")
        station.play()
        (alert,) = hits(station)
        assert alert.expires_wall_ns is not None
        lives_s[ordered] = (alert.expires_wall_ns - station.clock.now().wall_ns) / NS_PER_S

    assert lives_s["not"] <= LIMIT_S[pack_id]
    assert lives_s["without a signer"] <= LIMIT_S[pack_id]
    assert lives_s["signed"] > LIMIT_S[pack_id]
