"""The cluster of deploy/fleet, in small: a killed node costs nothing, `#` shows nothing. `tests.fleet` does it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fleet.cluster import Cluster, why_not
from tests.fleet.failover import survive
from tests.fleet.rights import leak

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),  # three nodes start within half a minute on an idle machine
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]


def test_a_killed_node_loses_nothing_and_other_agencies_see_nothing(tmp_path: Path) -> None:
    """Our uplink goes over to another node, our inbox gets every event; the control opens the rights and sees one."""
    with Cluster(tmp_path / "fleet") as cluster:
        assert not leak(cluster, opened=False)
        assert leak(cluster, opened=True)

        outcome = survive(cluster, tmp_path / "publisher", 90, "publisher")

        assert (outcome.lost, outcome.unexpected) == (0, 0)
        assert outcome.connections[0] >= 2
