"""Two processes of an agency write one transparency log: nothing is lost, nothing is refused, and it verifies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk import shared_log
from platesieve.adapters.disk.audit_folder import AuditFolder, FolderFiles
from platesieve.adapters.disk.shared_log import SharedLog
from platesieve.audit.note import NoteSigner
from platesieve.audit.verify import verify_log
from platesieve.domain.errors import AuditError
from tests.fakes.log_files import many

if TYPE_CHECKING:
    from pathlib import Path

SIGNER = NoteSigner.generate("platesieve/metro-pd/collector/agency")


def test_two_writers_take_turns(tmp_path: Path) -> None:
    """Each of twenty appends is there, whichever of the two made it."""
    two = [SharedLog(tmp_path / "log", SIGNER) for _ in range(2)]
    entry = many(1)
    with ThreadPoolExecutor(4) as pool:
        notes = list(pool.map(lambda number: two[number % 2].append(entry), range(20)))
    verdict = verify_log(FolderFiles(tmp_path / "log"), SIGNER.verifier)

    assert sorted(int(note.split("\n")[1]) for note in notes) == list(range(1, 21))
    assert verdict.ok


def test_a_writer_that_does_not_let_go_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few seconds the append is refused, and what asked for it does not happen."""
    monkeypatch.setattr(shared_log, "_WAIT_S", 0.1)
    with AuditFolder(tmp_path / "log", SIGNER), pytest.raises(AuditError, match="another platesieve"):
        SharedLog(tmp_path / "log", SIGNER).append(many(1))
