"""The camera process: it sees plates and has no network."""

from __future__ import annotations

import logging
from contextlib import ExitStack, closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.local.system_slots import running_system, tries
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.given import load_command_key
from platesieve.bootstrap.log import open_log
from platesieve.bootstrap.rules import build_judge, courier_of
from platesieve.bootstrap.sight import build_sight
from platesieve.flow.books import Books, Facts
from platesieve.flow.generation import NoDeliveries
from platesieve.flow.obedience import Obedience
from platesieve.flow.system_updates import system_updates
from platesieve.vision.daylight import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platesieve.adapters.disk.audit_folder import AuditFolder
    from platesieve.adapters.local.pipe_outlet import PipeOutlet
    from platesieve.adapters.networks.delivered_models import Networks
    from platesieve.flow.judge import Judge, Judgement
    from platesieve.ports import Outlet
    from platesieve.settings import Settings
    from platesieve.vision.frame import Frame

    Stop = Callable[[], bool]
    Observe = Callable[[Frame, Sequence[Judgement]], None]

_log = logging.getLogger(__name__)
DRAIN_S = 5.0  # how long the uplink process may take to store what the camera process sent last


def camera_process(settings: Settings, stop: Stop, observe: Observe | None = None) -> None:
    """Run the camera process: it sees plates and has no network. Returns when a finite source has ended.

    Raises:
        PlatesieveError: it may not or cannot read; nothing that was decided is lost.
    """
    from platesieve.adapters.cameras.setting import Replay, open_camera
    from platesieve.adapters.disk.command_memory import CommandMemory
    from platesieve.adapters.disk.own_keys import load_or_create_device_key
    from platesieve.adapters.local.pipe_outlet import PipeOutlet
    from platesieve.adapters.local.service_manager import Pulse, service_manager
    from platesieve.adapters.local.watchdog import WatchedCamera, WatchedFinder
    from platesieve.adapters.networks.delivered_models import start_networks
    from platesieve.pipeline import Parts, Pipeline

    folders = Folders.of(settings)
    clock = SystemClock(assume=settings.device.assume_clock)
    pulse = Pulse(service_manager())
    with ExitStack() as stack:
        stack.enter_context(instance_lock(folders.camera / "lock"))
        courier = courier_of(settings, folders, clock)
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
        replay = Replay(pace=settings.pace)
        pulse.ready()  # log and models are in order; from here on the camera has to prove itself
        wanted = Wanted(settings.exposure)
        camera = stack.enter_context(closing(open_camera(settings.camera, clock, replay, wanted=lambda: wanted)))
        pipe = stack.enter_context(closing(PipeOutlet(folders.pipe, clock)))
        stack.callback(_part, pipe)
        outlet = _witnessed(pipe, log, settings)
        system = system_updates(clock.now().wall_ns, running_system(), log.system_updates(), tries())
        facts = replace(_facts(judge, networks), system=system)
        books = Books(judge, settings.audit, facts, clock.now())
        obedience = Obedience(
            settings.device,
            load_command_key(settings),
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


def _facts(judge: Judge, networks: Networks) -> Facts:
    return Facts(
        detector_sha256=networks.detector.sha256,
        reader_sha256=networks.reader.sha256,
        models_delivered=tuple((one.role, one.version, one.sha256) for one in networks.delivered),
        models_refused=networks.refused is not None,
        recipients_sha256={name: sha256(key).hexdigest() for name, key in judge.recipients.items()},
    )


def _witnessed(outlet: Outlet, log: AuditFolder, settings: Settings) -> Outlet:
    """Return the outlet of a device whose checkpoints may be cosigned."""
    from platesieve.adapters.disk.cosigned_notes import CosignedNotes, load_witnesses
    from platesieve.flow.witnessing import WitnessedOutlet

    witnesses = load_witnesses(Path(file).expanduser() for file in settings.audit.witnesses)
    return WitnessedOutlet(outlet, CosignedNotes(log, witnesses))
