"""The groups that packs fold by are those that the reader was measured to mix up, and their cost is said."""

from __future__ import annotations

import pytest

from platesieve.adapters.networks.confusion_file import load_confusion
from platesieve.domain.confusion import LOOKALIKE_SHARE, collision_share, folding_groups
from platesieve.domain.folding import CLASSES, FOLDED_SHARE
from platesieve.policy.explain import findings
from platesieve.policy.load import load_pack
from platesieve.policy.packs import pack_ids


@pytest.mark.parametrize("pack_id", pack_ids())
def test_every_pack_folds_by_the_measured_groups(pack_id: str) -> None:
    """What the matrix over all regions proposes; single regions were read too seldom to tell rare glyphs apart."""
    measured = folding_groups(load_confusion().of(None), FOLDED_SHARE)

    assert load_pack(pack_id).folding.groups == measured == CLASSES


def test_groups_below_the_share_cost_ten_times_as_many_strangers() -> None:
    """The reason why the packs do not fold all that is alike by the reader's own bound."""
    confusions = load_confusion().of(None)
    all_alike = collision_share(folding_groups(confusions, LOOKALIKE_SHARE), "@@@###")

    assert all_alike > 10 * collision_share(CLASSES, "@@@###")


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
