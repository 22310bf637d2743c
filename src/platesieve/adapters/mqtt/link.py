"""Whether and how the broker may be reached: TLS or nothing, and in one sentence what went wrong."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.domain.errors import KeyFileError, LinkError

if TYPE_CHECKING:
    from platesieve.settings import Uplink

_ALERTS = {
    "certificate required": "the broker asks for a client certificate",
    "unknown ca": "the broker does not know the CA of our certificate",
    "bad certificate": "the broker does not accept our certificate",
    "certificate unknown": "the broker does not accept our certificate",
    "certificate expired": "our certificate has expired",
    "certificate revoked": "our certificate was revoked",
    "handshake failure": "the broker refused the TLS handshake",
    "protocol version": "the broker speaks no TLS 1.2 or later",
}


def tls_context(settings: Uplink) -> ssl.SSLContext | None:
    """Return the TLS context (1.2 or later, host name verified), or None for plain MQTT to this machine.

    Raises:
        KeyFileError: a certificate or key is missing, unreadable or does not fit.
        LinkError: neither TLS nor a loopback address: everything would cross a network in the clear.
    """
    if settings.ca_file is None and settings.certificate_file is None:
        if all(_is_loopback(host) for host, _ in settings.brokers) or settings.unsafe_plaintext:
            return None
        raise LinkError(
            "without `ca_file` events would cross the network unencrypted",
            "set uplink.ca_file, uplink.certificate_file and uplink.key_file",
        )
    for path in (settings.ca_file, settings.certificate_file, settings.key_file):
        _check_readable(path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if settings.ca_file is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(settings.ca_file)
        if settings.certificate_file is not None:
            # A password callback that has none: OpenSSL would otherwise ask on the terminal and wait.
            context.load_cert_chain(settings.certificate_file, settings.key_file, password=str)
    except (ssl.SSLError, ValueError) as error:
        raise KeyFileError(
            f"the TLS files cannot be used: {_reason(error)}",
            "give PEM files: the broker's CA, this device's certificate, and the unencrypted key that belongs to it",
        ) from error
    return context


def explain(error: BaseException) -> str:
    """Return one sentence on why no connection came about, without anything secret in it."""
    match error:
        case ssl.SSLCertVerificationError():
            why = f"the broker's certificate was refused: {error.verify_message}"
        case ssl.SSLError():
            why = explain_text(str(error)) or f"TLS failed: {error.reason or 'no reason given'}"
        case socket.gaierror():
            why = "the broker's name cannot be resolved"
        case ConnectionRefusedError():
            why = "nothing listens on the broker's port"
        case TimeoutError():
            why = "the broker does not answer"
        case OSError():
            why = f"the broker cannot be reached: {error.strerror or type(error).__name__}"
        case _:
            why = f"unexpected fault: {type(error).__name__}"
    return why


def explain_text(text: str) -> str | None:
    """Return what a TLS alert named in `text` means, or None where there is none."""
    lowered = text.lower().replace("_", " ")
    return next((meaning for alert, meaning in _ALERTS.items() if f"alert {alert}" in lowered), None)


def _reason(error: ssl.SSLError | ValueError) -> str:
    """Return OpenSSL's NO_CERTIFICATE_OR_CRL_FOUND as people write it."""
    return (getattr(error, "reason", None) or "not a key or certificate").replace("_", " ").lower()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: who knows what it resolves to, and for how long
        return False


def _check_readable(path: str | None) -> None:
    if path is None:
        return
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except OSError as error:
        raise KeyFileError(
            f"{path} cannot be read: {error.strerror}", "check the path and who may read it in the section `uplink`"
        ) from error
