"""The composition root of the agency's side: the only place that names the collector's concrete adapters."""

from __future__ import annotations

import json
import logging
import os
import socket
from contextlib import ExitStack, closing
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.domain.errors import ConfigError, InputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.adapters.disk.witness_files import FolderOfWitness
    from platesieve.adapters.local.metrics import PrometheusMeters
    from platesieve.adapters.mqtt.inbox import MqttInbox
    from platesieve.audit.cosignature import CosignerKey
    from platesieve.audit.entries.choices import Role
    from platesieve.collector.admission import Rules
    from platesieve.collector.case import Exported
    from platesieve.collector.records import Event
    from platesieve.collector.retention import RetentionDesk
    from platesieve.collector.reveal import RevealDesk
    from platesieve.collector.settings import CollectorSettings
    from platesieve.collector.store import CollectorStore
    from platesieve.collector.thinning import Thinning
    from platesieve.collector.witness import Witness
    from platesieve.domain.access import Purpose
    from platesieve.ports import AuditLog

_log = logging.getLogger(__name__)
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
    from platesieve.adapters.disk.own_keys import load_or_create_audit_key
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
    return RevealDesk(
        store, open_transparency_log(settings), keys, SystemClock(assume=settings.assume_clock), os.urandom
    )


def open_retention(settings: CollectorSettings, store: CollectorStore) -> RetentionDesk:
    """Return the desk that holds and erases: log first."""
    from platesieve.collector.retention import RetentionDesk

    return RetentionDesk(store, open_transparency_log(settings), SystemClock(assume=settings.assume_clock))


def collector_process(settings: CollectorSettings, stop: Callable[[], bool]) -> None:
    """Collect what devices of one agency let out, until told to stop.

    Raises:
        PlatesieveError: broker, database, keys or log cannot be used at the start. What happens later is waited out.
    """
    from platesieve.collector.collect import Collect, Parts, take_watch

    folder = state_folder(settings)
    with ExitStack() as stack:
        stack.enter_context(instance_lock(folder / "lock"))
        store = stack.enter_context(closing(open_store(database_address(settings))))
        clock = SystemClock(assume=settings.assume_clock)
        receipt_key, witness, meters = _receipt_key(settings), _witness(settings, folder), _meters(settings)
        retention = open_retention(settings, store)
        watch_as = _member(folder) if settings.watches else None
        if watch_as is not None:
            take_watch(store, settings.agency, watch_as, clock.now().wall_ns)
        inbox = stack.enter_context(closing(_open_inbox(settings, folder)))
        rules = _rules(settings)
        thinning = _thinning(settings, clock.now().wall_ns)
        parts = Parts(
            inbox, store, retention, witness, thinning, rules, clock, meters, settings.name, receipt_key, os.urandom,
            watch_as,
        )  # fmt: skip
        Collect(parts).run(stop)


def open_witness_files(settings: CollectorSettings) -> FolderOfWitness:
    """Return the witness files and the audit keys of the devices that are enrolled here."""
    from platesieve.adapters.disk.witness_files import FolderOfWitness

    keys = Path(settings.device_keys) if settings.device_keys else None
    return FolderOfWitness(state_folder(settings) / "witness", keys)


def _rules(settings: CollectorSettings) -> Rules:
    from platesieve.adapters.mqtt.wire_schemas import fits
    from platesieve.collector.admission import Rules
    from platesieve.domain.instant import NS_PER_S

    return Rules(settings.agency, settings.max_event_bytes, settings.max_retention_days * 86_400 * NS_PER_S, fits)


def witness_key(settings: CollectorSettings, folder: Path) -> CosignerKey:
    """Return the key with which this collector cosigns checkpoints, made on first use; its `.vkey` lies beside it.

    Raises:
        KeyFileError: see load_or_create_cosigner.
    """
    from platesieve.adapters.disk.witness_files import load_or_create_cosigner

    return load_or_create_cosigner(folder / "witness.key", f"platesieve/{settings.agency}/witness/{settings.name}")


def _witness(settings: CollectorSettings, folder: Path) -> Witness:
    from platesieve.collector.witness import Witness

    return Witness(open_witness_files(settings), witness_key(settings, folder))


def _thinning(settings: CollectorSettings, now_ns: int) -> Thinning:
    from platesieve.audit.thinning import Spacing
    from platesieve.collector.thinning import Thinning

    spacing = Spacing(settings.witness_every_days, settings.witness_hourly_days)
    return Thinning(open_witness_files(settings), spacing, now_ns)


