"""What a fleet's certificates may do on RabbitMQ, as deploy/fleet/definitions.py writes it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / "deploy" / "fleet" / "definitions.py"
DEVICE, COLLECTOR, DASHBOARD = "metro-pd/bridge-7/cam-1", "collector.metro-pd", "dashboard.metro-pd"


def made(*names: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    return subprocess.run(
        [sys.executable, PROGRAM], input="\n".join(names), capture_output=True, text=True, check=False
    )


def may(name: str, right: str, key: str, table: str = "topic_permissions") -> bool:
    """Return whether RabbitMQ would let this name do that."""
    loaded: dict[str, Any] = json.loads(made(DEVICE, COLLECTOR, DASHBOARD).stdout)
    (row,) = [row for row in loaded[table] if row["user"] == name]
    return re.search(row[right], key) is not None  # it searches too: what is not anchored matches anywhere


@pytest.mark.parametrize(
    ("name", "right", "key", "expected"),
    [
        (DEVICE, "write", "platesieve.metro-pd.bridge-7.cam-1.hit", True),
        (DEVICE, "write", "platesieve.metro-pd.bridge-7.cam-11.hit", False),
        (DEVICE, "write", "platesieve.metro-pd.bridge-7.cam-1.receipt", False),
        (DEVICE, "read", "platesieve.metro-pd.bridge-7.cam-1.do.*", True),
        (DEVICE, "read", "platesieve.metro-pd.bridge-7.*.do.*", False),
        (DEVICE, "read", "platesieve.metro-pd.bridge-7.cam-1.hit", False),
        (COLLECTOR, "read", "platesieve.metro-pd.*.*.hit", True),
        (COLLECTOR, "read", "platesieve.other-pd.*.*.hit", False),
        (COLLECTOR, "write", "platesieve.metro-pd.bridge-7.cam-1.receipt", True),
        (DASHBOARD, "write", "platesieve.metro-pd.bridge-7.cam-1.receipt", False),
        (DASHBOARD, "read", "#", False),
        (DASHBOARD, "read", "platesieve.metro-pd.#", False),
        (DASHBOARD, "read", "platesieve.metro-pd.#.hit", False),
    ],
)
def test_topics_are_those_of_the_access_list(name: str, right: str, key: str, *, expected: bool) -> None:
    """In routing keys, where `+` is `*`; `#` reaches across agencies and is never granted."""
    assert may(name, right, key) is expected


@pytest.mark.parametrize(
    ("name", "queue", "expected"),
    [
        (DEVICE, "mqtt-subscription-metro-pd:bridge-7:cam-1qos1", True),
        (DEVICE, "mqtt-subscription-metro-pd:bridge-7:cam-2qos1", False),
        (COLLECTOR, "mqtt-subscription-metro-pd:collector:agencyqos1", True),
        (COLLECTOR, "mqtt-subscription-metro-pd:bridge-7:cam-1qos1", False),
        (DASHBOARD, "mqtt-subscription-metro-pd:collector:agencyqos1", False),
        (DEVICE, "amq.topic", False),
    ],
)
def test_nobody_takes_over_the_session_of_another(name: str, queue: str, *, expected: bool) -> None:
    """A session is a queue named after a client id, which any client can claim."""
    assert may(name, "configure", queue, "permissions") is expected


def test_no_password_opens_anything_and_there_is_no_guest() -> None:
    """A certificate does, or nothing."""
    loaded = json.loads(made(DEVICE).stdout)

    assert [(user["name"], user["password_hash"], user["tags"]) for user in loaded["users"]] == [(DEVICE, "", "")]


@pytest.mark.parametrize(
    "name", ["metro.pd/a/cam-1", "a/b", "a/b/c/d", "a/collector/x", "admin", "a/b/.*", "collector.a.b"]
)
def test_names_that_could_be_mistaken_for_others_are_refused(name: str) -> None:
    """A dot is a slash in a routing key: a.b/c/d and a/b.c/d would be one device."""
    done = made(DEVICE, name)

    assert (done.returncode, done.stdout) == (64, "")
    assert "cannot be a name" in done.stderr
