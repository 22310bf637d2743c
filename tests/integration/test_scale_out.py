"""Several collectors of one agency share the work on one PostgreSQL, and one of them is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from platesieve.bootstrap.collector import open_store
from tests.integration.conftest import wait_until
from tests.integration.ports import free_port
from tests.integration.test_collector import Street, make_street

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.postgres import Cluster

pytestmark = pytest.mark.integration
pytest.importorskip("psycopg")
__all__ = ["make_street"]
ROOT = Path(__file__).parents[2]
N = 30


class Member:
    """One collector process of several.

    Usage::

        first = Member(street, "first", watches=True); first.start(); first.took(); first.kill()
    """

    def __init__(
        self,
        street: Street,
        name: str,
        *,
        watches: bool,
        share: str | None = "collectors",
        sites: tuple[str, ...] = (),
    ) -> None:
        self._port = free_port()
        config = street.folder / f"{name}.toml"
        lines = [
            f'agency = "demo-agency"\nstate = "{street.folder / name}"\ndatabase = "{street.address}"',
            f'receipt_key = "{street.settings.receipt_key}"\nassume_clock = true\nmetrics_port = {self._port}',
            f"watches = {str(watches).lower()}" + (f'\nshare = "{share}"' if share else ""),
            f"sites = {json.dumps(sites)}",
            f'[broker]\nhost = "127.0.0.1"\nport = {street.plain}\n',
        ]
        config.write_text("\n".join(lines))
        self._command = [sys.executable, "-m", "platesieve", "collect", "--config", str(config)]
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start, and wait until it is connected."""
        self.begin()
        assert wait_until(lambda: self._meter("platesieve_connected") == 1.0, 30)

    def begin(self) -> subprocess.Popen[str]:
        """Start."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        self.process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True, env=environment)
        return self.process

    def took(self) -> int:
        """Return how many events it stored."""
        return int(self._meter('platesieve_events_total{kind="hit"}') or 0)

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def end(self) -> None:
        """SIGTERM, if it is still there."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.communicate(timeout=20)

    def _meter(self, name: str) -> float | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return None
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), None)


@pytest.fixture
def street(cluster: Cluster, make_street: Callable[..., Street], request: pytest.FixtureRequest) -> Street:
    """Return a device and a broker, and a new database."""
    made = make_street()
    made.address = cluster.address(f"s{abs(hash(request.node.name)) % 10**9}")
    made.settings = replace(made.settings, database=made.address)
    return made


@pytest.fixture
def members(street: Street) -> Iterator[Callable[..., Member]]:
    """Return a function that makes collectors, which end with the test."""
    made: list[Member] = []

    def make(name: str, *, watches: bool, share: str | None = "collectors", sites: tuple[str, ...] = ()) -> Member:
        made.append(Member(street, name, watches=watches, share=share, sites=sites))
        return made[-1]

    yield make
    for each in made:
        each.end()


def test_two_share_the_work_and_one_is_killed(street: Street, members: Callable[..., Member]) -> None:
    """Every event is stored once and receipted, whoever takes it; both take some."""
    first, second = members("first", watches=True), members("second", watches=False)
    first.start()
    second.start()
    street.send([f"a{number}" for number in range(N)])
    assert wait_until(lambda: len(street.kept()) == N, 30), len(street.kept())
    shares = first.took(), second.took()
    assert min(shares) > 0, shares
    assert sum(shares) == N, shares
    second.kill()
    street.send([f"b{number}" for number in range(N)])
    assert wait_until(lambda: len(street.kept()) == 2 * N, 60), len(street.kept())  # the device sends again
    second.start()
    street.send([f"c{number}" for number in range(N)])
    assert wait_until(lambda: len(street.kept()) == 3 * N, 60), len(street.kept())
    assert wait_until(lambda: not street.waiting(), 60), street.waiting()
    kept = street.kept()
    assert sorted(kept) == sorted(f"{letter}{number}" for letter in "abc" for number in range(N))
    assert street.end() == 0


def test_a_second_watch_is_refused_and_the_first_goes_on(street: Street, members: Callable[..., Member]) -> None:
    """Two would tell two stories of one camera's log; the sentence says what to set."""
    first, other = members("first", watches=True), members("other", watches=True)
    first.start()
    refused = other.begin()
    _, said = refused.communicate(timeout=60)
    assert refused.returncode == 75, said
    assert "another collector watches over the cameras of demo-agency" in said
    assert "`watches = false` in all but one" in said
    street.send(["h1"])
    assert wait_until(lambda: street.kept() == ["h1"], 30)


def test_without_a_share_each_takes_everything(street: Street, members: Callable[..., Member]) -> None:
    """The control: what the two above took together they would have taken twice, and the store keeps it once."""
    first, second = members("first", watches=True), members("second", watches=False, share="apart")
    first.start()
    second.start()
    street.send([f"a{number}" for number in range(N)])
    assert wait_until(lambda: first.took() + second.took() == 2 * N, 30), (first.took(), second.took())
    store = open_store(street.address)
    try:
        assert len(store.events(limit=1000)) == N
    finally:
        store.close()


def test_two_divide_an_agency_by_its_sites(street: Street, members: Callable[..., Member]) -> None:
    """Where a broker has no shared subscriptions: each takes the sites it names, in full; together they have all."""
    first = members("first", watches=True, share=None, sites=("simulated-1",))
    second = members("second", watches=False, share=None, sites=("simulated-2", "bridge-7"))
    first.start()
    second.start()
    receipt_key = Path(str(street.settings.receipt_key)).with_suffix(".pub")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "platesieve", "simulate", "--devices", "150", "--rate", "50", "--seconds", "4"),
            *("--agency", "demo-agency", "--broker", f"127.0.0.1:{street.plain}", "--health", "0", "--json"),
            *("--collector", f"agency={receipt_key}"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    figures = json.loads(done.stdout)
    assert (done.returncode, figures["missing"], figures["unexpected"]) == (0, 0, 0), done.stderr
    assert wait_until(lambda: first.took() + second.took() == figures["sent"], 20), (first.took(), second.took())
    assert min(first.took(), second.took()) > 0  # two thirds and one third of the cameras
    assert first.took() > second.took()
    assert len(street.kept()) == figures["sent"]
