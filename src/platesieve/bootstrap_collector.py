"""The composition root of the agency's side: the only place that names the collector's concrete adapters."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.adapters.local.system_clock import SystemClock
from platesieve.domain.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from platesieve.collector.retention import RetentionDesk
    from platesieve.collector.reveal import RevealDesk
    from platesieve.collector.settings import CollectorSettings
    from platesieve.collector.store import CollectorStore
    from platesieve.ports import AuditLog

_NOT_INSTALLED = 'install it with: pip install "platesieve[collector]"'


def load_collector_settings(path: Path | None, overrides: dict[str, object] | None = None) -> CollectorSettings:
    """Return the settings of a collector from a TOML file, with dotted overrides laid over them.

    Raises:
        ConfigError: all faults at once.
    """
    from platesieve.adapters.disk.config_file import load_tree
    from platesieve.collector.settings import CollectorSettings, out_of_bounds

    files = ("passphrase_file", "receipt_key", "device_keys")
    beside = {"": files, "broker": ("ca_file", "certificate_file", "key_file"), "agency_keys": ()}
    return load_tree(CollectorSettings, path, overrides or {}, beside, out_of_bounds)


def state_folder(settings: CollectorSettings) -> Path:
    """Return the state folder of a collector, made where it is missing (0700).

    Raises:
        StorageError: it cannot be made.
    """
    folder = Path(settings.state).expanduser()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the state folder {folder} cannot be made: {error.strerror}", "give `state` a folder that can be written"
        ) from error
    return folder


def database_address(settings: CollectorSettings) -> str:
    """Return where the database is: as set, or a file in the state folder."""
    return settings.database or f"sqlite:///{state_folder(settings) / 'collector.db'}"


def open_store(address: str) -> CollectorStore:
    """Return what a collector keeps.

    Args:
        address: `sqlite:///FILE` or `postgresql+psycopg://USER@HOST/NAME`; see `database_address`.

    Raises:
        ConfigError: the extra `collector` is not installed, or this is no such address.
        StorageError: the database cannot be reached.
    """
    try:
        from platesieve.adapters.database.store import SqlStore
    except ImportError as error:
        raise ConfigError("a collector's database needs the extra `collector`", _NOT_INSTALLED) from error
    return SqlStore(address)


def open_transparency_log(settings: CollectorSettings) -> AuditLog:
    """Return the collector's own log of accesses, holds and deletions, in `state/log`; its key beside it in `state`.

    Raises:
        KeyFileError, AuditError: key or log cannot be used.
    """
    from platesieve.adapters.disk.key_files import load_or_create_audit_key
    from platesieve.adapters.disk.shared_log import SharedLog

    folder = state_folder(settings)
    name = f"platesieve/{settings.agency}/collector/{settings.name}"
    return SharedLog(folder / "log", load_or_create_audit_key(folder / "log-key", name))


def open_desk(settings: CollectorSettings, store: CollectorStore) -> RevealDesk:
    """Return the desk that opens sealed fields: log first.

    Raises:
        KeyFileError: a key cannot be used.
    """
    from platesieve.adapters.disk.agency_keys import AgencyKeys
    from platesieve.collector.reveal import RevealDesk

    keys = AgencyKeys(settings.agency_keys, settings.passphrase_file)
    return RevealDesk(store, open_transparency_log(settings), keys, SystemClock(assume=True), os.urandom)


def open_retention(settings: CollectorSettings, store: CollectorStore) -> RetentionDesk:
    """Return the desk that holds and erases: log first."""
    from platesieve.collector.retention import RetentionDesk

    return RetentionDesk(store, open_transparency_log(settings), SystemClock(assume=True))
