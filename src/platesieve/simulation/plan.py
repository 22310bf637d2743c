"""What a fleet needs, from what one event and one connection were measured to cost. Arithmetic alone.

Everything that was measured stands in `figures.toml` beside this file, with the command that measures it again;
everything that is assumed is an argument; nothing has a price unless somebody gives it one.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from platesieve.audit.thinning import THINNED_EVERY_DAYS, Spacing
from platesieve.domain.errors import ConfigError
from platesieve.policy.language import Publish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platesieve.policy.language import Policy

FIGURES_FILE = "figures.toml"
DAY_S = 86_400
YEAR_DAYS = 365
NODES = 3
"""Of the broker's cluster: two of three must run."""

_SPACING = Spacing()
_MIB, _KIB = 2**20, 2**10
_CURRENCY_LETTERS = 12


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked for.

    Attributes:
        cameras: how many.
        vehicles_per_day: that pass one camera and are read.
        hits_per_10_000: of them, how many are on a list.
        peak: the busiest minute's traffic over the day's mean.
        health_s: how often a camera says how it is.
        checkpoint_s: how often it tells the state of its audit log.
        event_bytes: payload of an event under the policy.
        receipt_bytes: of a collector's receipt for one event.
        busy: how much of a core may be used at the peak, 0..1.
        dashboards: connections of people's subscribers beside the collectors.
        outage_h: how long the broker may be away with every event kept on the devices.
    """

    cameras: int
    vehicles_per_day: float
    hits_per_10_000: float
    peak: float
    health_s: float
    checkpoint_s: float
    event_bytes: int
    receipt_bytes: int
    busy: float = 0.5
    dashboards: int = 10
    outage_h: float = 24.0


@dataclass(frozen=True, slots=True)
class Stream:
    """Events of one kind: how many a camera sends in a day, how long they are kept, and how large they are."""

    kind: str
    per_camera_day: float
    retention_days: float
    payload_bytes: int
    with_traffic: bool
    """Whether there are more of them when there is more traffic."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a plan: what, how much, and from what it follows."""

    name: str
    value: float
    unit: str
    why: str


@dataclass(frozen=True, slots=True)
class Part:
    """Lines that belong together."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a fleet needs.

    Attributes:
        parts: for people.
        needs: quantities that have a price, by the names that a price list uses.
        warnings: what does not fit.
    """

    parts: tuple[Part, ...]
    needs: Mapping[str, float]
    warnings: tuple[str, ...]


def load_figures() -> dict[str, Any]:
    """Return what was measured."""
    return tomllib.loads(files("platesieve.simulation").joinpath(FIGURES_FILE).read_text("utf-8"))


def streams(policy: Policy, demand: Demand, figures: Mapping[str, Any]) -> tuple[Stream, ...]:
    """Return what a camera sends in a day under a policy. Counts: at most one for each window."""
    network = figures["network"]
    hits = demand.vehicles_per_day * demand.hits_per_10_000 / 10_000
    found = []
    for kind, section, vehicles in (
        ("hit", policy.hit, hits),
        ("read", policy.miss, demand.vehicles_per_day - hits),
    ):
        days = section.retention_s / DAY_S
        if section.publish is Publish.EVENT:
            found.append(Stream(kind, vehicles, days, demand.event_bytes, with_traffic=True))
        elif section.publish is Publish.AGGREGATE and section.aggregate is not None:
            windows = min(DAY_S / section.aggregate.window_s, vehicles)
            kept_days = section.aggregate.retention_s / DAY_S
            size = int(network["health_payload_bytes"])  # a count is about as large
            found.append(Stream(f"count of {kind}s", windows, kept_days, size, with_traffic=False))
    health = Stream("health", DAY_S / demand.health_s, 0, int(network["health_payload_bytes"]), with_traffic=False)
    checkpoint = Stream(
        "checkpoint", DAY_S / demand.checkpoint_s, 0, int(network["checkpoint_payload_bytes"]), with_traffic=False
    )
    return (*found, health, checkpoint)


def plan(policy: Policy, demand: Demand, figures: Mapping[str, Any]) -> Plan:
    """Return what a fleet needs under a policy."""
    sent = streams(policy, demand, figures)
    load = _Load.of(sent, demand)
    network, network_needs = _network(sent, demand, figures)
    storage, storage_needs = _storage(sent, demand, figures)
    broker, broker_cores, broker_gib = _broker(load, demand, figures)
    collectors, collector_cores, collector_gib, warnings = _collectors(load, demand, figures)
    events = tuple(
        Row(stream.kind, stream.per_camera_day, "a camera and day", f"{stream.payload_bytes:,} B each")
        for stream in sent
    )
    whole = Row("messages at the peak", load.peak_per_s, "/s", f"{load.mean_per_s:,.1f}/s over the day")
    needs = {
        **network_needs,
        **storage_needs,
        "cores": broker_cores + collector_cores,
        "memory_gib": round(broker_gib + collector_gib, 1),
        "cameras": float(demand.cameras),
    }
    parts = (Part("Messages", (*events, whole)), network, broker, collectors, storage)
    return Plan(parts, needs, warnings)


