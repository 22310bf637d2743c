"""`platesieve demo`: a street goes in, what the law lets through comes out, side by side in the terminal."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platesieve.cli.options import JsonOption
from platesieve.cli.speech import console, print_json, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from platesieve.adapters.mqtt.subscriber import Subscriber
    from platesieve.cli.demo_view import View
    from platesieve.flow.judge import Judgement
    from platesieve.settings import Settings
    from platesieve.vision.frame import Frame

POLICIES = ("us-mn", "travel-time")
SETTLE_S = 3.0  # what was decided last still has to cross the pipe, the outbox and the broker

NEXT = """\
Try next:
  platesieve policy explain us-mn                 what leaves, why, for how long, who can open it
  platesieve demo --policy us-nh --policy hits-only
  platesieve demo --input YOUR_CLIP.mp4
  platesieve read PHOTO.jpg --policy us-mn        what would leave the device for one picture"""


def demo(
    source: Annotated[
        str | None, typer.Option("--input", help="A clip, a folder or a camera; the drawn street unless given.")
    ] = None,
    policy: Annotated[
        list[str] | None, typer.Option("--policy", "-p", help="Policies to show one after the other; may be repeated.")
    ] = None,
    hotlist: Annotated[str | None, typer.Option(help="Hot list (CSV); the drawn street has its own.")] = None,
    seconds: Annotated[float, typer.Option(help="How long the whole demo takes.", min=6.0)] = 54.0,
    picture: Annotated[
        Path | None, typer.Option(help="Also save the last screen of the first policy as a picture (SVG).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the main job on this machine: what the camera sees on the left, what leaves it on the right.

    The real pipeline in two processes, a real broker on loopback, a subscriber as a dashboard would be one.
    Plates are shown in clear here, and only here, because they are drawn.

    Examples:

      platesieve demo

      platesieve demo --policy us-nh --seconds 30 --json
    """
    from platesieve.adapters.mqtt.demo_broker import demo_broker
    from platesieve.adapters.mqtt.subscriber import Subscriber

    policies = policy or list(POLICIES)
    rounds: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="platesieve-demo-") as scratch:
        folder = Path(scratch)
        with demo_broker(folder) as broker, Subscriber(broker) as subscriber:
            for number, name in enumerate(policies):
                settings = _settings(folder / str(number), name, source, hotlist, broker.port, broker.protocol)
                view = _round(settings, broker.name, subscriber, seconds / len(policies), live=not as_json)
                rounds.append(view.as_json())
                if picture is not None and number == 0:
                    view.save(picture)
    if as_json:
        print_json({"rounds": rounds})
    else:
        _summarise(rounds)
        say(NEXT)


def _settings(folder: Path, policy: str, source: str | None, hotlist: str | None, port: int, protocol: str) -> Settings:
    """Return settings of a demo device: drawn street, its hot list, keys of an agency made just now."""
    from platesieve.adapters.disk.config_file import load_settings
    from platesieve.bootstrap.given import load_policy
    from platesieve.bootstrap.look import demo_files, demo_recipient
    from platesieve.policy.force import suited

    clip, list_of_clip = demo_files()
    rules = load_policy(policy)
    recipients = {name: str(demo_recipient(folder, name)) for name in rules.recipients}
    settings = load_settings(
        None,
        {
            "camera": source or str(clip),
            "hotlist": hotlist or (None if source else str(list_of_clip)),
            "policy": policy,
            "state": str(folder / "state"),
            "recipients": recipients,
            "device.assume_clock": True,
            "device.latitude_deg": 44.97759,
            "device.longitude_deg": -93.26502,
            "uplink.host": "127.0.0.1",
            "uplink.port": port,
            "uplink.protocol": protocol,
            "audit.health_s": 2.0,
            "audit.batch_s": 10.0,
        },
    )
    return replace(settings, device=suited(settings.device, rules))


def _round(settings: Settings, broker: str, subscriber: Subscriber, seconds: float, *, live: bool) -> View:
    """Run the pipeline under one policy and return what was seen and what left."""
    from platesieve.adapters.local.processes import uplink_beside
    from platesieve.bootstrap.camera import camera_process
    from platesieve.bootstrap.given import load_policy
    from platesieve.cli.demo_view import View

    policy = load_policy(settings.policy)
    view = View(policy=policy.id, policy_title=policy.title, source=settings.camera_shown, broker=broker)
    subscriber.clear()
    end_s = time.monotonic() + max(seconds - SETTLE_S, 1.0)
    with uplink_beside(settings, drain_s=SETTLE_S):
        failure = _watch(settings, view, subscriber, end_s, live=live, run=camera_process)
    view.left = subscriber.settled()
    if failure is not None:
        raise failure
    return view


def _watch(
    settings: Settings, view: View, subscriber: Subscriber, end_s: float, *, live: bool, run: Any
) -> Exception | None:
    """Run the camera process in a thread and draw while it works; return what it failed with."""
    from platesieve.cli.demo_view import Seen

    failures: list[Exception] = []

    def observe(frame: Frame, judgements: Sequence[Judgement]) -> None:
        view.picture = frame.luma.copy()
        view.seen.extend(Seen.of(judgement) for judgement in judgements)

    def work() -> None:
        try:
            run(settings, lambda: time.monotonic() >= end_s, observe)
        except Exception as error:  # noqa: BLE001 - carried to the thread that started this one
            failures.append(error)

    worker = threading.Thread(target=work, name="platesieve-demo-camera", daemon=True)
    worker.start()
    with _screen(view, live=live) as screen:
        while worker.is_alive():
            view.left = subscriber.received()
            if screen is not None:
                screen.update(view.render())
            worker.join(0.12)
    return failures[0] if failures else None


def _screen(view: View, *, live: bool) -> Any:
    """Return a live screen on a terminal that is large enough, else nothing."""
    terminal = console()
    if not live or not terminal.is_terminal or terminal.size.width < 100 or terminal.size.height < 30:  # noqa: PLR2004
        if live:
            say(f"policy {view.policy}: {view.policy_title} (a terminal of 100 x 30 shows the pictures)")
        return nullcontext()
    from rich.live import Live

    return Live(view.render(), console=terminal, screen=True, refresh_per_second=8)


def _summarise(rounds: list[dict[str, Any]]) -> None:
    from rich.table import Table

    for done in rounds:
        title = f"policy {done['policy']}: {done['title']}"
        table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 3, 0, 0))
        table.add_column("what the camera saw (demo only)", style="yellow")
        table.add_column("what left the device", style="cyan")
        seen = [f"{row['plate']:<9} {row['disposition']:<6} {row['confidence']:.2f}" for row in done["saw"]]
        left = [row["summary"] for row in done["left"]] or ["nothing"]
        table.add_row("\n".join(seen), "\n".join(left))
        console().print(table)
        found = done["plates_in_clear"]
        console().print(f"[dim]of the plates seen, {found} could be read in what left the device[/]\n")
    sys.stdout.flush()
