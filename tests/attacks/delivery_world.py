"""Where the attacks on signed delivery happen: an agency, a device that believes it, and the mirror in between."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from tuf.api.metadata import TargetFile

from platesieve.adapters.delivery import fetchers
from platesieve.adapters.delivery.addressed import Address
from tests.fakes.agency import OURS, Agency, Receiver, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from platesieve.adapters.delivery.fetchers import Source

Attack: TypeAlias = "Callable[[World], Source]"  # returns what the device then looks at
FREEZE_S = 4.0
TIMESTAMP = "metadata/timestamp.json"


@dataclass
class World:
    """An agency, a device that took in its first state, and the mirror that an attacker rules."""

    agency: Agency
    device: Receiver

    @property
    def mirror(self) -> Path:
        """Return what the device fetches from."""
        return self.agency.mirror

    def source(self) -> Source:
        """Return it as a source."""
        return fetchers.folder(self.mirror)

    def target(self, name: str) -> Path:
        """Return the newest published file of a document."""
        found = (self.mirror / "targets").rglob(f"*.{name}")
        return max(found, key=lambda path: path.stat().st_mtime_ns)

    def second_state(self) -> None:
        """Let the agency publish another list, and the device take it in."""
        self.agency.add_list("wanted", table("CANARY7", "CANARY8"))
        self.agency.publish()
        assert self.device.take(self.source())

    def edit(self, role: str, path: str, **changes: Any) -> None:
        """Change what a role says of one document, as whoever holds its keys can."""
        with self.agency.repository.editing(role) as signed:
            target = signed.targets[path]
            for name, value in changes.items():
                if name == "custom":
                    target.unrecognized_fields["custom"] = value
                else:
                    setattr(target, name, value)
        self.sign_and_publish()

    def put(self, kind: str, path: str, data: bytes, custom: dict[str, Any] | None = None) -> None:
        """Add a document past every check of the publisher."""
        target = TargetFile.from_data(path, data, ["sha256"])
        target.unrecognized_fields["custom"] = custom or Address((OURS,)).as_custom()
        place = self.agency.folder / "public" / "targets" / target.get_prefixed_paths()[0]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        with self.agency.repository.editing(kind) as signed:
            signed.targets[path] = target
        self.sign_and_publish()

    def sign_and_publish(self) -> None:
        """Publish with all keys and without looking."""
        self.agency.repository.sign(self.agency.signers)
        self.agency.publish_unchecked()


def make_template(folder: Path) -> None:
    """Make the agency that every world is a copy of: its first state ends for good in a few seconds less than a day."""
    Agency(folder).publish()


def a_world(template_folder: Path, folder: Path, *, short: bool = False) -> World:
    """Return an agency of its own and a device that has its first state.

    Args:
        template_folder: from `make_template`.
        folder: for this world.
        short: what the first timestamp says ends within seconds.
    """
    shutil.copytree(template_folder, folder)
    back = timedelta(days=1) - timedelta(seconds=FREEZE_S) if short else timedelta(0)
    agency = Agency(folder, back, exists=True)
    if short:
        agency.publish()
    device = Receiver(folder / "device", agency.root)
    assert device.take(fetchers.folder(agency.mirror))
    return World(agency, device)
