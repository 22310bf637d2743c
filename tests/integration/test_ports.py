"""Tests that a chosen port stays free until a server listens on it."""

from __future__ import annotations

import socket

import pytest

from tests.integration.ports import first_outgoing_port, free_port

pytestmark = pytest.mark.integration


def test_no_connection_of_ours_takes_a_chosen_port() -> None:
    """Neither the same twice, nor one that the system gives away; the control is what the system itself chooses."""
    if first_outgoing_port() < 30_000:
        pytest.skip("this machine gives nearly all of its ports to connections that go out")
    chosen = [free_port() for _ in range(200)]
    assert len(set(chosen)) == len(chosen)
    assert max(chosen) < first_outgoing_port()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert listener.getsockname()[1] >= first_outgoing_port()
        with socket.create_connection(listener.getsockname()) as goes_out:
            assert goes_out.getsockname()[1] >= first_outgoing_port()
