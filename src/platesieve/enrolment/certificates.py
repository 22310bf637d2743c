"""Requests, certificates and revocations (RFC 2986, RFC 5280) of a fleet, on elliptic curve P-256.

The common name of a device's certificate is agency/site/device: the broker takes it as the user name, and its access
list lets each user write its own part of the topic tree. So what is checked here decides who may speak as whom.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from platesieve.domain.errors import KeyFileError

if TYPE_CHECKING:
    from collections.abc import Iterable

VALID: Final = timedelta(days=90)  # short: a device that nobody renews is out by itself
_EARLIER: Final = timedelta(minutes=5)  # clocks of a fleet differ
_CRL_VALID: Final = timedelta(days=30)
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}/[A-Za-z0-9._-]{1,64}/[A-Za-z0-9._-]{1,64}")
_USES: Final = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
_MAX_BYTES: Final = 8192
_ASK_AGAIN: Final = "make a new request with: platesieve enrol join"


def check_device_path(name: str) -> str:
    """Return `name` where it is agency/site/device.

    Raises:
        KeyFileError: it is something else; it could stand for another place in the topic tree.
    """
    if _NAME.fullmatch(name) is None or any(part in {".", ".."} for part in name.split("/")):
        raise KeyFileError(
            "a device is named agency/site/device", "use letters, digits, dots, dashes and underscores in each part"
        )
    return name


def new_key() -> bytes:
    """Return a fresh P-256 key, PEM, unencrypted: it never leaves the device that drew it."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_request(key: bytes, device: str) -> bytes:
    """Return a signing request, PEM, for a device's key."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_named(check_device_path(device)))
    return builder.sign(_private(key), hashes.SHA256()).public_bytes(Encoding.PEM)


def request_facts(request: bytes) -> tuple[str, str]:
    """Return the device that a request is for and the fingerprint of its key.

    Raises:
        KeyFileError: it is no request, is not signed by the key in it, has another kind of key, or names no device.
    """
    try:
        loaded = x509.load_pem_x509_csr(request[:_MAX_BYTES])
        ours = loaded.is_signature_valid and _is_p256(loaded.public_key())
    except (ValueError, InvalidSignature) as error:
        raise KeyFileError("this is no signing request", _ASK_AGAIN) from error
    if not ours:
        raise KeyFileError("this signing request is not signed by a P-256 key in it", _ASK_AGAIN)
    return check_device_path(_common_name(loaded.subject)), _spki_fingerprint(loaded.public_key())


def issue(request: bytes, authority: tuple[bytes, bytes], now: datetime, valid: timedelta = VALID) -> bytes:
    """Return a client certificate, PEM. Of the request only name and key are taken, no extension of its choosing.

    Args:
        request: a request that `request_facts` accepts.
        authority: certificate and key of the authority, PEM.
        now: from when it is valid, less five minutes.
        valid: for how long; never longer than the authority's own certificate.
    """
    device, _ = request_facts(request)
    ca, key = _authority(authority)
    loaded = x509.load_pem_x509_csr(request)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(device))
        .issuer_name(ca.subject)
        .public_key(loaded.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(min(now + valid, ca.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_may("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def revocations(serials: Iterable[tuple[int, datetime]], authority: tuple[bytes, bytes], now: datetime) -> bytes:
    """Return the list of revoked certificates, PEM, as a broker reads it."""
    ca, key = _authority(authority)
    builder = x509.CertificateRevocationListBuilder().issuer_name(ca.subject)
    builder = builder.last_update(now - _EARLIER).next_update(now + _CRL_VALID)
    for serial, when in serials:
        revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build()
        builder = builder.add_revoked_certificate(revoked)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def certificate_facts(certificate: bytes) -> tuple[str, str, int, datetime, datetime]:
    """Return device, fingerprint of the key, serial number, and from when until when a certificate is valid.

    Raises:
        KeyFileError: it is no certificate.
    """
    try:
        loaded = x509.load_pem_x509_certificate(certificate)
    except ValueError as error:
        raise KeyFileError("this is no certificate", "give a PEM file") from error
    spki = _spki_fingerprint(loaded.public_key())
    begins, ends = loaded.not_valid_before_utc, loaded.not_valid_after_utc
    return _common_name(loaded.subject), spki, loaded.serial_number, begins, ends


def fits(certificate: bytes, key: bytes, ca: bytes, device: str) -> bool:
    """Return whether a certificate is for this device and this key, and signed by this authority."""
    name, fingerprint, *_ = certificate_facts(certificate)
    try:
        x509.load_pem_x509_certificate(certificate).verify_directly_issued_by(x509.load_pem_x509_certificate(ca))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return name == device and fingerprint == _spki_fingerprint(_private(key).public_key())


def key_fingerprint(key: bytes) -> str:
    """Return the fingerprint of the public half of a key: SHA-256 of its SubjectPublicKeyInfo, hex."""
    return _spki_fingerprint(_private(key).public_key())


def due(certificate: bytes, now: datetime) -> bool:
    """Return whether a third of its life, at most, is left: time to renew it."""
    *_, begins, ends = certificate_facts(certificate)
    return now >= ends - (ends - begins) / 3


def new_authority(name: str, now: datetime) -> tuple[bytes, bytes]:
    """Return certificate and key of a new authority, PEM; valid for ten years."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_may("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM), secret


def _authority(authority: tuple[bytes, bytes]) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        return x509.load_pem_x509_certificate(authority[0]), _private(authority[1])
    except ValueError as error:
        raise KeyFileError("the authority's certificate cannot be used", "give ca.crt as PEM") from error


def _private(key: bytes) -> ec.EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - one use

    try:
        loaded = load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        raise KeyFileError("this is no unencrypted private key", "give a PEM file of a P-256 key") from error
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise KeyFileError("this key is not of the kind that certificates here have", "give a PEM file of a P-256 key")
    return loaded


def _is_p256(key: object) -> bool:
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _common_name(name: x509.Name) -> str:
    found = [str(attribute.value) for attribute in name]
    if len(found) != 1 or name.get_attributes_for_oid(NameOID.COMMON_NAME) == []:
        raise KeyFileError("the name in it is not one common name", _ASK_AGAIN)
    return found[0]


def _spki_fingerprint(key: object) -> str:
    assert hasattr(key, "public_bytes")  # noqa: S101 - every public key has; this is for the type checker
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex()


def _may(*uses: str) -> x509.KeyUsage:
    """Return the key usages of these names, and no other (RFC 5280, section 4.2.1.3)."""
    return x509.KeyUsage(**{use: use in uses for use in _USES})
