"""A log of a week at one batch a minute: what an entry costs on the disk and in time. The year is in integration."""

from __future__ import annotations

import time

from platesieve.audit.verify import verify_log
from tests.fakes.log_files import SIGNER, LogInMemory
from tests.fakes.simulated_log import simulated

MAX_BYTES_PER_ENTRY = 175  # entry, length, hash, share of the tiles above; a year of minutes: 525,600 x 175 = 92 MB
MAX_CPU_S_PER_ENTRY = 40e-6  # five times what a quiet core needs


def test_an_entry_costs_what_a_year_can_bear() -> None:
    """By the bytes of all files and by the processor's own clock."""
    log = LogInMemory().grow(simulated(7, 60)[0])
    size = len(log.entries)
    verify_log(log, SIGNER.verifier)

    start_s = time.process_time()
    verdict = verify_log(log, SIGNER.verifier)
    taken_s = time.process_time() - start_s

    assert verdict.ok
    assert size > 10_000
    assert sum(map(len, log.content.values())) < MAX_BYTES_PER_ENTRY * size
    assert taken_s < MAX_CPU_S_PER_ENTRY * size