@dataclass(frozen=True, slots=True)
class _Load:
    """Messages a second of the whole fleet: events, which come with traffic, and what comes by the clock."""

    events_peak_per_s: float
    steady: Mapping[str, float]
    mean_per_s: float

    @classmethod
    def of(cls, sent: tuple[Stream, ...], demand: Demand) -> _Load:
        per_s = {stream.kind: demand.cameras * stream.per_camera_day / DAY_S for stream in sent}
        events = sum(per_s[stream.kind] for stream in sent if stream.with_traffic)
        steady = {stream.kind: per_s[stream.kind] for stream in sent if not stream.with_traffic}
        return cls(events * demand.peak, steady, events + sum(steady.values()))

    @property
    def counts_per_s(self) -> float:
        """Return counts, which a collector stores as it stores events."""
        return sum(rate for kind, rate in self.steady.items() if kind.startswith("count"))

    @property
    def peak_per_s(self) -> float:
        """Return all messages in the busiest minute."""
        return self.events_peak_per_s + sum(self.steady.values())


def _network(sent: tuple[Stream, ...], demand: Demand, figures: Mapping[str, Any]) -> tuple[Part, dict[str, float]]:
    network = figures["network"]
    beyond = network["up_beyond_payload_bytes"]
    up_day = sum(stream.per_camera_day * (stream.payload_bytes + beyond) for stream in sent)
    answers = sum(stream.per_camera_day * network["down_per_event_bytes"] for stream in sent)
    receipted = sum(stream.per_camera_day for stream in sent if stream.retention_days)
    down_day = answers + receipted * (demand.receipt_bytes + beyond)
    month_gib = demand.cameras * (up_day + down_day) * 30 / 2**30
    peak_mbit = demand.cameras * up_day / DAY_S * 8 / 1e6 * demand.peak
    rows = (
        Row("up from one camera", up_day / _MIB, "MiB a day", f"payload and {beyond} B for MQTT, TLS and TCP"),
        Row("down to one camera", down_day / _MIB, "MiB a day", "the broker's answers, the collector's receipts"),
        Row("into the broker at the peak", peak_mbit, "Mbit/s", f"mean times {demand.peak:g}"),
        Row("all cameras", month_gib, "GiB in 30 days", "up and down"),
    )
    return Part("Network", rows), {"traffic_gib": round(month_gib, 1)}


def _broker(load: _Load, demand: Demand, figures: Mapping[str, Any]) -> tuple[Part, float, float]:
    broker = figures["broker"]
    connections = demand.cameras + demand.dashboards + 4
    mib = broker["memory_mib"] + connections * broker["memory_per_connection_kib"] / _KIB
    steady = sum(load.steady.values())
    ms = load.events_peak_per_s * broker["cpu_ms_per_event"] + steady * broker["cpu_ms_per_health"]
    cores = max(_cores(ms, demand), 1)
    rows = (
        Row("connections", connections, "", f"{demand.cameras:,} cameras, collectors, {demand.dashboards} dashboards"),
        Row("memory for them", mib, "MiB", f"{broker['memory_per_connection_kib']:g} KiB each, Mosquitto with TLS"),
        Row("at the peak", ms / 1000, "cores busy", f"{broker['cpu_ms_per_event']:g} ms an event"),
        Row("to have", cores * NODES, "cores", f"{NODES} machines, each of which can carry all"),
    )
    return Part("Broker", rows), cores * NODES, max(math.ceil(mib / _KIB), 1) * NODES


def _collectors(load: _Load, demand: Demand, figures: Mapping[str, Any]) -> tuple[Part, float, float, tuple[str, ...]]:
    one, database = figures["collector"], figures["database"]
    stored_per_s = load.events_peak_per_s + load.counts_per_s
    sharing_ms = stored_per_s * one["cpu_ms_per_event"]
    thinned_per_s = _witness_lines(demand, YEAR_DAYS) / (THINNED_EVERY_DAYS * DAY_S)
    watching_ms = (
        load.steady["health"] * one["cpu_ms_per_health"]
        + load.steady["checkpoint"] * one["cpu_ms_per_checkpoint"]
        + thinned_per_s * one["cpu_us_per_line_thinned"] / 1000
    )
    database_ms = stored_per_s * database["cpu_ms_per_event"] + load.steady["health"] * database["cpu_ms_per_health"]
    sharers, database_cores = max(_cores(sharing_ms, demand), 2), max(_cores(database_ms, demand), 2)
    warnings = []
    if watching_ms > 1000 * demand.busy:
        warnings.append(
            f"the one collector that watches would be {watching_ms / 10:,.0f} % busy with health and checkpoints:"
            " let cameras tell both less often (audit.health_s, audit.batch_s), or divide the fleet into agencies"
        )
    each_event, each_row = one["cpu_ms_per_event"], database["cpu_ms_per_event"]
    watching = (
        f"health {one['cpu_ms_per_health']:g} ms, checkpoint {one['cpu_ms_per_checkpoint']:g} ms,"
        f" thinning {one['cpu_us_per_line_thinned']:g} µs a line"
    )
    rows = (
        Row("that share the events", sharers, "processes", f"{each_event:g} ms an event; two, because one may fail"),
        Row("one that watches", watching_ms / 10, "% of one core", watching),
        Row("memory of each", one["memory_mib"], "MiB", "the largest that was seen"),
        Row("PostgreSQL at the peak", database_ms / 1000, "cores busy", f"{each_row:g} ms an event"),
        Row("to have", sharers + 1 + database_cores, "cores", f"{sharers} + 1 + {database_cores} for PostgreSQL"),
    )
    gib = math.ceil((sharers + 1) * one["memory_mib"] / _KIB) + 4
    return Part("Collectors and database", rows), sharers + 1 + database_cores, gib, tuple(warnings)


