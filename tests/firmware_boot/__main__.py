"""Prove a built image: gates, then a whole life of two cards in an emulated machine of 512 MB, then cameras that hang.

    sudo firmware/build
    sudo .venv/bin/python -m tests.firmware_boot build/firmware [--json] [--only starts hangs gates] [--keep DIR]

Card one is provisioned, enrols, reads the shipped clip, sends what it read over mutual TLS to a broker on this machine,
loses its power, and goes on as the same device. Card two, written from the same image, is another one. Everything takes
a quarter of an hour on two cores. Exit code 0 when every promise was kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

from tests.firmware_boot import gates, hangs
from tests.firmware_boot.guest import Start, follow, write_card
from tests.firmware_boot.host import ADDRESS, agency

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.firmware_boot.host import Agency

CLIP: Final = "/opt/platesieve/lib/python3.11/site-packages/platesieve/demo_data/street.mp4"
IMAGE: Final = "platesieve-arm64.img"
RSS_LIMIT_KIB: Final = 220_000_000 // 1024
PARTS: Final = ("gates", "starts", "hangs")


def main() -> int:
    """Prove an image."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where firmware/build put the image")
    parser.add_argument("--json", action="store_true", help="print one JSON document for machines")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts of it")
    parser.add_argument("--limit-s", type=float, default=900, help="longest wait for one start")
    parser.add_argument("--keep", type=Path, help="folder for cards and serial logs; a temporary one unless given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="platesieve-boot-") as scratch:
        work = options.keep or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        answer = prove(options.folder, work, options.limit_s, options.only)
    if options.json:
        sys.stdout.write(json.dumps(answer, indent=1) + "\n")
    else:
        show(answer)
    return 0 if all(answer["kept"].values()) else 1


def prove(folder: Path, work: Path, limit_s: float, parts: tuple[str, ...]) -> dict[str, Any]:
    """Do the parts that were asked for, and return what was seen and which promises held."""
    answer: dict[str, Any] = {"build": gates.build(folder), "kept": {}}
    kept = answer["kept"]
    if "gates" in parts:
        _say("wheels on a Cortex-A72 and a Cortex-A53, exposure of the services")
        answer |= {"wheels": gates.wheels(folder), "exposure": gates.exposure()}
        kept["every wheel runs on every processor"] = bool(answer["wheels"]) and all(
            one["result"] == "ok" for one in answer["wheels"]
        )
        kept["services are hardly exposed"] = all(
            answer["exposure"][name] <= limit for name, limit in gates.LIMITS.items()
        )
    if "starts" in parts:
        starts, keys = live(folder, work, limit_s)
        answer["starts"] = [{**asdict(one), "rss_kib": one.rss_kib} for one in starts]
        kept |= promises(starts, keys)
    if "hangs" in parts:
        answer["hangs"] = []
        for kind in ("killable", "in the kernel"):
            _say(f"a camera that hangs: {kind}")
            shutil.copyfile(folder / IMAGE, work / "hang.img")
            one = hangs.hang(folder, work / "hang.img", kind, limit_s)
            answer["hangs"].append(asdict(one))
            after_s = one.rebooted_after_s
            kept[f"a camera that hangs ({kind}): reboot within 60 s"] = after_s is not None and after_s <= hangs.LIMIT_S
    return answer


def live(folder: Path, work: Path, limit_s: float) -> tuple[list[Start], dict[str, str]]:
    """Write two cards; start the first twice and the second once. Return what was seen, and the key of each device."""

    def has_read(seen: Start) -> bool:
        return seen.reads > 0 and bool(seen.log_key) and seen.rss_kib > 0

    with agency(work / "authority") as one:
        first, name = card(folder, work, one, "cam-1")
        starts = []
        for what in ("a new card", "the same card after a power cut"):
            _say(f"start: {what}")
            starts.append(follow(folder, first, one, name, "cortex-a53", limit_s, has_read))
        second, other = card(folder, work, one, "cam-2")
        _say("start: another card, in a machine with Cortex-A72 cores")
        known: Callable[[Start], bool] = lambda seen: bool(seen.log_key)  # noqa: E731 - it has a type this way
        starts.append(follow(folder, second, one, other, "cortex-a72", limit_s, known))
        return starts, one.keys()


def card(folder: Path, work: Path, one: Agency, name: str) -> tuple[Path, str]:
    """Write a card for a device; return it and the device's name."""
    device = f"metro/bridge/{name}"
    file = work / f"{name}.img"
    tree = {
        "policy": "travel-time",
        "camera": CLIP,
        "pace": "fast",
        "device": {"agency": "metro", "site": "bridge", "device": name, "assume_clock": True},
        "broker": {"host": ADDRESS, "port": one.port},
        "enrolment": {"url": one.url, "token": one.token(device), "authority": one.authority.certificate.decode()},
        "audit": {"batch_s": 1.0},  # counted by the clip, which an emulated machine reads slowly
    }
    write_card(folder / IMAGE, file, tree)
    return file, device


def promises(starts: list[Start], keys: dict[str, str]) -> dict[str, bool]:
    """Return which promises were kept."""
    first, again, other = starts
    facts = [fact for one in starts for fact in one.facts.values()]
    return {
        "reads a clip and sends what it read": first.reads > 0,
        "enrols by itself": first.enrolled_s is not None and "metro/bridge/cam-1" in keys,
        "reads again after a power cut": again.reads > 0,
        "goes on with its log and its key": again.log_key == first.log_key
        and bool(first.log_sizes and again.log_sizes)
        and min(again.log_sizes) > min(first.log_sizes),
        "enrols once": again.enrolled_s is None,
        "two cards are two devices": bool(other.log_key)
        and other.log_key != first.log_key
        and keys.get("metro/bridge/cam-1") != keys.get("metro/bridge/cam-2"),
        "services run as an account of their own": all(
            fact["uid"] == "platesieve" for fact in facts if fact.get("uid") not in {None, ""}
        ),
        "no swap": all(fact["swap_kb"] == 0 for fact in facts),
        "both services within 220 MB of 512": 0 < max(one.rss_kib for one in starts) <= RSS_LIMIT_KIB,
    }


def show(answer: dict[str, Any]) -> None:
    """Print it for people."""
    console = Console()
    if answer["build"]:
        console.print("Build: " + ", ".join(f"{name} {value}" for name, value in answer["build"].items()))
    if answer.get("starts"):
        table = Table("start of", "processor", "system s", "enrolled s", "health s", "read s", "reads", "RSS MB")
        for one in answer["starts"]:
            values = (one["system_s"], one["enrolled_s"], one["health_s"], one["read_s"], one["reads"])
            shown = ["-" if value is None else str(value) for value in values]
            table.add_row(one["card"], one["processor"], *shown, f"{one['rss_kib'] * 1024 / 1e6:.0f}")
        console.print(table)
    if answer.get("wheels"):
        table = Table("wheel", "processor", "result", "s")
        for one in answer["wheels"]:
            table.add_row(one["wheel"], one["processor"], one["result"], one["seconds"])
        console.print(table)
        scores = ", ".join(f"{name} {score} ({gates.LIMITS[name]})" for name, score in answer["exposure"].items())
        console.print(f"Exposure (limit): {scores}")
    for one in answer.get("hangs", ()):
        console.print(f"A camera that hangs, {one['kind']}: told to reboot after {one['rebooted_after_s']} s")
    table = Table("promise", "kept")
    for promise, held in answer["kept"].items():
        table.add_row(promise, "yes" if held else "[red]no[/red]")
    console.print(table)


def _say(what: str) -> None:
    sys.stderr.write(f"{what} ...\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
