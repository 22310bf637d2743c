"""Checks of the way to the broker: that it answers, that it is encrypted, that the certificate will last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509

from platesieve.adapters.mqtt.publisher import probe
from platesieve.adapters.mqtt.wire import Address
from platesieve.checkup.finding import Finding
from platesieve.domain.errors import KeyFileError

if TYPE_CHECKING:
    from platesieve.settings import Settings

ENDS_SOON: Final = timedelta(days=30)
_RENEW: Final = "platesieve enrol renew, or see systemctl status platesieve-renew.timer"


def broker(settings: Settings) -> Finding:
    """Return whether the broker takes us, and whether by TLS."""
    if settings.uplink.host is None:
        return Finding("broker", "warn", "none is given: everything waits until it expires", "give --broker HOST")
    state = probe(settings.uplink, Address.from_device(settings.device))
    where = " or ".join(f"{host}:{port}" for host, port in settings.uplink.brokers)
    if state != "connected":
        return Finding("broker", "fail", state, f"check that a broker listens at {where} and knows this device")
    if settings.uplink.ca_file is None and settings.uplink.certificate_file is None:
        return Finding(
            "broker", "warn", f"connected to {where} without TLS", "set uplink.ca_file; see deploy/mosquitto"
        )
    return Finding("broker", "pass", f"connected to {where} by TLS")


def certificate(settings: Settings) -> Finding:
    """Return how long this device's certificate is valid."""
    if settings.uplink.certificate_file is None:
        if settings.uplink.host is None:
            return Finding("certificate", "pass", "none is needed without a broker")
        return Finding("certificate", "warn", "this device has none", "enrol it: platesieve enrol --help")
    try:
        loaded = x509.load_pem_x509_certificate(Path(settings.uplink.certificate_file).read_bytes())
    except (OSError, ValueError) as error:
        raise KeyFileError("the device's certificate cannot be read", "enrol again: platesieve enrol --help") from error
    return _age(loaded, datetime.now(UTC))


def _age(loaded: x509.Certificate, now: datetime) -> Finding:
    begins, ends = loaded.not_valid_before_utc, loaded.not_valid_after_utc
    found = f"issued {begins:%Y-%m-%d}, valid until {ends:%Y-%m-%d}"
    if now < begins:
        return Finding("certificate", "fail", f"{found}: not yet", "set the clock; then look again")
    if now >= ends:
        return Finding(
            "certificate", "fail", f"{found}: expired", "enrol again with a new token: platesieve enrol --help"
        )
    if ends - now < min(ENDS_SOON, (ends - begins) / 3):
        return Finding("certificate", "warn", found, f"renew it: {_RENEW}")
    return Finding("certificate", "pass", found)
