"""The composition root: the only place that names concrete adapters. Tests pass other parts.

Heavy modules are imported where they are needed: the uplink process never loads a model's runtime, and the
camera process never loads an MQTT client.
"""

from __future__ import annotations

import hmac
import logging
import os
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.domain.errors import ConfigError, InputError, StorageError
from platesieve.domain.folding import STANDARD, Folding
from platesieve.domain.instant import NS_PER_S
from platesieve.flow.books import Books, Facts
from platesieve.flow.generation import Generation, NoDeliveries
from platesieve.flow.obedience import Obedience

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.adapters.delivery.threads import Courier
    from platesieve.adapters.disk.audit_folder import AuditFolder
    from platesieve.adapters.local.pipe import PipeOutlet
    from platesieve.adapters.networks.delivered_models import Networks
    from platesieve.audit.verdict import Verdict
    from platesieve.domain.instant import Instant
    from platesieve.flow.judge import Judge, Judgement
    from platesieve.flow.sight import Sight
    from platesieve.hotlist.hotlist import HotList
    from platesieve.policy.language import Policy, Scope
    from platesieve.policy.pseudonym import Ring
    from platesieve.policy.receipt import ReceiptBook
    from platesieve.ports import Clock, Outlet, PlateFinder, PlateReader
    from platesieve.preview import Preview
    from platesieve.settings import Settings
    from platesieve.vision.frame import Frame

    Stop = Callable[[], bool]
    Observe = Callable[[Frame, Sequence[Judgement]], None]

MAX_HOTLIST_BYTES = 64 << 20
_log = logging.getLogger(__name__)
DRAIN_S = 5.0  # how long the uplink process may take to store what the camera process sent last


@dataclass(frozen=True, slots=True)
class Folders:
    """Where things lie in the state folder; each process owns its own, 0700, and both meet at the pipe."""

    state: Path

    @classmethod
    def of(cls, settings: Settings) -> Folders:
        """Return the folders of these settings, made where they are missing.

        Raises:
            StorageError: they cannot be made.
        """
        folders = cls(Path(settings.state).expanduser())
        try:
            for folder in (folders.state, folders.camera, folders.uplink):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"the state folder {folders.state} cannot be made: {error.strerror}",
                "give --state a folder that can be written",
            ) from error
        return folders

    @property
    def camera(self) -> Path:
        """Return the folder of the camera process: audit log and audit key."""
        return self.state / "camera"

    @property
    def audit(self) -> Path:
        """Return the audit log."""
        return self.camera / "audit"

    @property
    def uplink(self) -> Path:
        """Return the folder of the uplink process: the outbox."""
        return self.state / "uplink"

    @property
    def spool(self) -> Path:
        """Return where the uplink process puts signed documents for the camera process to verify."""
        return self.state / "spool"

    @property
    def pipe(self) -> Path:
        """Return the socket where both meet."""
        return self.state / "pipe"


def load_policy(name: str | None) -> Policy:
    """Return a policy: a file where there is one of this name, else a pack.

    Raises:
        ConfigError: there is none, or it is wrong; every fault is listed with its line.
    """
    from platesieve.adapters.disk.policy_file import policy_text
    from platesieve.policy.load import load_policy as parse

    if name is None:
        raise ConfigError("no policy is given, so nothing may be read", "give --policy; see `platesieve policy list`")
    return parse(*policy_text(name))


def load_hotlist(path: str | None, now: Instant, folding: Folding = STANDARD) -> HotList:
    """Return a hot list, empty where none is given.

    Raises:
        ConfigError: rows are wrong; every one is named by its line, none by its plate.
        InputError: the file cannot be read.
    """
    from platesieve.hotlist.hotlist import HotList

    if path is None:
        return HotList.empty()
    raw = _read(Path(path), "hot list", MAX_HOTLIST_BYTES)
    return HotList.from_csv(raw, Path(path).name, now, lambda rows: _log.info("hot list: %d rows read", rows), folding)


