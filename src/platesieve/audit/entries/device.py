"""Entries about the device itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from platesieve.audit import words
from platesieve.audit.entries.choices import AimingEnd, ClockSource, Component, Part, Result, RetireReason, UpdateStage
from platesieve.audit.entries.field import Checked, Count, DevicePath, MaybeHash, MaybeVersion, Time, Token, Version


@dataclass(frozen=True, slots=True)
class Boot(Checked):
    """The device started. `device` is agency/site/device; `boot_id` is random for each start, in hex."""

    time_ns: Time
    version: Version
    device: DevicePath
    boot_id: Token


@dataclass(frozen=True, slots=True)
class ClockStep(Checked):
    """The wall clock was set from `before_ns` to `after_ns`. Its time is the new one."""

    before_ns: Time
    after_ns: Time
    source: Annotated[ClockSource | None, words.Maybe(words.Choice(ClockSource))] = None

    @property
    def time_ns(self) -> int:
        """Return the time after the step."""
        return self.after_ns


@dataclass(frozen=True, slots=True)
class SelfTest(Checked):
    """A part of the device was tested; the hash is over the full result, where it was kept."""

    time_ns: Time
    part: Annotated[Part, words.Choice(Part)]
    result: Annotated[Result, words.Choice(Result)]
    sha256: MaybeHash = None


@dataclass(frozen=True, slots=True)
class Calibrated(Checked):
    """A part was adjusted by somebody; the hash is over what it was set to, where that is a file."""

    time_ns: Time
    part: Annotated[Part, words.Choice(Part)]
    result: Annotated[Result, words.Choice(Result)]
    sha256: MaybeHash = None


@dataclass(frozen=True, slots=True)
class AimingOpened(Checked):
    """Somebody at the device opened the installer's page, with pictures whose plates are blurred, for so long."""

    time_ns: Time
    minutes: Count


@dataclass(frozen=True, slots=True)
class AimingClosed(Checked):
    """The installer's page answers no more; `entered` counts who came in with a code."""

    time_ns: Time
    reason: Annotated[AimingEnd, words.Choice(AimingEnd)]
    entered: Count


@dataclass(frozen=True, slots=True)
class Updated(Checked):
    """Something that is signed was installed, activated, taken back or refused; the hash is over its file.

    Of the system, `from_version` ran before; after a refusal, or when `version` was taken back, it still runs.
    """

    time_ns: Time
    component: Annotated[Component, words.Choice(Component)]
    stage: Annotated[UpdateStage, words.Choice(UpdateStage)]
    version: MaybeVersion = None
    sha256: MaybeHash = None
    from_version: MaybeVersion = None


@dataclass(frozen=True, slots=True)
class Suspended(Checked):
    """An agency told the device to stop reading; the hash is over its signed command."""

    time_ns: Time
    command_sha256: MaybeHash = None


@dataclass(frozen=True, slots=True)
class Resumed(Checked):
    """An agency told the device to go on; the hash is over its signed command."""

    time_ns: Time
    command_sha256: MaybeHash = None


@dataclass(frozen=True, slots=True)
class LogRepaired(Checked):
    """A crash had left parts of an append that no checkpoint refers to; they were removed.

    What the checkpoint says was whole: only entries that were never confirmed are gone.
    """

    time_ns: Time
    files: Count


@dataclass(frozen=True, slots=True)
class Retired(Checked):
    """The last entry of a log: why nothing follows, and the hash of the vkey of the log that goes on, if one does."""

    time_ns: Time
    reason: Annotated[RetireReason, words.Choice(RetireReason)]
    successor_sha256: MaybeHash = None


@dataclass(frozen=True, slots=True)
class Shutdown(Checked):
    """The device ended on purpose."""

    time_ns: Time
