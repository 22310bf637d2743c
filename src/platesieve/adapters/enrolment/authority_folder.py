"""The agency's side on a disk: ca.crt, ca.key, tokens, what was issued, who was revoked, crl.pem, lists/*.pub.

The folder may be one of deploy/mosquitto/setup too, which shares `revoked` with us: names, one a line, that the access
list denies everything, because Mosquitto 2.0 reads no list of revoked certificates for websockets.
Every change is one file replaced as a whole, under a lock; a token is recorded as used before its certificate is given.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from platesieve.adapters.disk.whole_file import write_whole
from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.domain.errors import InputError, KeyFileError, StorageError
from platesieve.enrolment import certificates, tokens
from platesieve.enrolment.tokens import Answer, Token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LISTS_KEY: Final = re.compile(r"age1[02-9ac-hj-np-z]{58}", re.ASCII)  # an age recipient, X25519
_REFUSED: Final = "the authority does not accept this token for this device"


class RefusedError(KeyFileError):
    """A request that is not granted; `answer` says why to the agency, the message says nothing to the asker."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(_REFUSED, "ask the agency for a new token")
        self.answer = answer


class AuthorityFolder:
    """The authority of a fleet.

    Args:
        path: folder with ca.crt and ca.key; deploy/mosquitto/setup makes such a one too.

    Raises:
        InputError: there is no authority there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._authority = self._read("ca.crt"), self._read("ca.key")
        if (path / "ca.key").stat().st_mode & 0o077:
            raise KeyFileError("others can read the authority's key", f"run: chmod 600 {path / 'ca.key'}")

    @classmethod
    def create(cls, path: Path, name: str) -> AuthorityFolder:
        """Make a new authority in a folder that has none.

        Raises:
            KeyFileError: there is one already.
        """
        if (path / "ca.key").exists() or (path / "ca.crt").exists():
            raise KeyFileError(f"there is an authority in {path} already", "give another folder")
        with _as_storage_error():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        certificate, key = certificates.new_authority(name, datetime.now(UTC))
        write_whole(path / "ca.key", key, 0o600)
        write_whole(path / "ca.crt", certificate, 0o644)
        return cls(path)

    @property
    def certificate(self) -> bytes:
        """Return the authority's certificate, PEM."""
        return self._authority[0]

    def new_token(self, device: str, hours: float) -> str:
        """Return a token for one device, recorded without its secret.

        Raises:
            KeyFileError: it is no name of a device, or one that was revoked.
        """
        expires = datetime.now(UTC) + timedelta(hours=hours)
        if certificates.check_device_path(device) in self.denied():
            raise KeyFileError(
                f"the name {device} was revoked, and its old certificate may still come in over websockets",
                f"give another name; where no broker offers websockets, take it out of {self._path / 'revoked'}",
            )
        text, token = tokens.new_token(certificates.check_device_path(device), expires)
        with self._changing("tokens.json") as kept:
            kept[token.id] = {**asdict(token), "expires": token.expires.isoformat()}
        return text

    def enrol(self, request: bytes, token_text: str, now: datetime | None = None) -> bytes:
        """Return the certificate for a request under a token.

        Raises:
            RefusedError: the token is unknown, wrong, used, expired or for another device.
            KeyFileError: the request is none.
        """
        now = now or datetime.now(UTC)
        device, fingerprint = self._wanted(request)
        id_, secret = tokens.split(token_text)
        with self._changing("tokens.json") as kept:
            fields = kept.get(id_)
            if fields is None:
                raise RefusedError(Answer.UNKNOWN)
            token = Token(**{**fields, "expires": datetime.fromisoformat(fields["expires"])})
            answer = token.judge(secret, device, fingerprint, now)
            if answer not in {Answer.ISSUE, Answer.REPEAT}:
                raise RefusedError(answer)
            kept[id_]["used_by"] = fingerprint
        return self._issue(request, device, fingerprint, now)

    def keep_lists_key(self, request: bytes, line: str) -> None:
        """Keep the key that hot lists for a device are to be encrypted to: lists/AGENCY_SITE_DEVICE.pub.

        Raises:
            KeyFileError: it is no such key.
        """
        device, _ = certificates.request_facts(request)
        if not _LISTS_KEY.fullmatch(line.strip()):
            raise KeyFileError("a key for hot lists that is none", "enrol again")
        with _as_storage_error():
            (self._path / "lists").mkdir(mode=0o700, exist_ok=True)
            write_whole(self._path / "lists" / f"{device.replace('/', '_')}.pub", f"{line.strip()}\n".encode(), 0o644)

    def renew(self, request: bytes, peer_serial: int, now: datetime | None = None) -> bytes:
        """Return a certificate for a request that came over a connection with the certificate `peer_serial`.

        Raises:
            RefusedError: that certificate is not one of ours, was revoked, or is of another device than the request.
        """
        now = now or datetime.now(UTC)
        device, fingerprint = self._wanted(request)
        known = self._table("issued.json").get(str(peer_serial))
        if known is None or known.get("revoked"):
            raise RefusedError(Answer.UNKNOWN)
        if known["device"] != device:
            raise RefusedError(Answer.OTHER_DEVICE)
        return self._issue(request, device, fingerprint, now)

    def revoke(self, device: str, now: datetime | None = None) -> int:
        """Revoke every certificate of a device, deny its name, and write the list; return how many there were.

        For setup each certificate then lies in revoked-certificates/, and the name stands in revoked.
        """
        now = now or datetime.now(UTC)
        certificates.check_device_path(device)
        gone: dict[str, str] = {}
        with self._changing("issued.json") as issued:
            issued.update(self._made_by_setup(device, issued))
            for serial, fields in issued.items():
                if fields["device"] == device and not fields.get("revoked"):
                    fields["revoked"] = now.isoformat()
                    gone[serial] = str(fields["certificate"])
        with self._changing("tokens.json") as kept:
            for id_ in [id_ for id_, fields in kept.items() if fields["device"] == device]:
                del kept[id_]
        with _as_storage_error():
            (self._path / "revoked-certificates").mkdir(mode=0o700, exist_ok=True)
        for serial, certificate in gone.items():
            write_whole(self._path / "revoked-certificates" / f"{serial}.crt", certificate.encode(), 0o600)
        names = dict.fromkeys([*self.denied(), device])
        write_whole(self._path / "revoked", "".join(f"{name}\n" for name in names).encode(), 0o600)
        self.write_revocations(now)
        return len(gone)

    def write_revocations(self, now: datetime | None = None) -> Path:
        """Write crl.pem anew and return where it is; a broker needs a fresh one every month."""
        gone = _revoked_by_setup(self._content("authority/index.txt"))
        for serial, fields in self._table("issued.json").items():
            if fields.get("revoked"):
                gone[int(serial)] = datetime.fromisoformat(fields["revoked"])
        listed = certificates.revocations(gone.items(), self._authority, now or datetime.now(UTC))
        write_whole(self._path / "crl.pem", listed, 0o644)
        return self._path / "crl.pem"

    def denied(self) -> tuple[str, ...]:
        """Return the names that were revoked, by us or by deploy/mosquitto/setup."""
        return tuple(self._content("revoked").split())

    @property
    def has_broker(self) -> bool:
        """Return whether deploy/mosquitto/setup made a broker in this folder."""
        return (self._path / "mosquitto.conf").exists()

    def _wanted(self, request: bytes) -> tuple[str, str]:
        """Return device and fingerprint of a request whose device was not revoked."""
        device, fingerprint = certificates.request_facts(request)
        if device in self.denied():
            raise RefusedError(Answer.UNKNOWN)
        return device, fingerprint

    def _made_by_setup(self, device: str, issued: dict[str, Any]) -> dict[str, Any]:
        """Return the certificate that deploy/mosquitto/setup made for a device, as `issued` has them."""
        text = self._content(f"{device.replace('/', '_')}.crt")
        if not text:
            return {}
        name, fingerprint, serial, _, ends = certificates.certificate_facts(text.encode())
        if name != device or str(serial) in issued:
            return {}
        return {
            str(serial): {"device": device, "key": fingerprint, "ends": ends.isoformat(), "certificate": text},
        }

    def _issue(self, request: bytes, device: str, fingerprint: str, now: datetime) -> bytes:
        with self._changing("issued.json") as issued:
            for fields in issued.values():  # the same key again: its answer got lost
                alive = not fields.get("revoked") and datetime.fromisoformat(fields["ends"]) > now
                if fields["key"] == fingerprint and alive:
                    return str(fields["certificate"]).encode()
            certificate = certificates.issue(request, self._authority, now)
            _, _, serial, _, ends = certificates.certificate_facts(certificate)
            issued[str(serial)] = {
                "device": device,
                "key": fingerprint,
                "ends": ends.isoformat(),
                "certificate": certificate.decode(),
            }
        return certificate

    @contextmanager
    def _changing(self, name: str) -> Iterator[dict[str, Any]]:
        """Give a table to change; it is written when the block ends well."""
        with instance_lock(self._path / f"{name}.lock", wait=True):
            table = self._table(name)
            yield table
            write_whole(self._path / name, json.dumps(table, indent=1, sort_keys=True).encode(), 0o600)

    def _table(self, name: str) -> dict[str, Any]:
        try:
            return dict(json.loads((self._path / name).read_bytes()))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise InputError(f"{self._path / name} cannot be read", "restore it from a copy") from error

    def _content(self, name: str) -> str:
        """Return a file, empty where there is none."""
        try:
            return (self._path / name).read_text("ascii")
        except FileNotFoundError:
            return ""
        except (OSError, ValueError) as error:
            raise InputError(f"{self._path / name} cannot be read", "restore it from a copy") from error

    def _read(self, name: str) -> bytes:
        try:
            return (self._path / name).read_bytes()
        except OSError as error:
            raise InputError(
                f"{self._path / name} cannot be read: {error.strerror}",
                "make one: platesieve agency enrol authority",
            ) from error


def _revoked_by_setup(index: str) -> dict[int, datetime]:
    """Return serial numbers and times of the revoked in a table of `openssl ca`: status, end, revoked, serial, ..."""
    rows = [line.split("\t") for line in index.splitlines() if line.startswith("R\t")]
    return {
        int(row[3], 16): datetime.strptime(row[2].partition(",")[0], "%y%m%d%H%M%SZ").replace(tzinfo=UTC)
        for row in rows
    }


@contextmanager
def _as_storage_error() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"the folder cannot be made: {error.strerror}", "give a folder you may write") from error
