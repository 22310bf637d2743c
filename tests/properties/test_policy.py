"""Whatever passes and whatever the law: nothing leaves that the policy does not name, in no form but the one it names.

The last property has an oracle of its own: it asks what can be learnt from the JSON, not our order of actions.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from platesieve.domain.crop import Crop, Crops
from platesieve.domain.decision import Disclose, Suppress, Tally
from platesieve.domain.errors import ConfigError
from platesieve.domain.instant import NS_PER_S, Instant, TimeQuality
from platesieve.domain.match import Match, MatchKind
from platesieve.domain.plate import ALPHABET
from platesieve.domain.sighting import Direction
from platesieve.hotlist.hotlist import HotList
from platesieve.policy.actions import (
    COARSENED_TO,
    PSEUDONYMOUS,
    Drop,
    Keep,
    Pseudonym,
    Seal,
    ToCell,
    ToCountry,
    ToPeriod,
    ToStep,
)
from platesieve.policy.decide import decide
from platesieve.policy.fields import COUNTABLE, Field
from platesieve.policy.language import Aggregate, Policy, Publish, Rule, Section
from platesieve.policy.load import load_policy
from platesieve.policy.packs import pack_ids, pack_text
from platesieve.policy.stricter import at_most
from tests.fakes.passages import AN_ALERT, SEEN, a_context, a_policy, a_section, a_set_of_instruments, a_sighting

if TYPE_CHECKING:
    from platesieve.domain.decision import Decision
    from platesieve.domain.disclosure import Json
    from platesieve.domain.sighting import Sighting
    from platesieve.policy.actions import Action

ENVELOPE = {"policy", "disposition", "match", "notice", "classification"}  # what every event says beside its fields

# Long plates with letters: the characters of others turn up in hashes, times and base64 by chance.
plates = st.text(alphabet=ALPHABET, min_size=6, max_size=10).map(lambda text: "QX" + text)
periods_s = st.sampled_from([60, 900, 3600, 86_400])
coarser: dict[Field, st.SearchStrategy[Action]] = {
    Field.TIME: st.builds(ToPeriod, periods_s),
    Field.LOCATION: st.one_of(
        st.builds(ToCell, st.sampled_from([50.0, 1000.0]), st.just("m")),
        st.builds(ToCell, st.sampled_from([0.01, 1.0]), st.just("deg")),
    ),
    Field.CONFIDENCE: st.builds(ToStep, st.sampled_from([0.05, 0.1, 0.5, 1.0])),
    Field.PLATE_REGION: st.just(ToCountry()),
}


def actions_of(field: Field) -> st.SearchStrategy[Action]:
    """Return every action that has a meaning for a field."""
    choices: list[st.SearchStrategy[Action]] = [
        st.just(Keep()),
        st.just(Drop()),
        st.builds(Seal, st.sampled_from(["agency", "nobody"])),
    ]
    if field in COARSENED_TO:
        choices.append(coarser[field])
    if field in PSEUDONYMOUS:
        choices.append(st.builds(Pseudonym, periods_s))
    return st.one_of(choices)


fields = st.fixed_dictionaries({}, optional={field: actions_of(field) for field in Field})
events = st.builds(a_section, fields, st.sampled_from([180, 86_400, 60 * 86_400]))
counts = st.builds(
    lambda actions, window_s, below: Section(
        publish=Publish.AGGREGATE,
        rules={field: Rule(action) for field, action in actions.items() if field in COUNTABLE},
        aggregate=Aggregate(window_s, below, 86_400),
    ),
    fields,
    periods_s,
    st.integers(0, 5),
)
sections = st.one_of(events, counts, st.just(Section()))
policies = st.builds(a_policy, sections, sections, sections)
instants = st.builds(Instant, st.integers(0, 4 * 10**18), st.integers(0, 10**18))
matches = st.lists(
    st.builds(Match, st.sampled_from(MatchKind), st.sampled_from(["stolen", "warrant"]), st.sampled_from(["a", "b"])),
    max_size=3,
).map(tuple)


@st.composite
def sightings(draw: st.DrawFn) -> Sighting:
    """Return any vehicle, seen by a camera whose clocks may say anything."""
    text = draw(plates)
    base = a_sighting(text, at=draw(st.one_of(st.just(SEEN), instants)))
    return replace(
        base,
        confidence=draw(st.floats(0, 1) | st.just(float("nan"))),
        agreeing_frames=draw(st.integers(0, 5)),
        region=draw(st.none() | st.sampled_from(["US-MN", "de", "somewhere", ""])),
        lane=draw(st.none() | st.text(max_size=5)),
        direction=draw(st.sampled_from(Direction)),
        crops=draw(st.none() | st.just(Crops(Crop(b"\xff\xd8" + text.encode()), Crop(b"")))),
    )


def written(decision: Decision) -> str:
    """Return everything that leaves, as JSON."""
    if not isinstance(decision, Disclose):
        return ""
    disclosure = decision.disclosure
    return json.dumps([disclosure.id, disclosure.kind, disclosure.body, disclosure.expires_wall_ns])


def body_of(decision: Decision) -> dict[str, Json]:
    """Return the fields that leave."""
    return dict(decision.disclosure.body) if isinstance(decision, Disclose) else {}


@given(
    sightings(),
    matches,
    st.none() | policies,
    instants,
    st.sampled_from(TimeQuality),
    st.sampled_from(["fixed", "mobile"]),
)
def test_there_is_always_a_decision(
    sighting: Sighting,
    found: tuple[Match, ...],
    policy: Policy | None,
    now: Instant,
    quality: TimeQuality,
    mount: str,
) -> None:
    """No sighting, policy, clock or device makes it raise; without a policy nothing leaves."""
    device = replace(a_context().device, mount=mount)  # type: ignore[arg-type]
    context = replace(a_context(quality=quality), now=now, device=device)

    decision = decide(sighting, found, policy, context, a_set_of_instruments())

    assert isinstance(decision, (Suppress, Disclose, Tally))
    assert policy is not None or isinstance(decision, Suppress)
    json.loads(written(decision) or "null")


@given(sightings(), matches, policies)
def test_a_field_that_is_not_named_never_leaves(sighting: Sighting, found: tuple[Match, ...], policy: Policy) -> None:
    """The body holds named fields that are not dropped, and the envelope; a count holds countable ones."""
    decision = decide(sighting, found, policy, a_context(), a_set_of_instruments())

    if isinstance(decision, Disclose):
        section = policy.section(decision.disclosure.body["disposition"])  # type: ignore[arg-type]
        named = {field.value for field in Field if not isinstance(section.action(field), Drop)}
        body = decision.disclosure.body
        assert set(body) <= named | ENVELOPE
        assert set(body["classification"]) == set(body) - ENVELOPE  # type: ignore[arg-type]
    elif isinstance(decision, Tally):
        named = {field.value for field in COUNTABLE}
        assert {name for name, _ in decision.group} <= named


HIDING = st.one_of(st.just(Drop()), st.just(Seal("agency")), st.just(Seal("nobody")), st.builds(Pseudonym, periods_s))


@given(plates, fields, HIDING, st.sampled_from([Drop(), Seal("agency")]))
def test_the_characters_of_a_hidden_plate_never_leave(
    text: str, others: dict[Field, Action], plate: Action, picture: Action
) -> None:
    """Dropped, sealed or under a pseudonym: the plate is nowhere in the JSON, and neither is its picture."""
    actions = others | {Field.PLATE: plate, Field.PLATE_CROP: picture, Field.SCENE_CROP: picture}
    policy = a_policy(hit=a_section(actions))

    decision = decide(a_sighting(text), (AN_ALERT,), policy, a_context(), a_set_of_instruments())

    assert written(decision)
    assert text not in written(decision)
    assert text not in spelt(decision)


def spelt(decision: Decision) -> str:
    """Return what alternatives in clear spell, character by character."""
    told = body_of(decision).get("alternatives")
    return "".join(glyph[0][0] for glyph in told) if isinstance(told, list) else ""  # type: ignore[index, misc]


def test_a_plate_in_clear_would_be_found() -> None:
    """The control: where the policy keeps the plate, the same search finds it."""
    policy = a_policy(hit=a_section({Field.PLATE: Keep()}))

    assert "CANARY7" in written(decide(a_sighting(), (AN_ALERT,), policy, a_context(), a_set_of_instruments()))
    open_ = a_policy(hit=a_section({Field.PLATE: Keep(), Field.ALTERNATIVES: Keep()}))
    assert spelt(decide(a_sighting(), (AN_ALERT,), open_, a_context(), a_set_of_instruments())) == "CANARY7"


@given(
    st.integers(0, 86_399),
    st.integers(0, 86_399),
    st.sampled_from([900, 3600, 86_400]),
    fields.filter(bool),
    st.booleans(),
)
def test_two_moments_of_one_span_look_the_same(
    first_s: int,
    second_s: int,
    period_s: int,
    others: dict[Field, Action],
    dropped: bool,  # noqa: FBT001 - drawn
) -> None:
    """Where time is coarsened or dropped, all that leaves is the same to the byte for any moment of the span.

    Sealed fields are left out: their ciphertexts are random.
    """
    grain_s = 3600 if dropped else period_s  # a day's retention: see `expiry`
    day_ns = 20_779 * 86_400 * NS_PER_S
    span_ns = day_ns + first_s // grain_s * grain_s * NS_PER_S
    actions: dict[Field, Action] = {
        field: action
        for field, action in others.items()
        if not isinstance(action, (Seal, Pseudonym)) and field is not Field.TIME
    }
    if not dropped:
        actions[Field.TIME] = ToPeriod(period_s)
    policy = a_policy(hit=a_section(actions, 86_400 if dropped else 2 * 86_400))

    told = []
    for offset_s in (first_s % grain_s, second_s % grain_s):
        seen = Instant(span_ns + offset_s * NS_PER_S + offset_s, 10**15)
        context = replace(a_context(), now=Instant(seen.wall_ns + NS_PER_S, seen.monotonic_ns + NS_PER_S))
        told.append(written(decide(a_sighting(at=seen), (AN_ALERT,), policy, context, a_set_of_instruments())))

    assert told[0] == told[1] != ""


def test_two_moments_in_clear_look_different() -> None:
    """The control: with the time kept, a second makes a difference."""
    policy = a_policy(hit=a_section({Field.TIME: Keep()}))
    told = set()
    for offset_ns in (0, NS_PER_S):
        seen = Instant(SEEN.wall_ns + offset_ns, SEEN.monotonic_ns)
        context = replace(a_context(), now=Instant(seen.wall_ns + NS_PER_S, seen.monotonic_ns + NS_PER_S))
        told.add(written(decide(a_sighting(at=seen), (AN_ALERT,), policy, context, a_set_of_instruments())))

    assert len(told) == 2


@given(sightings(), matches, policies, st.sampled_from(["expired", "future", "mount", "none"]))
def test_a_policy_that_is_not_in_force_discloses_nothing(
    sighting: Sighting, found: tuple[Match, ...], policy: Policy, why: str
) -> None:
    """Missing, expired, not yet effective, or for another kind of reader: Suppress, not even a count."""
    refused: dict[str, Policy | None] = {
        "expired": replace(policy, expires=date(2026, 6, 1)),
        "future": replace(policy, effective=date(2027, 1, 1)),
        "mount": replace(policy, mounts=("mobile",)),
        "none": None,
    }

    assert isinstance(decide(sighting, found, refused[why], a_context(), a_set_of_instruments()), Suppress)


def learnt(action: Action, value: Json) -> frozenset[str]:
    """Return what a reader without keys learns from a field: the oracle, which knows nothing of our order of actions.

    "exact" includes every coarse form of it; "links" is what a pseudonym gives; a ciphertext tells that there is one.
    """
    if value is None:
        return frozenset()
    match action:
        case Keep():
            return frozenset({"present", "exact", "coarse", "links"})
        case ToPeriod() | ToCell() | ToStep() | ToCountry():
            return frozenset({"present", "coarse"})
        case Pseudonym():
            return frozenset({"present", "links"})
        case _:
            return frozenset({"present"})


@given(sightings(), matches, fields, st.sampled_from(Field), st.data())
def test_a_stricter_field_never_discloses_more(
    sighting: Sighting, found: tuple[Match, ...], actions: dict[Field, Action], field: Field, data: st.DataObject
) -> None:
    """One field made stricter: no other field changes or appears, and of this one no more can be learnt."""
    before = actions.get(field, Drop())
    after = data.draw(actions_of(field).filter(lambda action: at_most(action, before)))
    looser = a_policy(*(a_section(actions) for _ in range(3)))
    stricter = a_policy(*(a_section(actions | {field: after}) for _ in range(3)))

    more = body_of(decide(sighting, found, looser, a_context(), a_set_of_instruments()))
    less = body_of(decide(sighting, found, stricter, a_context(), a_set_of_instruments()))

    name = field.value
    assert set(less) <= set(more)
    assert learnt(after, less.get(name)) <= learnt(before, more.get(name))
    assert dict(less.pop("classification", {})).items() <= dict(more.pop("classification", {})).items()  # type: ignore[arg-type]
    for other in set(less) - {name}:
        if not isinstance(actions.get(Field(other)) if other not in ENVELOPE else None, (Seal, Pseudonym)):
            assert less[other] == more[other]


def test_a_looser_field_would_be_noticed() -> None:
    """The control: the oracle sees that a kept field tells more than a coarse, pseudonymous or sealed one."""
    assert not learnt(Keep(), "x") <= learnt(ToCountry(), "x")
    assert not learnt(Pseudonym(60), "x") <= learnt(Seal("agency"), "x")
    assert not learnt(Seal("agency"), "x") <= learnt(Drop(), None)
    assert not at_most(Keep(), ToCountry())
    assert not at_most(Seal("agency"), Pseudonym(60))
    assert not at_most(Pseudonym(60), Seal("agency"))
    assert not at_most(ToPeriod(60), ToPeriod(3600))


@given(st.sampled_from(pack_ids()), st.integers(0, 5000), st.integers(0, 80), st.binary(max_size=30))
def test_a_damaged_policy_loads_or_is_refused(pack_id: str, start: int, length: int, other: bytes) -> None:
    """Whatever is cut out of a pack or put into it: a Policy or a ConfigError with lines, never another exception."""
    text = pack_text(pack_id)
    damaged = text[: start % len(text)] + other + text[start % len(text) + length :]

    try:
        load_policy(damaged, "p.toml")
    except ConfigError as error:
        problems = error.problems
    else:
        return
    assert problems
    assert all(problem.startswith("p.toml:") for problem in problems)


@given(st.binary(max_size=200) | st.text(alphabet='plate,categoryst"x\n\r019QX -', max_size=200))
def test_any_text_is_a_hot_list_or_is_refused(text: str | bytes) -> None:
    """A HotList or a ConfigError, never another exception."""
    for header in ("", "plate,category,list,expires\n"):
        whole = header.encode() + text if isinstance(text, bytes) else header + text
        with suppress(ConfigError):
            assert HotList.from_csv(whole, "h.csv", SEEN).count >= 0
