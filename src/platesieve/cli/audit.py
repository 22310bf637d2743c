"""`platesieve audit`: verify the log of a device and look into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from platesieve.cli.options import JsonOption
from platesieve.cli.speech import print_json, say
from platesieve.domain.errors import AuditError, InputError, KeyFileError

if TYPE_CHECKING:
    from platesieve.adapters.audit_folder import FolderFiles
    from platesieve.audit.entry import Entry
    from platesieve.audit.note import NoteVerifier
    from platesieve.audit.verify import Verdict

app = typer.Typer(help="Verify the audit log of a device, and look into it.", no_args_is_help=True)

EXIT_ALTERED = 1
EXIT_CONTRADICTS_WITNESS = 73

FolderArgument = Annotated[Path, typer.Argument(help="Folder of the log: the one that holds `checkpoint`.")]
VkeyOption = Annotated[
    Path | None, typer.Option(help="The device's audit.vkey, noted at enrolment; else the one beside the log.")
]


@app.command()
def verify(
    folder: FolderArgument,
    vkey: VkeyOption = None,
    witness: Annotated[
        Path | None,
        typer.Option(help="An earlier checkpoint of this device, kept elsewhere: shows rollback, fork and cut-off."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Re-derive the whole log from its entries and compare it with what the device signed.

    Exit codes: 0 intact; 1 altered; 73 contradicts the witnessed checkpoint; 66 cannot be read; 77 no usable key.

    Examples:

      platesieve audit verify state/audit --vkey cam-1.vkey --witness last-month.checkpoint
    """
    from platesieve.audit.verify import Outcome, verify_log

    files = _open(folder)
    verifier = _verifier(folder, vkey)
    try:
        verdict = verify_log(files, verifier, _read(witness) if witness else None)
    except AuditError as error:
        raise InputError(f"{witness}: {error.message}", "give a checkpoint of this device") from error
    if json:
        print_json(_as_json(verdict))
    else:
        typer.echo(verdict.sentence)
        for finding in verdict.findings:
            typer.echo(f"  {'warning' if finding.warning else 'fault'} {finding.step}  {finding.text}")
        if vkey is None:
            say("hint: the key came from beside the log; give --vkey with the one that was noted at enrolment")
    exits = {Outcome.ALTERED: EXIT_ALTERED, Outcome.CONTRADICTS_WITNESS: EXIT_CONTRADICTS_WITNESS}
    raise typer.Exit(exits.get(verdict.outcome, 0))


@app.command()
def show(
    folder: FolderArgument,
    last: Annotated[int, typer.Option(min=1, help="How many of the newest entries.")] = 20,
    vkey: VkeyOption = None,
    json: JsonOption = False,
) -> None:
    """List the newest entries. Only `verify` says whether they can be believed."""
    from platesieve.audit.verify import read_checkpoint, read_entries

    files = _open(folder)
    verifier = _verifier(folder, vkey)
    checkpoint = read_checkpoint(files, verifier, verifier.name)
    entries = list(read_entries(files, checkpoint.size, last))
    if json:
        print_json([{"index": number, **_document(entry)} for number, entry in entries])
        return
    _print_table(entries, checkpoint.origin, checkpoint.size)


def _print_table(entries: list[tuple[int, Entry]], origin: str, size: int) -> None:
    from rich.table import Table
    from rich.text import Text

    from platesieve.cli.speech import console

    table = Table(title=f"{origin}, {size} entries", box=None, padding=(0, 1))
    for column in ("entry", "time", "type", "what it says"):
        table.add_column(column, header_style="dim")
    for number, entry in entries:
        document = _document(entry)
        time, kind = document.pop("time"), document.pop("type")
        table.add_row(str(number), time, Text(kind, style="bold"), Text(_shown(document)))
    console().print(table)


def _shown(document: dict[str, Any]) -> str:
    """Return what is left of an entry in one line; hashes shortened, nothing that is zero or empty."""
    parts: list[str] = []
    for key, value in document.items():
        if isinstance(value, dict):
            parts.extend(f"{name} {count}" for name, count in value.items())
        elif isinstance(value, list):
            parts.append(f"{key} {', '.join(map(str, value)) or 'none'}")
        elif isinstance(value, str) and len(value) >= 32 and "/" not in value:  # noqa: PLR2004 - ids and hashes
            parts.append(f"{key} {value[:8]}...")
        elif value != 0:
            parts.append(f"{key} {value}")
    return ", ".join(parts)


def _document(entry: Entry) -> dict[str, Any]:
    from json import loads

    from platesieve.audit.entry import encode

    return dict(loads(encode(entry)))


def _as_json(verdict: Verdict) -> dict[str, Any]:
    checkpoint = verdict.checkpoint
    return {
        "outcome": verdict.outcome.value,
        "sentence": verdict.sentence,
        "origin": checkpoint.origin if checkpoint else None,
        "size": checkpoint.size if checkpoint else None,
        "root": checkpoint.root.hex() if checkpoint else None,
        "findings": [
            {"step": f.step, "fault": f.fault.value, "warning": f.warning, "text": f.text} for f in verdict.findings
        ],
    }


def _open(folder: Path) -> FolderFiles:
    from platesieve.adapters.audit_folder import FolderFiles

    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", "give the folder that holds the file `checkpoint`")
    return FolderFiles(folder)


def _verifier(folder: Path, vkey: Path | None) -> NoteVerifier:
    from platesieve.adapters.key_files import load_vkey

    if vkey is not None:
        return load_vkey(vkey)
    for place in (folder / "audit.vkey", folder.parent / "audit.vkey", folder.parent / "keys" / "audit.vkey"):
        if place.is_file():
            return load_vkey(place)
    raise KeyFileError("there is no audit.vkey beside the log", "give --vkey with the one that was noted at enrolment")


def _read(file: Path) -> bytes:
    """Return a checkpoint, from a file of its own or from the event in which a subscriber received it."""
    from json import loads

    try:
        content = file.read_bytes()
        return str(loads(content)["data"]["checkpoint"]).encode() if content.startswith(b"{") else content
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}", "give a checkpoint of this device") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} is no event with a checkpoint", "give a checkpoint of this device") from error
