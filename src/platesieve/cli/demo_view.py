"""What the demo shows: on the left what the camera saw, on the right what left the device."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, Any

import cv2
from rich.console import Console, Group
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from platesieve.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from rich.console import RenderableType

    from platesieve.adapters.mqtt.subscriber import Received
    from platesieve.flow.judge import Judgement

PICTURE_COLUMNS = 56
PICTURE_ROWS = 16
SHOWN = 9
_COLOUR = {"hit": "bold red", "miss": "green", "unsure": "yellow"}


@dataclass(slots=True)
class Seen:
    """One Sighting as the demo shows it; the product never does."""

    text: str
    disposition: str
    confidence: float
    frames: int

    @classmethod
    def of(cls, judgement: Judgement) -> Seen:
        """Return what the demo shows of a judgement: the one place that shows a plate that a camera read."""
        sighting = judgement.sighting
        return cls(sighting.text.reveal(), judgement.disposition.value, sighting.confidence, sighting.frames)


@dataclass(slots=True)
class View:
    """All that is on the screen."""

    policy: str
    policy_title: str
    source: str
    broker: str
    picture: NDArray[np.uint8] | None = None
    seen: list[Seen] = field(default_factory=list)
    left: list[Received] = field(default_factory=list)

    def render(self) -> RenderableType:
        """Return the screen."""
        layout = Layout()
        layout.split_column(Layout(self._headline(), size=3), Layout(name="body"))
        layout["body"].split_row(
            Layout(Panel(self._camera(), title="what the camera saw (demo only)", border_style="yellow")),
            Layout(Panel(self._dashboard(), title="what left the device (over MQTT)", border_style="cyan")),
        )
        return layout

    def save(self, path: Path) -> None:
        """Write the screen as an SVG of 120 x 36 characters.

        Raises:
            InputError: the file cannot be written.
        """
        canvas = Console(
            record=True, width=120, height=36, file=StringIO(), force_terminal=True, color_system="truecolor"
        )
        canvas.print(self.render())
        try:
            # A picture that asks another host for its fonts would tell that host who looks at it.
            path.write_text(
                re.sub(r"@font-face \{.*?\}", "", canvas.export_svg(title="platesieve demo"), flags=re.DOTALL)
            )
        except OSError as error:
            raise InputError(
                f"the picture cannot be written: {error.strerror}", "give --picture another file"
            ) from error

    def as_json(self) -> dict[str, Any]:
        """Return the round in figures: what was seen, what left, and whether any plate left in clear."""
        payloads = "\n".join(json.dumps(message.event) for message in self.left)
        return {
            "policy": self.policy,
            "title": self.policy_title,
            "broker": self.broker,
            "saw": [
                {"plate": seen.text, "disposition": seen.disposition, "confidence": round(seen.confidence, 3)}
                for seen in self.seen
            ],
            "left": [
                {"kind": message.kind, "bytes": message.size_bytes, "summary": brief(message)}
                for message in self.left
                if message.kind in {"hit", "read", "count"}
            ],
            "plates_in_clear": sum(seen.text in payloads for seen in self.seen),
            "checkpoints": sum(message.kind == "checkpoint" for message in self.left),
        }

    def _headline(self) -> RenderableType:
        line = Text.assemble(
            ("policy ", "dim"), (self.policy, "bold"), f"  {self.policy_title}", ("   broker ", "dim"), self.broker
        )
        return Panel(line, border_style="dim")

    def _camera(self) -> RenderableType:
        table = Table(box=None, padding=(0, 1), expand=False)
        for column in ("plate", "is a", "sure", "frames"):
            table.add_column(column, header_style="dim")
        for seen in self.seen[-SHOWN:]:
            table.add_row(
                Text(seen.text, style="bold"),
                Text(seen.disposition, style=_COLOUR.get(seen.disposition, "")),
                f"{seen.confidence:.2f}",
                str(seen.frames),
            )
        return Group(half_blocks(self.picture), Text(), table)

    def _dashboard(self) -> RenderableType:
        lines: list[RenderableType] = []
        for message in [m for m in self.left if m.kind in {"hit", "read", "count"}][-4:]:
            lines.extend((described(message), Text()))
        health = [m for m in self.left if m.kind == "health"]
        checkpoints = [m for m in self.left if m.kind == "checkpoint"]
        if not lines:
            lines.append(Text("no plate, no picture, no place: nothing so far", style="dim"))
        if health:
            data = health[-1].event["data"]
            lines.append(Text(f"health: {data['state']}, {data['fps']} frames/s", style="dim"))
        if checkpoints:
            size = checkpoints[-1].event["data"]["checkpoint"].splitlines()[1]
            lines.append(Text(f"audit log: checkpoint over {size} entries, signed", style="dim"))
        return Group(*lines)


def half_blocks(luma: NDArray[np.uint8] | None) -> Text:
    """Return a picture in character cells, two pixels in each."""
    if luma is None:
        return Text("\n" * (PICTURE_ROWS - 1))
    small = cv2.resize(luma, (PICTURE_COLUMNS, PICTURE_ROWS * 2), interpolation=cv2.INTER_AREA)
    picture = Text()
    for upper, lower in zip(small[0::2], small[1::2], strict=True):
        for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
            picture.append("\u2580", style=f"rgb({above},{above},{above}) on rgb({below},{below},{below})")
        picture.append("\n")
    return picture


def described(message: Received) -> Text:
    """Return one message as people read it: kept values plain, sealed ones as locks."""
    text = Text.assemble(
        (f"{message.kind}", _COLOUR.get(message.kind, "bold")), (f"  {message.size_bytes} bytes", "dim")
    )
    for name, (shown, style) in _parts(message):
        text.append(f"\n  {name:<13}", style="dim")
        text.append(shown, style)
    return text


def brief(message: Received) -> str:
    """Return one message as one line."""
    parts = (f"{name} {shown}" for name, (shown, _) in _parts(message))
    return f"{message.kind}: {', '.join(parts)}"


def _parts(message: Received) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield what a message tells: a name, the value as text, and its style."""
    data: dict[str, Any] = message.event["data"]
    if message.kind == "count":
        yield "window", _shown(data["window"])
        for count in data["counts"]:
            group = [str(value) for key, value in count.items() if key not in {"count", "device"}]
            yield " ".join(group), (str(count["count"]), "bold")
        return
    for name, value in data.items():
        if name not in {"policy", "salt", "notice", "disposition", "classification"}:
            yield name, _shown(value)


def _shown(value: Any) -> tuple[str, str]:
    match value:
        case {"sealed": sealed, "to": to}:
            return f"\U0001f512 sealed to {to} ({len(sealed) * 3 // 4} bytes)", "cyan"
        case {"pseudonym": pseudonym, "epoch": epoch}:
            return f"pseudonym {pseudonym[:10]} of epoch {epoch[:6]}", "magenta"
        case {"start": start, "end": end}:
            return f"{start[11:16]} to {end[11:16]} UTC", ""
        case _:
            return str(value), ""