def load_recipients(settings: Settings) -> dict[str, bytes]:
    """Return the public keys that fields may be sealed to, by the name that policies use."""
    from platesieve.adapters.disk.key_files import load_recipient

    return {name: load_recipient(Path(file)) for name, file in settings.recipients.items()}


def load_rings(settings: Settings) -> dict[Scope, Ring]:
    """Return the ratchets of pseudonyms that are shared with other devices, by their scope."""
    from platesieve.adapters.disk.ratchet_file import open_ring
    from platesieve.policy.language import Scope

    return {Scope(scope): open_ring(Path(file)) for scope, file in settings.shared_keys.items()}


def made_up_rings(policy: Policy, now: Instant) -> dict[Scope, Ring]:
    """Return rings of this process alone, for a look at what would leave: a real one would go forward."""
    from platesieve.policy.pseudonym import Ring
    from platesieve.policy.ratchet import new_ratchet

    lengths_s = policy.shared_epochs_s.items()
    return {scope: Ring(new_ratchet(epoch_s, now, os.urandom), lambda _: None) for scope, epoch_s in lengths_s}


def build_judge(
    settings: Settings, clock: Clock, generation: Generation | None = None, *, rings_made_up: bool = False
) -> Judge:
    """Return policy, hot list and instruments as one value.

    Args:
        settings: of the device.
        clock: says whether the policy is in force.
        generation: rules that were delivered and verified; they count instead of those of the settings.
        rings_made_up: take no shared key from a file.

    Raises:
        ConfigError: this device may not read under this policy; every reason is listed.
    """
    from platesieve.flow.judge import Judge
    from platesieve.policy.force import device_refusals, in_force
    from platesieve.policy.instruments import instruments_for

    now = clock.now()
    policy = in_force(load_policy(settings.policy) if generation is None else generation.policy, now)
    recipients = load_recipients(settings) if generation is None else dict(generation.recipients)
    rings = made_up_rings(policy, now) if rings_made_up else load_rings(settings)
    lengths_s = {scope: ring.ratchet.epoch_s for scope, ring in rings.items()}
    refusals = device_refusals(policy, settings.device, now, recipients, lengths_s)
    if refusals and generation is None:  # delivered rules were checked; where they are over now, nothing is read
        raise ConfigError(f"this device may not read under policy {policy.id}", "mend each line above", refusals)
    instruments = instruments_for(settings.device, recipients, policy.epochs_s, rings)
    rules = generation or Generation(policy, load_hotlist(settings.hotlist, now, policy.folding), recipients)
    judge = Judge(policy, rules.hotlist, settings.device, instruments, recipients)
    return replace(
        judge,
        policy_until_ns=rules.policy_until_ns,
        hotlist_until_ns=rules.hotlist_until_ns,
        hotlist_from_ns=rules.hotlist_from_ns,
    )


def build_sight(
    settings: Settings,
    policy: Policy | None = None,
    finder: PlateFinder | None = None,
    reader: PlateReader | None = None,
) -> Sight:
    """Return the eyes of the device: motion gate, detector, reader and tracker over the released models.

    Args:
        settings: of the device.
        policy: says how long a read may live and whether a picture may leave; None where nothing leaves anyway.
        finder: another one than the released detector, or that one with somebody watching.
        reader: another one than the released reader.

    Raises:
        ModelError: a model is missing, changed or cannot run.
    """
    from platesieve.adapters.networks.onnx_models import OnnxPlateFinder, OnnxPlateReader
    from platesieve.flow.sight import Sight

    tracking = settings.tracking
    if policy is not None:
        tracking = replace(tracking, max_pass_s=min(tracking.max_pass_s, policy.reading.raw_lifetime_s))
    key = os.urandom(32)  # RAM only: what was reported cannot be tested against a list of plates
    finder = finder or OnnxPlateFinder(settings.vision)
    reader = reader or OnnxPlateReader(settings.vision)
    return Sight(
        finder,
        reader,
        settings.vision,
        tracking,
        lambda text: hmac.digest(key, text.reveal().encode(), "sha256"),
        keep_pictures=policy is not None and policy.wants_pictures,
    )


