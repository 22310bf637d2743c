"""The installer's page in place of the camera process, for as long as a person at the device asked for."""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from platesieve.adapters.enrolment.first_boot import TROUBLE
from platesieve.adapters.enrolment.provision_file import is_one_address
from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.audit.entry import AimingClosed, AimingEnd, AimingOpened, Calibrated, Part, Result
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.given import load_policy
from platesieve.bootstrap.log import open_log
from platesieve.bootstrap.sight import build_sight
from platesieve.domain.errors import CameraError, ConfigError, InputError
from platesieve.domain.instant import NS_PER_S
from platesieve.vision.daylight import Light, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import uvicorn

    from platesieve.aiming.lookout import Lookout
    from platesieve.aiming.profiles import Dial
    from platesieve.aiming.settings_file import Change
    from platesieve.dashboard.serving import Serving
    from platesieve.ports import AuditLog, Clock
    from platesieve.settings import Settings

MOST_MINUTES: Final = 30
NOT_INSTALLED: Final = "pip install 'platesieve[web]'"
_WAITS: Final = 8
_ASKED: Final = re.compile(r"(?P<minutes>\d{1,2})(?:\s+(?P<code>[A-Za-z0-9-]{8,12}))?")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person at the device asked for: how long, and a code of their own where there is no screen."""

    minutes: int = MOST_MINUTES
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The page, ready to answer when `server.run` is called.

    Attributes:
        server: ends by itself when the time is over.
        address: what to type into the browser.
        fingerprint: of the certificate, SHA-256; None on loopback, which speaks plain HTTP.
    """

    server: uvicorn.Server
    address: str
    fingerprint: str | None


def check_installed() -> None:
    """Refuse to go on where the libraries of the page are not installed.

    Raises:
        ConfigError: the extra `web` is missing.
    """
    wanted = ("argon2", "jinja2", "pyotp", "segno", "starlette", "tomlkit", "uvicorn")
    if missing := [name for name in wanted if not find_spec(name)]:
        raise ConfigError(f"the aiming page needs {', '.join(missing)}", NOT_INSTALLED)


def take_asked(state: Path) -> Asked:
    """Read what a person left in the state folder, and remove it first: a restart opens nothing.

    Raises:
        InputError: nobody asked, or the file says something else than 1 to 30 minutes.
    """
    file = state / "aim"
    try:
        written = file.read_text(encoding="utf-8")[:64].strip()
        file.unlink()
    except (OSError, ValueError) as error:
        raise InputError("nobody at the device asked for the aiming page", "put a file `aim` on the card") from error
    found = _ASKED.fullmatch(written)
    if found is None or not 1 <= int(found["minutes"]) <= MOST_MINUTES:
        raise InputError("the file `aim` is wrong", f"write minutes from 1 to {MOST_MINUTES}, and a code if you like")
    return Asked(int(found["minutes"]), found["code"])


def trouble_of(state: Path) -> tuple[str, ...]:
    """Return what was wrong with the installer's file when it was applied last; nothing where all was well."""
    try:
        return tuple((state / TROUBLE).read_text(encoding="utf-8")[:4096].splitlines())
    except (OSError, ValueError):
        return ()


def where_to_answer(settings: Settings, folder: Path) -> tuple[Serving, str | None]:
    """Return the one address that is bound, with a certificate unless it is loopback, and its fingerprint.

    Raises:
        ConfigError: the setting is no address of one interface.
    """
    from platesieve.aiming.certificate import passing_certificate
    from platesieve.dashboard.serving import serving

    aiming = settings.aiming
    if not is_one_address(aiming.address):
        raise ConfigError("aiming.address is not the IP address of one interface", "give that of the service port")
    if ipaddress.ip_address(aiming.address).is_loopback:
        return serving(aiming.address, aiming.port), None
    chain, key, fingerprint = passing_certificate(folder, aiming.address)
    return serving(aiming.address, aiming.port, (), chain, key), fingerprint


