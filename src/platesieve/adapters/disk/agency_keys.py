"""The agency's private keys, from files or tokens (collector.reveal.Opener).

A file is a plain one that only its owner reads, or PKCS#8 with a passphrase, as `openssl pkey` reads and writes it.
Instead of a file `pkcs11:...` names a key in a token (`adapters.local.token_key`), which never leaves it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from platesieve.adapters.disk.key_files import load_opener
from platesieve.adapters.disk.key_line import refuse_readable_by_others
from platesieve.adapters.local.token_key import SCHEME, TokenKey, address_of
from platesieve.domain.errors import KeyFileError
from platesieve.policy.age_file import open_value
from platesieve.policy.seal import SealError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PEM = b"-----BEGIN "
_MAX_BYTES = 4096


class AgencyKeys:
    """Opens what is sealed to the names that it has keys for.

    Args:
        files: name in the policy's `seal` to the file of its secret key, or to the URI of one in a token.
        passphrase_file: holds the passphrase of those that have one, and the PIN; None: they are refused.

    Raises:
        KeyFileError: a key is missing, of another kind, readable by others, or its passphrase is wrong.
    """

    def __init__(self, files: Mapping[str, str], passphrase_file: str | None = None) -> None:
        self._keys = {name: _opener(file, passphrase_file) for name, file in files.items()}

    @property
    def recipients(self) -> frozenset[str]:
        """Return the names whose sealed values can be opened."""
        return frozenset(self._keys)

    def open(self, to: str, ciphertext: bytes, info: bytes) -> bytes:
        """Return the plaintext as JSON; see collector.reveal.Opener."""
        opens = self._keys.get(to)
        if opens is None:
            raise SealError("there is no key here for a sealed value", "name its key file in collector.agency_keys")
        return opens(ciphertext, info)


def _opener(file: str, passphrase_file: str | None) -> Callable[[bytes, bytes], bytes]:
    if file.startswith(SCHEME):
        return TokenKey(address_of(file, passphrase_file)).open
    return partial(open_value, load_agency_key(file, passphrase_file))


def load_agency_key(file: str, passphrase_file: str | None = None) -> bytes:
    """Return the raw secret key of an agency: 32 bytes (X25519), 96 (hybrid), or the text of an age identity.

    Raises:
        KeyFileError: see AgencyKeys.
    """
    path = Path(file)
    try:
        with path.open("rb") as opened:
            content = opened.read(_MAX_BYTES)
    except OSError as error:
        raise KeyFileError(
            f"the agency key {path} cannot be read: {error.strerror}", "give the file that platesieve keys new wrote"
        ) from error
    if not content.startswith(_PEM):
        return load_opener(path)
    refuse_readable_by_others(path)
    return _unlocked(path, content, passphrase_file)


def _unlocked(path: Path, content: bytes, passphrase_file: str | None) -> bytes:
    if passphrase_file is None:
        raise KeyFileError(f"the agency key {path} has a passphrase", "name the file that holds it: passphrase_file")
    try:
        passphrase = Path(passphrase_file).read_bytes().rstrip(b"\r\n")
        key = load_pem_private_key(content, passphrase)
    except OSError as error:
        raise KeyFileError(
            f"the passphrase file cannot be read: {error.strerror}", "make it readable for the collector"
        ) from error
    except (ValueError, TypeError) as error:
        raise KeyFileError(
            f"the agency key {path} does not open", "check its passphrase, or copy the file again"
        ) from error
    if not isinstance(key, X25519PrivateKey):
        raise KeyFileError(f"{path} holds no X25519 key", "make one with: platesieve keys new agency --out DIR")
    return key.private_bytes_raw()
