"""Who may write and read what on the cluster: every member writes to every topic and listens where it should not."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fleet.cluster import (
    COLLECTOR,
    DASHBOARD,
    DEVICE,
    EVERYBODY,
    OTHER,
    OTHER_COLLECTOR,
    OTHER_DASHBOARD,
    STRANGER,
    Member,
    client_id,
)

if TYPE_CHECKING:
    from tests.fleet.cluster import Cluster

KINDS = ("hit", "health")
ADDRESSED = ("do/suspend", "receipt", "cosigned")
SETTLED_S = 1.5
STAFF = {COLLECTOR: "demo-agency", DASHBOARD: "demo-agency", OTHER_COLLECTOR: "other-pd", OTHER_DASHBOARD: "other-pd"}


@dataclass(frozen=True, slots=True)
class Rights:
    """What was tried and what arrived, as (reader, topic, writer)."""

    expected: frozenset[tuple[str, str, str]]
    heard: frozenset[tuple[str, str, str]]
    tried: int
    filters_granted: frozenset[tuple[str, str]]
    """Filters beyond their own that the broker granted, by member."""


def promised() -> dict[str, tuple[set[str], set[str]]]:
    """Return for each topic who may write it and who may read it."""
    table: dict[str, tuple[set[str], set[str]]] = {
        "elsewhere": (set(), set()),
        "platesieve/demo-agency": (set(), set()),
    }
    for device in (DEVICE, OTHER, STRANGER):
        agency = device.partition("/")[0]
        collector, dashboard = f"collector.{agency}", f"dashboard.{agency}"
        for kind in KINDS:
            table[f"platesieve/{device}/{kind}"] = ({device}, {collector, dashboard})
        for what in ADDRESSED:
            writers = {collector, dashboard} if what.startswith("do/") else {collector}
            table[f"platesieve/{device}/{what}"] = (writers, {device})
    return table


def own_filters(name: str) -> list[str]:
    """Return what a member subscribes to by right."""
    if name in STAFF:
        return [f"platesieve/{STAFF[name]}/+/+/{kind}" for kind in KINDS]
    return [f"platesieve/{name}/do/+", f"platesieve/{name}/receipt", f"platesieve/{name}/cosigned"]


def others_filters(name: str) -> list[str]:
    """Return what it has no business with: everything, somebody else's, and what widens its own."""
    strange = {"#", "platesieve/#", "platesieve/+/+/+/hit", f"platesieve/{DEVICE}/#", "platesieve/other-pd/+/+/hit"}
    strange |= {f"platesieve/{device}/do/+" for device in (DEVICE, OTHER, STRANGER)}
    return sorted(strange - set(own_filters(name)) - {f"platesieve/{STAFF.get(name)}/+/+/hit"})


def granted(cluster: Cluster, name: str, filters: list[str]) -> set[tuple[str, str]]:
    """Ask for each filter on a connection of its own; return those that were granted."""
    found = set()
    for each in filters:
        member = Member(cluster, name, client_id(name))
        if member.connected and member.read(each):
            found.add((name, each))
        member.close()
    return found


def examine(cluster: Cluster) -> Rights:
    """Try everything once; what counts is what arrives, not what the broker answers."""
    table = promised()
    with ExitStack() as stack:
        listeners = {name: Member(cluster, name, client_id(name), 1 + at % 3) for at, name in enumerate(EVERYBODY)}
        for name, listener in listeners.items():
            stack.callback(listener.close)
            assert listener.connected, name
            assert all(listener.read(each) for each in own_filters(name)), name
        for name in EVERYBODY:
            _write_everywhere(cluster, name, list(table))
        time.sleep(SETTLED_S)
        heard = {(name, topic, payload.decode()) for name, each in listeners.items() for topic, payload in each.heard}
    wide = {pair for name in EVERYBODY for pair in granted(cluster, name, others_filters(name))}
    expected = {(reader, topic, writer) for topic, (w, r) in table.items() for writer in w for reader in r}
    return Rights(frozenset(expected), frozenset(heard), len(table) * len(EVERYBODY) ** 2, frozenset(wide))


def _write_everywhere(cluster: Cluster, name: str, topics: list[str]) -> None:
    """Write to each topic; who oversteps is disconnected, and comes back for the next one."""
    writer = Member(cluster, name, f"{client_id(name)}:probe")
    for topic in topics:
        if not writer.write(topic, name.encode()):
            writer.close()
            writer = Member(cluster, name, f"{client_id(name)}:probe")
    writer.close()


def leak(cluster: Cluster, *, opened: bool) -> bool:
    """Let another agency's dashboard ask for `#`; return whether it sees a hit. `opened` widens its rights first."""
    if opened:
        _widen(cluster, OTHER_DASHBOARD)
    spy = Member(cluster, OTHER_DASHBOARD, client_id(OTHER_DASHBOARD))
    device = Member(cluster, DEVICE, f"{client_id(DEVICE)}:probe")
    spy.read("#")
    device.write(f"platesieve/{DEVICE}/hit", b"private")
    time.sleep(SETTLED_S)
    seen = bool(spy.heard)
    spy.close()
    device.close()
    return seen


def takes_over(cluster: Cluster, *, opened: bool) -> bool:
    """Let a device come under the client id of another; return whether it can have that one's session."""
    if opened:
        cluster.local("ctl", "set_permissions", "-p", "/", OTHER, ".*", ".*", ".*")
    thief = Member(cluster, OTHER, client_id(DEVICE))
    had = thief.connected and thief.read(f"platesieve/{OTHER}/receipt")
    thief.close()
    return had


def _widen(cluster: Cluster, name: str) -> None:
    cluster.local("ctl", "set_topic_permissions", "-p", "/", name, "amq.topic", ".*", ".*")


def reloaded(cluster: Cluster) -> None:
    """Bring the definitions as deployed back into force."""
    cluster.local("ctl", "import_definitions", str(cluster.folder / "rabbitmq" / "definitions.json"))
    wanted = {(row["user"], row["read"]) for row in cluster.definitions()["topic_permissions"]}
    for _ in range(50):
        rows = json.loads(cluster.local("ctl", "list_topic_permissions", "--formatter", "json", "--quiet"))
        if {(row["user"], row["read"]) for row in rows} == wanted:
            return
        time.sleep(0.2)
    raise AssertionError("the definitions were not taken")
