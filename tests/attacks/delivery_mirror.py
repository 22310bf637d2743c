"""What whoever rules the mirror, the line or the stick can try: it holds no key that the device believes."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyrage import encrypt
from tuf.api.metadata import Metadata

from platesieve.adapters.delivery import fetchers
from tests.attacks.delivery_world import TIMESTAMP, World
from tests.fakes.agency import IDENTITIES, OURS, Agency, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platesieve.adapters.delivery.fetchers import Source


def rollback(world: World) -> Source:
    """The mirror shows its first state again."""
    old = world.mirror.with_name("old")
    shutil.copytree(world.mirror, old)
    world.second_state()
    return fetchers.folder(old)


def replayed_timestamp(world: World) -> Source:
    """Only the timestamp is an old one."""
    old = (world.mirror / TIMESTAMP).read_bytes()
    world.second_state()
    (world.mirror / TIMESTAMP).write_bytes(old)
    return world.source()


def freeze(world: World) -> Source:
    """The mirror stands still until what it says is over."""
    left_s = _expiry_s(world.mirror / TIMESTAMP) - time.time()
    time.sleep(max(left_s, 0) + 0.1)
    return world.source()


def mix_and_match(world: World) -> Source:
    """The newest timestamp with the list of before."""
    first = next((world.mirror / "metadata").glob("2.hotlist.json")).read_bytes()
    world.agency.add_list("wanted", table("CANARY8"))
    world.agency.publish()
    newest = max((world.mirror / "metadata").glob("*.hotlist.json"))
    newest.write_bytes(first)
    return world.source()


def oversize_metadata(world: World) -> Source:
    """A timestamp with 20 KiB of spaces in it."""
    path = world.mirror / TIMESTAMP
    path.write_bytes(path.read_bytes() + b" " * 20_000)
    return world.source()


def endless_metadata(world: World) -> Source:
    """A timestamp that never ends."""
    world.agency.publish()
    return replace(world.source(), fetcher=_Endless(world.mirror, "timestamp.json"))


def endless_document(world: World) -> Source:
    """A hot list that never ends."""
    world.agency.add_list("wanted", table("CANARY8"))
    world.agency.publish()
    return replace(world.source(), fetcher=_Endless(world.mirror, "wanted.csv.age"))


def truncated_document(world: World) -> Source:
    """The newest list, cut off in the middle."""
    world.agency.add_list("wanted", table("CANARY8"))
    world.agency.publish()
    path = world.target("wanted.csv.age")
    path.write_bytes(path.read_bytes()[:-10])
    return world.source()


def truncated_metadata(world: World) -> Source:
    """The newest timestamp, cut off in the middle."""
    world.agency.publish()
    path = world.mirror / TIMESTAMP
    path.write_bytes(path.read_bytes()[:200])
    return world.source()


def swapped_document(world: World) -> Source:
    """Another list, encrypted to this very device by the attacker: its key is public."""
    world.agency.add_list("wanted", table("CANARY8"))
    world.agency.publish()
    path = world.target("wanted.csv.age")
    path.write_bytes(encrypt(table("CANARY9"), [IDENTITIES[OURS].to_public()]))
    return world.source()


def missing_document(world: World) -> Source:
    """The newest list is not there."""
    world.agency.add_list("wanted", table("CANARY8"))
    world.agency.publish()
    world.target("wanted.csv.age").unlink()
    return world.source()


def wrong_key(world: World) -> Source:
    """A repository with the same names, signed by the attacker's own keys."""
    other = Agency(world.agency.folder.parent / "attacker")
    for _ in range(3):
        other.publish()
    return fetchers.folder(other.mirror)


def link_on_a_stick(world: World) -> Source:
    """The timestamp is a link to a file elsewhere."""
    world.agency.publish()
    path = world.mirror / TIMESTAMP
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    return world.source()


def pipe_on_a_stick(world: World) -> Source:
    """The timestamp is a pipe that nobody writes to."""
    (world.mirror / TIMESTAMP).unlink()
    os.mkfifo(world.mirror / TIMESTAMP)
    return world.source()


def nested_json(world: World) -> Source:
    """A timestamp of ten thousand brackets."""
    (world.mirror / TIMESTAMP).write_bytes(b"[" * 10_000)
    return world.source()


class _Endless(fetchers.FolderFetcher):
    """A server that never ends one file."""

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root)
        self.name, self.sent = name, 0

    def _fetch(self, url: str) -> Iterator[bytes]:
        if self.name not in url:
            yield from super()._fetch(url)
            return
        while True:
            self.sent += 1 << 16
            assert self.sent < 100 << 20, "nobody stopped it"
            yield bytes(1 << 16)


def _expiry_s(path: Path) -> float:
    signed: Any = Metadata.from_bytes(path.read_bytes()).signed
    return float(signed.expires.timestamp())