def camera_process(settings: Settings, stop: Stop, observe: Observe | None = None) -> None:
    """Run the camera process: it sees plates and has no network. Returns when a finite source has ended.

    Raises:
        PlatesieveError: it may not or cannot read; nothing that was decided is lost.
    """
    from platesieve.adapters.cameras.setting import Replay, open_camera
    from platesieve.adapters.disk.command_memory import CommandMemory
    from platesieve.adapters.disk.key_files import load_or_create_device_key
    from platesieve.adapters.local.pipe import PipeOutlet
    from platesieve.adapters.local.service_manager import Pulse, service_manager
    from platesieve.adapters.local.watchdog import WatchedCamera, WatchedFinder
    from platesieve.adapters.networks.delivered_models import start_networks
    from platesieve.pipeline import Parts, Pipeline

    folders = Folders.of(settings)
    clock = SystemClock(assume=settings.device.assume_clock)
    pulse = Pulse(service_manager())
    with ExitStack() as stack:
        stack.enter_context(instance_lock(folders.camera / "lock"))
        courier = _courier(settings, folders, clock)
        generation, models = None, dict[str, bytes]()
        if courier is not None:
            from platesieve.adapters.delivery.device import first_generation, models_kept

            stack.callback(courier.close)
            with_own = settings.policy is not None
            generation = first_generation(courier, clock, stop, pulse.beat, may_start_without=with_own)
            if generation is None and not with_own:
                return  # stopped before anything came
            models = models_kept(courier)
        judge = build_judge(settings, clock, generation)
        log = stack.enter_context(open_log(settings))
        networks = start_networks(settings.vision, models)
        if networks.refused is not None:
            _log.warning("the networks that were delivered are not used: %s", networks.refused)
        finder = WatchedFinder(networks.finder)
        sight = build_sight(settings, judge.policy, finder, networks.plate_reader)
        pulse.ready()  # log and models are in order; from here on the camera has to prove itself
        camera = stack.enter_context(closing(open_camera(settings.camera, clock, Replay(pace=settings.pace))))
        pipe = stack.enter_context(closing(PipeOutlet(folders.pipe, clock)))
        stack.callback(_part, pipe)
        outlet = _witnessed(pipe, log, settings)
        books = Books(judge, settings.audit, _facts(judge, networks), clock.now())
        obedience = Obedience(
            settings.device,
            _command_key(settings),
            suspended=log.suspended,
            device_secret=load_or_create_device_key(folders.camera),
            memory=CommandMemory(folders.camera),
        )
        parts = Parts(sight, judge, books, obedience, log, outlet, clock, courier or NoDeliveries())
        Pipeline(parts, observe).run(WatchedCamera(camera, finder, pulse), stop)


def _part(outlet: PipeOutlet) -> None:
    """Wait until what was sent is stored, and say what was not: it ends with this process."""
    if not outlet.drain(DRAIN_S) and (lost := outlet.waiting):
        _log.error("%d events could not be stored and are lost; see what the uplink process says of its disk", lost)