def await_address(address: str, clock: Clock) -> None:
    """Wait a moment until an interface has the address: at boot the network may come later.

    Raises:
        ConfigError: none has it.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(_WAITS):
        with suppress(OSError), socket.socket(family) as probe:
            probe.bind((address, 0))
            return
        clock.sleep(1.0)
    raise ConfigError(
        f"no interface of this device has the address {address}",
        "plug in the cable of the service port, or give another --address or aiming.address; see: ip address",
    )


@contextmanager
def open_aim(
    settings: Settings,
    asked: Asked,
    show: Callable[[str], None],
    files: tuple[Path, Path] | None = None,
    clock: Clock | None = None,
) -> Iterator[Opened]:
    """Open camera, log and page; the log says so before anybody can look, and says when it is over.

    Args:
        settings: of the device.
        asked: how long.
        show: tells the person at the device each new code.
        files: the settings file that is changed, and where the changed one goes; None where there is none.
        clock: another one than that of this machine.

    Raises:
        StorageError: the camera process runs: both need the camera and the log.
        PlatesieveError: camera, models, log or address cannot be used.
    """
    from platesieve.aiming.app import Parts, build_app
    from platesieve.aiming.door import Door
    from platesieve.aiming.profiles import Dial
    from platesieve.aiming.settings_file import write
    from platesieve.dashboard.serving import server_of

    clock = clock or SystemClock(assume=settings.device.assume_clock)
    folders, device = Folders.of(settings), settings.device
    folders.refuse_root()
    with ExitStack() as stack:
        stack.enter_context(instance_lock(folders.camera / "lock"))
        await_address(settings.aiming.address, clock)
        where, fingerprint = where_to_answer(settings, Path(stack.enter_context(TemporaryDirectory(prefix="aim-"))))
        log = stack.enter_context(open_log(settings))
        log.append([AimingOpened(clock.now().wall_ns, asked.minutes)])
        closing = stack.enter_context(_logged_end(log, clock))
        dial = Dial(Wanted(settings.exposure))
        lookout = _lookout(settings, clock, dial)
        stack.callback(lookout.close)
        door = Door(show, asked.code)

        def write_change(change: Change) -> None:
            assert files is not None  # noqa: S101 - it is offered only where there are files
            sha256 = write(*files, change)
            log.append([Calibrated(clock.now().wall_ns, Part.AIM, Result.PASSED, sha256)])

        ends_ns = clock.now().monotonic_ns + asked.minutes * 60 * NS_PER_S
        name = f"{device.agency}/{device.site}/{device.device}"
        parts = Parts(
            lookout,
            door,
            clock,
            ends_ns,
            where,
            name,
            write=None if files is None else write_change,
            end=lambda: _end(server, closing),
            dial=dial if settings.camera.startswith("picamera2") else None,
            trouble=trouble_of(folders.state),
        )
        server = server_of(build_app(parts), where)
        lookout.start()
        stack.enter_context(_time_box(parts, server, closing))
        stack.callback(lambda: closing.update(entered=door.entered))
        yield Opened(server, f"{where.scheme}://{where.shown}", fingerprint)


def _end(server: uvicorn.Server, closing: dict[str, object]) -> None:
    closing["reason"] = AimingEnd.ENDED
    server.should_exit = True


@contextmanager
def _logged_end(log: AuditLog, clock: Clock) -> Iterator[dict[str, object]]:
    """Write into the log why the page ended, whatever the reason."""
    closing: dict[str, object] = {"reason": AimingEnd.ENDED, "entered": 0}
    try:
        yield closing
    except CameraError:
        closing["reason"] = AimingEnd.CAMERA
        raise
    finally:
        reason, entered = closing["reason"], closing["entered"]
        assert isinstance(reason, AimingEnd)  # noqa: S101 - for the type checker
        assert isinstance(entered, int)  # noqa: S101 - likewise
        log.append([AimingClosed(clock.now().wall_ns, reason, entered)])


@contextmanager
def _time_box(parts: object, server: uvicorn.Server, closing: dict[str, object]) -> Iterator[None]:
    """End the server when the time is over, somebody guesses codes, or the camera is gone."""
    from platesieve.aiming.app import Parts

    assert isinstance(parts, Parts)  # noqa: S101 - its class is imported with the extra alone
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.25):
            reason = None
            if parts.left_s() <= 0:
                reason = AimingEnd.TIME_OVER
            elif parts.door.shut:
                reason = AimingEnd.TOO_MANY_TRIES
            if reason is not None:
                closing["reason"] = reason
                server.should_exit = True
                return

    thread = threading.Thread(target=watch, name="time-box", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _lookout(settings: Settings, clock: Clock, dial: Dial) -> Lookout:
    """Return the camera with its eyes; a clip is replayed in its own time, again and again."""
    from platesieve.adapters.cameras.setting import Replay, open_camera
    from platesieve.aiming.field_check import FieldCheck, Sure
    from platesieve.aiming.lookout import Areas, Lookout

    vision = settings.vision
    sure = Sure()
    if settings.policy is not None:
        with suppress(ConfigError):  # an installer may aim before the policy is there
            reading = load_policy(settings.policy).reading
            sure = Sure(reading.min_confidence, reading.min_agreeing_frames)
    sight = build_sight(replace(settings, vision=replace(vision, motion_fraction=0.0)))
    latest = [Light()]

    def told(light: Light) -> None:
        latest[0] = light

    replay = Replay(pace="live", loop=True)
    camera = open_camera(settings.camera, clock, replay, wanted=lambda: dial.wanted, told=told)
    areas = Areas(vision.regions, vision.masks)
    return Lookout(camera, sight, FieldCheck(sure), areas, lambda: latest[0], settings.aiming.field_of_view_deg)
