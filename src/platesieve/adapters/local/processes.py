"""Both processes under one command: each is started, watched, started again, and stopped."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from platesieve.adapters.disk.config_file import dump_settings
from platesieve.domain.errors import LinkError
from platesieve.supervision import STEADY_S, Finish, Role, after_exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from platesieve.settings import Settings

POLL_S = 0.1
STOP_WITHIN_S = 8.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Child:
    role: Role
    settings: str
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    start_at_s: float = 0.0
    restarts: int = 0
    arguments: tuple[str, ...] = field(default=())

    def start(self) -> None:
        command = [sys.executable, "-m", "platesieve", self.role.value, "--config", "-", *self.arguments]
        # A session of its own: Ctrl-C reaches the supervisor alone, which then stops both in order.
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - ourselves
        except OSError as error:
            raise LinkError(
                f"the {self.role.value} process cannot be started: {error.strerror}",
                f"see that this user may run {sys.executable}, and that memory is left",
            ) from error
        if self.process.stdin is not None:
            self.process.stdin.write(self.settings.encode())
            self.process.stdin.close()
        self.started_s = time.monotonic()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            _log.warning("the %s process did not stop within %.0f s and was killed", self.role.value, STOP_WITHIN_S)
            self.process.kill()
            self.process.wait()


def run_both(settings: Settings, stop: Callable[[], bool], drain_s: float) -> int:
    """Run both processes until `stop` says so or the camera's source ends; return the exit code.

    Args:
        settings: given to both on standard input, so that no secret stands in a command line.
        stop: polled ten times a second.
        drain_s: how long the uplink process may go on emptying the outbox after the source has ended.
    """
    written = dump_settings(settings)
    children = {role: _Child(role, written) for role in (Role.UPLINK, Role.CAMERA)}
    exit_code = 0
    try:
        for child in children.values():
            child.start()
        while not stop():
            verdict = _watch(children)
            if verdict is not None:
                exit_code = verdict.exit_code
                break
            time.sleep(POLL_S)
        children[Role.CAMERA].stop()
        sends = exit_code == 0 and settings.uplink.host is not None and not stop()
        _drain(children[Role.UPLINK], drain_s if sends else 0.0)
    finally:
        for role in (Role.CAMERA, Role.UPLINK):
            children[role].stop()
    return exit_code


@contextmanager
def uplink_beside(settings: Settings, drain_s: float) -> Iterator[None]:
    """Run the uplink process for the time of a `with` block; at its end it may empty the outbox for `drain_s`."""
    child = _Child(Role.UPLINK, dump_settings(settings))
    child.start()
    try:
        yield
        _drain(child, drain_s)
    finally:
        child.stop()


def _watch(children: dict[Role, _Child]) -> Finish | None:
    """Start again what died and may be; return the end where there is one."""
    now = time.monotonic()
    for child in children.values():
        if child.process is None:
            if now >= child.start_at_s:
                child.start()
            continue
        exit_code = child.process.poll()
        if exit_code is None:
            continue
        lived_s = now - child.started_s
        verdict = after_exit(child.role, exit_code, lived_s, child.restarts)
        if isinstance(verdict, Finish):
            return verdict
        child.restarts = 0 if lived_s >= STEADY_S else child.restarts + 1
        _log.warning(
            "the %s process ended with %d; starting it again in %.1f s", child.role.value, exit_code, verdict.delay_s
        )
        child.process, child.start_at_s = None, now + verdict.delay_s
    return None


def _drain(uplink: _Child, limit_s: float) -> None:
    """Ask the uplink process to empty its outbox and end, and wait for it."""
    if uplink.process is None or limit_s <= 0:
        return
    uplink.process.send_signal(signal.SIGUSR1)
    try:
        uplink.process.wait(limit_s)
    except subprocess.TimeoutExpired:
        _log.warning("the broker did not take everything within %.0f s; the rest waits in the outbox", limit_s)