def _storage(sent: tuple[Stream, ...], demand: Demand, figures: Mapping[str, Any]) -> tuple[Part, dict[str, float]]:
    beyond = figures["database"]["bytes_beyond_payload"]
    rows, whole_gib = [], 0.0
    for stream in sent:
        if stream.retention_days:
            kept = demand.cameras * stream.per_camera_day * stream.retention_days
            gib = kept * (stream.payload_bytes + beyond) / 2**30
            whole_gib += gib
            why = f"{kept:,.0f} rows: kept for {stream.retention_days:g} days, {stream.payload_bytes + beyond:,} B each"
            rows.append(Row(f"{stream.kind}s in PostgreSQL", gib, "GiB", why))
    line = figures["collector"]["witness_line_bytes"]
    first_gib, both_gib = (_witness_lines(demand, years * YEAR_DAYS) * line / 2**30 for years in (1, 2))
    why = f"{line} B a line: all of the last {_SPACING.every_days} to {_SPACING.every_days + 8} days, then two an hour"
    rows.append(Row("witness files after a year", first_gib, "GiB", why))
    why = f"two an hour, after {_SPACING.hourly_days} days two a day"
    rows.append(Row("growth in the second year", both_gib - first_gib, "GiB", why))
    waiting = sum(stream.per_camera_day for stream in sent if stream.retention_days) * demand.outage_h / 24
    size_mib = waiting * (demand.event_bytes + 256) / _MIB
    why = f"{waiting:,.1f} events while the broker is away for {demand.outage_h:g} h; 64 MiB is the quota"
    rows.append(Row("on each camera", size_mib, "MiB", why))
    rows.append(Row("to have after a year", whole_gib + first_gib, "GiB", "and as much again for every copy"))
    return Part("Storage", tuple(rows)), {"storage_gib": round(whole_gib + first_gib, 1)}


def _witness_lines(demand: Demand, days: float) -> float:
    """Return how many lines the witness files of all cameras have after so many days, where nothing contradicts."""
    return demand.cameras * _SPACING.lines(DAY_S / demand.checkpoint_s, days)


def _cores(busy_ms_per_s: float, demand: Demand) -> int:
    """Return whole cores that are busy for no more than the share that is asked for."""
    return max(math.ceil(busy_ms_per_s / 1000 / demand.busy), 0)


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of a bill."""

    name: str
    quantity: float
    price: float
    each: str

    @property
    def total(self) -> float:
        """Return quantity times price."""
        return self.quantity * self.price


PRICED = {
    "cores": "month",
    "memory_gib": "month",
    "storage_gib": "month",
    "traffic_gib": "month",
    "cameras": "once",
    "camera_link": "month",
}
"""What may have a price, and whether it is paid once or each month."""


def costs(needs: Mapping[str, float], prices: Mapping[str, Any]) -> tuple[str, tuple[Cost, ...]]:
    """Return the currency and the lines of a bill.

    Args:
        needs: of a plan.
        prices: `currency` and a price for any of PRICED; `camera_link` is of one camera's connection.

    Raises:
        ConfigError: a name is unknown, or a price is none; all faults at once.
    """
    problems = [f"{name}: is nothing that has a price" for name in prices if name not in {"currency", *PRICED}]
    for name, price in prices.items():
        number = isinstance(price, int | float) and not isinstance(price, bool)
        if name in PRICED and not (number and math.isfinite(price) and price >= 0):
            problems.append(f"{name}: must be a number, nought or more")
    currency = prices.get("currency", "")
    if not isinstance(currency, str) or not 0 < len(currency) <= _CURRENCY_LETTERS:
        problems.append("currency: must be named, for example USD")
    if problems:
        raise ConfigError("the price list cannot be used", f"give any of {', '.join(PRICED)}", tuple(problems))
    quantities = {**needs, "camera_link": needs["cameras"]}
    lines = (Cost(name, quantities[name], float(prices[name]), each) for name, each in PRICED.items() if name in prices)
    return currency, tuple(lines)
