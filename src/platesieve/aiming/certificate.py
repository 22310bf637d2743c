"""A certificate for one opening of the page. Its fingerprint stands beside the code, so a person can compare it.

The device's own certificate belongs to the uplink, says "client", and its key is kept from whoever sees plates.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from platesieve.adapters.disk.whole_file import write_whole

if TYPE_CHECKING:
    from pathlib import Path

_CLOCK_MAY_BE_WRONG = timedelta(days=400)  # a board without a battery: what counts is the fingerprint


def passing_certificate(folder: Path, address: str) -> tuple[Path, Path, str]:
    """Write certificate and key for an IP address; return both files and the SHA-256 fingerprint, as browsers show it.

    Raises:
        StorageError: the folder cannot be written.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"platesieve aim {address}")])
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_MAY_BE_WRONG)
        .not_valid_after(now + _CLOCK_MAY_BE_WRONG)
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "aim.crt", folder / "aim.key"
    write_whole(chain, certificate.public_bytes(Encoding.PEM))
    write_whole(secret, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, secret, certificate.fingerprint(hashes.SHA256()).hex(":").upper()