def _receipt_key(settings: CollectorSettings) -> bytes | None:
    from platesieve.adapters.disk.key_files import load_secret
    from platesieve.adapters.disk.key_text import KeyKind

    if settings.receipt_key is None:
        _log.warning("no receipt_key is set: no receipt is given, and devices keep events until they expire")
        return None
    return load_secret(Path(settings.receipt_key), KeyKind.RECEIPT)


def _meters(settings: CollectorSettings) -> PrometheusMeters:
    try:
        from platesieve.adapters.local.metrics import PrometheusMeters
    except ImportError as error:
        raise ConfigError("a collector's metrics need the extra `collector`", _NOT_INSTALLED) from error
    return PrometheusMeters(settings.metrics_port)


def _open_inbox(settings: CollectorSettings, folder: Path) -> MqttInbox:
    from platesieve.adapters.mqtt.inbox import KINDS, READS, MqttInbox

    client_id = f"{settings.agency}:collector:{settings.name}"
    if settings.share is not None or settings.sites:  # several of us, each with a session of its own
        client_id += f":{sha256(_member(folder).encode()).hexdigest()[:12]}"
    kinds = KINDS if settings.watches else READS
    share, largest, sites = settings.share, settings.max_event_bytes, settings.sites
    return MqttInbox(settings.broker, settings.agency, client_id, share, largest, kinds=kinds, sites=sites)


def _member(folder: Path) -> str:
    """Return a name that no other collector has and that stays over restarts."""
    return f"{socket.gethostname()}:{folder.resolve()}"


def export_case(
    settings: CollectorSettings,
    store: CollectorStore,
    case: str,
    user: str,
    purpose: str,
    out: Path,
    audit_logs: Path | None,
) -> Exported:
    """Write one case into a folder of its own.

    Raises:
        InputError: nothing belongs to the case, or the folder is there already or cannot be written.
        PlatesieveError: see collector.case.package.
    """
    from platesieve.collector.case import Exported
    from platesieve.domain.access import Purpose

    if out.exists():
        raise InputError(f"{out} is there already", "give --out a new folder")
    files = case_files(settings, store, open_desk(settings, store), case, user, Purpose(purpose), audit_logs)
    try:
        out.mkdir(mode=0o700, parents=True)
        for name, content in files.items():
            with os.fdopen(os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}", "give --out a folder that you own") from error
    events = sum(name.startswith("event-") and name.endswith(".json") for name in files)
    return Exported(events, sum(name.endswith(".evidence") for name in files))


def case_files(
    settings: CollectorSettings,
    store: CollectorStore,
    desk: RevealDesk,
    case: str,
    user: str,
    purpose: Purpose,
    audit_logs: Path | None,
    role: Role | None = None,
) -> dict[str, bytes]:
    """Return the files of one case by name; every event is opened by the desk, which logs first.

    Raises:
        InputError: nothing belongs to the case.
        PlatesieveError: see collector.case.package.
    """
    from platesieve.collector.case import events_of_case, package

    events = events_of_case(store, case)
    witness = state_folder(settings) / "witness"
    names = {f"{event.device.replace('/', '_')}.witness" for event in events}
    lines = {name: (witness / name).read_bytes() for name in sorted(names) if (witness / name).exists()}
    return package(store, desk, case, user, purpose, _evidence(settings, events, audit_logs), lines, role)


def _evidence(settings: CollectorSettings, events: Sequence[Event], audit_logs: Path | None) -> dict[str, str]:
    """Return an evidence package for each event that a copy of its device's audit log proves."""
    from platesieve.adapters.disk.audit_folder import FolderFiles
    from platesieve.audit.commitment import commit
    from platesieve.audit.evidence import Evidence, find_commitment, record_of_event
    from platesieve.audit.log_files import read_checkpoint
    from platesieve.audit.proof import prove_logged

    proven: dict[str, str] = {}
    files_of_witness = open_witness_files(settings)
    for event in events if audit_logs is not None else ():
        files = FolderFiles((audit_logs or Path()) / event.device.replace("/", "_"))
        verifier = files_of_witness.verifier(event.device)
        note = files.read("checkpoint")
        if verifier is None or note is None or "salt" not in event.data:
            continue
        record, salt = record_of_event(json.dumps(event.document).encode())
        checkpoint = read_checkpoint(files, verifier, verifier.name)
        index = find_commitment(files, checkpoint.size, commit(salt, record))
        if index is not None:
            entry, proof = prove_logged(files, note, index)
            proven[event.id] = Evidence(record, salt, entry, proof.text, None).text
    return proven
