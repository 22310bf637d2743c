"""The groups that packs fold by are those that the reader was measured to mix up, and their cost is said."""

from __future__ import annotations

from statistics import mean

import pytest

from platesieve.adapters.networks.confusion_file import load_confusion
from platesieve.domain.confusion import LOOKALIKE_SHARE, collision_share, folding_groups
from platesieve.domain.folding import CLASSES, FOLDED_SHARE, UNFOLDED_SHARE
from platesieve.policy.explain import findings
from platesieve.policy.load import load_pack
from platesieve.policy.packs import pack_ids


def unfit(groups: tuple[str, ...]) -> list[str]:
    """Return what is wrong with groups by the released matrix: glyphs that must be folded, groups that must not be."""
    confusions = load_confusion().of(None)
    apart = [g for g in folding_groups(confusions, FOLDED_SHARE) if not any(set(g) <= set(group) for group in groups)]
    strange = [
        glyph
        for group in groups
        for glyph in group
        if mean(confusions.alike(glyph, other) for other in group if other != glyph) < UNFOLDED_SHARE
    ]
    return apart + strange


@pytest.mark.parametrize("pack_id", pack_ids())
def test_every_pack_folds_what_is_mixed_up_and_nothing_else(pack_id: str) -> None:
    """By the matrix over all regions; single regions were read too seldom to tell rare glyphs apart."""
    assert load_pack(pack_id).folding.groups == CLASSES
    assert unfit(CLASSES) == []


def test_groups_that_lack_a_pair_or_have_one_too_many_are_seen() -> None:
    """The control: without 0 and O something is missing; K and M are strange together, and J beside 1 and I."""
    assert unfit(CLASSES[1:])
    assert unfit((*CLASSES, "KM")) == ["K", "M"]
    assert unfit(("0OQ", "1IJ", "5S", "8B")) == ["J"]


def test_packs_fold_no_more_than_is_alike_by_the_readers_own_bound() -> None:
    """Up to reader 2.5 that bound merged two to four times as many strangers; since 2.6 it adds a pair or so."""
    alike = folding_groups(load_confusion().of(None), LOOKALIKE_SHARE)

    assert all(any(set(group) <= set(each) for each in alike) for group in CLASSES)
    assert collision_share(alike, "@@@###") >= collision_share(CLASSES, "@@@###")
    assert collision_share((*CLASSES, "MNW"), "@@@###") > 2 * collision_share(CLASSES, "@@@###")


def test_the_cost_of_folding_is_said_where_there_are_pseudonyms() -> None:
    """In `policy check`, as a share of plates and of pairs of strangers."""
    said = [finding.sentence for finding in findings(load_pack("travel-time"))]

    assert any("21% have the folded form of another" in sentence for sentence in said)
    assert any("1.4 times in a hundred million" in sentence for sentence in said)


@pytest.mark.parametrize("pack_id", pack_ids())
def test_every_alert_can_be_confirmed_by_eye(pack_id: str) -> None:
    """Where a hit leaves as an event, the picture of its plate leaves with it, sealed; and two frames must agree."""
    policy = load_pack(pack_id)
    said = [finding.sentence for finding in findings(policy)]

    assert not any("nobody can confirm" in sentence for sentence in said)
    assert policy.hit.publish.value != "event" or policy.reading.min_agreeing_frames >= 2
