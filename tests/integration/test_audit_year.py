"""A year at one batch a minute, on a disk: how large it is and how long it takes to verify."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.audit_folder import AuditFolder, FolderFiles
from platesieve.audit.verify import verify_log
from tests.fakes.log_files import SIGNER
from tests.fakes.simulated_log import simulated

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MAX_YEAR_BYTES = 100e6  # of a busy road
MAX_VERIFY_CPU_S = 5.0


def test_a_year_verifies_in_seconds(tmp_path: Path) -> None:
    """Measured by the processor's own clock, because others may use the machine too."""
    entries, _ = simulated(365, 60)
    with AuditFolder(tmp_path / "audit", SIGNER) as log:
        for at in range(0, len(entries), 50_000):
            log.append(entries[at : at + 50_000])
    files = FolderFiles(tmp_path / "audit")

    start_s = time.process_time()
    verdict = verify_log(files, SIGNER.verifier)
    taken_s = time.process_time() - start_s

    assert verdict.ok
    assert len(entries) >= 365 * 24 * 60
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < MAX_YEAR_BYTES
    assert taken_s < MAX_VERIFY_CPU_S
