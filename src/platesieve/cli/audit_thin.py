"""`platesieve audit thin`: keep of a witness file what proves something, and let go of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from platesieve.cli.options import JsonOption
from platesieve.cli.speech import console, print_json, say
from platesieve.domain.errors import InputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from platesieve.adapters.disk.witness_file import Thinned

EXIT_UNREAD = 66
_DAYS = 36_525

EveryDaysOption = Annotated[
    int, typer.Option("--every-days", min=1, max=_DAYS, help="So many days back every checkpoint stays.")
]
HourlyDaysOption = Annotated[
    int,
    typer.Option("--hourly-days", min=1, max=_DAYS, help="So many days back two of each hour stay, then of each day."),
]


def thin(
    paths: Annotated[list[Path], typer.Argument(help="Witness files AGENCY_SITE_DEVICE.witness, or folders of them.")],
    every_days: EveryDaysOption = 7,
    hourly_days: HourlyDaysOption = 731,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would stay, and change nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Thin witness files: a checkpoint that a later one was proved to continue is implied by it.

    What contradicts stays for ever, and so do the first, the newest, and whatever was not proved. An entry is then
    dated to the hour, or to the day, instead of the minute. `platesieve collect` and `audit watch` do it by
    themselves, each file once a week; both may run meanwhile. Exit codes: 0 done; 66 a file cannot be read or written,
    and has all its lines.

    Examples:

      platesieve audit thin collector/witness

      platesieve audit thin cam-1.witness --every-days 30 --dry-run
    """
    from rich.progress import track

    from platesieve.adapters.disk.witness_file import WitnessFile
    from platesieve.audit.thinning import Spacing

    spacing, thinned, faults = Spacing(every_days, hourly_days), {}, 0
    out = console(stderr=True)
    for file in track(_files(paths), "thinning", console=out, transient=True, disable=not out.is_terminal):
        try:
            thinned[str(file)] = WitnessFile(file.resolve()).thin(spacing, dry_run=dry_run)
        except StorageError as error:
            faults += 1
            say(f"error: {error.message}\nhint: {error.hint}")
    if json:
        _print_json(thinned, faults)
    else:
        _show(thinned)
    raise typer.Exit(EXIT_UNREAD if faults else 0)


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.witness")) if path.is_dir() else [path]
        if not inside or not path.exists():
            raise InputError(f"{path} has no witness file", "give AGENCY_SITE_DEVICE.witness, or the folder of them")
        found += inside
    return found


def _print_json(thinned: dict[str, Thinned], faults: int) -> None:
    from dataclasses import asdict

    print_json({"files": [{"file": file, **asdict(one)} for file, one in thinned.items()], "faults": faults})


def _show(thinned: dict[str, Thinned]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("witness file")
    for heading in ("lines", "stay", "KiB", "stay"):
        table.add_column(heading, justify="right")
    for file, one in thinned.items():
        sizes = (one.lines_before, one.lines, round(one.bytes_before / 1024), round(one.bytes / 1024))
        table.add_row(Path(file).stem, *(f"{size:,}" for size in sizes))
    console().print(table)
