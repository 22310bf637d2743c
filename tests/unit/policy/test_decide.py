"""What may leave for one Sighting: the numbered steps of `decide`, each with the case beside it that goes through."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from platesieve.domain.decision import Disclose, Reason, Suppress, Tally
from platesieve.domain.disclosure import Disclosure, Kind
from platesieve.domain.instant import NS_PER_S, Instant, TimeQuality
from platesieve.domain.match import Disposition, Match, MatchKind
from platesieve.domain.plate import Glyph
from platesieve.policy.actions import Drop, Keep, Pseudonym, Seal, ToCell, ToCountry, ToPeriod, ToStep
from platesieve.policy.decide import decide, disposition, expiry
from platesieve.policy.fields import Field
from platesieve.policy.language import Aggregate, Policy, Publish, Rule, Section
from platesieve.policy.load import load_pack
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
    uncertain,
)

if TYPE_CHECKING:
    from platesieve.policy.actions import Action

LOOKALIKE = Match(MatchKind.LOOKALIKE, "warrant", "metro-pd")


def disclosed(policy: Policy, *matches: Match) -> Disclosure:
    """Return the Disclosure of a vehicle under a policy."""
    decision = decide(a_sighting(), matches, policy, a_context(), a_set_of_instruments())
    assert isinstance(decision, Disclose)
    return decision.disclosure


def suppressed(policy: Policy | None, *matches: Match, **context: object) -> Reason:
    """Return why nothing leaves."""
    decision = decide(a_sighting(), matches, policy, a_context(**context), a_set_of_instruments())  # type: ignore[arg-type]
    assert isinstance(decision, Suppress)
    return decision.reason


EVENT = a_policy(*(a_section({Field.LANE: Keep()}) for _ in range(3)))


def test_with_a_policy_an_event_leaves() -> None:
    """The control of every refusal below."""
    assert disclosed(EVENT).body["lane"] == "left"


def test_without_a_policy_nothing_leaves() -> None:
    """Step 1: no policy, or one for another kind of reader."""
    assert suppressed(None, AN_ALERT) is Reason.NO_POLICY
    assert suppressed(replace(EVENT, mounts=("mobile",)), AN_ALERT) is Reason.NO_POLICY


def test_outside_its_days_a_policy_lets_nothing_leave() -> None:
    """Step 2: before `effective`, and from `expires` on."""
    assert suppressed(replace(EVENT, effective=date(2027, 1, 1))) is Reason.POLICY_NOT_YET_EFFECTIVE
    assert suppressed(replace(EVENT, expires=date(2026, 11, 22))) is Reason.POLICY_EXPIRED
    assert disclosed(replace(EVENT, expires=date(2026, 11, 23))).kind is Kind.READ


def test_an_old_sighting_is_not_used() -> None:
    """Step 3: three seconds are allowed, more are not."""
    assert suppressed(EVENT, seconds_later=3.1) is Reason.RAW_LIFETIME_OVER
    assert isinstance(decide(a_sighting(), (), EVENT, a_context(3.0), a_set_of_instruments()), Disclose)


def test_a_doubtful_read_is_neither_hit_nor_miss() -> None:
    """Step 4: too few agreeing frames or too little confidence, even where the hot list knows the plate."""
    assert disposition(uncertain(a_sighting()), (AN_ALERT,), EVENT) is Disposition.UNSURE
    assert disposition(a_sighting(confidence=0.89), (AN_ALERT,), EVENT) is Disposition.UNSURE
    assert disposition(a_sighting(confidence=float("nan")), (AN_ALERT,), EVENT) is Disposition.UNSURE
    assert disposition(a_sighting(), (AN_ALERT,), EVENT) is Disposition.HIT
    assert disposition(a_sighting(), (), EVENT) is Disposition.MISS


def test_a_section_that_publishes_nothing_ends_it() -> None:
    """Step 5: the default of every section."""
    assert suppressed(a_policy(), AN_ALERT) is Reason.POLICY_NONE


def test_on_a_doubtful_clock_only_alerts_leave() -> None:
    """Step 6: misses and counts are dropped, a hit goes out and says so where the policy lets it."""
    telling = a_policy(hit=a_section({Field.TIME_QUALITY: Keep()}), miss=EVENT.miss)
    counting = a_policy(hit=Section(publish=Publish.AGGREGATE, aggregate=Aggregate(3600, 0, 3600)))
    doubtful = a_context(quality=TimeQuality.UNKNOWN)

    assert suppressed(telling, quality=TimeQuality.UNKNOWN) is Reason.CLOCK_NOT_TRUSTED
    assert suppressed(counting, AN_ALERT, quality=TimeQuality.UNKNOWN) is Reason.CLOCK_NOT_TRUSTED
    alert = decide(a_sighting(), (AN_ALERT,), telling, doubtful, a_set_of_instruments())
    assert isinstance(alert, Disclose)
    assert alert.disclosure.body["time_quality"] == "unknown"
    silent = decide(a_sighting(), (AN_ALERT,), EVENT, doubtful, a_set_of_instruments())
    assert isinstance(silent, Disclose)
    assert "time_quality" not in silent.disclosure.body


def test_a_counting_section_gives_a_group() -> None:
    """Step 7: only what the policy names and a count can be split by."""
    rules = {Field.LANE: Rule(Keep()), Field.PLATE_REGION: Rule(ToCountry()), Field.DIRECTION: Rule(Drop())}
    policy = a_policy(miss=Section(publish=Publish.AGGREGATE, rules=rules, aggregate=Aggregate(3600, 0, 3600)))

    decision = decide(a_sighting(), (), policy, a_context(), a_set_of_instruments())

    assert decision == Tally(Disposition.MISS, (("lane", "left"), ("plate_region", "US")))


def test_a_read_whose_retention_is_over_does_not_leave() -> None:
    """Step 8: a retention of a second is over after one."""
    policy = a_policy(miss=a_section({Field.TIME: Keep()}, retention_s=1))

    assert suppressed(policy, seconds_later=1.0) is Reason.RETENTION_OVER
    assert isinstance(decide(a_sighting(), (), policy, a_context(0.9), a_set_of_instruments()), Disclose)


def test_every_form_of_a_field() -> None:
    """Step 9: kept, coarsened, under a pseudonym; a field that is not named is not there."""
    disclosure = disclosed(
        a_policy(
            miss=a_section(
                {
                    Field.PLATE: Pseudonym(3600),
                    Field.PLATE_REGION: ToCountry(),
                    Field.TIME: ToPeriod(3600),
                    Field.LOCATION: ToCell(0.01, "deg"),
                    Field.DIRECTION: Keep(),
                    Field.CONFIDENCE: ToStep(0.1),
                }
            )
        )
    )
    body = dict(disclosure.body)
    alias = body.pop("plate")

    assert isinstance(alias, dict)
    assert {key: len(str(value)) for key, value in alias.items()} == {"pseudonym": 43, "epoch": 16}
    assert body == {
        "policy": {"id": "test", "version": "2026-01-01", "sha256": "0" * 64},
        "disposition": "miss",
        "plate_region": "US",
        "time": {"start": "2026-11-22T12:00:00Z", "end": "2026-11-22T13:00:00Z"},
        "location": {"latitude": 44.975, "longitude": -93.265},
        "direction": "approaching",
        "confidence": 0.9,
        "classification": {
            "plate": "private",
            "plate_region": "private",
            "time": "private",
            "location": "private",
            "direction": "private",
            "confidence": "public",
        },
    }
    assert disclosure.kind is Kind.READ


def test_a_sealed_field_opens_to_what_it_would_be_in_clear() -> None:
    """The agency gets the value as JSON, bound to this event; the length tells nothing of the plate."""
    policy = a_policy(hit=a_section({Field.PLATE: Seal("agency"), Field.PLATE_CROP: Seal("agency")}))
    disclosure = disclosed(policy, AN_ALERT)

    def opened(field: str) -> object:
        value = disclosure.body[field]
        assert isinstance(value, dict)
        assert value["to"] == "agency"
        info = sealing_info(DEVICE, disclosure.kind, disclosure.id, field, policy.sha256)
        return json.loads(open_sealed(AGENCY_PRIVATE, base64.b64decode(str(value["sealed"])), info))

    assert opened("plate") == CANARY
    assert base64.b64decode(str(opened("plate_crop"))).startswith(b"\xff\xd8 plate")
    assert len(base64.b64decode(str(disclosure.body["plate"]["sealed"]))) == 64 + 48  # type: ignore[index, call-overload]


DOUBTFUL = (Glyph((("C", 0.9984), ("G", 0.0011), ("0", 0.0004))), Glyph((("8", 0.914), ("B", 0.0786), ("3", 0.005))))


def test_alternatives_are_sealed_with_the_plate_in_one_length() -> None:
    """Rounded to hundredths, what is rarer left out; a doubtful long plate is as long as a certain short one."""
    policy = a_policy(hit=a_section({Field.PLATE: Seal("agency"), Field.ALTERNATIVES: Seal("agency")}))
    longest = tuple(Glyph((("8", 0.34), ("B", 0.33), ("3", 0.33))) for _ in range(12))
    lengths = set()
    for glyphs in (DOUBTFUL, longest):
        sighting = replace(a_sighting("C8"), glyphs=glyphs)
        decision = decide(sighting, (AN_ALERT,), policy, a_context(), a_set_of_instruments())
        assert isinstance(decision, Disclose)
        value = decision.disclosure.body["alternatives"]
        assert isinstance(value, dict)
        ciphertext = base64.b64decode(str(value["sealed"]))
        lengths.add(len(ciphertext))
        info = sealing_info(DEVICE, decision.disclosure.kind, decision.disclosure.id, "alternatives", policy.sha256)
        opened = json.loads(open_sealed(AGENCY_PRIVATE, ciphertext, info))
        assert opened == [[list(pair) for pair in glyph.alternatives] for glyph in longest] or opened == [
            [["C", 1.0]],
            [["8", 0.91], ["B", 0.08], ["3", 0.01]],
        ]

    assert lengths == {448 + 48}


@pytest.mark.parametrize(
    ("plate", "alternatives", "leaves"),
    [
        (Drop(), Keep(), False),
        (Drop(), Seal("agency"), False),
        (Pseudonym(3600), Seal("agency"), False),
        (Seal("agency"), Keep(), False),
        (Seal("agency"), Seal("agency"), True),
        (Keep(), Seal("agency"), True),
        (Keep(), Keep(), True),
    ],
)
def test_alternatives_go_only_where_the_plate_goes(plate: Action, alternatives: Action, *, leaves: bool) -> None:
    """Whatever a policy that was not loaded says; `load` refuses such a one (vectors `alternatives_*`)."""
    policy = a_policy(hit=a_section({Field.PLATE: plate, Field.ALTERNATIVES: alternatives}))

    assert ("alternatives" in disclosed(policy, AN_ALERT).body) is leaves


def test_without_the_recipients_key_a_sealed_field_is_dropped() -> None:
    """Never clear text instead."""
    disclosure = disclosed(a_policy(hit=a_section({Field.PLATE: Seal("nobody"), Field.LANE: Keep()})), AN_ALERT)

    assert "plate" not in disclosure.body
    assert disclosure.body["lane"] == "left"


def test_every_alert_says_what_it_is_not() -> None:
    """The notice and the kind of match are in every hit, and in nothing else."""
    alert = disclosed(EVENT, AN_ALERT)

    assert alert.kind is Kind.HIT
    assert alert.body["match"] == "exact"
    assert alert.body["notice"] == "unverified: confirm visually; not grounds for a stop"
    assert not {"match", "notice"} & set(disclosed(EVENT).body)


def test_a_lookalike_never_colours_an_exact_match() -> None:
    """Where a plate is on a list letter by letter, what only looks like it is left out."""
    policy = a_policy(hit=a_section({Field.CATEGORY: Keep(), Field.LIST: Keep()}))
    second = Match(MatchKind.EXACT, "warrant", "county")

    assert disclosed(policy, LOOKALIKE, AN_ALERT).body["category"] == "stolen"
    assert disclosed(policy, LOOKALIKE).body["match"] == "lookalike"
    assert disclosed(policy, AN_ALERT, second).body["category"] == "stolen,warrant"
    assert disclosed(policy, AN_ALERT, second).body["list"] == "county,state-police"


def test_hits_and_misses_of_one_vehicle_have_different_pseudonyms() -> None:
    """Else the first hit would name all passes before the vehicle was wanted."""
    section = a_section({Field.PLATE: Pseudonym(3600)})
    instruments = a_set_of_instruments()
    seen = []
    for matches in ((AN_ALERT,), ()):
        decision = decide(a_sighting(), matches, a_policy(section, section), a_context(), instruments)
        assert isinstance(decision, Disclose)
        seen.append(json.dumps(decision.disclosure.body["plate"]))

    assert seen[0] != seen[1]


def test_confusable_plates_have_one_pseudonym() -> None:
    """0 and O do not split a vehicle in two."""
    policy, instruments = a_policy(miss=a_section({Field.PLATE: Pseudonym(3600)})), a_set_of_instruments()
    seen = []
    for text in ("AB0123", "ABO123", "AC0123"):
        decision = decide(a_sighting(text), (), policy, a_context(), instruments)
        assert isinstance(decision, Disclose)
        seen.append(decision.disclosure.body["plate"])

    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize(
    ("action", "retention_s", "kept_s"),
    [
        (Keep(), 86_400, 86_400),
        (ToPeriod(3600), 86_400, 86_400 - (34 * 60 + 56.789)),
        (Drop(), 60 * 86_400, 60 * 86_400 - (12 * 3600 + 34 * 60 + 56.789)),
        (Seal("agency"), 86_400, 86_400 - (34 * 60 + 56.789)),
        (Drop(), 180, 180 - 56.789),
        (Drop(), 1, 1 - 0.789),
    ],
)
def test_an_expiry_tells_no_more_than_the_time_field(action: Keep | Drop, retention_s: int, kept_s: float) -> None:
    """Exact where time leaves in clear; else counted from the beginning of a span, never longer than the law."""
    expires_ns = expiry(a_section({Field.TIME: action}, retention_s), SEEN.wall_ns)

    assert (expires_ns - SEEN.wall_ns) / NS_PER_S == pytest.approx(kept_s)
    assert expires_ns <= SEEN.wall_ns + retention_s * NS_PER_S


def test_a_clock_that_was_set_meanwhile_does_not_mislead() -> None:
    """A vehicle seen before the clock was set gets the time by the new clock, which `quality` speaks of."""
    policy = a_policy(hit=a_section({Field.TIME: Keep()}))
    before = a_sighting(at=Instant(0, SEEN.monotonic_ns))

    decision = decide(before, (AN_ALERT,), policy, a_context(1.0), a_set_of_instruments())

    assert isinstance(decision, Disclose)
    assert decision.disclosure.body["time"] == "2026-11-22T12:34:56.789Z"


def test_the_packs_do_what_they_say() -> None:
    """Four laws, one vehicle: what leaves for a hit, a miss and an unsure read."""
    answers = {}
    for pack_id, mount in (("us-mn", "fixed"), ("us-nh", "mobile"), ("hits-only", "fixed"), ("count-only", "fixed")):
        context = replace(a_context(), device=replace(DEVICE, mount=mount))  # type: ignore[arg-type]
        policy = load_pack(pack_id)
        cases = ((a_sighting(), (AN_ALERT,)), (a_sighting(), ()), (uncertain(a_sighting(confidence=0.5)), ()))
        if pack_id == "count-only":
            policy = replace(policy, reading=replace(policy.reading, min_confidence=0.9))
        answers[pack_id] = tuple(
            type(decide(sighting, matches, policy, context, a_set_of_instruments())).__name__
            for sighting, matches in cases
        )

    assert answers == {
        "us-mn": ("Disclose", "Tally", "Tally"),
        "us-nh": ("Disclose", "Suppress", "Suppress"),
        "hits-only": ("Disclose", "Suppress", "Suppress"),
        "count-only": ("Tally", "Tally", "Tally"),
    }


def test_new_hampshire_purges_within_three_minutes_and_refuses_a_pole() -> None:
    """RSA 261:75-b and 259:68-a, as the pack words them."""
    policy = load_pack("us-nh")
    alert = decide(
        a_sighting(),
        (AN_ALERT,),
        policy,
        replace(a_context(), device=replace(DEVICE, mount="mobile")),
        a_set_of_instruments(),
    )

    assert isinstance(alert, Disclose)
    assert alert.disclosure.expires_wall_ns is not None
    assert 120 < (alert.disclosure.expires_wall_ns - SEEN.wall_ns) / NS_PER_S <= 180
    assert "scene_crop" not in alert.disclosure.body
    assert suppressed(policy, AN_ALERT) is Reason.NO_POLICY


def test_a_decision_takes_less_than_a_millisecond() -> None:
    """Without pictures; the median of many, so that a busy machine does not decide it."""
    policy = load_pack("hits-only")
    sighting, context, instruments = replace(a_sighting(), crops=None), a_context(), a_set_of_instruments()
    times = []
    for _ in range(200):
        start = time.perf_counter()
        decide(sighting, (), policy, context, instruments)
        times.append(time.perf_counter() - start)

    assert sorted(times)[100] < 0.001
