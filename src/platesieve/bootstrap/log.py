"""A device's own audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platesieve.bootstrap.folders import Folders

if TYPE_CHECKING:
    from platesieve.adapters.disk.audit_folder import AuditFolder
    from platesieve.audit.verdict import Verdict
    from platesieve.settings import Settings


def open_log(settings: Settings) -> AuditFolder:
    """Return this device's own log, open for writing; it has one writer.

    Raises:
        AuditError: it cannot be written or does not verify, or another process has it open.
        KeyFileError: the audit key cannot be used.
    """
    from platesieve.adapters.disk.audit_folder import AuditFolder
    from platesieve.adapters.disk.own_keys import audit_key_name, load_or_create_audit_key

    device, folders = settings.device, Folders.of(settings)
    signer = load_or_create_audit_key(folders.camera, audit_key_name(f"{device.agency}/{device.site}/{device.device}"))
    return AuditFolder(folders.audit, signer)


def verify_own_log(folders: Folders) -> Verdict:
    """Return the verdict on this device's own audit log."""
    from platesieve.adapters.disk.audit_folder import FolderFiles
    from platesieve.adapters.disk.key_files import load_vkey
    from platesieve.audit.verify import verify_log

    return verify_log(FolderFiles(folders.audit), load_vkey(folders.camera / "audit.vkey"))
