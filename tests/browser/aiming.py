"""A device whose aiming page is open, and a browser that entered it."""

from __future__ import annotations

import os
import threading
import time
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platesieve.adapters.disk.audit_folder import FolderFiles
from platesieve.adapters.local.system_clock import SystemClock
from platesieve.audit.entry import decode
from platesieve.audit.tiles import unpack_bundle
from platesieve.bootstrap.aim import Asked, Opened, open_aim
from platesieve.bootstrap.look import demo_files
from platesieve.settings import Aiming, Device, Exposure, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from platesieve.domain.instant import Instant, TimeQuality

CLIP, _ = demo_files()
PLATES = [one["text"] for one in tomllib.loads(CLIP.with_name("street.toml").read_text())["vehicle"]]
SHOTS = os.environ.get("PLATESIEVE_SHOTS")  # a folder, for whoever wants to look at the page


class HurriedClock(SystemClock):
    """The clock of this machine, which a test can put forward."""

    ahead_ns = 0

    def now(self) -> Instant:
        """Return the present and what was added to it."""
        now = super().now()
        return type(now)(now.wall_ns + self.ahead_ns, now.monotonic_ns + self.ahead_ns)

    def quality(self) -> TimeQuality:
        """Return what the machine says."""
        return super().quality()


@dataclass(slots=True)
class Device1:
    """A device whose page is open."""

    folder: Path
    address: str
    codes: list[str]
    clock: HurriedClock
    opened: Opened
    answering: threading.Thread

    @property
    def config(self) -> Path:
        """Return its settings file."""
        return self.folder / "platesieve.toml"

    def entries(self) -> list[Any]:
        """Return its audit log."""
        files = FolderFiles(self.folder / "state/camera/audit")
        found = []
        for name in sorted(files.names()):
            if name.startswith("tile/entries/"):
                found += [decode(entry) for entry in unpack_bundle(files.read(name) or b"")]
        return found

    def holds(self, canary: str) -> bool:
        """Return whether a file below the device's folder holds some text."""
        return any(canary.encode() in file.read_bytes() for file in self.folder.rglob("*") if file.is_file())


@contextmanager
def device(
    folder: Path, code: str | None = None, camera: str = str(CLIP), exposure: Exposure | None = None
) -> Iterator[Device1]:
    """Open the page in a thread of this process."""
    (folder / "platesieve.toml").write_text(f'# of the installer\ncamera = "{camera}"\npolicy = "us-mn"\n')
    clock, codes = HurriedClock(assume=True), list[str]()
    settings = Settings(
        camera=camera,
        state=str(folder / "state"),
        device=Device(assume_clock=True),
        aiming=Aiming(port=0),
        exposure=exposure or Exposure(),
    )
    files = (folder / "platesieve.toml", folder / "platesieve.toml")
    with open_aim(settings, Asked(30, code), codes.append, files, clock) as opened:
        thread = threading.Thread(target=opened.server.run, daemon=True)
        thread.start()
        while not opened.server.started:
            time.sleep(0.01)
        port = opened.server.servers[0].sockets[0].getsockname()[1]
        one = Device1(folder, f"http://127.0.0.1:{port}", codes, clock, opened, thread)
        try:
            yield one
        finally:
            opened.server.should_exit = True
            thread.join(10)


def enter(browser: Browser, one: Device1, **options: Any) -> Page:
    """Return the page of somebody who typed the present code."""
    context = browser.new_context(base_url=one.address, **options)
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Code that the device shows").fill(one.codes[-1].lower())
    page.get_by_role("button", name="Open the page").click()
    page.locator("#view").wait_for()
    return page


def shot(page: Page, name: str) -> None:
    """Keep a picture of the page for whoever asked for it."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)
