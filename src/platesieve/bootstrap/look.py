"""A look at what would leave: nothing is stored, logged or sent."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from platesieve.adapters.local.system_clock import SystemClock
from platesieve.bootstrap.given import load_policy
from platesieve.bootstrap.rules import build_judge
from platesieve.bootstrap.sight import build_sight

if TYPE_CHECKING:
    from platesieve.preview import Preview
    from platesieve.settings import Settings


def preview(settings: Settings, looks: int, *, mount_of_policy: bool) -> Preview:
    """Look at pictures or a clip and return what would leave; nothing is stored, logged or sent.

    Args:
        settings: source, policy, hot list and public keys; a key that is missing is made up for this look.
        looks: how often a still picture is looked at.
        mount_of_policy: be a device that the policy is for, with made-up facts where it requires some.
    """
    from platesieve.adapters.cameras.folder import FolderCamera
    from platesieve.adapters.cameras.setting import Replay, open_camera
    from platesieve.policy.force import suited
    from platesieve.preview import look_at

    policy = load_policy(settings.policy)
    if mount_of_policy:
        settings = replace(settings, device=suited(settings.device, policy))
    made_up = tuple(sorted(policy.recipients - settings.recipients.keys()))
    clock = SystemClock(assume=True)
    with TemporaryDirectory(prefix="platesieve-") as scratch:
        keys = {name: str(demo_recipient(Path(scratch), name)) for name in made_up}
        judge = build_judge(replace(settings, recipients={**settings.recipients, **keys}), clock, rings_made_up=True)
        judge.instruments.pseudonyms.rotate(clock.now())
        camera = open_camera(settings.camera, clock, Replay(pace="fast"))
        with closing(camera):
            stills = isinstance(camera, FolderCamera)
            vision = replace(settings.vision, snapshots=stills)
            sight = build_sight(replace(settings, vision=vision), judge.policy)
            return replace(look_at(camera, sight, judge, looks if stills else 0), made_up_keys=made_up)


def demo_files() -> tuple[Path, Path]:
    """Return the drawn street and its hot list."""
    folder = Path(str(files("platesieve").joinpath("demo_data")))
    return folder / "street.mp4", folder / "hotlist.csv"


def demo_recipient(folder: Path, name: str) -> Path:
    """Return the public key file of an agency that is made up for the demo."""
    from platesieve.adapters.disk.key_files import new_key_files
    from platesieve.adapters.disk.key_text import KeyKind

    folder.mkdir(parents=True, exist_ok=True)
    _secret, public = new_key_files(KeyKind.AGENCY, folder, name)
    return public
