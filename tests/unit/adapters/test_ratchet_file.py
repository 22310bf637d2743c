"""The ratchet on a disk: written over in place, refused when torn, erased when its device is retired."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.ratchet_file import erase_ratchet, load_ratchet, new_ratchet_file, open_ring
from platesieve.domain.errors import KeyFileError
from platesieve.policy.ratchet import new_ratchet
from tests.fakes.passages import SEEN

if TYPE_CHECKING:
    from pathlib import Path

RATCHET = new_ratchet(3600, SEEN, os.urandom)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a ratchet file."""
    file = tmp_path / "keys" / "fleet.key"
    new_ratchet_file(file, RATCHET)
    return file


def test_a_ratchet_is_read_as_it_was_written(file: Path) -> None:
    """Readable by its owner alone, and never written over by a new one."""
    assert load_ratchet(file) == RATCHET
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(KeyFileError, match="there already"):
        new_ratchet_file(file, RATCHET)


def test_going_forward_takes_the_old_secret_from_the_disk(file: Path) -> None:
    """The same blocks of the same file hold the next secret; nothing else is left in the folder."""
    before, inode = file.read_bytes(), file.stat().st_ino
    ring = open_ring(file)
    ring.save(RATCHET.following())
    after = file.read_bytes()

    assert load_ratchet(file) == RATCHET.following()
    assert (file.stat().st_ino, len(after)) == (inode, len(before))
    assert before.split()[4] not in after
    assert [path.name for path in file.parent.iterdir()] == ["fleet.key"]


def test_a_line_torn_by_a_power_cut_is_no_key(file: Path) -> None:
    """At whatever byte the new line ended: half of two secrets is refused, not taken for a third."""
    old = file.read_bytes()
    open_ring(file).save(RATCHET.following())
    new = file.read_bytes()
    for cut in range(len(old)):
        torn = new[:cut] + old[cut:]
        file.write_bytes(torn)
        if torn in {old, new}:
            load_ratchet(file)
            continue
        with pytest.raises(KeyFileError, match="damaged"):
            load_ratchet(file)


def test_a_retired_device_keeps_nothing(file: Path) -> None:
    """Zeros over the secret, then no file; another file is left alone."""
    descriptor = os.open(file, os.O_RDONLY)
    erase_ratchet(file)
    left = os.read(descriptor, 4096)
    os.close(descriptor)

    assert not any(left)
    assert not file.exists()
    other = file.with_name("other.key")
    other.write_text("platesieve-agency-public-1 AAAA\n")
    with pytest.raises(KeyFileError, match="not a fleet key"):
        erase_ratchet(other)
    assert other.exists()


def test_a_ratchet_that_others_can_read_is_refused(file: Path) -> None:
    """As every secret; and a disk that cannot be written is told in words."""
    file.chmod(0o640)
    with pytest.raises(KeyFileError, match="others can read"):
        load_ratchet(file)

    file.chmod(0o600)
    ring = open_ring(file)
    file.unlink()
    with pytest.raises(KeyFileError, match="written over"):
        ring.save(RATCHET.following())
