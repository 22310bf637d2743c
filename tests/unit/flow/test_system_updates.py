"""What the log says of system updates: each outcome once, out of what ran before, what runs, and root's notes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from platesieve.audit.entry import Component, Updated, UpdateStage, encode
from platesieve.flow.system_updates import Try, system_updates
from tests.fakes.passages import SEEN

if TYPE_CHECKING:
    from collections.abc import Callable

HASHES = ["a1" * 32, "b2" * 32, "c3" * 32]
Told = tuple[str, str | None, str | None, str | None]


def refused(number: int, running: str | None = "0.1.0", version: str | None = "0.2.0") -> Try:
    """Return a bundle that RAUC did not take."""
    return Try(HASHES[number], running, version, refused=True)


def written(number: int, running: str | None = "0.1.0", version: str | None = "0.2.0") -> Try:
    """Return a bundle whose slot was started once."""
    return Try(HASHES[number], running, version, refused=False)


class Log:
    """What a log says of the system, over several starts."""

    def __init__(self) -> None:
        self.entries: list[Updated] = []

    def start(self, running: str | None, *tries: Try) -> list[Told]:
        """Start a system; return stage, version before, version, and hash of what is new in the log."""
        found = system_updates(SEEN.wall_ns, running, reversed(self.entries), tries)
        for one in found:
            assert encode(one)
            assert one.component is Component.SYSTEM
        self.entries += found
        return [(one.stage.value, one.from_version, one.version, one.sha256) for one in found]


def test_a_log_says_at_first_what_runs_and_then_what_changes() -> None:
    """An update that stays: one entry, with both versions and the hash of its bundle; a restart adds nothing."""
    log = Log()

    assert log.start("0.1.0") == [("installed", None, "0.1.0", None)]
    assert log.start("0.1.0") == []
    assert log.start("0.2.0", written(0)) == [("activated", "0.1.0", "0.2.0", HASHES[0])]
    assert log.start("0.2.0", written(0)) == []


def test_a_system_that_did_not_prove_itself_is_taken_back_in_the_log() -> None:
    """Both when it came as far as the log, and when it hung before that."""
    far, early = Log(), Log()
    for log in (far, early):
        log.start("0.1.0")
    told = far.start("0.2.0", written(0)) + far.start("0.1.0", written(0)) + far.start("0.1.0", written(0))

    assert [one[0] for one in told] == ["activated", "rolled-back"]
    assert told[1] == ("rolled-back", "0.1.0", "0.2.0", HASHES[0])
    assert early.start("0.1.0", written(0)) == [("rolled-back", "0.1.0", "0.2.0", HASHES[0])]
    assert early.start("0.1.0", written(0)) == []


def test_a_refused_update_is_told_once_and_without_a_version_where_none_could_be_read() -> None:
    """Two nights, two refusals, one start."""
    log = Log()
    log.start("0.1.0")
    nights = (refused(0), refused(1, version=None))

    assert log.start("0.1.0", *nights) == [
        ("refused", "0.1.0", "0.2.0", HASHES[0]),
        ("refused", "0.1.0", None, HASHES[1]),
    ]
    assert log.start("0.1.0", *nights) == []
    assert log.start("0.3.0", *nights, written(2, version="0.3.0")) == [("activated", "0.1.0", "0.3.0", HASHES[2])]


def test_several_tries_between_two_starts_are_told_in_their_order() -> None:
    """What ran at the next try says whether the one before stayed."""
    log = Log()
    log.start("0.1.0")
    told = log.start("0.2.0", written(0, version="0.1.5"), written(1, "0.1.5", "0.2.0"), refused(2, "0.2.0", "0.1.0"))

    assert [one[:3] for one in told] == [
        ("activated", "0.1.0", "0.1.5"),
        ("activated", "0.1.5", "0.2.0"),
        ("refused", "0.2.0", "0.1.0"),
    ]


def test_a_change_that_root_noted_nothing_of_is_told_all_the_same() -> None:
    """The control for root's notes: without them the comparison still tells, and nothing that runs is hidden."""
    log = Log()
    log.start("0.1.0")

    assert log.start("0.2.0") == [("activated", "0.1.0", "0.2.0", None)]
    assert log.start("0.1.0") == [("rolled-back", "0.1.0", "0.2.0", None)]
    assert log.start("0.0.9") == [("activated", "0.1.0", "0.0.9", None)]  # no return: a card written anew


def test_a_note_cannot_make_the_log_name_a_version_that_does_not_run() -> None:
    """A bundle that calls itself something else than the system in it: what runs is what is told."""
    log = Log()
    log.start("0.1.0")
    assert log.start("0.2.1", written(0, version="9.9.9")) == [("activated", "0.1.0", "0.2.1", HASHES[0])]


def test_a_device_whose_system_has_no_version_says_nothing() -> None:
    """A program on somebody's own system."""
    assert Log().start(None, refused(0)) == []


@pytest.mark.parametrize("tries", list(itertools.product([refused, written], repeat=3)))
def test_after_every_start_the_log_says_what_runs(tries: tuple[Callable[[int, str | None], Try], ...]) -> None:
    """Whatever root noted, in whatever order and however wrong: the newest entry leads to the version that runs."""
    for running in ("0.1.0", "0.2.0", "7.7"):
        for noted in ("0.1.0", "0.2.0", None):
            log = Log()
            log.start("0.1.0")
            given = [one(number, noted) for number, one in enumerate(tries)]
            log.start(running, *given)
            newest = log.entries[-1]
            stays = newest.stage in {UpdateStage.REFUSED, UpdateStage.ROLLED_BACK}
            assert (newest.from_version if stays else newest.version) == running
            assert log.start(running, *given) == []
