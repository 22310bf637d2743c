"""Commands: believed only when signed, for this device, fresh and new."""

from __future__ import annotations

import base64

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.domain.notice import Verb
from platesieve.policy.command import MAX_BYTES, CommandError, RamMemory, sign_command, verify_command
from platesieve.settings import Device
from tests.fakes.passages import AGENCY_PUBLIC, DEVICE, SEEN, predictable

PRIVATE = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(PRIVATE).public_key().public_bytes_raw()


def in_seconds(seconds: int) -> Instant:
    """Return a moment after SEEN."""
    return Instant(SEEN.wall_ns + seconds * NS_PER_S, SEEN.monotonic_ns)


def signed(line: bytes) -> bytes:
    """Return a document with a right signature of any line."""
    signature = Ed25519PrivateKey.from_private_bytes(PRIVATE).sign(b"platesieve-command-v1\n" + line)
    return line + b"\n" + base64.b64encode(signature) + b"\n"


GOOD = sign_command(Verb.SUSPEND, PRIVATE, DEVICE, in_seconds(600), predictable())
LINE = GOOD.split(b"\n")[0]


@pytest.mark.parametrize("verb", list(Verb))
def test_a_command_of_the_agency_is_believed(verb: Verb) -> None:
    """The control of all refusals: what is right goes through."""
    terms = (b"{}", AGENCY_PUBLIC) if verb.has_terms else None
    document = sign_command(verb, PRIVATE, DEVICE, in_seconds(600), predictable(), terms)

    assert verify_command(document, PUBLIC, DEVICE, SEEN, RamMemory()).verb is verb


def test_every_flipped_bit_is_refused() -> None:
    """No byte of the document is without meaning."""
    for place in range(len(GOOD)):
        for bit in range(8):
            changed = bytearray(GOOD)
            changed[place] ^= 1 << bit
            with pytest.raises(CommandError):
                verify_command(bytes(changed), PUBLIC, DEVICE, SEEN, RamMemory())


def test_another_key_is_refused() -> None:
    """Whoever holds no key of the agency commands nothing."""
    document = sign_command(Verb.RESUME, bytes(32), DEVICE, in_seconds(600), predictable())

    with pytest.raises(CommandError, match="wrong signature"):
        verify_command(document, PUBLIC, DEVICE, SEEN, RamMemory())


def test_a_command_for_another_device_is_refused() -> None:
    """A command that was ferried to the wrong device stays without effect."""
    with pytest.raises(CommandError, match="another device"):
        verify_command(GOOD, PUBLIC, Device("metro-pd", "bridge-7", "cam-2"), SEEN, RamMemory())


def test_a_command_counts_once() -> None:
    """The second time it is a replay."""
    seen = RamMemory()
    verify_command(GOOD, PUBLIC, DEVICE, SEEN, seen)

    with pytest.raises(CommandError, match="second time"):
        verify_command(GOOD, PUBLIC, DEVICE, SEEN, seen)


def test_a_refused_command_is_not_remembered() -> None:
    """Only the agency can make the memory of nonces grow."""
    seen = RamMemory()
    with pytest.raises(CommandError):
        verify_command(GOOD, PUBLIC, DEVICE, in_seconds(600), seen)

    assert not seen.nonces.expiry_s


def test_a_command_ends() -> None:
    """It is over at its expiry, and may not live longer than an hour."""
    endless = sign_command(Verb.SUSPEND, PRIVATE, DEVICE, in_seconds(3700), predictable())

    with pytest.raises(CommandError, match="expired"):
        verify_command(GOOD, PUBLIC, DEVICE, in_seconds(600), RamMemory())
    with pytest.raises(CommandError, match="too long"):
        verify_command(endless, PUBLIC, DEVICE, SEEN, RamMemory())


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\n\n",
        LINE,
        GOOD + b"\n",
        GOOD.rstrip(b"\n"),
        b"x" * (MAX_BYTES + 1),
        signed(b"{}"),
        signed(b"[1]"),
        signed(b"null"),
        signed(b"[" * 900),
        signed(LINE.replace(b":", b": ", 1)),
        signed(LINE.replace(b"}", b',"verb":"resume"}')),
        signed(LINE.replace(b"suspend", b"explode")),
        signed(rfc8785.dumps({"verb": "suspend"})),
        signed(b'{"a":1e999}'),
        signed(LINE.replace(b"2026", b"0000")),
        signed(LINE.replace(b"2026-11-22", b"2026-13-22")),
    ],
)
def test_what_is_not_a_command_is_refused(document: bytes) -> None:
    """Even a right signature makes no command of other bytes; nothing but CommandError is raised."""
    with pytest.raises(CommandError):
        verify_command(document, PUBLIC, DEVICE, SEEN, RamMemory())


def test_a_key_of_the_wrong_length_believes_nothing() -> None:
    """A broken key file opens nothing."""
    with pytest.raises(CommandError):
        verify_command(GOOD, b"short", DEVICE, SEEN, RamMemory())