def uplink_process(settings: Settings, stop: Stop, drain: Stop) -> None:
    """Run the uplink process: it has the network and never holds a plate.

    Args:
        settings: where the broker is.
        stop: ends it at once; what was not sent stays in the outbox.
        drain: ends it when the camera process has said goodbye and the outbox is empty.
    """
    from platesieve.adapters.delivery.device import open_ferry
    from platesieve.adapters.disk.outbox_sqlite import SqliteOutbox
    from platesieve.adapters.local.pipe import PipeIntake
    from platesieve.adapters.local.service_manager import Pulse, service_manager
    from platesieve.adapters.mqtt.publisher import open_publisher
    from platesieve.adapters.mqtt.wire import Address
    from platesieve.uplink import run_uplink

    folders = Folders.of(settings)
    clock = SystemClock(assume=settings.device.assume_clock)
    with instance_lock(folders.uplink / "lock"):
        receipts = _receipt_book(settings)
        wait_ns = int(settings.uplink.receipt_wait_s * NS_PER_S)
        outbox = SqliteOutbox(folders.uplink / "outbox.db", settings.uplink.outbox_quota_bytes, resend_ns=wait_ns)
        intake = PipeIntake(folders.pipe)
        address = Address.from_device(settings.device)
        with ExitStack() as undo:  # the flow closes its parts itself, once it has them all
            undo.callback(intake.close)
            undo.callback(outbox.close)
            publisher = open_publisher(settings.uplink, address, intake.wake)
            undo.callback(publisher.close)
            ferry = open_ferry(settings, folders.spool, intake.wake)
            undo.pop_all()
        pulse = Pulse(service_manager())
        pulse.ready()
        run_uplink(intake, outbox, publisher, clock, stop, drain, pulse.beat, receipts, ferry)


def run_supervised(settings: Settings, stop: Stop, drain_s: float) -> int:
    """Run both processes under one command; return the exit code."""
    from platesieve.adapters.local.processes import run_both

    return run_both(settings, stop, drain_s)


def delivered(settings: Settings) -> Generation | None:
    """Return the rules that came signed and are kept, verified again; None before the first.

    Raises:
        PlatesieveError: the trust root is missing, or what is kept was changed.
    """
    clock = SystemClock(assume=settings.device.assume_clock)
    courier = _courier(settings, Folders.of(settings), clock)
    return None if courier is None else courier.kept()


def _courier(settings: Settings, folders: Folders, clock: Clock) -> Courier | None:
    if not settings.delivery.wanted:
        return None
    # Only now: the HTTP library opens a socket when it is imported, to see whether there is IPv6.
    from platesieve.adapters.delivery.device import open_courier

    return open_courier(settings, folders.camera, folders.spool, clock, load_recipients(settings))


def check_before_start(settings: Settings) -> None:
    """Refuse what a start cannot mend while a person is looking, instead of in two processes.

    Raises:
        PlatesieveError: camera, policy, hot list, keys or broker settings are wrong. An address of a stream that does
            not answer is no reason: the network may come later.
    """
    from platesieve.adapters.cameras.setting import refuse_absent
    from platesieve.adapters.mqtt.link import tls_context
    from platesieve.adapters.mqtt.wire import Address

    Folders.of(settings)
    refuse_absent(settings.camera)
    if settings.policy is not None or not settings.delivery.wanted:
        build_judge(settings, SystemClock(assume=settings.device.assume_clock))
    if settings.delivery.wanted:
        from platesieve.adapters.delivery.threads import read_trust_root

        read_trust_root(settings.delivery)
    Address.from_device(settings.device)
    _receipt_book(settings)
    if settings.uplink.host:
        tls_context(settings.uplink)


def preview(settings: Settings, looks: int, *, mount_of_policy: bool) -> Preview:
    """Look at pictures or a clip and return what would leave; nothing is stored, logged or sent.

    Args:
        settings: source, policy, hot list and public keys; a key that is missing is made up for this look.
        looks: how often a still picture is looked at.
        mount_of_policy: be a device that the policy is for, with made-up facts where it requires some.
    """
    from platesieve.adapters.cameras.folder import FolderCamera
    from platesieve.adapters.cameras.setting import Replay, open_camera
    from platesieve.policy.force import suited
    from platesieve.preview import look_at

    policy = load_policy(settings.policy)
    if mount_of_policy:
        settings = replace(settings, device=suited(settings.device, policy))
    made_up = tuple(sorted(policy.recipients - settings.recipients.keys()))
    clock = SystemClock(assume=True)
    with TemporaryDirectory(prefix="platesieve-") as scratch:
        keys = {name: str(demo_recipient(Path(scratch), name)) for name in made_up}
        judge = build_judge(replace(settings, recipients={**settings.recipients, **keys}), clock, rings_made_up=True)
        judge.instruments.pseudonyms.rotate(clock.now())
        camera = open_camera(settings.camera, clock, Replay(pace="fast"))
        with closing(camera):
            sight = build_sight(settings, judge.policy)
            stills = isinstance(camera, FolderCamera)
            return replace(look_at(camera, sight, judge, looks if stills else 0), made_up_keys=made_up)


