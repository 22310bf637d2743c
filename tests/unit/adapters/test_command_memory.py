"""A command counts once, also over a power cut, with a full memory, and with a clock that is set back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from platesieve.adapters.disk.command_memory import CommandMemory
from platesieve.domain.errors import StorageError
from platesieve.domain.instant import NS_PER_S, Instant
from platesieve.domain.notice import Verb
from platesieve.policy.command import CommandError, RamMemory, sign_command, verify_command
from platesieve.policy.nonces import KEPT, Nonces
from tests.fakes.passages import DEVICE, SEEN

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.policy.command import Memory

SECRET = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(SECRET).public_key().public_bytes_raw()
FOLLOW = """
import os, signal, sys
from pathlib import Path
from platesieve.adapters.disk.command_memory import CommandMemory
from platesieve.policy.command import verify_command
from tests.fakes.passages import DEVICE, SEEN
folder, document, key = Path(sys.argv[1]), bytes.fromhex(sys.argv[2]), bytes.fromhex(sys.argv[3])
verify_command(document, key, DEVICE, SEEN, CommandMemory(folder))
print("followed", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def a_command(verb: Verb = Verb.RESUME, seconds: int = 600) -> bytes:
    """Return a signed command that expires after so many seconds."""
    return sign_command(verb, SECRET, DEVICE, Instant(SEEN.wall_ns + seconds * NS_PER_S, 0), os.urandom)


def follow(document: bytes, memory: Memory, now: Instant = SEEN) -> None:
    """Believe a command."""
    verify_command(document, PUBLIC, DEVICE, now, memory)


def test_a_command_cannot_be_replayed_after_a_kill_and_a_restart(tmp_path: Path) -> None:
    """A process follows it and is killed at once; the next one refuses it. The control forgets, and believes it."""
    document = a_command()
    arguments = [sys.executable, "-c", FOLLOW, str(tmp_path), document.hex(), PUBLIC.hex()]
    first = subprocess.run(arguments, capture_output=True, check=False)

    assert (first.stdout, first.returncode) == (b"followed\n", -signal.SIGKILL), first.stderr
    with pytest.raises(CommandError, match="second time"):
        follow(document, CommandMemory(tmp_path))
    follow(document, RamMemory())


def test_a_full_memory_forgets_nothing_that_could_be_replayed(tmp_path: Path) -> None:
    """The earliest to expire goes first, and whatever expires no later than it is refused from then on."""
    early = a_command(seconds=60)
    nonces = Nonces()
    memory = CommandMemory(tmp_path)
    follow(early, memory)
    for number in range(KEPT - 1):
        nonces = nonces.with_one(f"{number:032x}", SEEN.wall_ns // NS_PER_S + 600)
    memory._nonces = Nonces({**memory._nonces.expiry_s, **nonces.expiry_s})
    memory.remember("ab" * 16, SEEN.wall_ns // NS_PER_S + 600)

    again = CommandMemory(tmp_path)
    assert len(again._nonces.expiry_s) == KEPT
    with pytest.raises(CommandError, match="second time"):
        follow(early, again)
    follow(a_command(seconds=900), again)


def test_a_clock_that_is_set_back_brings_no_command_back(tmp_path: Path) -> None:
    """Long after it expired, and the clock is at its time again: it is still known."""
    document = a_command()
    follow(document, CommandMemory(tmp_path))
    follow(a_command(seconds=87_000), CommandMemory(tmp_path), Instant(SEEN.wall_ns + 86_400 * NS_PER_S, 0))

    with pytest.raises(CommandError, match="second time"):
        follow(document, CommandMemory(tmp_path))


def test_what_cannot_be_remembered_is_not_followed_except_a_suspension(tmp_path: Path) -> None:
    """To stop reading is never the wrong thing to repeat."""
    memory = CommandMemory(tmp_path / "gone")

    with pytest.raises(StorageError, match="cannot be written"):
        follow(a_command(Verb.RESUME), memory)
    follow(a_command(Verb.SUSPEND), memory)


@pytest.mark.parametrize("text", ["", "1 forgotten", "x\n", "1 forgotten\n2 zz\n", "2 " + "a" * 32 + "\n"])
def test_a_damaged_memory_is_refused_and_not_begun_anew(tmp_path: Path, text: str) -> None:
    """An empty one would let commands count twice."""
    (tmp_path / "commands.seen").write_text(text)

    with pytest.raises(StorageError, match="damaged"):
        CommandMemory(tmp_path)


def test_a_memory_is_read_as_it_was_written() -> None:
    """And holds nothing but times and random numbers."""
    nonces = Nonces().with_one("ab" * 16, 5).with_one("cd" * 16, 3)

    assert Nonces.from_text(nonces.to_text()) == nonces
    assert sorted(nonces.to_text().split()) == sorted(["0", "forgotten", "5", "ab" * 16, "3", "cd" * 16])
