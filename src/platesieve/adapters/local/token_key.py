"""The agency's private key in a PKCS#11 token: a smart card, a USB token, an HSM. It never leaves the token.

The token is named as RFC 7512 does: `pkcs11:token=agency;object=plates?module-path=/usr/lib/opensc-pkcs11.so` and
`&pin-source=FILE` where the PIN is not in the collector's `passphrase_file`. A key pair is P-256, which tokens and HSMs
have, or X25519, which few have. Needs the extra `token`.

One session for each use, so that a token that was pulled out and put back works again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from platesieve.domain.errors import KeyFileError
from platesieve.policy.elsewhere import open_by_exchange
from platesieve.policy.seal import KEY_BYTES, P256_PUBLIC_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEME = "pkcs11:"
_DER_OCTETS = 0x04
_BITS = 256
_PATH, _QUERY = {"token", "object", "serial"}, {"module-path", "pin-source"}
_EXAMPLE = "write pkcs11:token=NAME;object=NAME?module-path=/path/of/the/module.so&pin-source=/path/of/the/pin"
_CURVES = {  # key type, and the object identifier of the curve in DER (RFC 5480, 2.1.1.1; RFC 8410, 3)
    "p256": ("EC", bytes.fromhex("06082a8648ce3d030107")),
    "x25519": ("EC_EDWARDS", bytes.fromhex("06032b656e")),
}


@dataclass(frozen=True, slots=True)
class TokenAddress:
    """Which key of which token, and how to get at it."""

    module: str
    token: str | None
    serial: str | None
    label: str
    pin_file: str


def address_of(uri: str, passphrase_file: str | None = None) -> TokenAddress:
    """Return what a PKCS#11 URI names.

    Raises:
        KeyFileError: it is not written like one, or misses what is needed.
    """
    path, _, query = uri.removeprefix(SCHEME).partition("?")
    found = dict(_pairs(path, ";", _PATH)) | dict(_pairs(query, "&", _QUERY))
    pin_file = found.get("pin-source", "").removeprefix("file:") or passphrase_file
    if "object" not in found or "module-path" not in found or not ("token" in found or "serial" in found):
        raise KeyFileError("the name of a key in a token is not complete", _EXAMPLE)
    if pin_file is None:
        raise KeyFileError("the PIN of the token is not known here", "name the file that holds it: pin-source")
    return TokenAddress(found["module-path"], found.get("token"), found.get("serial"), found["object"], pin_file)


class TokenKey:
    """Opens what is sealed to a key in a token.

    Args:
        address: which.

    Raises:
        KeyFileError: the extra is not installed, or token, PIN or key is wrong or missing.
    """

    def __init__(self, address: TokenAddress) -> None:
        self._address = address
        self._lock = Lock()  # modules are not asked to stand two threads at once
        with self._lock, _session(address) as session:
            self.public = _public(session, address)
            _key(session, address, "PRIVATE_KEY")

    def open(self, ciphertext: bytes, info: bytes) -> bytes:
        """Return the plaintext of a sealed value.

        Raises:
            SealError: it does not open.
            KeyFileError: the token cannot be used now.
        """
        return open_by_exchange(self._exchange, self.public, ciphertext, info)

    def _exchange(self, point: bytes) -> bytes:
        import pkcs11  # noqa: PLC0415 - an optional extra

        # A secret of this one message, which the key schedule needs outside; the private key stays inside.
        template = {
            pkcs11.Attribute.TOKEN: False,
            pkcs11.Attribute.SENSITIVE: False,
            pkcs11.Attribute.EXTRACTABLE: True,
        }
        with self._lock, _session(self._address) as session:
            derived = _key(session, self._address, "PRIVATE_KEY").derive_key(
                pkcs11.KeyType.GENERIC_SECRET,
                _BITS,
                mechanism=pkcs11.Mechanism.ECDH1_DERIVE,
                mechanism_param=(pkcs11.KDF.NULL, None, point),
                template=template,
            )
            return bytes(derived[pkcs11.Attribute.VALUE])


def make_key(address: TokenAddress, curve: str) -> bytes:
    """Draw a key pair inside a token, for this use alone, and return its raw public key.

    Args:
        address: `label` is its name; there must be none of this name yet.
        curve: `p256` or `x25519`.

    Raises:
        KeyFileError: there is such a key already, or the token cannot make one.
    """
    with _session(address, writes=True) as session:
        import pkcs11  # noqa: PLC0415 - an optional extra

        wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.Attribute.LABEL: address.label}
        if list(session.get_objects(wanted)):
            raise KeyFileError(f"the token has a key {address.label} already", "give another name after object=")
        kind, oid = _CURVES[curve]
        parameters = session.create_domain_parameters(
            pkcs11.KeyType[kind], {pkcs11.Attribute.EC_PARAMS: oid}, local=True
        )
        parameters.generate_keypair(
            mechanism=pkcs11.Mechanism[f"{kind}_KEY_PAIR_GEN"],
            label=address.label,
            store=True,
            capabilities=pkcs11.MechanismFlag.DERIVE,
        )
        return _public(session, address)


class _session:  # noqa: N801 - a context manager that reads like a function
    """A session of its own, logged in; what the module complains about becomes one of our refusals."""

    def __init__(self, address: TokenAddress, *, writes: bool = False) -> None:
        self._address, self._writes = address, writes
        self._opened: Any = None

    def __enter__(self) -> Any:
        try:
            import pkcs11  # noqa: PLC0415 - an optional extra
        except ImportError as error:
            raise KeyFileError(
                "a key in a token needs the extra `token`", 'install it with: pip install "platesieve[token]"'
            ) from error
        address = self._address
        try:
            library = pkcs11.lib(address.module)
            token = library.get_token(token_label=address.token, token_serial=_serial(address))
            self._opened = token.open(user_pin=_pin(address), rw=self._writes)
            return self._opened.__enter__()
        except (pkcs11.PKCS11Error, RuntimeError) as error:
            raise _refusal(error, address) from error

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import pkcs11  # noqa: PLC0415 - an optional extra

        try:
            self._opened.__exit__(kind, error, trace)
        except pkcs11.PKCS11Error as closing:
            if error is None:
                raise _refusal(closing, self._address) from closing
        if isinstance(error, pkcs11.PKCS11Error):
            raise _refusal(error, self._address) from error


def _key(session: Any, address: TokenAddress, kind: str) -> Any:
    import pkcs11  # noqa: PLC0415 - an optional extra

    return session.get_key(object_class=pkcs11.ObjectClass[kind], label=address.label)


def _public(session: Any, address: TokenAddress) -> bytes:
    """Return the raw public key; tokens give the point as it is or as a DER octet string (PKCS#11 2.40, 2.3.3)."""
    import pkcs11  # noqa: PLC0415 - an optional extra

    point = bytes(_key(session, address, "PUBLIC_KEY")[pkcs11.Attribute.EC_POINT])
    if len(point) - 2 in {KEY_BYTES, P256_PUBLIC_BYTES} and point[:2] == bytes((_DER_OCTETS, len(point) - 2)):
        point = point[2:]
    if len(point) not in {KEY_BYTES, P256_PUBLIC_BYTES}:
        raise KeyFileError(
            f"the key {address.label} in the token is neither P-256 nor X25519",
            "make one with: platesieve keys token URI --make --out DIR",
        )
    return point


def _refusal(error: Exception, address: TokenAddress) -> KeyFileError:
    """Return our sentence for what a module complains about; its own text is left out, for it may name the PIN."""
    name = type(error).__name__
    where = address.token or address.serial
    sentences = {
        "PinIncorrect": (f"the PIN of the token {where} is wrong", "correct the file before tokens lock themselves"),
        "PinLocked": (f"the token {where} has locked itself after wrong PINs", "unlock it with its SO PIN"),
        "NoSuchToken": (f"there is no token {where}", "put it in, and check the name after token="),
        "TokenNotPresent": (f"the token {where} was taken out", "put it back in"),
        "DeviceRemoved": (f"the token {where} was taken out", "put it back in"),
        "NoSuchKey": (f"the token {where} has no key pair {address.label}", "check the name after object="),
        "MultipleObjectsReturned": (f"the token {where} has several keys {address.label}", "give each its own name"),
        "PKCS11Error": (f"the module {address.module} cannot be loaded", "check the path after module-path="),
        "RuntimeError": (f"the module {address.module} cannot be loaded", "check the path after module-path="),
    }
    message, hint = sentences.get(name, (f"the token {where} refuses: {name}", "ask whoever runs the token"))
    return KeyFileError(message, hint)


def _pin(address: TokenAddress) -> str:
    try:
        return Path(address.pin_file).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(
            "the file with the PIN cannot be read", "make it readable for the dashboard alone"
        ) from error


def _serial(address: TokenAddress) -> bytes | None:
    return address.serial.encode() if address.serial else None


def _pairs(text: str, separator: str, known: set[str]) -> Iterator[tuple[str, str]]:
    for part in filter(None, text.split(separator)):
        name, _, value = part.partition("=")
        if name == "pin-value":
            raise KeyFileError("a PIN does not belong into settings", "put it into a file: pin-source")
        if name not in known or not value:
            raise KeyFileError("the name of a key in a token is not understood", _EXAMPLE)
        yield name, unquote(value)
