"""Whether a policy is in force here, who takes over, and what is stricter than what."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.policy.actions import Action, Drop, Keep, Pseudonym, Seal, ToCell, ToPeriod, ToStep
from platesieve.policy.fields import Field
from platesieve.policy.force import device_refusals, in_force
from platesieve.policy.language import Aggregate, Publish, Rule, Section
from platesieve.policy.load import load_pack
from platesieve.policy.packs import pack_ids
from platesieve.policy.stricter import at_most, widenings
from tests.fakes.passages import DEVICE, SEEN, a_policy, a_section

MOBILE = replace(DEVICE, mount="mobile")


def test_a_device_that_fits_is_not_refused() -> None:
    """The control of the refusals below."""
    assert device_refusals(load_pack("us-mn"), DEVICE, SEEN, {"agency"}) == ()
    assert device_refusals(load_pack("us-nh"), MOBILE, SEEN, {"agency"}) == ()


def test_every_refusal_is_named_with_a_remedy() -> None:
    """Mount, days and missing keys at once."""
    refusals = device_refusals(replace(load_pack("us-nh"), expires=date(2026, 11, 1)), DEVICE, SEEN, ())

    assert len(refusals) == 3
    assert all("; " in refusal for refusal in refusals)
    assert "mobile" in refusals[0]
    assert "expired" in refusals[1]
    assert "--recipient agency=FILE" in refusals[2]


def test_a_clock_that_was_never_set_refuses_every_policy() -> None:
    """In 1970 no law was in force: a device that woke without a clock reads nothing."""
    for pack_id in pack_ids():
        assert device_refusals(load_pack(pack_id), MOBILE, Instant(0, 0))


def test_a_stricter_pack_takes_over() -> None:
    """Once the policy has expired, not before; a pack that would disclose more never does."""
    ending = replace(load_pack("us-mn"), expires=date(2026, 12, 1), on_expiry="hits-only")
    after = Instant(SEEN.wall_ns + 30 * 86_400 * NS_PER_S, SEEN.monotonic_ns)
    wide = replace(ending, miss=Section(), on_expiry="us-mn")

    assert in_force(ending, SEEN) is ending
    assert in_force(replace(ending, hit=replace(ending.hit, rules=_kept())), after).id == "hits-only"
    assert in_force(wide, after) is wide
    assert in_force(replace(ending, on_expiry="gone"), after).id == "us-mn"


def _kept() -> dict[Field, Rule]:
    return {field: Rule(Keep()) for field in Field}


@pytest.mark.parametrize(
    ("strict", "loose"),
    [
        (Drop(), Seal("agency")),
        (Drop(), Pseudonym(60)),
        (Seal("agency"), Keep()),
        (Pseudonym(60), Keep()),
        (Pseudonym(60), Pseudonym(3600)),
        (ToPeriod(3600), ToPeriod(900)),
        (ToStep(0.3), ToStep(0.1)),
        (ToCell(1.0, "deg"), ToCell(0.1, "deg")),
    ],
)
def test_what_is_stricter_is_so_in_one_direction(strict: Action, loose: Action) -> None:
    """The order is strict: never both ways."""
    assert at_most(strict, loose)
    assert not at_most(loose, strict)


def test_what_cannot_be_compared_is_not_stricter() -> None:
    """Other recipients, spans that overlap partly, a seal beside a pseudonym."""
    for one, other in (
        (Seal("a"), Seal("b")),
        (Seal("a"), Pseudonym(60)),
        (ToPeriod(3600), ToPeriod(2400)),
        (ToCell(1.0, "deg"), ToCell(5000.0, "m")),
    ):
        assert not at_most(one, other)
        assert not at_most(other, one)


def test_widenings_name_every_way_to_disclose_more() -> None:
    """Fields, retention, publishing, counting, certainty, mounts and time in RAM."""
    base = replace(a_policy(hit=a_section({Field.LANE: Keep()})), mounts=("fixed",))
    counts = Section(publish=Publish.AGGREGATE, aggregate=Aggregate(3600, 5, 86_400))

    assert widenings(base, base) == ()
    assert widenings(a_policy(), replace(base, mounts=("fixed", "mobile"))) == ()
    wider = replace(
        base,
        mounts=("fixed", "mobile"),
        reading=replace(base.reading, raw_lifetime_s=9, min_confidence=0.1),
        hit=a_section({Field.LANE: Keep(), Field.PLATE: Seal("agency")}, 10**6),
        miss=counts,
    )
    assert len(widenings(wider, base)) == 6
    finer = replace(counts, aggregate=Aggregate(900, 0, 10**7))
    assert len(widenings(replace(base, miss=finer), replace(base, miss=counts))) == 3
    doubtful = replace(base, reading=replace(base.reading, min_confidence=0.99), unsure=base.hit)
    assert any("unsure" in widening for widening in widenings(doubtful, base))
