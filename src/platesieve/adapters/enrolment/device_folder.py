"""The device's side on its disk: the key that it drew, its certificate, and what it needs to get one.

| file | what |
|---|---|
| device.key | drawn here, never leaves; mode 0600 |
| device.crt | from the agency, replaced at each renewal together with the key |
| enrolment.json | the agency's address, and until it was used the token |
| lists.pub | to which the agency encrypts hot lists; it hears it with the first request |
| ca.crt | the agency's authority; what the broker and the agency's address must show |
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from platesieve.adapters.disk.whole_file import sync_folder, write_whole
from platesieve.domain.errors import InputError, KeyFileError
from platesieve.enrolment import certificates

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.adapters.enrolment.https import Ask

LISTS_PUBLIC: Final = "lists.pub"


class DeviceFolder:
    """Key and certificate of this device.

    Args:
        path: the uplink process's folder: the camera process cannot look into it.
        device: agency/site/device.
    """

    def __init__(self, path: Path, device: str) -> None:
        self._path, self._device = path, certificates.check_device_path(device)
        self.key_file, self.certificate_file = path / "device.key", path / "device.crt"
        self.authority_file = path / "ca.crt"

    @property
    def enrolled(self) -> bool:
        """Return whether there is a certificate."""
        return self.certificate_file.exists()

    def invite(self, url: str, token: str, authority: bytes) -> None:
        """Keep what the installer brought."""
        write_whole(self.authority_file, authority, 0o644)
        write_whole(self._path / "enrolment.json", json.dumps({"url": url, "token": token}).encode(), 0o600)

    def tell_lists_key(self, public: bytes) -> None:
        """Keep the key that hot lists are to be encrypted to, for the agency to hear when this device enrols."""
        write_whole(self._path / LISTS_PUBLIC, public, 0o644)

    def request(self) -> bytes:
        """Return a signing request for this device's key; the key is drawn the first time."""
        if not self.key_file.exists():
            write_whole(self.key_file, certificates.new_key(), 0o600)
        return certificates.new_request(self._read("device.key"), self._device)

    def accept(self, certificate: bytes) -> None:
        """Take a certificate for the key that is in use, and forget the token.

        Raises:
            KeyFileError: it is not for this device, not for its key, or not from its authority.
        """
        self._check(certificate, self._read("device.key"))
        write_whole(self.certificate_file, certificate, 0o644)
        if (self._path / "enrolment.json").exists():
            invitation = {name: value for name, value in self._invitation().items() if name != "token"}
            write_whole(self._path / "enrolment.json", json.dumps(invitation).encode(), 0o600)

    def join(self, ask: Ask) -> bool:
        """Ask the agency for the first certificate; return False where there is one already.

        Raises:
            KeyFileError: there is no token, or the agency does not take it.
            LinkError: the agency cannot be reached now.
        """
        self._settle()
        if self.enrolled:
            return False
        invitation = self._invitation()
        if not invitation.get("token"):
            raise KeyFileError("this device was not invited", "ask the agency for a token: platesieve provision new")
        document = {"request": self.request().decode(), "token": invitation["token"]}
        if (self._path / LISTS_PUBLIC).exists():
            document["lists_key"] = self._read(LISTS_PUBLIC).decode()
        self.accept(ask(f"{invitation['url']}/enrol", document, None))
        return True

    def renew(self, ask: Ask, *, now: datetime | None = None, force: bool = False) -> bool:
        """Replace key and certificate where it is time; return whether they were.

        Raises:
            KeyFileError: there is none to replace, or the agency refuses: it may have been revoked.
            LinkError: the agency cannot be reached now; the old certificate goes on.
        """
        self._settle()
        if not self.enrolled:
            raise KeyFileError("this device has no certificate yet", "enrol it: platesieve enrol join")
        if not force and not certificates.due(self._read("device.crt"), now or datetime.now(UTC)):
            return False
        key = certificates.new_key()
        request = certificates.new_request(key, self._device)
        pair = (self.certificate_file, self.key_file)
        certificate = ask(f"{self._invitation()['url']}/renew", {"request": request.decode()}, pair)
        self._check(certificate, key)
        # Both change as one: the pair lies ready as one file, and whoever finds it puts it in place (`_settle`).
        write_whole(self._path / "next.json", json.dumps([key.decode(), certificate.decode()]).encode(), 0o600)
        self._settle()
        return True

    def facts(self) -> dict[str, str]:
        """Return what an installer compares with the agency: no secret."""
        key = certificates.key_fingerprint(self._read("device.key")) if self.key_file.exists() else ""
        found = {"device": self._device, "key_sha256": key}
        if self.enrolled:
            *_, ends = certificates.certificate_facts(self._read("device.crt"))
            found["valid_until"] = ends.isoformat()
        return found

    def _settle(self) -> None:
        """Finish a renewal that a power cut interrupted."""
        ready = self._path / "next.json"
        if ready.exists():
            key, certificate = json.loads(ready.read_bytes())
            write_whole(self.key_file, key.encode(), 0o600)
            write_whole(self.certificate_file, certificate.encode(), 0o644)
            ready.unlink()
            sync_folder(self._path)

    def _check(self, certificate: bytes, key: bytes) -> None:
        if not certificates.fits(certificate, key, self._read("ca.crt"), self._device):
            raise KeyFileError(
                "the certificate is not for this device, its key and its authority", "ask the agency to sign again"
            )

    def _invitation(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self._path / "enrolment.json").read_bytes()))
        except (OSError, ValueError) as error:
            raise KeyFileError(
                "this device was not invited", "make its platesieve.toml with: platesieve provision new"
            ) from error

    def _read(self, name: str) -> bytes:
        try:
            return (self._path / name).read_bytes()
        except OSError as error:
            raise InputError(
                f"{self._path / name} cannot be read: {error.strerror}", "enrol this device again"
            ) from error
