"""From signed documents to rules: what of the policy counts for the other documents beside it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from pyrage import x25519

from platesieve.adapters.delivery import fetchers
from platesieve.adapters.delivery.unpack import keys_document
from platesieve.domain.errors import DeliveryError
from platesieve.domain.instant import Instant
from platesieve.domain.match import MatchKind
from platesieve.domain.plate import PlateText
from platesieve.policy.age_file import PictureSealer
from platesieve.policy.packs import pack_text
from tests.fakes.agency import Agency, Receiver, table
from tests.fakes.passages import AGENCY_PUBLIC

if TYPE_CHECKING:
    from pathlib import Path

RECIPIENT = str(x25519.Identity.generate().to_public()).encode()


def kinds(device: Receiver, plate: str) -> set[MatchKind]:
    """Return how a plate matches the list that is in force on a device."""
    assert device.generation is not None
    wall_ns = int(datetime.now(UTC).timestamp() * 1e9)
    return {match.kind for match in device.generation.hotlist.match(PlateText(plate), Instant(wall_ns, 10**12))}


def test_a_delivered_list_is_folded_as_the_delivered_policy_says(tmp_path: Path) -> None:
    """Also where the policy changes and the list stays: it is read again. The control is the standard folding."""
    agency = Agency(tmp_path)
    agency.add_list("wanted", table("AM1234", "AB1235"))
    agency.publish()
    device = Receiver(tmp_path / "device", agency.root)
    assert device.take(fetchers.folder(agency.mirror))
    assert kinds(device, "AW1234") == set()
    assert kinds(device, "A81235") == {MatchKind.LOOKALIKE}

    own = re.sub("(?m)^folding .*$", 'folding = ["MW"]', pack_text("count-only").decode())
    agency.add("policy/count-only.toml", own.encode())
    agency.publish()

    assert device.take(fetchers.folder(agency.mirror))
    assert kinds(device, "AW1234") == {MatchKind.LOOKALIKE}
    assert kinds(device, "A81235") == set()


def test_an_age_recipient_comes_with_the_signed_keys(tmp_path: Path) -> None:
    """It is text where HPKE keys are bytes; one that is damaged turns the whole delivery away."""
    agency = Agency(tmp_path)
    agency.add("keys/recipients.json", keys_document({"agency": AGENCY_PUBLIC, "crops": RECIPIENT}))
    agency.publish()
    device = Receiver(tmp_path / "device", agency.root)

    assert device.take(fetchers.folder(agency.mirror))
    assert device.generation is not None
    assert PictureSealer(device.generation.recipients)("crops", b"\xff\xd8", b"platesieve-seal-v1")

    agency.add("keys/recipients.json", keys_document({"agency": AGENCY_PUBLIC, "crops": RECIPIENT[:-1]}))
    agency.publish()
    with pytest.raises(DeliveryError, match="not usable"):
        device.take(fetchers.folder(agency.mirror))
