"""`platesieve read`: what would leave the device for a picture, a folder of pictures or a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from platesieve.cli.options import (
    ConfigOption,
    HotlistOption,
    JsonOption,
    PolicyOption,
    RecipientOption,
    settings_from,
)
from platesieve.cli.speech import console, print_json, say

if TYPE_CHECKING:
    from platesieve.preview import Preview


_WHY_NOTHING = {
    "policy-none": "the policy publishes none",
    "policy-expired": "the policy has expired",
    "policy-not-yet-effective": "the policy is not in force yet",
    "retention-over": "its retention is over",
    "raw-lifetime-over": "it was read too long ago",
    "clock-not-trusted": "no time source confirms the clock",
}


def read(
    source: Annotated[str, typer.Argument(help="A picture, a folder of pictures or a clip.")],
    policy: PolicyOption = None,
    hotlist: HotlistOption = None,
    config: ConfigOption = None,
    recipient: RecipientOption = None,
    mount: Annotated[str | None, typer.Option(help="fixed or mobile; unless given, what the policy allows.")] = None,
    looks: Annotated[
        int,
        typer.Option(help="How often a still picture is looked at; a vehicle passes through several frames.", min=1),
    ] = 2,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show plates in clear, on this screen only.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print what would leave the device under a policy; nothing is stored, logged or sent.

    Examples:

      platesieve read photo.jpg --policy us-nh

      platesieve read clip.mp4 --policy us-mn --hotlist wanted.csv --reveal

      platesieve read pictures/ --policy count-only --json
    """
    from platesieve.bootstrap.look import preview

    settings = settings_from(
        config,
        {"camera": source, "policy": policy, "hotlist": hotlist, "device.mount": mount, "pace": "fast"},
        recipient,
    )
    found = preview(settings, looks, mount_of_policy=mount is None and config is None)
    rows = [_row(item, reveal=reveal) for item in found.items]
    if as_json:
        print_json({"policy": found.policy.stamp, "frames": found.frames, "vehicles": rows})
        return
    _print_table(found, rows, reveal=reveal)


def _row(item: Any, *, reveal: bool) -> dict[str, Any]:
    sighting, decision = item.judgement.sighting, item.judgement.decision
    row: dict[str, Any] = {
        "picture": item.picture,
        "disposition": item.judgement.disposition.value,
        "confidence": round(sighting.confidence, 3),
        "agreeing_frames": sighting.agreeing_frames,
        "decision": type(decision).__name__.lower(),
        "reason": decision.reason.value,
        "leaves": dict(item.leaves),
    }
    if reveal:
        row["plate"] = sighting.text.reveal()
    return row


def _print_table(found: Preview, rows: list[dict[str, Any]], *, reveal: bool) -> None:
    if rows:
        _print_rows(found, rows, reveal=reveal)
    else:
        typer.echo("no plate was found, so nothing would leave")
    pictures = "1 picture" if found.frames == 1 else f"{found.frames} pictures"
    vehicles = "1 vehicle" if len(rows) == 1 else f"{len(rows)} vehicles"
    say(f"{pictures}, {vehicles}; nothing was stored or sent")
    if found.made_up_keys:
        say(f"sealed to made-up keys: {', '.join(found.made_up_keys)}; give --recipient NAME=FILE for yours")


def _print_rows(found: Preview, rows: list[dict[str, Any]], *, reveal: bool) -> None:
    from rich.table import Table

    table = Table(
        box=None, padding=(0, 2, 0, 0), title=f"policy {found.policy.id}: {found.policy.title}", title_justify="left"
    )
    for name in ("picture", *(("plate",) if reveal else ()), "is a", "sure", "frames", "what leaves the device"):
        table.add_column(name, header_style="dim")
    for row in rows:
        cells = [str(row["picture"]), *((row["plate"],) if reveal else ()), row["disposition"]]
        table.add_row(*cells, f"{row['confidence']:.2f}", str(row["agreeing_frames"]), _told(row))
    console().print(table)


def _told(row: dict[str, Any]) -> str:
    if row["decision"] == "tally":
        group = ", ".join(str(value) for value in row["leaves"].values())
        return f"one more in the count of {group}" if group else "one more in the count"
    if row["decision"] == "suppress":
        return f"nothing: {_WHY_NOTHING.get(row['reason'], row['reason'])}"
    return "\n".join(f"{name}: {_value(value)}" for name, value in row["leaves"].items() if name != "policy")


def _value(value: Any) -> str:
    if isinstance(value, dict) and "sealed" in value:
        return f"sealed to {value['to']}"
    if isinstance(value, dict) and "pseudonym" in value:
        return f"pseudonym {value['pseudonym'][:10]}..."
    if isinstance(value, dict) and all(isinstance(kind, str) for kind in value.values()):  # the classification
        kinds = dict.fromkeys(value.values())
        return "; ".join(f"{kind}: {', '.join(name for name in value if value[name] == kind)}" for kind in kinds)
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - one line of a table
