"""A device believes a receipt once, of a collector it knows, for itself, while it is fresh."""

from __future__ import annotations

import base64
import json
import os

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platesieve.domain.instant import NS_PER_S
from platesieve.policy.receipt import LIFETIME_S, MAX_IDS, Receipt, ReceiptBook, ReceiptError, sign_receipt
from platesieve.settings import Device
from tests.fakes.clock import START_WALL_NS as NOW

DEVICE = Device(agency="metro-pd", site="bridge-7", device="cam-1")
SECRET = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(SECRET).public_key().public_bytes_raw()


def book() -> ReceiptBook:
    """Return a book that knows the agency's collector."""
    return ReceiptBook(DEVICE, {"agency": PUBLIC})


def signed(*ids: str, secret: bytes = SECRET, device: Device = DEVICE, collector: str = "agency") -> bytes:
    """Return a receipt of now."""
    return sign_receipt(collector, ids or ("e1",), secret, device, NOW, os.urandom)


def forged(**changes: object) -> bytes:
    """Return a receipt that the right key signed over words that no collector of ours writes."""
    said = {**json.loads(signed().split(b"\n")[0]), **changes}
    line = rfc8785.dumps({key: value for key, value in said.items() if value is not None})
    signature = Ed25519PrivateKey.from_private_bytes(SECRET).sign(b"platesieve-receipt-v1\n" + line)
    return line + b"\n" + base64.b64encode(signature) + b"\n"


def test_a_receipt_names_events_once() -> None:
    """Sorted and without doubles, whatever the collector was given."""
    assert book().believe(signed("e2", "e1", "e2"), NOW) == Receipt("agency", ("e1", "e2"))


def test_a_receipt_that_is_played_again_does_not_count() -> None:
    """Neither at once nor after it is over; a new one for the same event does count."""
    ours, document = book(), signed("e1")
    ours.believe(document, NOW)

    with pytest.raises(ReceiptError, match="second time"):
        ours.believe(document, NOW + NS_PER_S)
    with pytest.raises(ReceiptError, match="over"):
        ours.believe(document, NOW + (LIFETIME_S + 1) * NS_PER_S)
    assert ours.believe(signed("e1"), NOW).ids == ("e1",)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (signed(secret=bytes(32)), "wrong signature"),
        (signed(device=Device(agency="metro-pd", site="bridge-7", device="cam-2")), "another device"),
        (signed(device=Device(agency="other-pd", site="bridge-7", device="cam-1")), "another device"),
        (signed(collector="state"), "unknown collector"),
        (signed() + b"x", "two lines"),
        (signed().replace(b"e1", b"e2"), "wrong signature"),
        (signed().replace(b'{"agency"', b'{ "agency"'), "canonical"),
        (b"", "two lines"),
        (b"[]\n\n", "canonical"),
        (b"x" * 20_000, "two lines"),
        (forged(ids=[]), "list of ids"),
        (forged(ids=["e"] * (MAX_IDS + 1)), "list of ids"),
        (forged(ids=[1]), "ids"),
        (forged(ids="e1"), "list of ids"),
        (forged(nonce="00"), "nonce"),
        (forged(nonce=None), "seven keys"),
        (forged(expires="2026-11-22T99:00:00Z"), "dated"),
        (forged(expires="soon"), "dated"),
        (forged(expires="2027-11-22T12:00:00Z"), "too long"),
        (forged(more="x"), "seven keys"),
        (forged(collector="A B"), "names"),
    ],
)
def test_what_is_not_a_receipt_is_not_believed(document: bytes, said: str) -> None:
    """Each with its own sentence, and the control: the same book believes the true one."""
    ours = book()
    with pytest.raises(ReceiptError, match=said):
        ours.believe(document, NOW)
    assert ours.believe(signed(), NOW).ids == ("e1",)


def test_every_changed_byte_is_noticed() -> None:
    """No byte of a receipt can change without the whole being refused."""
    document = signed("e1")
    for at in range(len(document)):
        changed = document[:at] + bytes([document[at] ^ 1]) + document[at + 1 :]
        with pytest.raises(ReceiptError):
            book().believe(changed, NOW)


def test_too_many_events_are_two_receipts() -> None:
    """What a device would refuse is not signed."""
    with pytest.raises(ReceiptError, match="one receipt"):
        signed(*(f"e{number}" for number in range(MAX_IDS + 1)))
    most = signed(*(f"{number:064x}" for number in range(MAX_IDS)))
    assert len(book().believe(most, NOW).ids) == MAX_IDS
