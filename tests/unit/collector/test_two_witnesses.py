"""Two witnesses on one file: what one adds, the other has read, or two histories would both be accepted."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.witness_files import FolderOfWitness
from platesieve.audit.cosignature import CosignerKey
from platesieve.audit.witness import Seen
from platesieve.collector.records import Event
from platesieve.collector.witness import Witness
from platesieve.domain.disclosure import Kind
from tests.fakes.log_files import SIGNER, START_NS, LogInMemory, many

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from platesieve.audit.witness import Kept

DEVICE = SIGNER.name.removeprefix("platesieve/")
KEY = CosignerKey.generate("platesieve/metro-pd/witness/agency")


class Interrupted(FolderOfWitness):
    """Lets another witness come right after the lines were read."""

    def __init__(self, folder: Path, keys: Path, comes: Callable[[], None], *, locks: bool) -> None:
        super().__init__(folder, keys)
        self._comes = comes
        self._locks = locks

    def alone(self, device: str) -> AbstractContextManager[None]:
        """Lock, or do as before there was a lock."""
        return super().alone(device) if self._locks else nullcontext()

    def kept(self, device: str) -> Sequence[Kept]:
        """Read, and be slow afterwards."""
        lines = tuple(super().kept(device))
        self._comes()
        return lines


def shown(first: int) -> Event:
    """Return the checkpoint of one of two histories, both of five entries."""
    note = LogInMemory().grow(many(5, first=first)).checkpoint.decode()
    return Event("c", Kind.CHECKPOINT, DEVICE, START_NS, None, {"data": {"checkpoint": note}})


@pytest.mark.parametrize(("locks", "results"), [(True, [Seen.FIRST, Seen.FORKED]), (False, [Seen.FIRST, Seen.FIRST])])
def test_two_histories_are_not_both_accepted(tmp_path: Path, results: list[Seen], *, locks: bool) -> None:
    """The second waits, reads the first one's line and calls its own a fork; not so without the lock, the control."""
    keys, files = tmp_path / "keys", tmp_path / "files"
    keys.mkdir()
    (keys / f"{DEVICE.replace('/', '_')}.vkey").write_text(SIGNER.verifier.vkey)
    other = Witness(FolderOfWitness(files, keys), KEY)
    second = threading.Thread(target=lambda: other.see(shown(1000)))

    def comes() -> None:
        second.start()
        second.join(0.3 if locks else None)

    first = Witness(Interrupted(files, keys, comes, locks=locks), KEY)
    assert first.see(shown(0))[1] is not None
    second.join()
    assert [line.seen for line in FolderOfWitness(files, keys).kept(DEVICE)] == results
