"""The arithmetic of a plan, on round figures that a person can follow with a pencil."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from platesieve.domain.errors import ConfigError
from platesieve.policy.load import load_policy
from platesieve.policy.packs import pack_text
from platesieve.simulation.plan import PRICED, Demand, Plan, costs, load_figures, plan, streams

ROOT = Path(__file__).parents[3]
FIGURES: dict[str, Any] = {
    "broker": {
        "memory_mib": 10.0,
        "memory_per_connection_kib": 64.0,
        "cpu_ms_per_event": 1.0,
        "cpu_ms_per_health": 0.5,
    },
    "collector": {
        "memory_mib": 100.0,
        "cpu_ms_per_event": 10.0,
        "cpu_ms_per_health": 2.0,
        "cpu_ms_per_checkpoint": 4.0,
        "cpu_us_per_line_thinned": 100.0,
        "witness_line_bytes": 300,
    },
    "database": {"cpu_ms_per_event": 5.0, "cpu_ms_per_health": 1.0, "bytes_beyond_payload": 1000},
    "network": {
        "up_beyond_payload_bytes": 100,
        "down_per_event_bytes": 50,
        "health_payload_bytes": 500,
        "checkpoint_payload_bytes": 900,
    },
}
DEMAND = Demand(
    cameras=864,
    vehicles_per_day=10_000,
    hits_per_10_000=100,  # 100 hits a camera and day: one each second of the whole fleet
    peak=4,
    health_s=86.4,  # 1,000 a day: ten a second
    checkpoint_s=172.8,  # 500 a day: five a second
    event_bytes=9000,
    receipt_bytes=400,
)
LINES = 864 * (15 * 500 + 350 * 2 * 24)
"""Of witness files after a year: fifteen days of every checkpoint at most, before that two of each hour."""
HITS_ONLY = load_policy(pack_text("hits-only"), "hits-only")


def value(made: Plan, title: str, name: str) -> float:
    """Return one figure of a plan."""
    (part,) = [part for part in made.parts if part.title == title]
    (row,) = [row for row in part.rows if row.name == name]
    return row.value


def test_messages_follow_from_traffic_and_clock() -> None:
    """One hit, ten healths and five checkpoints a second; four hits at the peak, and no more of the others."""
    made = plan(HITS_ONLY, DEMAND, FIGURES)
    assert value(made, "Messages", "hit") == 100
    assert value(made, "Messages", "health") == pytest.approx(1000)
    assert value(made, "Messages", "messages at the peak") == pytest.approx(4 + 10 + 5)
    assert made.parts[0].rows[-1].why == "16.0/s over the day"


def test_network_counts_payload_and_what_is_around_it() -> None:
    """Up: 100 x 9,100 + 1,000 x 600 + 500 x 1,000 bytes a day; down: 1,600 answers of 50, 100 receipts of 500."""
    made = plan(HITS_ONLY, DEMAND, FIGURES)
    up, down = 100 * 9100 + 1000 * 600 + 500 * 1000, 1600 * 50 + 100 * 500
    assert value(made, "Network", "up from one camera") == pytest.approx(up / 2**20)
    assert value(made, "Network", "down to one camera") == pytest.approx(down / 2**20)
    assert value(made, "Network", "all cameras") == pytest.approx(864 * (up + down) * 30 / 2**30)
    assert value(made, "Network", "into the broker at the peak") == pytest.approx(864 * up / 86_400 * 8 / 1e6 * 4)


def test_broker_carries_everything_on_one_machine_of_three() -> None:
    """4 ms of events and 7.5 of the rest each second: one core does, three machines have one."""
    made = plan(HITS_ONLY, DEMAND, FIGURES)
    assert value(made, "Broker", "connections") == 864 + 10 + 4
    assert value(made, "Broker", "memory for them") == pytest.approx(10 + 878 * 64 / 1024)
    assert value(made, "Broker", "at the peak") == pytest.approx((4 * 1.0 + 15 * 0.5) / 1000)
    assert value(made, "Broker", "to have") == 3


def test_collectors_are_two_at_least_and_more_where_events_ask_for_it() -> None:
    """A hundred times the hits: 400 a second at the peak, 4 s of work each second, at half a core each: eight."""
    few, many = (plan(HITS_ONLY, replace(DEMAND, hits_per_10_000=n), FIGURES) for n in (100, 10_000))
    assert value(few, "Collectors and database", "that share the events") == 2
    assert value(many, "Collectors and database", "that share the events") == 8
    assert value(few, "Collectors and database", "one that watches") == pytest.approx(
        (10 * 2 + 5 * 4 + LINES / 604_800 * 0.1) / 10
    )
    assert value(many, "Collectors and database", "PostgreSQL at the peak") == pytest.approx((400 * 5 + 10 * 1) / 1000)


def test_a_watch_that_one_collector_cannot_keep_is_told() -> None:
    """It is one process by design, so a plan that overloads it says what to change; a smaller fleet does not."""
    assert plan(HITS_ONLY, DEMAND, FIGURES).warnings == ()
    (warning,) = plan(HITS_ONLY, replace(DEMAND, cameras=86_400), FIGURES).warnings
    assert "435 % busy" in warning
    assert "audit.health_s" in warning


def test_storage_is_what_the_policy_keeps() -> None:
    """Seven days of 86,400 hits, 10,000 bytes each with index and row; nothing of a miss; witness files are thinned."""
    made = plan(HITS_ONLY, DEMAND, FIGURES)
    assert value(made, "Storage", "hits in PostgreSQL") == pytest.approx(864 * 100 * 7 * 10_000 / 2**30)
    assert value(made, "Storage", "witness files after a year") == pytest.approx(LINES * 300 / 2**30)
    assert value(made, "Storage", "growth in the second year") == pytest.approx(864 * 365 * 48 * 300 / 2**30)
    assert made.needs["storage_gib"] == pytest.approx((864 * 100 * 7 * 10_000 + LINES * 300) / 2**30, abs=0.05)
    assert value(made, "Storage", "on each camera") == pytest.approx(100 * (9000 + 256) / 2**20)


def test_reads_and_counts_are_planned_where_a_policy_publishes_them() -> None:
    """travel-time lets every read out, us-mn counts misses hour by hour."""
    reads = {s.kind: s for s in streams(load_policy(pack_text("travel-time"), "travel-time"), DEMAND, FIGURES)}
    counted = {s.kind: s for s in streams(load_policy(pack_text("us-mn"), "us-mn"), DEMAND, FIGURES)}
    assert reads["read"].per_camera_day == pytest.approx(9900)
    assert "read" not in counted
    assert counted["count of reads"].per_camera_day == 24
    assert counted["hit"].retention_days == 60


def test_only_what_has_a_price_costs_something() -> None:
    """Quantity times price, by the month and once; without a line there is no cost of it."""
    needs = plan(HITS_ONLY, DEMAND, FIGURES).needs
    currency, lines = costs(needs, {"currency": "USD", "cores": 2.5, "cameras": 10, "camera_link": 3})
    assert currency == "USD"
    assert [(line.name, line.quantity, line.total, line.each) for line in lines] == [
        ("cores", needs["cores"], needs["cores"] * 2.5, "month"),
        ("cameras", 864.0, 8640.0, "once"),
        ("camera_link", 864.0, 2592.0, "month"),
    ]


def test_a_price_list_with_faults_is_refused_with_all_of_them() -> None:
    """Unknown names, prices that are none, and no currency: at once."""
    with pytest.raises(ConfigError) as refused:
        costs({"cameras": 1.0}, {"coers": 1, "cores": "much", "memory_gib": float("nan"), "cameras": True})
    assert len(refused.value.problems) == 5


def test_the_price_list_that_ships_names_everything_and_prices_nothing() -> None:
    """Every price is 1: nobody takes our figure for theirs."""
    prices = tomllib.loads((ROOT / "deploy/fleet/prices.toml").read_text())
    assert prices.pop("currency") == "units"
    assert prices == dict.fromkeys(PRICED, 1.0)


def test_the_figures_that_ship_have_all_that_a_plan_needs() -> None:
    """They say when, where and by which command they were measured, and that nothing was lost meanwhile."""
    figures = load_figures()
    made = plan(HITS_ONLY, DEMAND, figures)
    assert figures["command"].startswith("python -m tests.bench.fleet --devices ")
    assert figures["lost"] == 0
    assert figures["devices"] >= 500
    assert all(row.value >= 0 for part in made.parts for row in part.rows)
