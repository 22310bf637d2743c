"""`python -m tests.bench.fleet`, in small: real broker, PostgreSQL and collector give what a plan needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from platesieve.bootstrap.plan import demanded
from platesieve.simulation.plan import load_figures, plan
from tests.bench.fleet import measure

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
pytest.importorskip("psycopg")


def keys(figures: dict[str, object], of: str = "") -> set[str]:
    """Return the names of all figures, with their sections."""
    found: set[str] = set()
    for name, value in figures.items():
        found |= keys(value, f"{of}{name}.") if isinstance(value, dict) else {of + name}
    return found


@pytest.mark.skipif(not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")), reason="postgresql is not installed")
def test_what_is_measured_is_what_a_plan_is_made_of(mosquitto: str, tmp_path: Path) -> None:
    """The same names as in the figures that ship, sizes as there, nothing lost, and work that took time."""
    measured, shipped = measure(4, 10, 6, tmp_path), load_figures()
    assert keys(measured) == keys(shipped)
    assert measured["lost"] == 0
    for name in ("hit_payload_bytes", "health_payload_bytes", "checkpoint_payload_bytes", "down_per_event_bytes"):
        assert measured["network"][name] == pytest.approx(shipped["network"][name], rel=0.05), name
    # Four connections may fit into memory that the broker had already.
    assert 0 <= measured["broker"]["memory_per_connection_kib"] < 1000
    assert measured["database"]["bytes_per_event"] > measured["network"]["hit_payload_bytes"]
    assert min(measured["collector"].values()) > 0
    policy, demand = demanded(
        "hits-only",
        cameras=100,
        vehicles_per_day=5000,
        hits_per_10_000=20,
        peak=3,
        health_s=30,
        checkpoint_s=60,
    )
    assert demand.event_bytes == pytest.approx(measured["network"]["hit_payload_bytes"], rel=0.01)
    assert plan(policy, demand, measured).needs["cores"] > 0
