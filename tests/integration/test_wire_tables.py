"""The latency table, in small. Faults are in `test_collector`, rights in `test_access`, as the same functions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
pytest.importorskip("sqlalchemy")
pytest.importorskip("jinja2")
ROOT = Path(__file__).parents[2]
N = 20


def test_every_event_comes_to_a_subscriber_the_database_and_an_open_page(mosquitto: str) -> None:
    """The command prints figures for each of the three ends, in the order in which they have an event."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.wire", "latency", "--events", str(N), "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    figures = json.loads(done.stdout)
    ends = figures["latency"]
    assert [one["count"] for one in ends.values()] == [N, N, N], figures["wrong"]
    subscriber, database, page = (one["p50_ms"] for one in ends.values())
    assert 0 < subscriber < page
    assert 0 < database < page