def open_log(settings: Settings) -> AuditFolder:
    """Return this device's own log, open for writing; it has one writer.

    Raises:
        AuditError: it cannot be written or does not verify, or another process has it open.
        KeyFileError: the audit key cannot be used.
    """
    from platesieve.adapters.disk.audit_folder import AuditFolder
    from platesieve.adapters.disk.key_files import audit_key_name, load_or_create_audit_key

    device, folders = settings.device, Folders.of(settings)
    signer = load_or_create_audit_key(folders.camera, audit_key_name(f"{device.agency}/{device.site}/{device.device}"))
    return AuditFolder(folders.audit, signer)


def verify_own_log(folders: Folders) -> Verdict:
    """Return the verdict on this device's own audit log."""
    from platesieve.adapters.disk.audit_folder import FolderFiles
    from platesieve.adapters.disk.key_files import load_vkey
    from platesieve.audit.verify import verify_log

    return verify_log(FolderFiles(folders.audit), load_vkey(folders.camera / "audit.vkey"))


def demo_files() -> tuple[Path, Path]:
    """Return the drawn street and its hot list."""
    folder = Path(str(files("platesieve").joinpath("demo_data")))
    return folder / "street.mp4", folder / "hotlist.csv"


def demo_recipient(folder: Path, name: str) -> Path:
    """Return the public key file of an agency that is made up for the demo."""
    from platesieve.adapters.disk.key_files import KeyKind, new_key_files

    folder.mkdir(parents=True, exist_ok=True)
    _secret, public = new_key_files(KeyKind.AGENCY, folder, name)
    return public


def _facts(judge: Judge, networks: Networks) -> Facts:
    return Facts(
        detector_sha256=networks.detector.sha256,
        reader_sha256=networks.reader.sha256,
        models_delivered=tuple((one.role, one.version, one.sha256) for one in networks.delivered),
        models_refused=networks.refused is not None,
        recipients_sha256={name: sha256(key).hexdigest() for name, key in judge.recipients.items()},
    )


def _receipt_book(settings: Settings) -> ReceiptBook:
    """Return what believes receipts of the collectors whose keys are given."""
    from platesieve.adapters.disk.key_files import KeyKind, load_public
    from platesieve.policy.receipt import ReceiptBook

    keys = {name: load_public(Path(file), KeyKind.RECEIPT) for name, file in settings.collectors.items()}
    return ReceiptBook(settings.device, keys)


def _witnessed(outlet: Outlet, log: AuditFolder, settings: Settings) -> Outlet:
    """Return the outlet of a device whose checkpoints are cosigned; without witnesses, the outlet itself."""
    from platesieve.adapters.disk.cosigned_notes import CosignedNotes, load_witnesses
    from platesieve.flow.witnessing import WitnessedOutlet

    witnesses = load_witnesses(Path(file).expanduser() for file in settings.audit.witnesses)
    if not witnesses:
        return outlet
    return WitnessedOutlet(outlet, CosignedNotes(log, witnesses))


def _command_key(settings: Settings) -> bytes | None:
    from platesieve.adapters.disk.key_files import KeyKind, load_public

    return None if settings.command_key is None else load_public(Path(settings.command_key), KeyKind.COMMAND)


def _read(path: Path, what: str, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise InputError(
            f"the {what} cannot be read: {error.strerror}", "give a file that exists and is readable"
        ) from error
    if len(content) > max_bytes:
        raise InputError(f"the {what} is larger than {max_bytes >> 20} MiB", "give a smaller file")
    return content
