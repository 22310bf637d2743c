"""Ports for servers that start a moment after their port was chosen."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

_LOWEST = 20_000  # the ports below are those of services, and of tests/fleet
_TRIES = 1000
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")  # Linux: ip(7)
_given: set[int] = set()


def free_port() -> int:
    """Return a loopback port that nothing listens on and that no call returned before.

    A port that the system chooses itself (`bind` to port 0) is one of those that it also gives to connections that
    go out: between choosing and listening, one of the test's own clients may get it. So these lie below that range.
    """
    above = first_outgoing_port()
    if above < _LOWEST + _TRIES:
        above = 65_536  # a machine that gives away nearly all of its ports: none is safe
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(above - _LOWEST)  # no seed: two runs at once shall not choose the same
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise OSError("no free ports")


def first_outgoing_port() -> int:
    """Return the lowest port that the system gives to connections that go out."""
    return int(_OUTGOING.read_text().split()[0]) if _OUTGOING.exists() else 32_768


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
