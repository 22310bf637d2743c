"""Take a device out of service: the last entry of its log, the last word to its agency, and then no key any more.

1. Nobody else uses the state folder: both processes' locks are taken.
2. The entry `retired` becomes durable; with it the final checkpoint.
3. Final checkpoint and health `stopped` are published. A broker that cannot be reached stops the retirement here:
   a device whose agency does not know that it is gone would be looked for.
4. Keys, certificate, outbox, hot list, settings and everything else but the log are written over and removed.
5. The log stays, with its public key: who answers for what the device did still can.
"""

from __future__ import annotations

import secrets
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from platesieve.adapters.disk.destroy import destroy, give_back
from platesieve.adapters.disk.whole_file import write_whole
from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.adapters.mqtt.publisher import open_publisher
from platesieve.adapters.mqtt.wire import Address
from platesieve.audit.entry import Retired, RetireReason
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.log import open_log
from platesieve.domain.errors import LinkError, StorageError
from platesieve.flow.accountability import Condition, State, checkpoint, health
from platesieve.ports import Delivered

if TYPE_CHECKING:
    from pathlib import Path

    from platesieve.domain.disclosure import Disclosure
    from platesieve.settings import Settings

_PUBLISH_S: Final = 30.0
_FINAL: Final = "final-checkpoint"  # there once the last entry is in the log: a second try does not write another


@dataclass(frozen=True, slots=True)
class Retirement:
    """What was done.

    Attributes:
        final_checkpoint: the signed note under which the log ends.
        published: whether the broker took it.
        destroyed: how many files are gone.
        discarded: whether the card was told to forget the free blocks.
    """

    final_checkpoint: str
    published: bool
    destroyed: int
    discarded: bool


def retire(settings: Settings, reason: RetireReason, more: tuple[Path, ...] = (), *, tell: bool = True) -> Retirement:
    """Retire this device; see the steps above.

    Args:
        settings: of the device.
        reason: for the log.
        more: files and folders beside the state folder that go too: settings, hot list.
        tell: publish; False where there is no broker any more.

    Raises:
        StorageError: the services run, or a file resists.
        AuditError: the log cannot be written: nothing was destroyed.
        LinkError: the broker cannot be told: nothing was destroyed.
    """
    folders = Folders.of(settings)
    with ExitStack() as stack:
        for folder in (folders.camera, folders.uplink):  # 1
            stack.enter_context(instance_lock(folder / "lock"))
        note = _last_entry(settings, folders, reason)  # 2
        if tell:
            _tell(settings, note)  # 3
        kept = {folders.audit, folders.camera / "audit.vkey", folders.camera / _FINAL}
        gone = [path for path in (*folders.camera.iterdir(), *folders.uplink.iterdir()) if path not in kept]
        others = [path for path in folders.state.iterdir() if path not in {folders.camera, folders.uplink}]
        count = destroy([*gone, *others, *more])  # 4
    return Retirement(note, tell, count, give_back(folders.state))


def _last_entry(settings: Settings, folders: Folders, reason: RetireReason) -> str:
    final = folders.camera / _FINAL
    if final.exists():
        return final.read_text(encoding="utf-8")
    if not (folders.audit / "checkpoint").exists():
        raise StorageError("there is no log in this state folder", "give the --config or --state of the device")
    clock = SystemClock(assume=settings.device.assume_clock)
    with closing(open_log(settings)) as log:
        note = log.append([Retired(clock.now().wall_ns, reason)])
    write_whole(final, note.encode(), 0o644)
    return note


def _tell(settings: Settings, note: str) -> None:
    """Publish the last word and wait until the broker has it."""
    clock = SystemClock(assume=settings.device.assume_clock)
    condition = Condition(
        state=State.STOPPED,
        reason="retired",
        fps=0.0,
        dropped=0,
        policy={"id": "none", "version": "none", "sha256": "0" * 64},
        hotlist={"sha256": "0" * 64, "count": 0, "age_s": 0, "stale": False},
        clock=clock.quality(),
        audit_size=int(note.splitlines()[1]),
    )
    words = [checkpoint(note, secrets.token_hex(16)), health(condition, secrets.token_hex(16))]
    if settings.uplink.host is None:
        raise LinkError("no broker is configured", "say --untold, and tell the agency yourself")
    with closing(open_publisher(settings.uplink, Address.from_device(settings.device), lambda: None)) as publisher:
        end_s, waiting = time.monotonic() + _PUBLISH_S, {word.id for word in words}
        unsent: list[Disclosure] = list(words)
        while waiting and time.monotonic() < end_s:
            unsent = [word for word in unsent if not publisher.publish(word, clock.now().wall_ns)]
            waiting -= {event.id for event in publisher.events() if isinstance(event, Delivered)}
            time.sleep(0.05)
        if waiting:
            raise LinkError(
                f"the broker does not know of it: {publisher.state}", "mend the connection, or say --untold"
            )
