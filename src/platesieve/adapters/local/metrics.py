"""Counts of a collector for Prometheus (collector.collect.Meters), on 127.0.0.1: no plate, no event, no person."""

from __future__ import annotations

from collections import Counter as Tally
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from platesieve.domain.errors import ConfigError

if TYPE_CHECKING:
    from platesieve.collector.records import Rejection
    from platesieve.collector.store import CollectorStore
    from platesieve.domain.disclosure import Kind


class PrometheusMeters:
    """See collector.collect.Meters.

    Args:
        port: of 127.0.0.1; None serves nothing.

    Raises:
        ConfigError: the port is taken.
    """

    def __init__(self, port: int | None) -> None:
        self.registry = registry = CollectorRegistry()
        self._took = Counter("platesieve_events", "Events stored.", ["kind"], registry=registry)
        self._rejected = Counter("platesieve_rejected", "Messages not believed.", ["reason"], registry=registry)
        self._receipted = Counter("platesieve_receipted", "Events that a receipt was given for.", registry=registry)
        self._erased = Counter("platesieve_erased", "Events erased.", registry=registry)
        self._failed = Counter("platesieve_refusals", "Rounds that database or log refused.", registry=registry)
        self._kept = Gauge("platesieve_kept", "Events kept now.", ["kind"], registry=registry)
        self._cameras = Gauge("platesieve_cameras", "Cameras by state.", ["state"], registry=registry)
        self._logs = Gauge("platesieve_audit_logs", "Audit logs by checkpoint status.", ["status"], registry=registry)
        self._connected = Gauge("platesieve_connected", "Whether the broker is connected.", registry=registry)
        if port is not None:
            try:
                start_http_server(port, "127.0.0.1", registry)
            except OSError as error:
                raise ConfigError(
                    f"metrics cannot be served on port {port}: {error.strerror}", "give another metrics_port"
                ) from error

    def took(self, kind: Kind) -> None:
        """Count an event that was stored."""
        self._took.labels(kind.value).inc()

    def rejected(self, reason: Rejection) -> None:
        """Count a message that was not believed."""
        self._rejected.labels(reason.value).inc()

    def receipted(self, count: int) -> None:
        """Count events that a receipt was given for."""
        self._receipted.inc(count)

    def erased(self, count: int) -> None:
        """Count events that were erased."""
        self._erased.inc(count)

    def failed(self) -> None:
        """Count a round that was refused."""
        self._failed.inc()

    def shows(self, store: CollectorStore, now_ns: int, *, connected: bool) -> None:
        """Take what is there now from the store."""
        self._connected.set(int(connected))
        for kind, count in store.counts().items():
            self._kept.labels(kind).set(count)
        cameras = store.cameras(now_ns)
        for gauge, counts in (
            (self._cameras, Tally(camera.state for camera in cameras)),
            (self._logs, Tally(camera.checkpoint_status.value for camera in cameras)),
        ):
            gauge.clear()
            for label, count in counts.items():
                gauge.labels(label).set(count)
