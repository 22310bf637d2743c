"""How a simulated fleet reaches its broker: certificates, a subscriber, and what the kernel must allow."""

from __future__ import annotations

import contextlib
import os
import resource
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.adapters.mqtt.ear import Ear
from platesieve.adapters.mqtt.publisher import probe
from platesieve.domain.errors import KeyFileError, LinkError
from platesieve.simulation.traffic import is_simulated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from platesieve.adapters.mqtt.wire import Address
    from platesieve.domain.disclosure import Kind
    from platesieve.settings import Uplink
    from platesieve.simulation.asked import Simulation

_FILES_BESIDE = 200  # open files of everything but cameras
_FILES_EACH = 6  # a socket, a database, its WAL, and paho's pair
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made below it, 0700


def member(asked: Simulation, name: str, number: int = 0) -> Uplink:
    """Return the broker as one member reaches it: its certificate, and of several nodes another one first."""
    nodes = list(asked.broker.brokers)
    (host, port), *others = nodes[number % len(nodes) :] + nodes[: number % len(nodes)]
    broker = replace(asked.broker, host=host, port=port, other_hosts=tuple(f"{one}:{at}" for one, at in others))
    if asked.certificates is None:
        return broker
    stem = asked.certificates / name.replace("/", "_")
    return replace(
        broker,
        ca_file=str(asked.certificates / "ca.crt"),
        certificate_file=f"{stem}.crt",
        key_file=f"{stem}.key",
    )


def refuse_missing(settings: Sequence[Uplink], asked: Simulation) -> None:
    """Refuse to begin with a certificate missing: a part of the fleet would only look like a broker's fault.

    Raises:
        KeyFileError: one is missing.
    """
    files = [Path(each.certificate_file) for each in settings if each.certificate_file is not None]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise KeyFileError(
            f"{len(missing)} of {len(files)} certificates are not in {asked.certificates}, {missing[0].name} for one",
            "make them: deploy/mosquitto/setup FOLDER BROKER"
            f" $(platesieve simulate --devices {asked.devices} --agency {asked.agency} --names)",
        )


def find_broker(settings: Uplink, address: Address) -> None:
    """Refuse to begin where the broker does not take the first camera.

    Raises:
        LinkError: it does not; the sentence says why.
    """
    if (state := probe(settings, address)) != "connected":
        raise LinkError(
            f"the broker at {settings.host}:{settings.port} cannot be used: {state}",
            "start it, or name another with --broker and its certificates with --certificates",
        )


def listen(asked: Simulation, kind: Kind) -> Ear | None:
    """Return a subscriber, where there is a certificate for one."""
    name = f"dashboard.{asked.agency}"
    if asked.certificates is not None and not (asked.certificates / f"{name}.crt").is_file():
        return None
    return Ear(member(asked, name), asked.agency, kind.value, is_simulated)


def allow_files(devices: int) -> None:
    """Ask the kernel for as many open files as a fleet needs.

    Raises:
        LinkError: this user may not have as many.
    """
    needed = devices * _FILES_EACH + _FILES_BESIDE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        with contextlib.suppress(ValueError, OSError):  # told below
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, max(needed, hard)))
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < needed:
        raise LinkError(
            f"{devices} devices need {needed} open files, and this user may have {hard}",
            f"ulimit -n {needed}, or simulate fewer devices on this machine and the rest on another",
        )


@contextmanager
def scratch(state: Path | None) -> Iterator[Path]:
    """Give a folder for the outboxes: in memory, so that a fleet does not wear this machine's disk, unless named."""
    where = state or (_MEMORY if os.access(_MEMORY, os.W_OK) else None)
    with tempfile.TemporaryDirectory(prefix="platesieve-simulation-", dir=where) as folder:
        yield Path(folder)
