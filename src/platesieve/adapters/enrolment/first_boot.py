"""Apply the installer's file once: settings to their place, token to the device's folder, the file off the card.

The order is what makes a power cut harmless: everything is durable in its place before the file is taken away, so a
device that lost power in between applies the same file again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import tomli_w

from platesieve.adapters.disk.config_file import load_settings
from platesieve.adapters.disk.own_keys import load_or_create_lists_key
from platesieve.adapters.disk.whole_file import sync_folder, write_whole
from platesieve.adapters.enrolment import provision_file
from platesieve.adapters.enrolment.device_folder import LISTS_PUBLIC, DeviceFolder
from platesieve.domain.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.adapters.enrolment.provision_file import Provision

APPLIED, ERRORS = "platesieve.applied.toml", "platesieve.errors.txt"
TROUBLE = "provision.errors"  # the same for the aiming page, in the state folder
_ERASED = b"#"


def apply(boot: Path, etc: Path, state: Path, owner: tuple[int, int] | None = None) -> Provision | None:
    """Apply the file on the FAT partition; return what it said, or None where there is none.

    Args:
        boot: the FAT partition.
        etc: folder of the settings.
        state: folder of the state.
        owner: user and group of the service, for whoever may give files away.

    Raises:
        ConfigError: the file is wrong; it stays, and nothing was changed.
        StorageError: the disk refuses; the file stays, and is applied at the next start.
    """
    file = boot / provision_file.NAME
    if not file.exists():
        return None
    try:
        with file.open("rb") as opened:
            raw = opened.read(provision_file.MAX_BYTES + 1)
        if raw and not raw.strip(_ERASED):  # applied and written over; only the removal was cut off
            file.unlink()
            return None
        provision = provision_file.parse(raw)
        _put_in_place(provision, etc, state, owner)
        _take_away(file, provision)
    except OSError as error:
        raise StorageError(
            f"{file.name} cannot be applied: {error.strerror}", "look at the card; start again"
        ) from error
    return provision


def leave_trouble(boot: Path, state: Path, lines: list[str], owner: tuple[int, int] | None = None) -> None:
    """Write what is wrong onto the card, for whoever reads it in a laptop, and for the aiming page.

    Raises:
        OSError: neither could be written.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if owner is not None:
        os.chown(state, *owner)
    write_whole(state / TROUBLE, "".join(f"{line}\n" for line in lines).encode(), 0o644, owner)
    (boot / ERRORS).write_text("\r\n".join(lines) + "\r\n")


def _put_in_place(provision: Provision, etc: Path, state: Path, owner: tuple[int, int] | None) -> None:
    uplink = state / "uplink"
    for folder, mode in ((etc, 0o755), (state, 0o700), (state / "camera", 0o700), (uplink, 0o700)):
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        folder.chmod(mode)  # root's umask in the unit would hide the settings from the services
        if owner is not None and folder is not etc:
            os.chown(folder, *owner)
    for name, line in provision.recipients.items():
        write_whole(etc / f"{name}.pub", f"{line}\n".encode(), 0o644)
    if provision.command_key is not None:
        write_whole(etc / "command.pub", f"{provision.command_key}\n".encode(), 0o644)
    enrolment = provision.enrolment
    device = DeviceFolder(uplink, provision.device_path)
    device.invite(enrolment.url, enrolment.token, enrolment.authority.encode())
    if provision.delivery is not None:
        _put_delivery(provision.delivery, etc, state / "camera", owner)
        device.tell_lists_key((state / "camera" / LISTS_PUBLIC).read_bytes())
    if provision.aiming.minutes is not None:
        asked = f"{provision.aiming.minutes} {provision.aiming.code or ''}".strip()
        write_whole(state / "aim", f"{asked}\n".encode(), 0o600, owner)
    (state / TROUBLE).unlink(missing_ok=True)
    if owner is not None:
        for file in uplink.iterdir():
            os.chown(file, *owner)
    # The settings come last: with them the services start.
    settings = tomli_w.dumps(provision_file.settings_tree(provision, str(state))).encode()
    trial = etc / "platesieve.trial.toml"
    write_whole(trial, settings, 0o644)
    load_settings(trial, {})
    trial.rename(etc / "platesieve.toml")
    sync_folder(etc)


def _put_delivery(delivery: provision_file.Delivery, etc: Path, camera: Path, owner: tuple[int, int] | None) -> None:
    """Put the trust root in place, and draw the key to which the agency encrypts hot lists."""
    write_whole(etc / provision_file.ROOT, delivery.root.encode(), 0o644)
    if delivery.ca is not None:
        write_whole(etc / provision_file.DELIVERY_CA, delivery.ca.encode(), 0o644)
    load_or_create_lists_key(camera)
    if owner is not None:
        for half in camera.glob("lists.*"):
            os.chown(half, *owner)


def _take_away(file: Path, provision: Provision) -> None:
    """Leave on the card what holds no secret. FAT keeps what was deleted, so the token is written over first."""
    write_whole(file.with_name(APPLIED), provision_file.redacted(provision), 0o644)
    file.with_name(ERRORS).unlink(missing_ok=True)
    with file.open("r+b") as opened:
        opened.write(_ERASED * file.stat().st_size)
        opened.flush()
        os.fsync(opened.fileno())
    file.unlink()
    sync_folder(file.parent)
