"""A device that was retired: its last words, and a card on which nothing of it can be found but its log."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from platesieve.adapters.disk.audit_folder import FolderFiles
from platesieve.adapters.local.instance_lock import instance_lock
from platesieve.audit.entry import Retired, RetireReason, Shutdown, decode
from platesieve.audit.tiles import bundle_name, unpack_bundle
from platesieve.bootstrap.folders import Folders
from platesieve.bootstrap.log import open_log, verify_own_log
from platesieve.domain.errors import LinkError, StorageError
from platesieve.retire import retire
from platesieve.settings import Settings, Uplink
from tests.integration.conftest import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.conftest import Broker, Dashboard

pytestmark = pytest.mark.integration
CANARY = b"platesieve-canary-"
SECRETS = ("uplink/device.key", "uplink/device.crt", "uplink/outbox.db", "uplink/spool/list.json", "camera/hotlist.csv")


@contextmanager
def card(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Give a raw disk image and where it is mounted; needs root and a kernel with loop devices."""
    image, mounted = folder / "card.img", folder / "card"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", image], check=True)
    if os.geteuid() != 0 or subprocess.run(["mount", "-o", "loop", image, mounted], check=False).returncode:
        pytest.skip("a raw card needs root and loop devices")
    try:
        yield image, mounted
    finally:
        subprocess.run(["umount", mounted], check=False, capture_output=True)


def lived(state: Path) -> Settings:
    """Return the settings of a device that has a log and files with canaries in them."""
    settings = Settings(state=str(state))
    with closing(open_log(settings)) as log:
        log.append([Shutdown(1_790_000_000_000_000_000)])
    for number, name in enumerate(SECRETS):
        file = state / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes((CANARY + b"%d " % number) * 300)
    os.sync()
    return settings


def canaries(image: Path, mounted: Path, *, key: bytes) -> int:
    """Unmount the card and return how many canaries and keys the raw blocks still show."""
    subprocess.run(["umount", mounted], check=True)
    raw = image.read_bytes()
    return raw.count(CANARY) + raw.count(key)


def test_the_card_shows_no_key_and_no_secret_afterwards(tmp_path: Path) -> None:
    """Of everything but the log not one byte sequence is found on the raw device; the log still verifies."""
    with card(tmp_path) as (image, mounted):
        settings = lived(mounted / "state")
        folders = Folders.of(settings)
        key = (folders.camera / "audit.key").read_bytes().rpartition(b"+")[2].strip()
        done = retire(settings, RetireReason.DECOMMISSIONED, tell=False)

        assert done.destroyed >= len(SECRETS) + 1
        assert sorted(path.name for path in folders.camera.iterdir()) == ["audit", "audit.vkey", "final-checkpoint"]
        assert verify_own_log(folders).ok
        bundle = FolderFiles(folders.audit).read(bundle_name(0, 2)) or b""
        last = decode(unpack_bundle(bundle)[-1])
        assert isinstance(last, Retired)
        assert (folders.audit / "checkpoint").read_text() == done.final_checkpoint
        assert canaries(image, mounted, key=key) == 0


def test_files_that_are_only_removed_are_found(tmp_path: Path) -> None:
    """The control: without writing over, the raw device shows them all."""
    with card(tmp_path) as (image, mounted):
        settings = lived(mounted / "state")
        folders = Folders.of(settings)
        key = (folders.camera / "audit.key").read_bytes().rpartition(b"+")[2].strip()
        for name in (*SECRETS, "camera/audit.key"):
            (mounted / "state" / name).unlink()
        os.sync()

        assert canaries(image, mounted, key=key) > len(SECRETS)


def test_nothing_is_destroyed_while_a_service_runs(tmp_path: Path) -> None:
    """The camera process holds its lock."""
    settings = lived(tmp_path)
    with instance_lock(Folders.of(settings).camera / "lock"), pytest.raises(StorageError):
        retire(settings, RetireReason.REPLACED, tell=False)
    assert (tmp_path / "uplink/device.key").exists()


def test_nothing_is_destroyed_before_the_agency_knows(tmp_path: Path) -> None:
    """A broker that is away stops it; the second try ends the same log, not a longer one."""
    settings = lived(tmp_path)
    away = Settings(state=settings.state, uplink=Uplink(host="127.0.0.1", port=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("platesieve.retire._PUBLISH_S", 0.5)
        with pytest.raises(LinkError):
            retire(away, RetireReason.MOVED)
    assert (tmp_path / "uplink/device.key").exists()

    done = retire(settings, RetireReason.MOVED, tell=False)
    assert int(done.final_checkpoint.splitlines()[1]) == 2
    assert not (tmp_path / "uplink/device.key").exists()


def test_the_agency_hears_the_last_word(tmp_path: Path, broker: Broker, dashboard: Dashboard) -> None:
    """The final checkpoint and a health that says why, kept by the broker for whoever comes later."""
    settings = replace(lived(tmp_path / "state"), uplink=broker.uplink())
    done = retire(settings, RetireReason.REPLACED)

    assert done.published
    assert wait_until(lambda: "stopped" in dashboard.states())
    heard = {message.topic.rpartition("/")[2]: event["data"] for message, event in dashboard.received}
    assert heard["checkpoint"]["checkpoint"] == done.final_checkpoint
    assert heard["health"]["reason"] == "retired"
