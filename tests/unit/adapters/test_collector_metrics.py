"""What Prometheus is told of a collector: counts by closed words, never anything about a vehicle or a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from platesieve.collector.records import Rejection
from platesieve.domain.disclosure import Kind
from tests.fakes.clock import START_WALL_NS
from tests.fakes.collected import an_event

if TYPE_CHECKING:
    from pathlib import Path

prometheus = pytest.importorskip("prometheus_client")


def test_counts_are_told_and_nothing_else(tmp_path: Path) -> None:
    """Every line is a known name with a known label."""
    from platesieve.adapters.database.store import SqlStore  # noqa: PLC0415 - an optional extra
    from platesieve.adapters.local.metrics import PrometheusMeters  # noqa: PLC0415 - an optional extra

    store, meters = SqlStore(f"sqlite:///{tmp_path / 'collector.db'}"), PrometheusMeters(None)
    store.keep([an_event("CANARY1", data={"plate": "CANARY2"})])
    store.report_health(an_event("h", kind=Kind.HEALTH, data={"state": "reading"}))
    meters.took(Kind.HIT)
    meters.rejected(Rejection.MALFORMED)
    meters.receipted(3)
    meters.erased(2)
    meters.failed()
    meters.shows(store, START_WALL_NS, connected=True)
    store.close()
    told = prometheus.generate_latest(meters.registry).decode()

    for line in (
        'platesieve_events_total{kind="hit"} 1.0',
        'platesieve_rejected_total{reason="malformed"} 1.0',
        "platesieve_receipted_total 3.0",
        "platesieve_erased_total 2.0",
        "platesieve_refusals_total 1.0",
        'platesieve_kept{kind="hit"} 1.0',
        'platesieve_cameras{state="reading"} 1.0',
        'platesieve_audit_logs{status="unknown"} 1.0',
        "platesieve_connected 1.0",
    ):
        assert line in told
    assert "CANARY" not in told
