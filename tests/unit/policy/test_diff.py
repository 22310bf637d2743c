"""What becomes stricter and what looser: each change is named, and nothing that widens is called stricter."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from platesieve.cli.policy import app
from platesieve.domain.match import Disposition
from platesieve.policy.actions import Drop, Keep, Seal, ToPeriod
from platesieve.policy.diff import differences
from platesieve.policy.fields import Field
from platesieve.policy.language import Aggregate, HoldRules, Publish, Reading, Requirement, Section
from platesieve.policy.load import load_pack
from platesieve.policy.packs import pack_ids, pack_text
from platesieve.policy.stricter import widenings
from tests.fakes.passages import a_policy, a_section

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.policy.language import Policy

PACKS = st.sampled_from(pack_ids()).map(load_pack)


def said(old: Policy, new: Policy, direction: str) -> list[str]:
    """Return what becomes stricter or looser."""
    return [change.sentence for change in differences(old, new) if change.direction == direction]


def test_a_policy_does_not_differ_from_itself() -> None:
    """The control of everything below."""
    assert {differences(load_pack(pack_id), load_pack(pack_id)) for pack_id in pack_ids()} == {()}


def test_a_field_that_tells_more_is_looser_and_back_is_stricter() -> None:
    """Sealed to kept; the sentence says what was and what is."""
    sealed = a_policy(hit=a_section({Field.PLATE: Seal("agency")}))
    clear = a_policy(hit=a_section({Field.PLATE: Keep()}))

    assert said(sealed, clear, "looser") == ["hit: plate: was sealed to agency, is as it is"]
    assert said(clear, sealed, "stricter") == ["hit: plate: was as it is, is sealed to agency"]
    assert not said(sealed, clear, "stricter")
    assert not said(clear, sealed, "looser")


def test_another_recipient_is_looser() -> None:
    """Neither of two keys is stricter; somebody new can open it, so somebody has to look."""
    one, other = (a_policy(hit=a_section({Field.PLATE: Seal(name)})) for name in ("agency", "vendor"))

    assert said(one, other, "looser") == ["hit: plate: was sealed to agency, is sealed to vendor"]


def test_what_is_kept_longer_or_read_less_surely_is_looser() -> None:
    """Retention, life in RAM, frames, confidence, age of lists, entries made by hand."""
    old = a_policy(hit=a_section({}, 3600))
    loose = replace(
        a_policy(hit=a_section({}, 7200)),
        reading=Reading(1, 0.8, 5),
        hotlists=replace(old.hotlists, max_age_s=172_800, manual_expires_s=86_400),
        holds=HoldRules(86_400, plates=True),
    )

    assert len(said(old, loose, "looser")) == len(said(loose, old, "stricter")) == 7
    assert "hit: retention: was 1h, is 2h" in said(old, loose, "looser")


def test_counts_in_finer_windows_or_of_fewer_are_looser() -> None:
    """And the other way round stricter; the window is told once more as the time of the count."""
    coarse, fine = (
        Section(publish=Publish.AGGREGATE, aggregate=a) for a in (Aggregate(3600, 5, 60), Aggregate(900, 0, 90))
    )

    looser = said(a_policy(miss=coarse), a_policy(miss=fine), "looser")
    assert len(looser) == 4
    assert len(said(a_policy(miss=fine), a_policy(miss=coarse), "stricter")) == 4


def test_from_nothing_to_counts_to_reads_is_looser_each_time() -> None:
    """And every field that leaves now and did not before is named."""
    counts = Section(publish=Publish.AGGREGATE, aggregate=Aggregate(3600, 0, 60))
    reads = a_section({Field.TIME: ToPeriod(3600), Field.LANE: Keep()})

    assert "miss: counts leave, before it was nothing" in said(a_policy(), a_policy(miss=counts), "looser")
    looser = said(a_policy(miss=counts), a_policy(miss=reads), "looser")
    assert looser == ["miss: single reads leave, before it was counts", "miss: lane: was nothing, is as it is"]


def test_a_condition_that_is_dropped_is_looser() -> None:
    """Requirements, operators, mounts."""
    strict = replace(
        a_policy(), requires=frozenset({Requirement.REGISTRATION}), operators=("police",), mounts=("fixed",)
    )

    assert len(said(strict, a_policy(), "looser")) == 4
    assert len(said(a_policy(), strict, "stricter")) == 4


def test_more_doubt_under_a_talkative_section_is_looser() -> None:
    """Asking for more frames looks stricter, but what becomes unsure meets the section of the unsure."""
    old = a_policy(unsure=a_section({Field.LANE: Keep()}))
    new = replace(old, reading=replace(old.reading, min_agreeing_frames=5))

    assert said(old, new, "looser")


@given(PACKS, PACKS)
def test_what_widens_is_never_called_stricter(old: Policy, new: Policy) -> None:
    """Where the engine's own order sees a widening, the comparison says looser: the two agree."""
    assert not widenings(new, old) or said(old, new, "looser")


@given(PACKS, PACKS)
def test_going_back_turns_every_word_round(old: Policy, new: Policy) -> None:
    """What is stricter one way is looser on the way back."""
    back = said(new, old, "looser")

    assert len(back) >= len(said(old, new, "stricter"))


def test_the_command_fails_only_when_something_becomes_looser(tmp_path: Path) -> None:
    """Exit 0 for the same policy and for a stricter one, 1 for a looser one; JSON says the same."""
    file = tmp_path / "longer.toml"
    file.write_bytes(pack_text("us-nh").replace(b'retention = "3m"', b'retention = "4m"'))
    run = CliRunner().invoke

    assert run(app, ["diff", "us-nh", "us-nh"]).exit_code == 0
    assert run(app, ["diff", str(file), "us-nh"]).exit_code == 0
    worse = run(app, ["diff", "us-nh", str(file)])
    assert (worse.exit_code, "retention: was 3m, is 4m" in worse.stdout) == (1, True)
    told = json.loads(run(app, ["diff", "us-nh", str(file), "--json"]).stdout)
    assert told == [{"direction": "looser", "sentence": "hit: retention: was 3m, is 4m"}]


def test_every_value_of_a_section_is_compared() -> None:
    """A value that is added to the language and not to the comparison fails here."""
    base = a_section({Field.PLATE: Seal("agency")})
    for changed in (replace(base, retention_s=1), replace(base, publish=Publish.NONE), replace(base, collector="x")):
        assert differences(a_policy(hit=base), a_policy(hit=changed))
    assert differences(a_policy(hit=base), a_policy(hit=a_section({Field.PLATE: Drop()})))
    assert {field.name for field in Section.__dataclass_fields__.values()} == {
        "retention_s",
        "publish",
        "rules",
        "aggregate",
        "collector",
    }
    assert len(Disposition) == 3
